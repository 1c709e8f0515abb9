//! The accounts' SQL: users, their sign-in data, and what people change of their own account.

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel_async::{AsyncConnection, RunQueryDsl};
use uuid::Uuid;

use super::Username;
use super::profile::CheckedProfile;
use crate::access::{Actor, PermissionSet};
use crate::audit::{self, Changes, Event};
use crate::db::schema::{invitations, sessions, user_permissions, users};
use crate::db::version::SeenVersion;
use crate::db::{Conn, in_row};
use crate::web::{Error, SaveError, Theme, Zone};

/// The advisory lock that is held while the first super admin is created.
const FIRST_RUN_LOCK: i64 = 0x636f_6e6e_0001;

/// A user that is to be created.
pub struct NewUser {
    pub id: Uuid,
    pub username: Username,
    /// The name that pages show.
    pub name: String,
    /// None for a user who will set a password by an invitation.
    pub password_hash: Option<String>,
    pub super_admin: bool,
    pub permissions: PermissionSet,
}

pub async fn has_super_admin(conn: &mut Conn) -> Result<bool, Error> {
    Ok(diesel::select(diesel::dsl::exists(users::table.filter(users::super_admin).filter(users::active)))
        .get_result(conn)
        .await?)
}

/// Whether a super admin can sign in while the provider is down: an active super admin with a password.
pub async fn has_local_super_admin(conn: &mut Conn) -> Result<bool, Error> {
    let rows = users::table.filter(users::super_admin).filter(users::active).filter(users::password_hash.is_not_null());
    Ok(diesel::select(diesel::dsl::exists(rows)).get_result(conn).await?)
}

/// How many active super admins there are.
#[derive(Clone, Copy)]
pub struct SuperAdmins {
    pub all: i64,
    /// Those who can sign in while the provider is down.
    pub with_password: i64,
}

/// Counts the active super admins.
pub async fn super_admins(conn: &Conn) -> Result<SuperAdmins, Error> {
    use diesel::dsl::{count, count_star};
    let active = users::table.filter(users::super_admin).filter(users::active);
    let (all, with_password) = active.select((count_star(), count(users::password_hash))).first(&mut &*conn).await?;
    Ok(SuperAdmins { all, with_password })
}

/// Stores a new user and gives the id.
pub async fn create(conn: &mut Conn, by: &Actor, now: DateTime<Utc>, new: &NewUser) -> Result<Uuid, SaveError> {
    conn.transaction(async |conn| insert(conn, by, now, new).await).await
}

/// Stores the first super admin, unless there is one by now.
pub async fn create_first(conn: &mut Conn, by: &Actor, now: DateTime<Utc>, new: &NewUser) -> Result<Uuid, SaveError> {
    conn.transaction(async |conn| {
        diesel::sql_query(format!("SELECT pg_advisory_xact_lock({FIRST_RUN_LOCK})")).execute(conn).await?;
        if has_super_admin(conn).await? {
            return Err(SaveError::Stale);
        }
        insert(conn, by, now, new).await
    })
    .await
}

async fn insert(conn: &mut Conn, by: &Actor, now: DateTime<Utc>, new: &NewUser) -> Result<Uuid, SaveError> {
    let id = new.id;
    diesel::insert_into(users::table)
        .values((
            users::id.eq(id),
            users::username.eq(new.username.as_str()),
            users::username_key.eq(new.username.key()),
            users::name.eq(&new.name),
            users::password_hash.eq(&new.password_hash),
            users::super_admin.eq(new.super_admin),
            users::search_text.eq(search_text(new.username.as_str(), &new.name)),
            users::created_at.eq(now),
            users::created_by.eq(by.attribution()),
            users::updated_at.eq(now),
            users::updated_by.eq(by.attribution()),
        ))
        .execute(conn)
        .await?;
    let permissions: Vec<_> = new
        .permissions
        .iter()
        .map(|permission| (user_permissions::user_id.eq(id), user_permissions::permission.eq(permission.code())))
        .collect();
    diesel::insert_into(user_permissions::table).values(permissions).execute(conn).await?;
    let changes = Changes::none()
        .field("User name", "", new.username.as_str())
        .field("Name", "", &new.name)
        .field("Super Admin", "", if new.super_admin { "Yes" } else { "" })
        .field("Permissions", "", new.permissions.labels());
    audit::record(
        conn,
        by,
        now,
        Event { kind: "user.created", subject_id: Some(id), subject_name: new.username.as_str(), changes },
    )
    .await?;
    Ok(id)
}

/// What a search among people looks through.
pub fn search_text(username: &str, name: &str) -> String {
    crate::name::searched(&[username, name])
}

