//! The SQL of the Access tab, and of who can use a connector: people by name, narrowed by a right, and the keys of
//! programs.
//!
//! The filter goes down from groups to their members, for all people at once; what a page says of each person is worked
//! out from the groups above them, and decided by `Rights::of`. A test compares the two.

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel::sql_types::{Array, BigInt, Bool, Text, Timestamptz, Uuid as SqlUuid};
use diesel_async::RunQueryDsl;
use uuid::Uuid;

use super::model::{CheckedAccess, Entry, MOST};
use super::who::Narrowed;
use crate::access::{Right, Rights};
use crate::audit::{Change, Changes, transaction};
use crate::connectors::{Connector, ConnectorId, EVERYBODY, Listed, list_members, save_access, unlist_all};
use crate::db::Conn;
use crate::db::keyset::{Bind, Select};
use crate::db::schema::{connectors, user_permissions, users};
use crate::db::version::SeenVersion;
use crate::people::{Member, MemberRow, among_chosen, first_matches, patterns};
use crate::web::{Column, Error, ListQuery, Pages, Row, SaveError};

const ACCESS_SAVED: &str = "connector.access_saved";

/// The users and groups that a connector lists, by name.
pub(super) async fn entries(conn: &mut Conn, connector: ConnectorId) -> Result<Vec<Entry>, Error> {
    let sql = "SELECT CASE WHEN r.user_id IS NULL THEN 'group' ELSE 'user' END AS kind, coalesce(u.id, g.id) AS id, coalesce(u.name, g.name) AS name,
            coalesce(u.username, '') AS username, coalesce(u.active, true) AS active, false AS by_claim, r.rights
        FROM connector_rights r LEFT JOIN users u ON u.id = r.user_id LEFT JOIN groups g ON g.id = r.group_id
        WHERE r.connector_id = $1 ORDER BY coalesce(u.name, g.name) COLLATE \"und-x-icu\", coalesce(u.id, g.id)";
    Ok(diesel::sql_query(sql).bind::<SqlUuid, _>(connector).load(conn).await?)
}

/// Users and groups that the connector $1 does not list and whose names match $2.
const OTHERS: &str = "SELECT 'user' AS kind, u.id, u.name, u.username, u.active, false AS by_claim FROM users u
        WHERE u.search_text LIKE ALL ($2) AND NOT EXISTS (SELECT FROM connector_rights r WHERE r.connector_id = $1 AND r.user_id = u.id)
    UNION ALL
    SELECT 'group', g.id, g.name, '', true, false FROM groups g
        WHERE g.search_text LIKE ALL ($2) AND NOT EXISTS (SELECT FROM connector_rights r WHERE r.connector_id = $1 AND r.group_id = g.id)";

/// The first who could be listed and whose names match the search, and whether there are more.
pub(super) async fn candidates(
    conn: &mut Conn,
    connector: ConnectorId,
    search: &str,
) -> Result<(Vec<MemberRow>, bool), Error> {
    first_matches(conn, OTHERS, connector, search).await
}

#[derive(QueryableByName)]
struct Groups {
    #[diesel(sql_type = Array<SqlUuid>)]
    groups: Vec<Uuid>,
}

/// A user, and the groups that they are in, directly or through others.
pub(super) async fn memberships(conn: &mut Conn, user: Uuid) -> Result<Vec<Member>, Error> {
    let found: Groups =
        diesel::sql_query("SELECT groups_of($1) AS groups").bind::<SqlUuid, _>(user).get_result(conn).await?;
    let groups = found.groups.into_iter().map(Member::Group);
    Ok(std::iter::once(Member::User(user)).chain(groups).collect())
}

