//! Switching a user off and on, ending sessions, who is a super admin, and deleting: each with its audit line in one
//! transaction.

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel_async::{AsyncConnection, RunQueryDsl};
use uuid::Uuid;

use super::super::model::{User, UserStatus, guard};
use super::lock;
use crate::access::Actor;
use crate::accounts::{self, withdraw_invitations};
use crate::audit::{self, Changes, Event};
use crate::db::Conn;
use crate::db::schema::{identities, sessions, users};
use crate::people::groups::{self, Member};
use crate::people::listings;
use crate::people::refusal::{ChangeError, Refusal};
use crate::web::Error;

/// Switches a user off or on. Either way no session and no link to a password is left: a session that began while the
/// user was being switched off must not come back to life.
pub(in super::super) async fn set_active(
    conn: &mut Conn,
    by: &Actor,
    now: DateTime<Utc>,
    id: Uuid,
    active: bool,
) -> Result<(), ChangeError> {
    conn.transaction(async |conn| {
        let old = lock(conn, id).await?;
        guard(by, &old)?;
        if old.is(by) && !active {
            return Err(ChangeError::Refused(Refusal::Yourself));
        }
        if old.facts.active == active {
            return Ok(());
        }
        diesel::update(users::table.find(id))
            .set((
                users::active.eq(active),
                users::version.eq(users::version + 1),
                users::updated_at.eq(now),
                users::updated_by.eq(by.attribution()),
            ))
            .execute(conn)
            .await?;
        let ended = end_sessions(conn, id).await?;
        withdraw_invitations(conn, id).await?;
        let (kind, from, to) = if active {
            ("user.reactivated", UserStatus::Deactivated, UserStatus::Active)
        } else {
            ("user.deactivated", UserStatus::Active, UserStatus::Deactivated)
        };
        let changes = Changes::none().field("Status", from.label(), to.label()).field("Sessions", ended, "");
        record(conn, by, now, &old, kind, changes).await
    })
    .await
}

/// Ends all sessions of a user.
pub(in super::super) async fn sign_out(
    conn: &mut Conn,
    by: &Actor,
    now: DateTime<Utc>,
    id: Uuid,
) -> Result<(), ChangeError> {
    conn.transaction(async |conn| {
        let user = lock(conn, id).await?;
        guard(by, &user)?;
        let ended = end_sessions(conn, id).await?;
        let changes = Changes::none().field("Sessions", ended, "");
        record(conn, by, now, &user, "user.signed_out", changes).await
    })
    .await
}

/// Ends one session of a user; says whether there still was one.
pub(in super::super) async fn end_session(
    conn: &mut Conn,
    by: &Actor,
    now: DateTime<Utc>,
    id: Uuid,
    session: Uuid,
) -> Result<bool, Error> {
    conn.transaction(async |conn| {
        let user = lock(conn, id).await?;
        guard(by, &user)?;
        let of = (id, user.facts.username.as_str());
        accounts::end_session(conn, by, now, of, session).await
    })
    .await
}

/// Makes a user a super admin, or an ordinary user again. Links to a password that others have made for the user lose
/// their force with it: with one of them, somebody who only manages users could become a super admin.
pub(in super::super) async fn set_super_admin(
    conn: &mut Conn,
    by: &Actor,
    now: DateTime<Utc>,
    id: Uuid,
    super_admin: bool,
) -> Result<(), ChangeError> {
    conn.transaction(async |conn| {
        let old = lock(conn, id).await?;
        if !by.super_admin {
            return Err(Error::NotSuperAdmin.into());
        }
        if super_admin && !old.facts.active {
            return Err(ChangeError::Refused(Refusal::Deactivated));
        }
        if old.facts.super_admin == super_admin {
            return Ok(());
        }
        diesel::update(users::table.find(id))
            .set((
                users::super_admin.eq(super_admin),
                users::version.eq(users::version + 1),
                users::updated_at.eq(now),
                users::updated_by.eq(by.attribution()),
            ))
            .execute(conn)
            .await?;
        withdraw_invitations(conn, id).await?;
        let yes = |super_admin: bool| if super_admin { "Yes" } else { "No" };
        let changes = Changes::none().field("Super Admin", yes(old.facts.super_admin), yes(super_admin));
        let kind = if super_admin { "user.promoted" } else { "user.demoted" };
        record(conn, by, now, &old, kind, changes).await
    })
    .await
}

/// Deletes a user with all that is the user's own. Names in the audit log and beside what the user has made stay.
pub(in super::super) async fn delete(
    conn: &mut Conn,
    by: &Actor,
    now: DateTime<Utc>,
    id: Uuid,
) -> Result<(), ChangeError> {
    conn.transaction(async |conn| {
        let user = lock(conn, id).await?;
        guard(by, &user)?;
        if user.is(by) {
            return Err(ChangeError::Refused(Refusal::Yourself));
        }
        let groups = groups::joined(conn, id).await?;
        let groups: Vec<String> = groups.into_iter().map(|group| group.name).collect();
        let listing = listings::names(conn, Member::User(id)).await?;
        let ended = end_sessions(conn, id).await?;
        diesel::delete(users::table.find(id)).execute(conn).await?;
        let super_admin = if user.facts.super_admin { "Yes" } else { "" };
        let changes = Changes::none()
            .field("User name", &user.facts.username, "")
            .field("Name", &user.facts.name, "")
            .field("Super Admin", super_admin, "")
            .field("Permissions", user.permissions.labels(), "")
            .field("Groups", groups.join(", "), "")
            .field("Data connectors that listed them", listing, "")
            .field("Sessions", ended, "");
        record(conn, by, now, &user, "user.deleted", changes).await
    })
    .await
}

/// Takes a user's connection with the sign-in provider away, and the sessions that may have come by it.
pub(in super::super) async fn disconnect(
    conn: &mut Conn,
    by: &Actor,
    now: DateTime<Utc>,
    id: Uuid,
) -> Result<(), ChangeError> {
    conn.transaction(async |conn| {
        let user = lock(conn, id).await?;
        guard(by, &user)?;
        if user.is(by) {
            return Err(ChangeError::Refused(Refusal::Yourself));
        }
        let issuers: Vec<String> = diesel::delete(identities::table.filter(identities::user_id.eq(id)))
            .returning(identities::issuer)
            .get_results(conn)
            .await?;
        if issuers.is_empty() {
            return Ok(());
        }
        let ended = end_sessions(conn, id).await?;
        let changes = Changes::none().field("Provider", issuers.join(", "), "").field("Sessions", ended, "");
        record(conn, by, now, &user, "identity.disconnected", changes).await
    })
    .await
}

/// Ends all sessions of a user, and says how many in words for the audit log; nothing if there was none.
async fn end_sessions(conn: &mut Conn, id: Uuid) -> Result<String, Error> {
    let ended = diesel::delete(sessions::table.filter(sessions::user_id.eq(id))).execute(conn).await?;
    Ok(if ended == 0 { String::new() } else { ended.to_string() })
}

async fn record(
    conn: &mut Conn,
    by: &Actor,
    now: DateTime<Utc>,
    user: &User,
    kind: &'static str,
    changes: Changes,
) -> Result<(), ChangeError> {
    let event = Event { kind, subject_id: Some(user.facts.id), subject_name: &user.facts.username, changes };
    Ok(audit::record(conn, by, now, event).await?)
}
