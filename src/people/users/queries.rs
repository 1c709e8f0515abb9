//! The users' SQL: the list, one user, and changes, each with its audit entry in one transaction.

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel::sql_types::Uuid as SqlUuid;
use diesel_async::RunQueryDsl;
use uuid::Uuid;

use super::model::{CheckedUser, User, UserStatus, guard};
use crate::access::{Coupled, Permission, PermissionSet};
use crate::accounts::{self, Invitation, NewUser, UserColumns, end_all_sessions, withdraw_invitations};
use crate::audit::{Change, Changes, transaction};
use crate::db::Conn;
use crate::db::keyset::{Bind, Select};
use crate::db::schema::{api_keys, identities, sessions, users};
use crate::db::version::SeenVersion;
use crate::people::candidates::patterns;
use crate::people::groups::{self, Member};
use crate::people::listings;
use crate::people::refusal::{ChangeError, Refusal};
use crate::web::{Error, ListQuery, Pages, SaveError};

const COLUMNS: &str = "id, username, name, super_admin, active, version, created_by, updated_at, updated_by, password_hash IS NOT NULL AS has_password, EXISTS (SELECT 1 FROM identities i WHERE i.user_id = users.id) AS connected, last_sign_in_at, created_at,
    coalesce((SELECT string_agg(g.name, ', ' ORDER BY g.name COLLATE \"und-x-icu\") FROM group_users gu JOIN groups g ON g.id = gu.group_id WHERE gu.user_id = users.id), '') AS groups,
    ARRAY(SELECT permission FROM user_permissions p WHERE p.user_id = users.id) AS permissions";

/// Users who match search $1, status $2 and rights $3, may do $4, directly, by groups or as a super admin, and are in group $5,
/// directly or in a group in it. The groups are gathered downwards once, not upwards for each user.
const FITS: &str = "search_text LIKE ALL ($1)
    AND ($2 = '' OR active = ($2 = 'active'))
    AND ($3 <> 'super-admin' OR super_admin)
    AND ($4 = '' OR super_admin
        OR EXISTS (SELECT 1 FROM user_permissions p WHERE p.user_id = users.id AND p.permission = $4)
        OR id IN (WITH RECURSIVE giving AS (
                SELECT group_id FROM group_permissions WHERE permission = $4
                UNION SELECT m.member_group_id FROM group_groups m JOIN giving g ON m.group_id = g.group_id)
            SELECT m.user_id FROM group_users m JOIN giving g ON m.group_id = g.group_id))
    AND ($5 IS NULL OR id IN (WITH RECURSIVE inside AS (
                SELECT $5 AS group_id
                UNION SELECT m.member_group_id FROM group_groups m JOIN inside i ON m.group_id = i.group_id)
            SELECT m.user_id FROM group_users m JOIN inside i ON m.group_id = i.group_id))";

/// One page of the list.
pub async fn list(conn: &Conn, query: &ListQuery<User>) -> Result<(Vec<User>, Pages), Error> {
    let permission = Permission::parse(query.filter("rights")).map_or("", Permission::code);
    let binds = [
        Bind::Texts(patterns(&query.search)),
        query.filter("status").into(),
        query.filter("rights").into(),
        permission.into(),
        Bind::Id(query.filter("group").parse().ok()),
    ];
    query
        .fetch(
            conn,
            Select { rows: &format!("SELECT {COLUMNS} FROM users WHERE {FITS}"), binds: &binds, ..Select::default() },
        )
        .await
}

/// The user as it is now, kept as it is until the transaction ends.
pub async fn lock(conn: &mut Conn, id: Uuid) -> Result<User, Error> {
    users::table.find(id).select(users::id).for_no_key_update().first::<Uuid>(conn).await?;
    find(conn, id).await
}

pub async fn find(conn: &mut Conn, id: Uuid) -> Result<User, Error> {
    let user = diesel::sql_query(format!("SELECT {COLUMNS} FROM users WHERE id = $1"));
    Ok(user.bind::<SqlUuid, _>(id).get_result(conn).await?)
}

/// Since when a user can sign in with the provider, and when the user did so last.
pub async fn connection_of(conn: &mut Conn, id: Uuid) -> Result<Option<(DateTime<Utc>, Option<DateTime<Utc>>)>, Error> {
    Ok(identities::table
        .filter(identities::user_id.eq(id))
        .order(identities::created_at.desc())
        .select((identities::created_at, identities::last_sign_in_at))
        .first(conn)
        .await
        .optional()?)
}

/// How many sessions a user has, and when one of them was used last.
pub async fn sessions_of(conn: &mut Conn, id: Uuid, now: DateTime<Utc>) -> Result<(i64, Option<DateTime<Utc>>), Error> {
    use diesel::dsl::{count_star, max};
    Ok(sessions::table
        .filter(sessions::user_id.eq(id))
        .filter(sessions::expires_at.gt(now))
        .select((count_star(), max(sessions::last_seen_at)))
        .first(conn)
        .await?)
}

/// How many API keys a user has that still open something.
pub async fn api_keys_of(conn: &mut Conn, id: Uuid, now: DateTime<Utc>) -> Result<i64, Error> {
    Ok(api_keys::table
        .filter(api_keys::user_id.eq(id))
        .filter(api_keys::revoked_at.is_null())
        .filter(api_keys::expires_at.is_null().or(api_keys::expires_at.gt(now)))
        .count()
        .get_result(conn)
        .await?)
}

/// Why this user must stay an active super admin, or keep a password: no other user is one, or none who could sign in
/// while the provider is down.
pub async fn last_of_super_admins(conn: &mut Conn, user: &User) -> Result<Option<Refusal>, Error> {
    if !(user.super_admin && user.active) {
        return Ok(None);
    }
    let with_password: Vec<bool> = users::table
        .filter(users::super_admin)
        .filter(users::active)
        .filter(users::id.ne(user.id))
        .select(users::password_hash.is_not_null())
        .load(conn)
        .await?;
    Ok(if with_password.is_empty() {
        Some(Refusal::LastSuperAdmin)
    } else {
        let is_last_local = user.has_password && !with_password.contains(&true);
        is_last_local.then_some(Refusal::LastLocalSuperAdmin)
    })
}

/// Stores a new user under the id that the form was given, and makes the invitation to set a password.
pub async fn create(change: &mut Change<'_>, id: Uuid, new: &CheckedUser) -> Result<(Coupled, Invitation), SaveError> {
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
pub async fn update(
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
pub async fn set_active(change: &mut Change<'_>, id: Uuid, active: bool) -> Result<(), ChangeError> {
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
pub async fn sign_out(change: &mut Change<'_>, id: Uuid) -> Result<(), ChangeError> {
    transaction(change, async |change| {
        let user = lock_for(change, id).await?;
        let ended = end_sessions(change.conn, id).await?;
        let changes = Changes::none().field("Sessions", ended, "");
        Ok(change.record("user.signed_out", id, &user.username, changes).await?)
    })
    .await
}

/// Ends one session of a user; says whether there still was one.
pub async fn end_session(change: &mut Change<'_>, id: Uuid, session: Uuid) -> Result<bool, Error> {
    transaction(change, async |change| {
        let user = lock_for(change, id).await?;
        accounts::end_session(change, (id, &user.username), session).await
    })
    .await
}

/// Makes a user a super admin, or an ordinary user again. Invitations are withdrawn: with one of them, a person who only
/// manages users could become a super admin.
pub async fn set_super_admin(change: &mut Change<'_>, id: Uuid, super_admin: bool) -> Result<(), ChangeError> {
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
pub async fn delete(change: &mut Change<'_>, id: Uuid) -> Result<(), ChangeError> {
    transaction(change, async |change| {
        let user = lock_for(change, id).await?;
        if user.is(change.by) {
            return Err(Refusal::Yourself.into());
        }
        let groups = groups::joined(change.conn, id).await?;
        let groups: Vec<String> = groups.into_iter().map(|group| group.name).collect();
        let [listing, owned] = listings::names(change.conn, Member::User(id)).await?;
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
            .field("Data connectors that they owned", owned, "")
            .field("Sessions", ended, "");
        Ok(change.record("user.deleted", id, &user.username, changes).await?)
    })
    .await
}

/// Disconnects a user from the sign-in provider, and ends the sessions that may have come from it.
pub async fn disconnect(change: &mut Change<'_>, id: Uuid) -> Result<(), ChangeError> {
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
