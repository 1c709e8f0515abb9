//! Storing users: their names, permissions, passwords, and their identities at the sign-in provider.
//!
//! Rule: nothing else writes the tables `users`, `user_permissions` and `identities`.

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel::sql_types::Bool;
use diesel_async::RunQueryDsl;
use uuid::Uuid;

use super::Username;
use super::sessions::end_all_sessions;
use super::withdraw_invitations;
use crate::access::PermissionSet;
use crate::audit::{Change, Changes, first_version, next_version, transaction};
use crate::db::Conn;
use crate::db::schema::{identities, user_permissions, users};
use crate::web::{Error, SaveError, Theme};

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
    let rows = users::table.filter(users::super_admin).filter(users::active);
    Ok(diesel::select(diesel::dsl::exists(rows)).get_result(conn).await?)
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

/// Stores a new user.
pub async fn insert(change: &mut Change<'_>, new: &NewUser) -> Result<(), SaveError> {
    transaction(change, async |change| {
        diesel::insert_into(users::table)
            .values((
                users::id.eq(new.id),
                users::username.eq(new.username.as_str()),
                users::username_key.eq(new.username.key()),
                users::name.eq(&new.name),
                users::password_hash.eq(&new.password_hash),
                users::super_admin.eq(new.super_admin),
                users::search_text.eq(search_text(new.username.as_str(), &new.name)),
                first_version!(users, change),
            ))
            .execute(change.conn)
            .await?;
        grant(change.conn, new.id, PermissionSet::default(), new.permissions).await?;
        let changes = Changes::none()
            .field("User name", "", new.username.as_str())
            .field("Name", "", &new.name)
            .field("Super Admin", "", if new.super_admin { "Yes" } else { "" })
            .field("Permissions", "", new.permissions.labels());
        Ok(change.record("user.created", new.id, new.username.as_str(), changes).await?)
    })
    .await
}

/// Stores the first super admin, unless there is one by now.
pub(super) async fn insert_first(change: &mut Change<'_>, new: &NewUser) -> Result<(), SaveError> {
    transaction(change, async |change| {
        diesel::sql_query(format!("SELECT pg_advisory_xact_lock({FIRST_RUN_LOCK})")).execute(change.conn).await?;
        if has_super_admin(change.conn).await? {
            return Err(SaveError::Stale);
        }
        insert(change, new).await
    })
    .await
}

/// The columns of a user that a change sets; `None` leaves one as it is.
#[derive(AsChangeset, Default)]
#[diesel(table_name = users)]
pub struct UserColumns<'a> {
    pub username: Option<&'a str>,
    pub username_key: Option<String>,
    pub name: Option<&'a str>,
    pub search_text: Option<String>,
    pub super_admin: Option<bool>,
    pub active: Option<bool>,
    pub time_zone: Option<&'a str>,
    pub theme: Option<Theme>,
}

impl<'a> UserColumns<'a> {
    /// Both names.
    pub fn names(username: &'a Username, name: &'a str) -> UserColumns<'a> {
        UserColumns {
            username: Some(username.as_str()),
            username_key: Some(username.key()),
            ..UserColumns::name(username.as_str(), name)
        }
    }

    /// The name of the user with this user name, which stays.
    pub fn name(username: &str, name: &'a str) -> UserColumns<'a> {
        let search_text = Some(search_text(username, name));
        UserColumns { name: Some(name), search_text, ..UserColumns::default() }
    }
}

/// What a search among people looks through.
fn search_text(username: &str, name: &str) -> String {
    crate::name::searched(&[username, name])
}

/// Sets columns of a user, who has another version then.
pub async fn update(change: &mut Change<'_>, id: Uuid, columns: UserColumns<'_>) -> QueryResult<usize> {
    diesel::update(users::table.find(id)).set((columns, next_version!(users, change))).execute(change.conn).await
}

/// Brings a user's own permissions from one set to another.
pub async fn grant(conn: &mut Conn, id: Uuid, before: PermissionSet, set: PermissionSet) -> QueryResult<()> {
    let removed = user_permissions::table
        .filter(user_permissions::user_id.eq(id))
        .filter(user_permissions::permission.eq_any(before.without(set).codes()));
    diesel::delete(removed).execute(conn).await?;
    let added = set.without(before).codes().into_iter();
    let added: Vec<_> =
        added.map(|code| (user_permissions::user_id.eq(id), user_permissions::permission.eq(code))).collect();
    diesel::insert_into(user_permissions::table).values(added).execute(conn).await?;
    Ok(())
}

