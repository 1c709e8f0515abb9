//! The SQL of the Access tab.

mod save;
mod who;

use diesel::sql_types::{Array, Uuid as SqlUuid};
use diesel_async::RunQueryDsl;
use uuid::Uuid;

use super::model::Entry;
use crate::connectors::ConnectorId;
use crate::db::Conn;
use crate::people::{Member, MemberRow, first_fitting};
use crate::web::Error;

pub(super) use save::{Added, add, save};
pub(super) use who::{KeyRow, PersonRow, keys, own_permissions, people};

/// Everybody whom a connector lists, by name.
pub(super) async fn entries(conn: &mut Conn, connector: ConnectorId) -> Result<Vec<Entry>, Error> {
    let sql = "SELECT CASE WHEN r.user_id IS NULL THEN 'group' ELSE 'user' END AS kind, coalesce(u.id, g.id) AS id, coalesce(u.name, g.name) AS name,
            coalesce(u.username, '') AS username, coalesce(u.active, true) AS active, false AS by_claim, r.rights
        FROM connector_rights r LEFT JOIN users u ON u.id = r.user_id LEFT JOIN groups g ON g.id = r.group_id
        WHERE r.connector_id = $1 ORDER BY coalesce(u.name, g.name) COLLATE \"und-x-icu\", coalesce(u.id, g.id)";
    Ok(diesel::sql_query(sql).bind::<SqlUuid, _>(connector).load(conn).await?)
}

/// Everybody whom the connector $1 does not list and whose name fits $2.
const OTHERS: &str = "SELECT 'user' AS kind, u.id, u.name, u.username, u.active, false AS by_claim FROM users u
        WHERE u.search_text LIKE ALL ($2) AND NOT EXISTS (SELECT FROM connector_rights r WHERE r.connector_id = $1 AND r.user_id = u.id)
    UNION ALL
    SELECT 'group', g.id, g.name, '', true, false FROM groups g
        WHERE g.search_text LIKE ALL ($2) AND NOT EXISTS (SELECT FROM connector_rights r WHERE r.connector_id = $1 AND r.group_id = g.id)";

/// The first `most` who could be listed and whose names fit the search.
pub(super) async fn candidates(
    conn: &mut Conn,
    connector: ConnectorId,
    search: &str,
    most: i64,
) -> Result<Vec<MemberRow>, Error> {
    first_fitting(conn, OTHERS, connector, (search, most)).await
}

#[derive(diesel::QueryableByName)]
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
