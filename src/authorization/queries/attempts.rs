//! People on their way to an authorization server and back.

use chrono::{DateTime, TimeDelta, Utc};
use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use uuid::Uuid;

use super::open_sealed;
use crate::db::Conn;
use crate::db::schema::authorization_attempts as attempts;
use crate::oauth::state_hash;
use crate::vault::{AssociatedData, Secret, Vault};
use crate::web::Error;

/// How long a spent or forgotten attempt is remembered, so that the page can say which of the two it is.
const REMEMBERED: TimeDelta = TimeDelta::days(1);

/// How many attempts of one person at one connector can wait for an answer; the oldest are dropped. Nobody authorizes
/// in so many windows at once.
const MOST_OPEN: i64 = 20;

/// An attempt that has begun.
pub(in crate::authorization) struct NewAttempt<'a> {
    pub connector: Uuid,
    pub user: Uuid,
    /// The hash of the session that leaves.
    pub session: [u8; 32],
    pub state: &'a Secret,
    /// The PKCE verifier; empty without PKCE.
    pub verifier: &'a Secret,
    pub authorization_version: i32,
}

/// An attempt as it is found again by the state in the server's answer.
#[derive(Queryable)]
pub(in crate::authorization) struct Attempt {
    pub id: Uuid,
    pub session_hash: Vec<u8>,
    sealed: Vec<u8>,
    pub authorization_version: i32,
    pub created_at: DateTime<Utc>,
    pub spent_at: Option<DateTime<Utc>>,
}

impl Attempt {
    /// The PKCE verifier, if the attempt has one.
    pub fn verifier(self, vault: &Vault) -> Result<Option<Secret>, Error> {
        let verifier = open_sealed(vault, place(self.id), Some(self.sealed))?;
        Ok(verifier.filter(|verifier| !verifier.is_empty()))
    }
}

fn place(id: Uuid) -> AssociatedData<'static> {
    AssociatedData { table: "authorization_attempts", row: id, column: "sealed", bound_to: None }
}

pub(in crate::authorization) async fn keep_attempt(
    conn: &mut Conn,
    vault: &Vault,
    now: DateTime<Utc>,
    new: &NewAttempt<'_>,
) -> Result<(), Error> {
    let id = Uuid::now_v7();
    let sealed = vault.seal(place(id), new.verifier).map_err(Error::internal)?;
    diesel::insert_into(attempts::table)
        .values((
            attempts::id.eq(id),
            attempts::connector_id.eq(new.connector),
            attempts::user_id.eq(new.user),
            attempts::session_hash.eq(new.session.to_vec()),
            attempts::state_hash.eq(state_hash(new.state)),
            attempts::sealed.eq(sealed),
            attempts::authorization_version.eq(new.authorization_version),
            attempts::created_at.eq(now),
        ))
        .execute(conn)
        .await?;
    let too_many: Vec<Uuid> = attempts::table
        .filter(attempts::connector_id.eq(new.connector))
        .filter(attempts::user_id.eq(new.user))
        .filter(attempts::spent_at.is_null())
        .order((attempts::created_at.desc(), attempts::id.desc()))
        .offset(MOST_OPEN)
        .select(attempts::id)
        .load(conn)
        .await?;
    if !too_many.is_empty() {
        diesel::delete(attempts::table.filter(attempts::id.eq_any(too_many))).execute(conn).await?;
    }
    Ok(())
}

/// The attempt of this state at this connector.
pub(in crate::authorization) async fn find_attempt(
    conn: &mut Conn,
    connector: Uuid,
    state: &Secret,
) -> Result<Option<Attempt>, Error> {
    Ok(attempts::table
        .filter(attempts::connector_id.eq(connector))
        .filter(attempts::state_hash.eq(state_hash(state)))
        .select((
            attempts::id,
            attempts::session_hash,
            attempts::sealed,
            attempts::authorization_version,
            attempts::created_at,
            attempts::spent_at,
        ))
        .first(conn)
        .await
        .optional()?)
}

/// Spends an attempt; false when somebody has done so before.
pub(in crate::authorization) async fn spend_attempt(
    conn: &mut Conn,
    now: DateTime<Utc>,
    id: Uuid,
) -> Result<bool, Error> {
    let unspent = attempts::table.find(id).filter(attempts::spent_at.is_null());
    let spent = diesel::update(unspent).set(attempts::spent_at.eq(now)).execute(conn).await?;
    Ok(spent == 1)
}

/// Deletes the attempts that nobody asks about any more.
pub async fn purge_attempts(conn: &mut Conn, now: DateTime<Utc>) -> Result<usize, Error> {
    let old = attempts::table.filter(attempts::created_at.le(now - REMEMBERED));
    Ok(diesel::delete(old).execute(conn).await?)
}
