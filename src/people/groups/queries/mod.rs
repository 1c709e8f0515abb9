//! The groups' SQL: the list, and one group.

mod members;
mod of_user;
mod save;

use diesel::pg::Pg;
use diesel::prelude::*;
use diesel::sql_types::{Array, BigInt, Text, Uuid as SqlUuid};
use diesel_async::RunQueryDsl;
use uuid::Uuid;

pub(super) use members::{Added, add, among, candidates, members, remove};
pub(in crate::people) use of_user::{GroupChoice, all, join, joinable, joined, leave, one};
pub(super) use save::{create, delete, update};

use super::columns::GroupColumn;
use super::model::{Facts, Group, GroupRow};
use crate::access::{Permission, PermissionSet};
use crate::db::Conn;
use crate::db::keyset::{Keyset, Slice};
use crate::db::schema::{group_groups, group_permissions, group_users, groups};
use crate::people::search::{COUNT_LIMIT, patterns};
use crate::web::{Error, ListQuery, Total};

/// The groups as the list shows them.
const ROWS: &str = "SELECT id, name, description, updated_at, created_at,
        (SELECT count(*) FROM group_users m WHERE m.group_id = g.id) + (SELECT count(*) FROM group_groups m WHERE m.group_id = g.id) AS members,
        (SELECT count(*) FROM group_permissions p WHERE p.group_id = g.id) AS permissions
    FROM groups g WHERE search_text LIKE ALL ($1)";

/// One page of the list.
pub(super) async fn list(conn: &mut Conn, query: &ListQuery<GroupColumn>) -> Result<(Slice<GroupRow>, Total), Error> {
    let (column, kind) = query.column.sql();
    let keyset = Keyset { column, kind, descending: query.descending, position: &query.position };
    let place = keyset.condition(2).map(|condition| format!(" WHERE {condition}")).unwrap_or_default();
    let sql = format!("SELECT * FROM ({ROWS}) AS rows{place} ORDER BY {} LIMIT {}", keyset.order(), query.size + 1);
    let patterns = patterns(&query.search);
    let mut rows = diesel::sql_query(sql).into_boxed::<Pg>().bind::<Array<Text>, _>(&patterns);
    if let Some(cursor) = query.position.cursor() {
        rows = rows.bind::<Text, _>(&cursor.value).bind::<SqlUuid, _>(cursor.id);
    }
    let rows = rows.load::<GroupRow>(conn).await?;
    let sql = format!(
        "SELECT count(*) AS n FROM (SELECT 1 FROM groups WHERE search_text LIKE ALL ($1) LIMIT {}) AS found",
        COUNT_LIMIT + 1
    );
    let count: Count = diesel::sql_query(sql).bind::<Array<Text>, _>(&patterns).get_result(conn).await?;
    let total = Total::bounded(count.n, COUNT_LIMIT);
    Ok((Slice::new(rows, query.size, &query.position), total))
}

#[derive(QueryableByName)]
struct Count {
    #[diesel(sql_type = BigInt)]
    n: i64,
}

/// The group of an address; anything that is no id is none.
pub(super) async fn find(conn: &mut Conn, id: &str) -> Result<Group, Error> {
    read(conn, id.parse().map_err(|_| Error::NotFound)?).await
}

/// The group as it is now, kept as it is until the transaction ends.
async fn lock(conn: &mut Conn, id: Uuid) -> Result<Group, Error> {
    groups::table.find(id).select(groups::id).for_no_key_update().first::<Uuid>(conn).await?;
    read(conn, id).await
}

async fn read(conn: &mut Conn, id: Uuid) -> Result<Group, Error> {
    let facts: Facts = groups::table
        .find(id)
        .select((
            groups::id,
            groups::name,
            groups::description,
            groups::version,
            groups::created_at,
            groups::created_by,
            groups::updated_at,
            groups::updated_by,
            groups::claim_value,
        ))
        .first(conn)
        .await?;
    let codes: Vec<String> = group_permissions::table
        .filter(group_permissions::group_id.eq(id))
        .select(group_permissions::permission)
        .load(conn)
        .await?;
    let permissions = codes.iter().filter_map(|code| Permission::parse(code));
    Ok(Group {
        facts,
        permissions: PermissionSet::exactly(permissions),
        users: group_users::table.filter(group_users::group_id.eq(id)).count().get_result(conn).await?,
        groups: group_groups::table.filter(group_groups::group_id.eq(id)).count().get_result(conn).await?,
    })
}