/// Sets a user's password, ends all sessions of the user and takes the force from links that could set another one.
pub async fn set_password(
    conn: &mut Conn,
    by: &Actor,
    now: DateTime<Utc>,
    username: &str,
    password_hash: &str,
) -> Result<(), SaveError> {
    conn.transaction(async |conn| {
        let user = find_user(conn, username).await?.ok_or(Error::NotFound)?;
        diesel::update(users::table.find(user.id))
            .set((users::password_hash.eq(password_hash), users::updated_at.eq(now)))
            .execute(conn)
            .await?;
        diesel::delete(sessions::table.filter(sessions::user_id.eq(user.id))).execute(conn).await?;
        withdraw_invitations(conn, user.id).await?;
        let changes = Changes::none().secret("Password", "changed");
        audit::record(
            conn,
            by,
            now,
            Event { kind: "user.password_reset", subject_id: Some(user.id), subject_name: &user.username, changes },
        )
        .await?;
        Ok(())
    })
    .await
}

/// Makes the links void by which a user could still set a password.
pub async fn withdraw_invitations(conn: &mut Conn, user: Uuid) -> Result<(), Error> {
    let unused = invitations::table.filter(invitations::user_id.eq(user)).filter(invitations::used_at.is_null());
    diesel::delete(unused).execute(conn).await?;
    Ok(())
}

/// What signing in needs to know of a user.
#[derive(Queryable)]
pub struct SignInUser {
    pub id: Uuid,
    pub username: String,
    pub name: String,
    pub password_hash: Option<String>,
    pub active: bool,
}

impl SignInUser {
    /// What an audit line says of the account.
    pub fn subject(&self) -> (Option<Uuid>, &str) {
        (Some(self.id), &self.username)
    }
}

/// The user of this name, without regard to case.
pub async fn find_user(conn: &mut Conn, username: &str) -> Result<Option<SignInUser>, Error> {
    Ok(users::table
        .filter(users::username_key.eq(crate::name::key(username)))
        .select((users::id, users::username, users::name, users::password_hash, users::active))
        .first(conn)
        .await
        .optional()?)
}

/// A person's own account.
#[derive(Queryable)]
pub struct Profile {
    pub name: String,
    pub version: i32,
    pub updated_at: DateTime<Utc>,
    pub updated_by: String,
    pub theme: Theme,
    time_zone: String,
}

impl Profile {
    pub fn zone(&self) -> Zone {
        Zone::parse(&self.time_zone).unwrap_or_default()
    }
}

/// The account of the person who is signed in.
pub async fn find_profile(conn: &mut Conn, user: Uuid) -> Result<Profile, Error> {
    let row = users::table.find(user).select((
        users::name,
        users::version,
        users::updated_at,
        users::updated_by,
        users::theme,
        users::time_zone,
    ));
    Ok(in_row(&["users"], user, row.first(conn).await)?)
}

/// Saves the own profile, unless the user was saved since it was read.
pub async fn update_profile(
    conn: &mut Conn,
    by: &Actor,
    now: DateTime<Utc>,
    (user, seen): (Uuid, SeenVersion),
    new: &CheckedProfile,
) -> Result<(), SaveError> {
    conn.transaction(async |conn| {
        let row = users::table.find(user).select(users::version);
        seen.lock(conn, row.for_no_key_update()).await?;
        let old = find_profile(conn, user).await?;
        diesel::update(users::table.find(user))
            .set((
                users::name.eq(&new.name),
                users::search_text.eq(search_text(&by.username, &new.name)),
                users::time_zone.eq(new.zone.name()),
                users::theme.eq(new.theme.code()),
                users::version.eq(users::version + 1),
                users::updated_at.eq(now),
                users::updated_by.eq(by.attribution()),
            ))
            .execute(conn)
            .await?;
        let changes = Changes::none()
            .field("Name", &old.name, &new.name)
            .field("Time zone", old.zone().name(), new.zone.name())
            .field("Theme", old.theme.label(), new.theme.label());
        record_own(conn, by, now, "profile.saved", changes).await
    })
    .await
}

/// Sets a new password in the place of the one with this hash and ends every session: the browser in which it is done
/// gets another one. Links that could set another password lose their force. False if the password is another one by
/// now, or the user was deactivated: no session is left then either.
pub async fn change_password(
    conn: &mut Conn,
    by: &Actor,
    now: DateTime<Utc>,
    (user, old, new): (Uuid, &str, &str),
) -> Result<bool, SaveError> {
    conn.transaction(async |conn| {
        let seen = users::table.find(user).filter(users::active).filter(users::password_hash.eq(old));
        let changed = diesel::update(seen)
            .set((users::password_hash.eq(new), users::updated_at.eq(now), users::updated_by.eq(by.attribution())))
            .execute(conn)
            .await?;
        if changed == 0 {
            return Ok(false);
        }
        let ended = diesel::delete(sessions::table.filter(sessions::user_id.eq(user))).execute(conn).await?;
        withdraw_invitations(conn, user).await?;
        let changes = Changes::none().secret("Password", "changed").field("Sessions", ended.to_string(), "1");
        record_own(conn, by, now, "user.password_changed", changes).await?;
        Ok(true)
    })
    .await
}

async fn record_own(
    conn: &mut Conn,
    by: &Actor,
    now: DateTime<Utc>,
    kind: &'static str,
    changes: Changes,
) -> Result<(), SaveError> {
    let event = Event { kind, subject_id: by.id, subject_name: &by.username, changes };
    Ok(audit::record(conn, by, now, event).await?)
}
