//! The groups' SQL: the list, and one group.

mod members;
mod save;

use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use uuid::Uuid;

pub use members::renew_claimed_groups;
pub(super) use members::{Added, add, among, candidates, members, remove};
pub(in crate::people) use members::{GroupChoice, all, join, joinable, joined, leave, one};
pub(super) use save::{create, delete, update};

use super::model::{Facts, Group, GroupRow};
use crate::access::PermissionSet;
use crate::db::Conn;
use crate::db::keyset::{Bind, Select};
use crate::db::schema::{group_groups, group_permissions, group_users, groups};
use crate::people::candidates::patterns;
use crate::web::{Error, ListQuery, Pages};

/// The groups as the list shows them.
const ROWS: &str = "SELECT id, name, description, updated_at, created_at,
        (SELECT count(*) FROM group_users m WHERE m.group_id = g.id) + (SELECT count(*) FROM group_groups m WHERE m.group_id = g.id) AS members,
        (SELECT count(*) FROM group_permissions p WHERE p.group_id = g.id) AS permissions
    FROM groups g WHERE search_text LIKE ALL ($1)";

/// One page of the list.
pub(super) async fn list(conn: &Conn, query: &ListQuery<GroupRow>) -> Result<(Vec<GroupRow>, Pages), Error> {
    let binds = [Bind::Texts(patterns(&query.search))];
    query.fetch(conn, Select { with: "", rows: ROWS, binds: &binds }).await
}

/// The group as it is now, kept as it is until the transaction ends.
async fn lock(conn: &mut Conn, id: Uuid) -> Result<Group, Error> {
    groups::table.find(id).select(groups::id).for_no_key_update().first::<Uuid>(conn).await?;
    find(conn, id).await
}

pub(super) async fn find(conn: &mut Conn, id: Uuid) -> Result<Group, Error> {
    let facts: Facts = groups::table.find(id).select(Facts::as_select()).first(conn).await?;
    let codes: Vec<String> = group_permissions::table
        .filter(group_permissions::group_id.eq(id))
        .select(group_permissions::permission)
        .load(conn)
        .await?;
    Ok(Group {
        facts,
        permissions: PermissionSet::of_codes(&codes),
        users: group_users::table.filter(group_users::group_id.eq(id)).count().get_result(conn).await?,
        groups: group_groups::table.filter(group_groups::group_id.eq(id)).count().get_result(conn).await?,
    })
}