/// Saves what is open and who is listed, unless the connector was saved since it was read.
pub(super) async fn save(
    change: &mut Change<'_>,
    (connector, seen): (&Connector, SeenVersion),
    new: &CheckedAccess,
) -> Result<(), SaveError> {
    transaction(change, async |change| {
        let live = connectors::table.find(connector.id).filter(connectors::deleted_at.is_null());
        let version = live.select(connectors::access_version);
        seen.lock(change.conn, version.for_no_key_update()).await?;
        save_access(change, connector.id, Some(new.open)).await?;
        let before = entries(change.conn, connector.id).await?;
        unlist_all(change.conn, connector.id).await?;
        let rows: Vec<Listed> = new.listed.iter().map(|(who, rights)| listed(*who, *rights)).collect();
        list_members(change.conn, connector.id, &rows).await?;
        let changes = Changes::none().field(EVERYBODY, connector.open.labels(), new.open.labels());
        let changes = before.iter().fold(changes, |changes, entry| {
            changes.field(&entry.who.full_name(), entry.rights.labels(), new.rights_of(entry.who.member()).labels())
        });
        Ok(change.record(ACCESS_SAVED, connector.id, &connector.name, changes).await?)
    })
    .await
}

/// An entry as it is stored.
fn listed(who: Member, rights: Rights) -> Listed {
    match who {
        Member::User(id) => Listed { user: Some(id), group: None, rights },
        Member::Group(id) => Listed { user: None, group: Some(id), rights },
    }
}

/// The result of listing people.
pub(super) enum Added {
    Number(usize),
    /// None was added: there would be too many.
    TooMany,
}

/// Lists those of `chosen` that exist and are not listed yet, for these rights.
pub(super) async fn add(
    change: &mut Change<'_>,
    connector: &Connector,
    chosen: &[Member],
    rights: Rights,
) -> Result<Added, SaveError> {
    transaction(change, async |change| {
        // First, so that those who change the access do it one after the other.
        if !save_access(change, connector.id, None).await? {
            return Err(SaveError::Stale);
        }
        let new = among_chosen(change.conn, OTHERS, connector.id, chosen).await?;
        if entries(change.conn, connector.id).await?.len() + new.len() > MOST {
            return Ok(Added::TooMany);
        }
        let rows: Vec<Listed> = new.iter().map(|row| listed(row.member(), rights)).collect();
        list_members(change.conn, connector.id, &rows).await?;
        if !new.is_empty() {
            let changes =
                new.iter().fold(Changes::none(), |changes, row| changes.field(&row.full_name(), "", rights.labels()));
            change.record(ACCESS_SAVED, connector.id, &connector.name, changes).await?;
        }
        Ok(Added::Number(new.len()))
    })
    .await
}

/// Who has which permission, and who is listed for what on the connector $1, whichever groups that goes through.
const HOLDERS: &str = "WITH RECURSIVE granting (permission, group_id) AS (
        SELECT permission, group_id FROM group_permissions
        UNION SELECT g.permission, gg.member_group_id FROM group_groups gg JOIN granting g ON gg.group_id = g.group_id
    ), granted AS (
        SELECT user_id, permission FROM user_permissions
        UNION SELECT gu.user_id, g.permission FROM group_users gu JOIN granting g ON gu.group_id = g.group_id
    ), listing (code, group_id) AS (
        SELECT unnest(rights), group_id FROM connector_rights WHERE connector_id = $1 AND group_id IS NOT NULL
        UNION SELECT l.code, gg.member_group_id FROM group_groups gg JOIN listing l ON gg.group_id = l.group_id
    ), listed AS (
        SELECT user_id, unnest(rights) AS code FROM connector_rights WHERE connector_id = $1 AND user_id IS NOT NULL
        UNION SELECT gu.user_id, l.code FROM group_users gu JOIN listing l ON gu.group_id = l.group_id
    )";

/// An active user.
#[derive(QueryableByName)]
#[diesel(table_name = users)]
pub(super) struct PersonRow {
    pub id: Uuid,
    pub name: String,
    pub username: String,
    pub super_admin: bool,
}

