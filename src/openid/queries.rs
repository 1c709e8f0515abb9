//! The SQL of signing in through the provider: which account has which identity there.

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use uuid::Uuid;

use crate::accounts::Identity;
use crate::db::Conn;
use crate::db::schema::{identities, users};
use crate::web::Error;

/// The account of a sign-in.
#[derive(Queryable)]
pub struct Account {
    pub id: Uuid,
    pub username: String,
    pub name: String,
    pub active: bool,
}

/// The account of an identity, locked until the transaction ends, so that it is not deactivated meanwhile.
pub async fn account_of(conn: &mut Conn, identity: Identity<'_>) -> Result<Option<Account>, Error> {
    let user: Option<Uuid> = identities::table
        .filter(identities::issuer.eq(identity.issuer))
        .filter(identities::subject.eq(identity.subject))
        .select(identities::user_id)
        .first(conn)
        .await
        .optional()?;
    let Some(user) = user else { return Ok(None) };
    Ok(users::table
        .find(user)
        .select((users::id, users::username, users::name, users::active))
        .for_no_key_update()
        .first(conn)
        .await
        .optional()?)
}

/// When an account was connected with the provider, and when the last sign-in was.
pub async fn connected(
    conn: &mut Conn,
    user: Uuid,
    issuer: &str,
) -> Result<Option<(DateTime<Utc>, Option<DateTime<Utc>>)>, Error> {
    Ok(identities::table
        .filter(identities::user_id.eq(user))
        .filter(identities::issuer.eq(issuer))
        .select((identities::created_at, identities::last_sign_in_at))
        .first(conn)
        .await
        .optional()?)
}

/// Whether the account has a password, kept so until the transaction ends.
pub async fn has_password(conn: &mut Conn, user: Uuid) -> Result<bool, Error> {
    let row = users::table.find(user).select(users::password_hash.is_not_null());
    Ok(row.for_no_key_update().first(conn).await?)
}
