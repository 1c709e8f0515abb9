//! Who is whom at the provider.

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use uuid::Uuid;

use crate::db::Conn;
use crate::db::schema::{identities, users};
use crate::web::Error;

/// Somebody at the provider: the pair that stands for a person for ever (OpenID Connect Core 1.0 section 5.7).
#[derive(Clone, Copy)]
pub(in crate::openid) struct Identity<'a> {
    pub issuer: &'a str,
    pub subject: &'a str,
}

/// The account that somebody signs in to.
#[derive(Queryable)]
pub(in crate::openid) struct Account {
    pub id: Uuid,
    pub username: String,
    pub name: String,
    pub active: bool,
}

/// The account of an identity, kept as it is until the transaction ends: whoever switches it off meanwhile comes after.
pub(in crate::openid) async fn account_of(conn: &mut Conn, identity: Identity<'_>) -> Result<Option<Account>, Error> {
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

/// Connects an account with an identity; false if either is connected otherwise already.
pub(in crate::openid) async fn connect(
    conn: &mut Conn,
    user: Uuid,
    identity: Identity<'_>,
    now: DateTime<Utc>,
) -> Result<bool, Error> {
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

/// Notes that somebody signs in with an identity.
pub(in crate::openid) async fn note_use(
    conn: &mut Conn,
    identity: Identity<'_>,
    now: DateTime<Utc>,
) -> Result<(), Error> {
    let row = identities::table
        .filter(identities::issuer.eq(identity.issuer))
        .filter(identities::subject.eq(identity.subject));
    diesel::update(row).set(identities::last_sign_in_at.eq(now)).execute(conn).await?;
    Ok(())
}

/// When an account was connected with the provider, and when it was signed in to in this way last.
pub(in crate::openid) async fn connected(
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

/// Takes the connection away; false if there was none.
pub(in crate::openid) async fn disconnect(conn: &mut Conn, user: Uuid, issuer: &str) -> Result<bool, Error> {
    let row = identities::table.filter(identities::user_id.eq(user)).filter(identities::issuer.eq(issuer));
    Ok(diesel::delete(row).execute(conn).await? > 0)
}

/// Whether the account has a password, kept so until the transaction ends.
pub(in crate::openid) async fn has_password(conn: &mut Conn, user: Uuid) -> Result<bool, Error> {
    let row = users::table.find(user).select(users::password_hash.is_not_null());
    Ok(row.for_no_key_update().first(conn).await?)
}
