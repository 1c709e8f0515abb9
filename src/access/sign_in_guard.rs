//! What stands between a guess and an account, wherever a password is asked for: the rate limit, the hasher, and the
//! places from which each person has signed in.
//!
//! Rules: a person who has signed in from an address before is not held up by others who guess there. The person of an
//! account at which strangers are slowed down sees that on the home page. Places and alarms are in the database, so
//! that a restart and other instances know them.

use std::net::{IpAddr, Ipv6Addr};

use actix_web::HttpRequest;
use chrono::{DateTime, TimeDelta, Utc};
use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use uuid::Uuid;

use super::sign_in_limit::OverLimit;
use super::{Actor, PasswordHasher, SessionLimits, SignInLimit, client_address};
use crate::clock::Clock;
use crate::db::schema::{sign_in_alarms, sign_in_places, users};
use crate::db::{Conn, Db};
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
        is_known_place(&mut conn, account, address, self.clock.now()).await
    }

    /// Tells the person of the account that strangers are slowed down there.
    async fn raise_alarm(&self, account: &str) -> Result<(), Error> {
        if !self.limit.is_alarm_due(account) {
            return Ok(());
        }
        metrics::counter!("connectory_sign_in_alarms_total").increment(1);
        note_alarm(&mut *self.db.get().await?, account, self.clock.now()).await
    }

    /// The stored hash that this password fits, if it is the password of the person who asks, who is throttled like
    /// every sign-in. Holds no connection while the password is hashed.
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

/// A place counts for so long after its person has signed in from there last.
const REMEMBERED: TimeDelta = TimeDelta::days(90);

/// The network that an address stands for: who has one IPv6 address has all of its /64.
pub fn network(address: &str) -> String {
    match address.parse() {
        Ok(IpAddr::V6(own)) => Ipv6Addr::from_bits(own.to_bits() & !u128::from(u64::MAX)).to_string(),
        _ => address.to_string(),
    }
}

/// Notes that a person has signed in, or proved in another way who they are, from an address.
pub async fn note_place(conn: &mut Conn, user: Uuid, address: &str, now: DateTime<Utc>) -> Result<(), Error> {
    diesel::insert_into(sign_in_places::table)
        .values((
            sign_in_places::user_id.eq(user),
            sign_in_places::network.eq(network(address)),
            sign_in_places::last_at.eq(now),
        ))
        .on_conflict((sign_in_places::user_id, sign_in_places::network))
        .do_update()
        .set(sign_in_places::last_at.eq(now))
        .execute(conn)
        .await?;
    Ok(())
}

/// Whether the person of this user name has signed in from an address within the last 90 days.
async fn is_known_place(conn: &mut Conn, username: &str, address: &str, now: DateTime<Utc>) -> Result<bool, Error> {
    let known = sign_in_places::table
        .inner_join(users::table)
        .filter(users::username_key.eq(crate::name::key(username)))
        .filter(sign_in_places::network.eq(network(address)))
        .filter(sign_in_places::last_at.gt(now - REMEMBERED));
    Ok(diesel::select(diesel::dsl::exists(known)).get_result(conn).await?)
}

/// How long the home page tells the person.
const ALARM_SHOWN: TimeDelta = TimeDelta::days(7);

/// Notes an alarm of the account with this user name, if there is one: so many tries came from addresses that its
/// person never signed in from that strangers are slowed down there.
async fn note_alarm(conn: &mut Conn, username: &str, now: DateTime<Utc>) -> Result<(), Error> {
    let account = users::table.filter(users::username_key.eq(crate::name::key(username)));
    let user: Option<Uuid> = account.select(users::id).first(conn).await.optional()?;
    let Some(user) = user else {
        return Ok(());
    };
    diesel::insert_into(sign_in_alarms::table)
        .values((sign_in_alarms::user_id.eq(user), sign_in_alarms::last_at.eq(now)))
        .on_conflict(sign_in_alarms::user_id)
        .do_update()
        .set(sign_in_alarms::last_at.eq(now))
        .execute(conn)
        .await?;
    Ok(())
}

/// When strangers were last slowed down at this person's account, within the last week.
pub async fn sign_in_alarm(
    conn: &Conn,
    user: Option<Uuid>,
    now: DateTime<Utc>,
) -> Result<Option<DateTime<Utc>>, Error> {
    let alarm = sign_in_alarms::table
        .filter(sign_in_alarms::user_id.nullable().eq(user))
        .filter(sign_in_alarms::last_at.gt(now - ALARM_SHOWN))
        .select(sign_in_alarms::last_at);
    Ok(alarm.first(&mut &*conn).await.optional()?)
}

/// Deletes addresses without a sign-in for long, and alarms that no page shows any more.
pub async fn purge(conn: &mut Conn, now: DateTime<Utc>) -> Result<(), Error> {
    let places = sign_in_places::table.filter(sign_in_places::last_at.le(now - REMEMBERED));
    diesel::delete(places).execute(conn).await?;
    let alarms = sign_in_alarms::table.filter(sign_in_alarms::last_at.le(now - ALARM_SHOWN));
    diesel::delete(alarms).execute(conn).await?;
    Ok(())
}
