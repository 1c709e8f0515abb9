//! Changes to users, each with its audit line in one transaction: creating, saving, switching off and on, ending
//! sessions, super admin, deleting.

use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use uuid::Uuid;

use super::lock;
use crate::access::{Coupled, PermissionSet};
use crate::accounts::{self, NewUser, search_text, withdraw_invitations};
use crate::audit::{Change, Changes, transaction};
use crate::db::Conn;
use crate::db::schema::{identities, sessions, user_permissions, users};
use crate::db::version::SeenVersion;
use crate::people::groups::{self, Member};
use crate::people::invitations::{self, Invitation};
use crate::people::listings;
use crate::people::refusal::{ChangeError, Refusal};
use crate::people::users::model::{CheckedUser, User, UserStatus, guard};
use crate::web::{Error, SaveError};

/// Stores a new user under the id that the form was given, and makes the link by which the user sets a password.
pub(in crate::people::users) async fn create(
    change: &mut Change<'_>,
    id: Uuid,
    new: &CheckedUser,
) -> Result<(Coupled, Invitation), SaveError> {
    let coupled = PermissionSet::couple(PermissionSet::default(), new.chosen);
    let new = NewUser {
        id,
        username: new.username.clone(),
        name: new.name.clone(),
        password_hash: None,
        super_admin: false,
        permissions: coupled.set,
    };
    transaction(change, async |change| {
        accounts::insert(change.conn, change.by, change.now, &new).await?;
        let user = lock(change.conn, id).await?;
        let invitation = invitations::make(change, &user).await?;
        Ok((coupled, invitation))
    })
    .await
}

/// The user, locked, if the person who makes the change may change them.
async fn lock_for(change: &mut Change<'_>, id: Uuid) -> Result<User, Error> {
    let user = lock(change.conn, id).await?;
    guard(change.by, &user)?;
    Ok(user)
}

