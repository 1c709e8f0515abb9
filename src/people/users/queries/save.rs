//! Creating and saving a user, each with its permissions and its audit line in one transaction.

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel_async::{AsyncConnection, RunQueryDsl};
use uuid::Uuid;

use super::super::model::{CheckedUser, User, guard};
use super::lock;
use crate::access::{Actor, Coupled, PermissionSet};
use crate::accounts::{self, NewUser, search_text};
use crate::audit::{self, Changes, Event};
use crate::db::Conn;
use crate::db::schema::{user_permissions, users};
use crate::db::version::SeenVersion;
use crate::people::invitations::{self, Invitation};
use crate::web::{Error, SaveError};

/// Stores a new user under the id that the form was given, and makes the link by which the user sets a password.
pub(in super::super) async fn create(
    conn: &mut Conn,
    by: &Actor,
    now: DateTime<Utc>,
    id: Uuid,
    new: CheckedUser,
) -> Result<(Coupled, Invitation), SaveError> {
    let coupled = PermissionSet::couple(PermissionSet::default(), new.chosen);
    let new = NewUser {
        id,
        username: new.username,
        name: new.name,
        password_hash: None,
        super_admin: false,
        permissions: coupled.set,
    };
    conn.transaction(async |conn| {
        accounts::insert(conn, by, now, &new).await?;
        let user = lock(conn, id).await?;
        let invitation = invitations::make(conn, by, now, &user).await?;
        Ok((coupled, invitation))
    })
    .await
}

/// Saves a user that nobody else has saved since it was read.
pub(in super::super) async fn update(
    conn: &mut Conn,
    by: &Actor,
    now: DateTime<Utc>,
    (id, seen): (Uuid, SeenVersion),
    new: &CheckedUser,
) -> Result<Coupled, SaveError> {
    conn.transaction(async |conn| {
        let old = lock(conn, id).await?;
        guard(by, &old)?;
        seen.check(old.facts.version)?;
        let coupled = PermissionSet::couple(old.permissions, new.chosen);
        diesel::update(users::table.find(id))
            .set((
                users::username.eq(new.username.as_str()),
                users::username_key.eq(new.username.key()),
                users::name.eq(&new.name),
                users::search_text.eq(search_text(new.username.as_str(), &new.name)),
                users::version.eq(users::version + 1),
                users::updated_at.eq(now),
                users::updated_by.eq(by.attribution()),
            ))
            .execute(conn)
            .await?;
        grant(conn, &old, coupled.set).await?;
        let changes = Changes::none()
            .field("User name", &old.facts.username, new.username.as_str())
            .field("Name", &old.facts.name, &new.name)
            .field("Permissions", old.permissions.labels(), coupled.set.labels());
        let event = Event { kind: "user.saved", subject_id: Some(id), subject_name: new.username.as_str(), changes };
        audit::record(conn, by, now, event).await?;
        Ok(coupled)
    })
    .await
}

/// Brings a user's own permissions to this set.
async fn grant(conn: &mut Conn, old: &User, set: PermissionSet) -> Result<(), Error> {
    let codes = |set: PermissionSet| -> Vec<&str> { set.iter().map(|permission| permission.code()).collect() };
    let id = old.facts.id;
    let taken = user_permissions::table
        .filter(user_permissions::user_id.eq(id))
        .filter(user_permissions::permission.eq_any(codes(old.permissions.without(set))));
    diesel::delete(taken).execute(conn).await?;
    let given: Vec<_> = codes(set.without(old.permissions))
        .into_iter()
        .map(|code| (user_permissions::user_id.eq(id), user_permissions::permission.eq(code)))
        .collect();
    diesel::insert_into(user_permissions::table).values(given).execute(conn).await?;
    Ok(())
}
