//! Who can use a connector: people by name, narrowed by a right, and the keys of programs.
//!
//! The filter comes down from groups to their members, for all people at once; what a page says of each person is
//! worked out from the groups above them, and decided by `Rights::of`. A test compares the two.

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Bool, Text, Timestamptz, Uuid as SqlUuid};
use diesel_async::RunQueryDsl;
use uuid::Uuid;

use super::super::who::Narrowed;
use crate::access::{Right, Rights};
use crate::connectors::Connector;
use crate::db::Conn;
use crate::db::keyset::{Bind, Select};
use crate::db::schema::user_permissions;
use crate::people::patterns;
use crate::web::{Column, Error, ListQuery, Pages, Row};

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
pub(in super::super) struct PersonRow {
    #[diesel(sql_type = SqlUuid)]
    pub id: Uuid,
    #[diesel(sql_type = Text)]
    pub name: String,
    #[diesel(sql_type = Text)]
    pub username: String,
    #[diesel(sql_type = Bool)]
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
pub(in super::super) async fn people(
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
    query.fetch(conn, Select { with: HOLDERS, rows: &rows, binds: &binds }).await
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
    // View is part of everything else that is open or that somebody is listed for.
    let admitted =
        (!open.contains(right)).then(|| format!("id IN (SELECT user_id FROM listed WHERE code = '{}')", right.code()));
    let conditions: Vec<String> = granted.chain(admitted).collect();
    format!("({})", conditions.join(" AND "))
}

/// The permissions that each of these users has directly.
pub(in super::super) async fn own_permissions(
    conn: &mut Conn,
    users: &[Uuid],
) -> Result<HashMap<Uuid, Vec<String>>, Error> {
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

/// A program's key that leads to a connector.
#[derive(QueryableByName)]
pub(in super::super) struct KeyRow {
    #[diesel(sql_type = SqlUuid)]
    pub program_id: Uuid,
    #[diesel(sql_type = Text)]
    pub program_name: String,
    #[diesel(sql_type = SqlUuid)]
    pub id: Uuid,
    #[diesel(sql_type = Text)]
    pub name: String,
    /// It leads to this connector by name; else to all that are open.
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

/// The keys of active programs that lead to the connector now, at most `most`.
pub(in super::super) async fn keys(
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