/// Saves a user that nobody else has saved since it was read.
pub(in crate::people::users) async fn update(
    change: &mut Change<'_>,
    (id, seen): (Uuid, SeenVersion),
    new: &CheckedUser,
) -> Result<Coupled, SaveError> {
    transaction(change, async |change| {
        let old = lock_for(change, id).await?;
        seen.check(old.facts.version)?;
        let coupled = PermissionSet::couple(old.permissions, new.chosen);
        diesel::update(users::table.find(id))
            .set((
                users::username.eq(new.username.as_str()),
                users::username_key.eq(new.username.key()),
                users::name.eq(&new.name),
                users::search_text.eq(search_text(new.username.as_str(), &new.name)),
                users::version.eq(users::version + 1),
                users::updated_at.eq(change.now),
                users::updated_by.eq(change.by.attribution()),
            ))
            .execute(change.conn)
            .await?;
        grant(change.conn, &old, coupled.set).await?;
        let changes = Changes::none()
            .field("User name", &old.facts.username, new.username.as_str())
            .field("Name", &old.facts.name, &new.name)
            .field("Permissions", old.permissions.labels(), coupled.set.labels());
        change.record("user.saved", id, new.username.as_str(), changes).await?;
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

/// Switches a user off or on. Either way no session and no link to a password is left: a session that began while the
/// user was being switched off must not come back to life.
pub(in crate::people::users) async fn set_active(
    change: &mut Change<'_>,
    id: Uuid,
    active: bool,
) -> Result<(), ChangeError> {
    transaction(change, async |change| {
        let old = lock_for(change, id).await?;
        if old.is(change.by) && !active {
            return Err(Refusal::Yourself.into());
        }
        if old.facts.active == active {
            return Ok(());
        }
        diesel::update(users::table.find(id))
            .set((
                users::active.eq(active),
                users::version.eq(users::version + 1),
                users::updated_at.eq(change.now),
                users::updated_by.eq(change.by.attribution()),
            ))
            .execute(change.conn)
            .await?;
        let ended = end_sessions(change.conn, id).await?;
        withdraw_invitations(change.conn, id).await?;
        let (kind, from, to) = if active {
            ("user.reactivated", UserStatus::Deactivated, UserStatus::Active)
        } else {
            ("user.deactivated", UserStatus::Active, UserStatus::Deactivated)
        };
        let changes = Changes::none().field("Status", from.label(), to.label()).field("Sessions", ended, "");
        Ok(change.record(kind, id, &old.facts.username, changes).await?)
    })
    .await
}

/// Ends all sessions of a user.
pub(in crate::people::users) async fn sign_out(change: &mut Change<'_>, id: Uuid) -> Result<(), ChangeError> {
    transaction(change, async |change| {
        let user = lock_for(change, id).await?;
        let ended = end_sessions(change.conn, id).await?;
        let changes = Changes::none().field("Sessions", ended, "");
        Ok(change.record("user.signed_out", id, &user.facts.username, changes).await?)
    })
    .await
}

/// Ends one session of a user; says whether there still was one.
pub(in crate::people::users) async fn end_session(
    change: &mut Change<'_>,
    id: Uuid,
    session: Uuid,
) -> Result<bool, Error> {
    transaction(change, async |change| {
        let user = lock_for(change, id).await?;
        let of = (id, user.facts.username.as_str());
        accounts::end_session(change.conn, change.by, change.now, of, session).await
    })
    .await
}

/// Makes a user a super admin, or an ordinary user again. Links to a password that others have made for the user lose
/// their force with it: with one of them, somebody who only manages users could become a super admin.
pub(in crate::people::users) async fn set_super_admin(
    change: &mut Change<'_>,
    id: Uuid,
    super_admin: bool,
) -> Result<(), ChangeError> {
    transaction(change, async |change| {
        let old = lock(change.conn, id).await?;
        if !change.by.super_admin {
            return Err(Error::NotSuperAdmin.into());
        }
        if super_admin && !old.facts.active {
            return Err(Refusal::Deactivated.into());
        }
        if old.facts.super_admin == super_admin {
            return Ok(());
        }
        diesel::update(users::table.find(id))
            .set((
                users::super_admin.eq(super_admin),
                users::version.eq(users::version + 1),
                users::updated_at.eq(change.now),
                users::updated_by.eq(change.by.attribution()),
            ))
            .execute(change.conn)
            .await?;
        withdraw_invitations(change.conn, id).await?;
        let yes = |super_admin: bool| if super_admin { "Yes" } else { "No" };
        let changes = Changes::none().field("Super Admin", yes(old.facts.super_admin), yes(super_admin));
        let kind = if super_admin { "user.promoted" } else { "user.demoted" };
        Ok(change.record(kind, id, &old.facts.username, changes).await?)
    })
    .await
}

/// Deletes a user with all that is the user's own. Names in the audit log and beside what the user has made stay.
pub(in crate::people::users) async fn delete(change: &mut Change<'_>, id: Uuid) -> Result<(), ChangeError> {
    transaction(change, async |change| {
        let user = lock_for(change, id).await?;
        if user.is(change.by) {
            return Err(Refusal::Yourself.into());
        }
        let groups = groups::joined(change.conn, id).await?;
        let groups: Vec<String> = groups.into_iter().map(|group| group.name).collect();
        let listing = listings::names(change.conn, Member::User(id)).await?;
        let ended = end_sessions(change.conn, id).await?;
        diesel::delete(users::table.find(id)).execute(change.conn).await?;
        let super_admin = if user.facts.super_admin { "Yes" } else { "" };
        let changes = Changes::none()
            .field("User name", &user.facts.username, "")
            .field("Name", &user.facts.name, "")
            .field("Super Admin", super_admin, "")
            .field("Permissions", user.permissions.labels(), "")
            .field("Groups", groups.join(", "), "")
            .field("Data connectors that listed them", listing, "")
            .field("Sessions", ended, "");
        Ok(change.record("user.deleted", id, &user.facts.username, changes).await?)
    })
    .await
}

/// Takes a user's connection with the sign-in provider away, and the sessions that may have come by it.
pub(in crate::people::users) async fn disconnect(change: &mut Change<'_>, id: Uuid) -> Result<(), ChangeError> {
    transaction(change, async |change| {
        let user = lock_for(change, id).await?;
        if user.is(change.by) {
            return Err(Refusal::Yourself.into());
        }
        let issuers: Vec<String> = diesel::delete(identities::table.filter(identities::user_id.eq(id)))
            .returning(identities::issuer)
            .get_results(change.conn)
            .await?;
        if issuers.is_empty() {
            return Ok(());
        }
        let ended = end_sessions(change.conn, id).await?;
        let changes = Changes::none().field("Provider", issuers.join(", "), "").field("Sessions", ended, "");
        Ok(change.record("identity.disconnected", id, &user.facts.username, changes).await?)
    })
    .await
}

/// Ends all sessions of a user, and says how many in words for the audit log; nothing if there was none.
async fn end_sessions(conn: &mut Conn, id: Uuid) -> Result<String, Error> {
    let ended = diesel::delete(sessions::table.filter(sessions::user_id.eq(id))).execute(conn).await?;
    Ok(if ended == 0 { String::new() } else { ended.to_string() })
}
