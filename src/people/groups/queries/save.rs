//! Creating, saving and deleting a group, each with its audit line in one transaction.

use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use uuid::Uuid;

use super::{lock, members};
use crate::access::{Coupled, PermissionSet};
use crate::audit::{Change, Changes, next_version, transaction};
use crate::db::Conn;
use crate::db::schema::{group_permissions, groups};
use crate::db::version::SeenVersion;
use crate::name::searched;
use crate::people::groups::model::{CheckedGroup, Member};
use crate::people::listings;
use crate::web::{Error, SaveError};

/// Stores a new group under the id that its form was given.
pub(in crate::people::groups) async fn create(
    change: &mut Change<'_>,
    id: Uuid,
    new: &CheckedGroup,
) -> Result<Coupled, SaveError> {
    transaction(change, async |change| {
        let none = PermissionSet::default();
        let coupled = PermissionSet::couple(none, new.chosen);
        diesel::insert_into(groups::table)
            .values((
                groups::id.eq(id),
                groups::name.eq(new.name.as_str()),
                groups::name_key.eq(new.name.key()),
                groups::search_text.eq(searched(&[new.name.as_str(), &new.description])),
                groups::description.eq(&new.description),
                groups::claim_value.eq(new.claim_value.as_deref().unwrap_or_default()),
                groups::created_at.eq(change.now),
                groups::created_by.eq(change.by.attribution()),
                groups::updated_at.eq(change.now),
                groups::updated_by.eq(change.by.attribution()),
            ))
            .execute(change.conn)
            .await?;
        grant(change.conn, id, none, coupled.set).await?;
        let changes = Changes::none()
            .field("Name", "", new.name.as_str())
            .field("Description", "", &new.description)
            .field("Claim value", "", new.claim_value.as_deref().unwrap_or_default())
            .field("Permissions", "", coupled.set.labels());
        change.record("group.created", id, new.name.as_str(), changes).await?;
        Ok(coupled)
    })
    .await
}

/// Saves a group that has not been saved since it was read.
pub(in crate::people::groups) async fn update(
    change: &mut Change<'_>,
    (id, seen): (Uuid, SeenVersion),
    new: &CheckedGroup,
) -> Result<Coupled, SaveError> {
    transaction(change, async |change| {
        let old = lock(change.conn, id).await?;
        seen.check(old.version)?;
        let coupled = PermissionSet::couple(old.permissions, new.chosen);
        let claim_value = new.claim_value.as_ref().unwrap_or(&old.claim_value);
        diesel::update(groups::table.find(id))
            .set((
                groups::name.eq(new.name.as_str()),
                groups::name_key.eq(new.name.key()),
                groups::search_text.eq(searched(&[new.name.as_str(), &new.description])),
                groups::description.eq(&new.description),
                groups::claim_value.eq(claim_value),
                next_version!(groups, change),
            ))
            .execute(change.conn)
            .await?;
        grant(change.conn, id, old.permissions, coupled.set).await?;
        let changes = Changes::none()
            .field("Name", &old.name, new.name.as_str())
            .field("Description", &old.description, &new.description)
            .field("Claim value", &old.claim_value, claim_value)
            .field("Permissions", old.permissions.labels(), coupled.set.labels());
        change.record("group.saved", id, new.name.as_str(), changes).await?;
        Ok(coupled)
    })
    .await
}

/// Deletes a group. Its members stay, without what only this group gave them.
pub(in crate::people::groups) async fn delete(change: &mut Change<'_>, id: Uuid) -> Result<(), Error> {
    transaction(change, async |change| {
        let group = lock(change.conn, id).await?;
        let names = members::names(change.conn, id).await?;
        let listing = listings::names(change.conn, Member::Group(id)).await?;
        diesel::delete(groups::table.find(id)).execute(change.conn).await?;
        let changes = Changes::none()
            .field("Name", &group.name, "")
            .field("Description", &group.description, "")
            .field("Claim value", &group.claim_value, "")
            .field("Permissions", group.permissions.labels(), "")
            .field("Members", names.join(", "), "")
            .field("Data connectors that listed it", listing, "");
        change.record("group.deleted", id, group.name(), changes).await
    })
    .await
}

/// Brings a group's own permissions from one set to another.
async fn grant(conn: &mut Conn, id: Uuid, before: PermissionSet, set: PermissionSet) -> Result<(), Error> {
    let codes = |set: PermissionSet| -> Vec<&str> { set.iter().map(|permission| permission.code()).collect() };
    let taken = group_permissions::table
        .filter(group_permissions::group_id.eq(id))
        .filter(group_permissions::permission.eq_any(codes(before.without(set))));
    diesel::delete(taken).execute(conn).await?;
    let given: Vec<_> = codes(set.without(before))
        .into_iter()
        .map(|code| (group_permissions::group_id.eq(id), group_permissions::permission.eq(code)))
        .collect();
    diesel::insert_into(group_permissions::table).values(given).execute(conn).await?;
    Ok(())
}
