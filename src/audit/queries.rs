//! Writing and reading entries, the names and kinds that they have, and the pages of their objects.

use std::collections::HashMap;

use diesel::prelude::*;
use diesel::sql_types::{Array, Text, Uuid as SqlUuid};
use diesel_async::RunQueryDsl;
use serde_json::Value;
use uuid::Uuid;

use super::{AuditEntry, Change, Changes};
use crate::access::{Actor, Permission};
use crate::db::Conn;
use crate::db::schema::{audit_events, audit_links, audit_names};
use crate::name::word_pattern;
use crate::web::Error;

/// Writes the entry of a change.
pub(super) async fn insert(
    change: &Change<'_>,
    kind: &'static str,
    (subject_id, subject_name): (Option<Uuid>, &str),
    changes: Changes,
) -> Result<(), Error> {
    let by = change.by;
    diesel::insert_into(audit_events::table)
        .values((
            audit_events::id.eq(Uuid::now_v7()),
            audit_events::at.eq(change.now),
            audit_events::actor_id.eq(by.id),
            audit_events::actor_name.eq(&by.name),
            audit_events::actor_username.eq(&by.username),
            audit_events::address.eq(&by.address),
            audit_events::request_id.eq(&by.request_id),
            audit_events::kind.eq(kind),
            audit_events::subject_id.eq(subject_id),
            audit_events::subject_name.eq(subject_name),
            audit_events::changes.eq(Value::Array(changes.0)),
        ))
        .execute(&mut &*change.conn)
        .await?;
    Ok(())
}

/// The newest entries for one object.
pub async fn entries_of(conn: &mut Conn, subject: Uuid, most: i64) -> Result<Vec<AuditEntry>, Error> {
    Ok(audit_events::table
        .left_join(audit_links::table.on(audit_links::event_id.eq(audit_events::id)))
        .filter(audit_events::subject_id.eq(subject))
        .order((audit_events::at.desc(), audit_events::id.desc()))
        .limit(most)
        .select(AuditEntry::as_select())
        .load(conn)
        .await?)
}

/// These entries, the newest first.
pub(super) async fn entries(conn: &mut Conn, ids: &[Uuid]) -> Result<Vec<AuditEntry>, Error> {
    Ok(audit_events::table
        .left_join(audit_links::table.on(audit_links::event_id.eq(audit_events::id)))
        .filter(audit_events::id.eq_any(ids))
        .order((audit_events::at.desc(), audit_events::id.desc()))
        .select(AuditEntry::as_select())
        .load(conn)
        .await?)
}

/// Up to this many names are looked up one by one; of more, every entry is compared.
const FEW: usize = 100;

/// Words of a search beyond this many are ignored.
const MOST_WORDS: usize = 8;

/// Whose name it is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Role {
    /// Of who did something.
    Actor,
    /// Of what it was done to.
    Subject,
}

impl Role {
    pub fn code(self) -> &'static str {
        match self {
            Role::Actor => "actor",
            Role::Subject => "subject",
        }
    }
}

/// The names that a search means.
#[derive(Clone)]
pub(super) enum Names {
    Few(Vec<String>),
    /// More than a hundred, by the patterns that they fit.
    Many(Vec<String>),
}

/// The names that have all words of the search.
pub(super) async fn names(conn: &mut Conn, role: Role, search: &str) -> Result<Names, Error> {
    let words = search.split_whitespace().take(MOST_WORDS);
    let patterns: Vec<String> = words.map(word_pattern).collect();
    let mut found = audit_names::table
        .filter(audit_names::role.eq(role.code()))
        .select(audit_names::name)
        .limit(i64::try_from(FEW + 1).unwrap_or(i64::MAX))
        .into_boxed();
    for pattern in &patterns {
        found = found.filter(audit_names::search_text.like(pattern));
    }
    let found: Vec<String> = found.load(conn).await?;
    Ok(if found.len() > FEW { Names::Many(patterns) } else { Names::Few(found) })
}

#[derive(QueryableByName)]
struct Kind {
    #[diesel(sql_type = Text)]
    kind: String,
}

/// Every kind of event that the log has, from its index one by one: there are a few dozen among all lines.
pub(super) async fn kinds(conn: &mut Conn) -> Result<Vec<String>, Error> {
    let rows: Vec<Kind> = diesel::sql_query(
        "WITH RECURSIVE kinds AS (
            (SELECT kind FROM audit_events ORDER BY kind LIMIT 1)
            UNION ALL
            SELECT (SELECT kind FROM audit_events WHERE kind > kinds.kind ORDER BY kind LIMIT 1) FROM kinds WHERE kinds.kind IS NOT NULL
        )
        SELECT kind FROM kinds WHERE kind IS NOT NULL",
    )
    .load(conn)
    .await?;
    Ok(rows.into_iter().map(|row| row.kind).collect())
}

/// Each kind of object: the permission that its page needs, and its page by its id; `{seen}` stands for the condition
/// that a connector is visible.
const PAGES: &[(Permission, &str)] = &[
    (
        Permission::ViewConnectors,
        "SELECT id, '/connectors/' || key AS page FROM connectors WHERE id = ANY($1) AND deleted_at IS NULL{seen}",
    ),
    (
        Permission::EditCategories,
        "SELECT id, '/categories/' || id || '/edit' AS page FROM categories WHERE id = ANY($1)",
    ),
    (Permission::ManageUsers, "SELECT id, '/users/' || id AS page FROM users WHERE id = ANY($1)"),
    (Permission::ManageUsers, "SELECT id, '/groups/' || id AS page FROM groups WHERE id = ANY($1)"),
    (Permission::ManageUsers, "SELECT id, '/programs/' || id AS page FROM programs WHERE id = ANY($1)"),
    // Only their holders have a page of keys of people.
    (
        Permission::ManageUsers,
        "SELECT id, '/programs/' || program_id || '/keys/' || id AS page FROM api_keys WHERE id = ANY($1) AND program_id IS NOT NULL",
    ),
];

#[derive(QueryableByName)]
struct Page {
    #[diesel(sql_type = SqlUuid)]
    id: Uuid,
    #[diesel(sql_type = Text)]
    page: String,
}

/// The pages of those objects that are still there and that this person may open.
pub(super) async fn object_pages(
    conn: &mut Conn,
    actor: &Actor,
    subjects: Vec<Uuid>,
) -> Result<HashMap<Uuid, String>, Error> {
    let seen = actor.visibility.and("connectors");
    let open: Vec<String> = PAGES
        .iter()
        .filter(|(permission, _)| actor.may(*permission))
        .map(|(_, query)| query.replace("{seen}", &seen))
        .collect();
    if open.is_empty() || subjects.is_empty() {
        return Ok(HashMap::new());
    }
    let pages: Vec<Page> =
        diesel::sql_query(open.join(" UNION ALL ")).bind::<Array<SqlUuid>, _>(subjects).load(conn).await?;
    Ok(pages.into_iter().map(|page| (page.id, page.page)).collect())
}
