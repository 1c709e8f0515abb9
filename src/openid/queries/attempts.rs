//! People on their way to the provider and back.

use chrono::{DateTime, TimeDelta, Utc};
use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use uuid::Uuid;

use crate::db::Conn;
use crate::db::schema::sign_in_attempts as attempts;
use crate::oauth::state_hash;
use crate::vault::{AssociatedData, Secret, Vault};
use crate::web::Error;

/// How long a spent or forgotten attempt is remembered, so that the page can say which of the two it is.
const REMEMBERED: TimeDelta = TimeDelta::days(1);

/// An attempt that has begun.
pub(in crate::openid) struct NewAttempt<'a> {
    /// Whose account is to be connected; `None`: somebody signs in.
    pub user: Option<Uuid>,
    /// The hash of the browser's token.
    pub visitor: [u8; 32],
    pub state: &'a Secret,
    /// The PKCE verifier.
    pub verifier: &'a Secret,
    pub nonce: &'a Secret,
    /// The page that was asked for; a path of this site.
    pub next: &'a str,
}

/// An attempt as it is found again by the state in the provider's answer.
#[derive(Queryable)]
pub(in crate::openid) struct Attempt {
    pub id: Uuid,
    pub user_id: Option<Uuid>,
    pub visitor_hash: Vec<u8>,
    sealed: Vec<u8>,
    pub next: String,
    pub created_at: DateTime<Utc>,
    pub spent_at: Option<DateTime<Utc>>,
}

impl Attempt {
    /// The PKCE verifier and the nonce.
    pub fn secrets(&self, vault: &Vault) -> Result<(Secret, Secret), Error> {
        let opened = vault.open(place(self.id), &self.sealed);
        let opened = opened.map_err(Error::internal)?;
        let parts = opened.expose().split_once('.');
        let (verifier, nonce) =
            parts.ok_or_else(|| Error::internal(anyhow::anyhow!("a sealed sign-in attempt has one part")))?;
        Ok((Secret::new(verifier.into()), Secret::new(nonce.into())))
    }
}

fn place(id: Uuid) -> AssociatedData<'static> {
    AssociatedData { table: "sign_in_attempts", row: id, column: "sealed", bound_to: None }
}

pub(in crate::openid) async fn keep_attempt(
    conn: &mut Conn,
    vault: &Vault,
    now: DateTime<Utc>,
    new: &NewAttempt<'_>,
) -> Result<(), Error> {
    let id = Uuid::now_v7();
    // Neither has a full stop in it.
    let secrets = Secret::new(format!("{}.{}", new.verifier.expose(), new.nonce.expose()));
    let sealed = vault.seal(place(id), &secrets).map_err(Error::internal)?;
    diesel::insert_into(attempts::table)
        .values((
            attempts::id.eq(id),
            attempts::user_id.eq(new.user),
            attempts::visitor_hash.eq(new.visitor.to_vec()),
            attempts::state_hash.eq(state_hash(new.state)),
            attempts::sealed.eq(sealed),
            attempts::next.eq(new.next),
            attempts::created_at.eq(now),
        ))
        .execute(conn)
        .await?;
    Ok(())
}

/// The attempt of this state.
pub(in crate::openid) async fn find_attempt(conn: &mut Conn, state: &Secret) -> Result<Option<Attempt>, Error> {
    Ok(attempts::table
        .filter(attempts::state_hash.eq(state_hash(state)))
        .select((
            attempts::id,
            attempts::user_id,
            attempts::visitor_hash,
            attempts::sealed,
            attempts::next,
            attempts::created_at,
            attempts::spent_at,
        ))
        .first(conn)
        .await
        .optional()?)
}

/// Spends an attempt; false when somebody has done so before.
pub(in crate::openid) async fn spend_attempt(conn: &mut Conn, now: DateTime<Utc>, id: Uuid) -> Result<bool, Error> {
    let unspent = attempts::table.find(id).filter(attempts::spent_at.is_null());
    let spent = diesel::update(unspent).set(attempts::spent_at.eq(now)).execute(conn).await?;
    Ok(spent == 1)
}

/// Deletes the attempts that nobody asks about any more.
pub async fn purge_attempts(conn: &mut Conn, now: DateTime<Utc>) -> Result<usize, Error> {
    let old = attempts::table.filter(attempts::created_at.le(now - REMEMBERED));
    Ok(diesel::delete(old).execute(conn).await?)
}