/// Deletes a user with everything that is only the user's own.
pub async fn delete(conn: &mut Conn, id: Uuid) -> QueryResult<usize> {
    diesel::delete(users::table.find(id)).execute(conn).await
}

/// Sets or removes a user's password, ends all sessions of the user, and withdraws the invitations, which could set
/// another password. Returns how many sessions there were.
pub async fn replace_password(change: &mut Change<'_>, id: Uuid, hash: Option<&str>) -> QueryResult<usize> {
    diesel::update(users::table.find(id))
        .set((
            users::password_hash.eq(hash),
            users::updated_at.eq(change.now),
            users::updated_by.eq(change.by.attribution()),
        ))
        .execute(change.conn)
        .await?;
    withdraw_invitations(change.conn, id).await?;
    end_all_sessions(change.conn, id).await
}

/// Sets the password of the user with this user name, from the command line or by an invitation.
pub async fn set_password(change: &mut Change<'_>, username: &str, hash: &str) -> Result<(), SaveError> {
    transaction(change, async |change| {
        let user = find_user(change.conn, username).await?.ok_or(Error::NotFound)?;
        replace_password(change, user.id, Some(hash)).await?;
        let changes = Changes::none().secret("Password", "changed");
        Ok(change.record("user.password_reset", user.id, &user.username, changes).await?)
    })
    .await
}

/// Notes that a user has signed in.
pub(super) async fn note_sign_in(conn: &mut Conn, id: Uuid, now: DateTime<Utc>) -> QueryResult<usize> {
    diesel::update(users::table.find(id)).set(users::last_sign_in_at.eq(now)).execute(conn).await
}

/// What signing in needs to know of a user.
#[derive(Queryable, Selectable)]
#[diesel(table_name = users)]
pub(super) struct SignInUser {
    pub id: Uuid,
    pub username: String,
    pub name: String,
    pub password_hash: Option<String>,
    pub active: bool,
}

impl SignInUser {
    /// The user as the object of an audit entry.
    pub fn subject(&self) -> (Option<Uuid>, &str) {
        (Some(self.id), &self.username)
    }
}

/// The user of this name, without regard to case.
pub(super) async fn find_user(conn: &mut Conn, username: &str) -> Result<Option<SignInUser>, Error> {
    Ok(users::table
        .filter(users::username_key.eq(crate::name::key(username)))
        .select(SignInUser::as_select())
        .first(conn)
        .await
        .optional()?)
}

/// A person at the provider: the issuer with the subject, which never change (OpenID Connect Core 1.0 section 5.7).
#[derive(Clone, Copy)]
pub struct Identity<'a> {
    pub issuer: &'a str,
    pub subject: &'a str,
}

/// Connects a user with an identity; false if either is connected with another one already.
pub async fn insert_identity(
    conn: &mut Conn,
    user: Uuid,
    identity: Identity<'_>,
    now: DateTime<Utc>,
) -> QueryResult<bool> {
    let inserted = diesel::insert_into(identities::table)
        .values((
            identities::id.eq(Uuid::now_v7()),
            identities::user_id.eq(user),
            identities::issuer.eq(identity.issuer),
            identities::subject.eq(identity.subject),
            identities::created_at.eq(now),
        ))
        .on_conflict_do_nothing()
        .execute(conn)
        .await?;
    Ok(inserted == 1)
}

/// Notes that a person has signed in with an identity.
pub async fn note_identity_use(conn: &mut Conn, identity: Identity<'_>, now: DateTime<Utc>) -> QueryResult<usize> {
    let row = identities::table
        .filter(identities::issuer.eq(identity.issuer))
        .filter(identities::subject.eq(identity.subject));
    diesel::update(row).set(identities::last_sign_in_at.eq(now)).execute(conn).await
}

/// Deletes a user's identities at one issuer, or all of them, and returns their issuers.
pub async fn delete_identities(conn: &mut Conn, user: Uuid, issuer: Option<&str>) -> QueryResult<Vec<String>> {
    let is_meant = identities::issuer.nullable().eq(issuer).or(issuer.is_none().into_sql::<Bool>());
    let rows = identities::table.filter(identities::user_id.eq(user)).filter(is_meant);
    diesel::delete(rows).returning(identities::issuer).get_results(conn).await
}