impl Row for PersonRow {
    const NOUN: [&'static str; 2] = ["user", "users"];
    const COLUMNS: &'static [Column<PersonRow>] =
        &[Column::text("name", "Name", "name COLLATE \"und-x-icu\"", |row| &row.name)];

    fn id(&self) -> Uuid {
        self.id
    }
}

/// One page of the active users who fit.
pub(super) async fn people(
    conn: &Conn,
    connector: &Connector,
    query: &ListQuery<PersonRow>,
    narrowed: Narrowed,
) -> Result<(Vec<PersonRow>, Pages), Error> {
    let rows = format!(
        "SELECT id, name, username, super_admin FROM users u WHERE active AND search_text LIKE ALL ($2) AND {}",
        condition(narrowed, connector.open)
    );
    let binds = [Bind::Id(Some(connector.id)), Bind::Texts(patterns(&query.search))];
    query.fetch(conn, Select { with: HOLDERS, rows: &rows, binds: &binds, ..Select::default() }).await
}

/// Whether the user `u` fits.
fn condition(narrowed: Narrowed, open: Rights) -> String {
    match narrowed {
        Narrowed::Everybody => "true".into(),
        Narrowed::May(right) => format!("(super_admin OR {})", may(right, open)),
        Narrowed::MayNothing => format!("NOT (super_admin OR {})", may(Right::View, open)),
    }
}

fn may(right: Right, open: Rights) -> String {
    let permission = right.permission();
    let required = permission.requires().iter().chain([&permission]);
    let granted = required
        .map(|permission| format!("id IN (SELECT user_id FROM granted WHERE permission = '{}')", permission.code()));
    // View is part of every other right, open or listed.
    let admitted =
        (!open.contains(right)).then(|| format!("id IN (SELECT user_id FROM listed WHERE code = '{}')", right.code()));
    let conditions: Vec<String> = granted.chain(admitted).collect();
    format!("({})", conditions.join(" AND "))
}

/// The permissions that each of these users has directly.
pub(super) async fn own_permissions(conn: &mut Conn, users: &[Uuid]) -> Result<HashMap<Uuid, Vec<String>>, Error> {
    let rows: Vec<(Uuid, String)> = user_permissions::table
        .filter(user_permissions::user_id.eq_any(users.to_vec()))
        .select((user_permissions::user_id, user_permissions::permission))
        .load(conn)
        .await?;
    let mut own: HashMap<Uuid, Vec<String>> = HashMap::new();
    for (user, code) in rows {
        own.entry(user).or_default().push(code);
    }
    Ok(own)
}

/// A program's key that can call a connector.
#[derive(QueryableByName)]
pub(super) struct KeyRow {
    #[diesel(sql_type = SqlUuid)]
    pub program_id: Uuid,
    #[diesel(sql_type = Text)]
    pub program_name: String,
    #[diesel(sql_type = SqlUuid)]
    pub id: Uuid,
    #[diesel(sql_type = Text)]
    pub name: String,
    /// It can call this connector by name; else all that are open.
    #[diesel(sql_type = Bool)]
    pub named: bool,
    #[diesel(sql_type = Bool)]
    pub all_endpoints: bool,
    #[diesel(sql_type = BigInt)]
    pub endpoints: i64,
    #[diesel(sql_type = Bool)]
    pub proxy: bool,
    #[diesel(sql_type = Bool)]
    pub token: bool,
}

/// The keys of active programs that can call the connector now, at most `most`.
pub(super) async fn keys(
    conn: &mut Conn,
    connector: &Connector,
    now: DateTime<Utc>,
    most: i64,
) -> Result<Vec<KeyRow>, Error> {
    let by_all = connector.open.contains(Right::Call);
    let token_by_all = connector.open.contains(Right::Authorize);
    let sql = format!(
        "SELECT p.id AS program_id, p.name AS program_name, k.id, k.name, s.connector_id IS NOT NULL AS named, s.all_endpoints,
            (SELECT count(*) FROM api_key_endpoints e WHERE e.scope_id = s.id) AS endpoints, s.proxy,
            s.token AND (s.connector_id IS NOT NULL OR {token_by_all}) AS token
        FROM api_key_scopes s JOIN api_keys k ON k.id = s.api_key_id JOIN programs p ON p.id = k.program_id
        WHERE p.active AND k.revoked_at IS NULL AND (k.expires_at IS NULL OR k.expires_at > $2)
            AND (s.connector_id = $1 OR s.connector_id IS NULL AND {by_all})
        ORDER BY p.name, k.name, k.id, named DESC LIMIT $3"
    );
    Ok(diesel::sql_query(sql)
        .bind::<SqlUuid, _>(connector.id)
        .bind::<Timestamptz, _>(now)
        .bind::<BigInt, _>(most)
        .load(conn)
        .await?)
}
