//! Changes to users, each with its audit entry in one transaction: creating, saving, deactivating, ending sessions,
//! super admin, deleting.

use uuid::Uuid;

use super::lock;
use crate::access::{Coupled, PermissionSet};
use crate::accounts::{self, Invitation, NewUser, UserColumns, end_all_sessions, withdraw_invitations};
use crate::audit::{Change, Changes, transaction};
use crate::db::Conn;
use crate::db::version::SeenVersion;
use crate::people::groups::{self, Member};
use crate::people::listings;
use crate::people::refusal::{ChangeError, Refusal};
use crate::people::users::model::{CheckedUser, User, UserStatus, guard};
use crate::web::{Error, SaveError};

/// Stores a new user under the id that the form was given, and makes the invitation to set a password.
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
        accounts::insert(change, &new).await?;
        let invitation = accounts::make_invitation(change, id, new.username.as_str()).await?;
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

/// Saves a user that has not been saved since it was read.
pub(in crate::people::users) async fn update(
    change: &mut Change<'_>,
    (id, seen): (Uuid, SeenVersion),
    new: &CheckedUser,
) -> Result<Coupled, SaveError> {
    transaction(change, async |change| {
        let old = lock_for(change, id).await?;
        seen.check(old.version)?;
        let coupled = PermissionSet::couple(old.permissions, new.chosen);
        accounts::update(change, id, UserColumns::names(&new.username, &new.name)).await?;
        accounts::grant(change.conn, id, old.permissions, coupled.set).await?;
        let changes = Changes::none()
            .field("User name", &old.username, new.username.as_str())
            .field("Name", &old.name, &new.name)
            .field("Permissions", old.permissions.labels(), coupled.set.labels());
        change.record("user.saved", id, new.username.as_str(), changes).await?;
        Ok(coupled)
    })
    .await
}

/// Deactivates or reactivates a user. Either way no session and no invitation is left: a session that began while the
/// user was being deactivated must not come back to life.
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
        if old.active == active {
            return Ok(());
        }
        accounts::update(change, id, UserColumns { active: Some(active), ..UserColumns::default() }).await?;
        let ended = end_sessions(change.conn, id).await?;
        withdraw_invitations(change.conn, id).await?;
        let (kind, from, to) = if active {
            ("user.reactivated", UserStatus::Deactivated, UserStatus::Active)
        } else {
            ("user.deactivated", UserStatus::Active, UserStatus::Deactivated)
        };
        let changes = Changes::none().field("Status", from.label(), to.label()).field("Sessions", ended, "");
        Ok(change.record(kind, id, &old.username, changes).await?)
    })
    .await
}

/// Ends all sessions of a user.
pub(in crate::people::users) async fn sign_out(change: &mut Change<'_>, id: Uuid) -> Result<(), ChangeError> {
    transaction(change, async |change| {
        let user = lock_for(change, id).await?;
        let ended = end_sessions(change.conn, id).await?;
        let changes = Changes::none().field("Sessions", ended, "");
        Ok(change.record("user.signed_out", id, &user.username, changes).await?)
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
        accounts::end_session(change, (id, &user.username), session).await
    })
    .await
}

/// Makes a user a super admin, or an ordinary user again. Invitations are withdrawn: with one of them, a person who only
/// manages users could become a super admin.
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
        if super_admin && !old.active {
            return Err(Refusal::Deactivated.into());
        }
        if old.super_admin == super_admin {
            return Ok(());
        }
        accounts::update(change, id, UserColumns { super_admin: Some(super_admin), ..UserColumns::default() }).await?;
        withdraw_invitations(change.conn, id).await?;
        let yes = |super_admin: bool| if super_admin { "Yes" } else { "No" };
        let changes = Changes::none().field("Super Admin", yes(old.super_admin), yes(super_admin));
        let kind = if super_admin { "user.promoted" } else { "user.demoted" };
        Ok(change.record(kind, id, &old.username, changes).await?)
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
        accounts::delete(change.conn, id).await?;
        let super_admin = if user.super_admin { "Yes" } else { "" };
        let changes = Changes::none()
            .field("User name", &user.username, "")
            .field("Name", &user.name, "")
            .field("Super Admin", super_admin, "")
            .field("Permissions", user.permissions.labels(), "")
            .field("Groups", groups.join(", "), "")
            .field("Data connectors that listed them", listing, "")
            .field("Sessions", ended, "");
        Ok(change.record("user.deleted", id, &user.username, changes).await?)
    })
    .await
}

/// Disconnects a user from the sign-in provider, and ends the sessions that may have come from it.
pub(in crate::people::users) async fn disconnect(change: &mut Change<'_>, id: Uuid) -> Result<(), ChangeError> {
    transaction(change, async |change| {
        let user = lock_for(change, id).await?;
        if user.is(change.by) {
            return Err(Refusal::Yourself.into());
        }
        let issuers = accounts::delete_identities(change.conn, id, None).await?;
        if issuers.is_empty() {
            return Ok(());
        }
        let ended = end_sessions(change.conn, id).await?;
        let changes = Changes::none().field("Provider", issuers.join(", "), "").field("Sessions", ended, "");
        Ok(change.record("identity.disconnected", id, &user.username, changes).await?)
    })
    .await
}

/// Ends all sessions of a user, and returns their number for the audit log; empty if there was none.
async fn end_sessions(conn: &mut Conn, id: Uuid) -> Result<String, Error> {
    let ended = end_all_sessions(conn, id).await?;
    Ok(if ended == 0 { String::new() } else { ended.to_string() })
}
