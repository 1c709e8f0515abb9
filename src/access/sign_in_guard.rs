//! What stands between a guess and an account: the rate limit and the hasher, wherever a password is asked for.

use actix_web::HttpRequest;
use diesel::prelude::*;
use diesel_async::RunQueryDsl;

use super::sign_in_limit::OverLimit;
use super::{Actor, PasswordHasher, SessionLimits, SignInLimit, client_address, sign_in_alarms, sign_in_places};
use crate::clock::Clock;
use crate::db::Db;
use crate::db::schema::users;
use crate::web::{Cookies, Error};

/// Everything that asking for a password needs.
#[derive(Clone)]
pub struct SignInGuard {
    pub db: Db,
    pub clock: Clock,
    pub hasher: PasswordHasher,
    pub limits: SessionLimits,
    pub cookies: Cookies,
    /// All workers of a process share it.
    pub limit: SignInLimit,
}

impl SignInGuard {
    /// Takes one try of this account from this address: others are not held up by it. The database is asked who is
    /// known here only while many names, or this one from many addresses, are tried.
    pub async fn take(&self, req: &HttpRequest, account: &str) -> Result<(), Error> {
        let address = client_address(req);
        let taken = match self.limit.take(&address, account) {
            Ok(()) => Ok(()),
            Err(OverLimit::Name(wait)) => Err(wait),
            Err(OverLimit::Address(wait)) => {
                if self.is_known(&address, account).await? {
                    self.limit.take_known(&address, account)
                } else {
                    // Trying again sooner is worth it, for the others may have gone, and does not put the wait off.
                    let waited = self.limit.take_from_waitlist(&address, account);
                    waited.map_err(|until_let_through| until_let_through.min(wait))
                }
            }
            Err(OverLimit::Account(wait)) => {
                if self.is_known(&address, account).await? {
                    Ok(())
                } else {
                    self.raise_alarm(account).await?;
                    let waited = self.limit.wait_in_waitlist(&address, account);
                    waited.map_err(|until_let_through| until_let_through.min(wait))
                }
            }
        };
        taken.map_err(Error::TooMany)
    }

    async fn is_known(&self, address: &str, account: &str) -> Result<bool, Error> {
        let mut conn = self.db.get().await?;
        sign_in_places::is_known(&mut conn, account, address, self.clock.now()).await
    }

    /// Tells the person of the account that strangers are slowed down there.
    async fn raise_alarm(&self, account: &str) -> Result<(), Error> {
        if !self.limit.is_alarm_due(account) {
            return Ok(());
        }
        metrics::counter!("connectory_sign_in_alarms_total").increment(1);
        sign_in_alarms::note(&mut *self.db.get().await?, account, self.clock.now()).await
    }

    /// The stored hash that this password fits, if it is the password of the person who asks, who is throttled like
    /// anybody who signs in. Holds no connection while the password is hashed.
    pub async fn own_password(
        &self,
        req: &HttpRequest,
        actor: &Actor,
        password: String,
    ) -> Result<Option<String>, Error> {
        let taken = self.limit.take_known(&client_address(req), &actor.username);
        taken.map_err(Error::TooMany)?;
        let row = users::table.filter(users::id.nullable().eq(actor.id)).filter(users::active);
        let stored: Option<Option<String>> =
            row.select(users::password_hash).first(&mut *self.db.get().await?).await.optional()?;
        let stored = stored.flatten();
        let fits = self.hasher.verify(password, stored.clone()).await?;
        Ok(stored.filter(|_| fits))
    }
}
