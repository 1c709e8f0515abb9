//! The groups' SQL: the list, one group, and creating, saving and deleting it, each with its audit entry in one
//! transaction.

mod members;

use diesel::prelude::*;
use diesel::sql_types::Uuid as SqlUuid;
use diesel_async::RunQueryDsl;
use uuid::Uuid;

pub use members::{
    Added, GroupChoice, add, all, among, candidates, join, joinable, joined, leave, members, one, remove,
    renew_claimed_groups,
};

use super::model::{CheckedGroup, Group, Member};
use crate::access::{Coupled, PermissionSet};
use crate::audit::{Change, Changes, first_version, next_version, transaction};
use crate::db::Conn;
use crate::db::keyset::{Bind, Select};
use crate::db::schema::{group_permissions, groups};
use crate::db::version::SeenVersion;
use crate::name::searched;
use crate::people::candidates::patterns;
use crate::people::listings;
use crate::web::{Error, ListQuery, Pages, SaveError};

const ROWS: &str = "SELECT id, name, description, claim_value, version, created_at, created_by, updated_at, updated_by,
        (SELECT count(*) FROM group_users m WHERE m.group_id = g.id) AS users,
        (SELECT count(*) FROM group_groups m WHERE m.group_id = g.id) AS groups,
        ARRAY(SELECT permission FROM group_permissions p WHERE p.group_id = g.id) AS permissions
    FROM groups g";

/// One page of the list.
pub async fn list(conn: &Conn, query: &ListQuery<Group>) -> Result<(Vec<Group>, Pages), Error> {
    let rows = format!("{ROWS} WHERE search_text LIKE ALL ($1)");
    query.fetch(conn, Select { rows: &rows, binds: &[Bind::Texts(patterns(&query.search))], ..Select::default() }).await
}

/// The group as it is now, kept as it is until the transaction ends.
async fn lock(conn: &mut Conn, id: Uuid) -> Result<Group, Error> {
    groups::table.find(id).select(groups::id).for_no_key_update().first::<Uuid>(conn).await?;
    find(conn, id).await
}

pub async fn find(conn: &mut Conn, id: Uuid) -> Result<Group, Error> {
    let group = diesel::sql_query(format!("{ROWS} WHERE id = $1"));
    Ok(group.bind::<SqlUuid, _>(id).get_result(conn).await?)
}

/// The columns of a group that its form has.
#[derive(Insertable, AsChangeset)]
#[diesel(table_name = groups)]
struct GroupColumns<'a> {
    name: &'a str,
    name_key: String,
    search_text: String,
    description: &'a str,
    claim_value: &'a str,
}

/// Stores a new group under the id that its form was given, or saves one that has not been saved since it was seen.
pub async fn save(
    change: &mut Change<'_>,
    (id, seen): (Uuid, Option<SeenVersion>),
    new: &CheckedGroup,
) -> Result<Coupled, SaveError> {
    transaction(change, async |change| {
        let old = match seen {
            Some(_) => lock(change.conn, id).await?,
            None => Group::default(),
        };
        let (name, coupled) = (new.name.as_str(), PermissionSet::couple(old.permissions, new.chosen));
        let columns = GroupColumns {
            name,
            name_key: new.name.key(),
            search_text: searched(&[name, &new.description]),
            description: &new.description,
            claim_value: new.claim_value.as_ref().unwrap_or(&old.claim_value),
        };
        let changes = Changes::none()
            .field("Name", &old.name, name)
            .field("Description", &old.description, columns.description)
            .field("Claim value", &old.claim_value, columns.claim_value)
            .field("Permissions", old.permissions.labels(), coupled.set.labels());
        let kind = match seen {
            Some(seen) => {
                seen.check(old.version)?;
                let row = diesel::update(groups::table.find(id));
                row.set((columns, next_version!(groups, change))).execute(change.conn).await?;
                "group.saved"
            }
            None => {
                let row = (groups::id.eq(id), columns, first_version!(groups, change));
                diesel::insert_into(groups::table).values(row).execute(change.conn).await?;
                "group.created"
            }
        };
        grant(change.conn, id, old.permissions, coupled.set).await?;
        change.record(kind, id, name, changes).await?;
        Ok(coupled)
    })
    .await
}

/// Deletes a group. Its members stay, without what only this group gave them.
pub async fn delete(change: &mut Change<'_>, id: Uuid) -> Result<(), Error> {
    transaction(change, async |change| {
        let group = lock(change.conn, id).await?;
        let names = members::names(change.conn, id).await?;
        let [listing, owned] = listings::names(change.conn, Member::Group(id)).await?;
        diesel::delete(groups::table.find(id)).execute(change.conn).await?;
        let changes = Changes::none()
            .field("Name", &group.name, "")
            .field("Description", &group.description, "")
            .field("Claim value", &group.claim_value, "")
            .field("Permissions", group.permissions.labels(), "")
            .field("Members", names.join(", "), "")
            .field("Data connectors that listed it", listing, "")
            .field("Data connectors that it owned", owned, "");
        change.record("group.deleted", id, &group.name, changes).await
    })
    .await
}

/// Brings a group's own permissions from one set to another.
async fn grant(conn: &mut Conn, id: Uuid, before: PermissionSet, set: PermissionSet) -> QueryResult<()> {
    let removed = group_permissions::table
        .filter(group_permissions::group_id.eq(id))
        .filter(group_permissions::permission.eq_any(before.without(set).codes()));
    diesel::delete(removed).execute(conn).await?;
    let added = set.without(before).codes().into_iter();
    let added: Vec<_> =
        added.map(|code| (group_permissions::group_id.eq(id), group_permissions::permission.eq(code))).collect();
    diesel::insert_into(group_permissions::table).values(added).execute(conn).await?;
    Ok(())
}
