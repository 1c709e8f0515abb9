//! The users' SQL: the list, and one user.

mod save;

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use uuid::Uuid;

pub(super) use save::{create, delete, disconnect, end_session, set_active, set_super_admin, sign_out, update};

use super::model::{Facts, User, UserRow};
use crate::access::{Permission, PermissionSet};
use crate::db::Conn;
use crate::db::keyset::{Bind, Select};
use crate::db::schema::{api_keys, identities, sessions, user_permissions, users};
use crate::people::candidates::patterns;
use crate::people::refusal::Refusal;
use crate::web::{Error, ListQuery, Pages};

const COLUMNS: &str = "id, username, name, super_admin, active, password_hash IS NOT NULL AS has_password, EXISTS (SELECT 1 FROM identities i WHERE i.user_id = users.id) AS connected, last_sign_in_at, created_at,
    coalesce((SELECT string_agg(g.name, ', ' ORDER BY g.name COLLATE \"und-x-icu\") FROM group_users gu JOIN groups g ON g.id = gu.group_id WHERE gu.user_id = users.id), '') AS groups";

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
pub(super) async fn list(conn: &Conn, query: &ListQuery<UserRow>) -> Result<(Vec<UserRow>, Pages), Error> {
    let permission = Permission::parse(query.filter("rights")).map_or("", Permission::code);
    let binds = [
        Bind::Texts(patterns(&query.search)),
        query.filter("status").into(),
        query.filter("rights").into(),
        permission.into(),
        Bind::Id(query.filter("group").parse().ok()),
    ];
    query
        .fetch(conn, Select { with: "", rows: &format!("SELECT {COLUMNS} FROM users WHERE {FITS}"), binds: &binds })
        .await
}

/// The user as it is now, kept as it is until the transaction ends.
pub(in crate::people) async fn lock(conn: &mut Conn, id: Uuid) -> Result<User, Error> {
    users::table.find(id).select(users::id).for_no_key_update().first::<Uuid>(conn).await?;
    find(conn, id).await
}

pub(in crate::people) async fn find(conn: &mut Conn, id: Uuid) -> Result<User, Error> {
    let facts: Facts = users::table.find(id).select(Facts::as_select()).first(conn).await?;
    let codes: Vec<String> = user_permissions::table
        .filter(user_permissions::user_id.eq(id))
        .select(user_permissions::permission)
        .load(conn)
        .await?;
    Ok(User { facts, permissions: PermissionSet::of_codes(&codes) })
}

/// Since when a user can sign in with the provider, and when the user did so last.
pub(super) async fn connection_of(
    conn: &mut Conn,
    id: Uuid,
) -> Result<Option<(DateTime<Utc>, Option<DateTime<Utc>>)>, Error> {
    Ok(identities::table
        .filter(identities::user_id.eq(id))
        .order(identities::created_at.desc())
        .select((identities::created_at, identities::last_sign_in_at))
        .first(conn)
        .await
        .optional()?)
}

/// How many sessions a user has, and when one of them was used last.
pub(super) async fn sessions_of(
    conn: &mut Conn,
    id: Uuid,
    now: DateTime<Utc>,
) -> Result<(i64, Option<DateTime<Utc>>), Error> {
    use diesel::dsl::{count_star, max};
    Ok(sessions::table
        .filter(sessions::user_id.eq(id))
        .filter(sessions::expires_at.gt(now))
        .select((count_star(), max(sessions::last_seen_at)))
        .first(conn)
        .await?)
}

/// How many API keys a user has that still open something.
pub(super) async fn api_keys_of(conn: &mut Conn, id: Uuid, now: DateTime<Utc>) -> Result<i64, Error> {
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
pub(in crate::people) async fn last_of_super_admins(conn: &mut Conn, user: &User) -> Result<Option<Refusal>, Error> {
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
