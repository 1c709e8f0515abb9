//! The lease: which instance may request a connector's next token.
//!
//! Version and lease stand in one row, and the lease is acquired under the lock that storing and forgetting a token
//! takes. So what is read with it, the refresh token above all, is of the version that the lease is for.
//!
//! Danger: a lease that ends while its holder still asks, or still stores the answer, lets another instance send the
//! same refresh token once more. So its holder extends it while it works ([`Lease::keep_extending`]) until the answer is
//! stored; no request begins when it may have run out ([`super::request`]); and one that has run out is left alone for
//! [`GRACE`], in which a holder that waited for the database extends it or stores what it has. It is taken over only if
//! it was not extended meanwhile, so clocks that differ cost time and never a second request.
//!
//! A lease is short, because the holder may have been killed: then the connector gets no token until the lease and
//! [`GRACE`] are over, less than 15 seconds. The price: a holder that loses the database for longer, while other
//! instances reach it, may be doubled.

use std::convert::Infallible;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use diesel::prelude::*;
use diesel_async::{AsyncConnection, RunQueryDsl};
use uuid::Uuid;

use super::request::{NextTokenRequest, next_token_request};
use super::state::{RenewalState, state};
use super::{Inner, TokenProblem};
use crate::connectors::{self, ConnectorId};
use crate::db::Conn;
use crate::db::schema::renewals;
use crate::web::Error;

/// How long a lease that has run out must have been seen before it is taken over, while the database is there: longer
/// than its holder needs for a try to reach the database, the time limit of a statement included.
pub(super) const GRACE: Duration = Duration::from_secs(6);

/// No lease and no backoff lasts this long. One that seems to was written by a clock that has been put back since.
pub(super) const FARTHEST: TimeDelta = TimeDelta::hours(2);

/// How long a lease counts after it was taken or extended.
pub(super) const LEASE: TimeDelta = TimeDelta::seconds(7);

/// How often a lease is extended.
const EXTEND_EVERY: Duration = Duration::from_secs(2);

/// A request begins only if the lease counts this much longer.
const MARGIN: TimeDelta = TimeDelta::seconds(2);

/// The right to ask for the token that follows this version.
pub(super) struct Lease {
    pub id: Uuid,
    pub connector: ConnectorId,
    pub version: i64,
    /// When it runs out unless it is extended, in microseconds, as the database keeps times.
    until: AtomicI64,
}

impl Lease {
    pub fn new(wanted: &LeaseRequest, now: DateTime<Utc>) -> Lease {
        Lease {
            id: Uuid::now_v7(),
            connector: wanted.connector,
            version: wanted.version,
            until: AtomicI64::new((now + LEASE).timestamp_micros()),
        }
    }

    /// This lease as others see it once it has run out.
    pub fn seen(&self) -> SeenLease {
        SeenLease { id: self.id, until: self.until() }
    }

    pub fn until(&self) -> DateTime<Utc> {
        let until = AtomicI64::load(&self.until, Ordering::Acquire);
        DateTime::from_timestamp_micros(until).unwrap_or(DateTime::UNIX_EPOCH)
    }

    /// Whether it is too late to send a request: the next holder sends the same refresh token, and the
    /// server takes that for theft.
    pub fn is_late(&self, now: DateTime<Utc>) -> bool {
        now + MARGIN > self.until()
    }

    /// Extends the lease again and again, until it is dropped.
    pub async fn keep_extending(&self, keeper: &Inner) -> Infallible {
        loop {
            tokio::time::sleep(EXTEND_EVERY).await;
            if let Err(error) = self.extend(keeper).await {
                let cause = format!("{:#}", anyhow::Error::from(error));
                tracing::debug!(connector = %self.connector, cause, "a lease could not be extended");
            }
        }
    }

    /// Extends the lease, unless it has ended or another instance has it.
    async fn extend(&self, keeper: &Inner) -> Result<(), Error> {
        let mut conn = keeper.db.get().await?;
        let until = keeper.clock.now() + LEASE;
        let own = renewals::table.find(self.connector).filter(renewals::lease_id.eq(self.id));
        let extended = diesel::update(own).set(renewals::lease_until.eq(until)).execute(&mut conn).await?;
        if extended == 1 {
            self.until.store(until.timestamp_micros(), Ordering::Release);
        }
        Ok(())
    }
}

/// A lease as its row shows it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct SeenLease {
    pub id: Uuid,
    pub until: DateTime<Utc>,
}

/// A request for the lease.
pub(super) struct LeaseRequest {
    pub connector: ConnectorId,
    /// The token that is to be replaced.
    pub version: i64,
    /// A person asks, who may do so although the server has refused.
    pub forced: bool,
    /// The lease that had run out [`GRACE`] ago. It was not extended if it is still the same.
    pub expired: Option<SeenLease>,
}

/// Whether the lease was acquired.
pub(super) enum Acquired {
    /// With the request that is to be sent.
    Yes(Lease, Box<NextTokenRequest>),
    No(Unavailable),
}

/// Why the lease cannot be acquired.
pub(super) enum Unavailable {
    /// Another instance holds it, until this time or longer.
    Held(DateTime<Utc>),
    /// Its holder should have extended it by now.
    Expired(SeenLease),
    /// The backoff after a refusal is not over, or there is nothing to request a token with.
    Refused(Box<TokenProblem>),
    /// The token was replaced meanwhile.
    Replaced,
}

impl RenewalState {
    /// Why the lease cannot be acquired; `None` if it can.
    fn unavailable(self, wanted: &LeaseRequest, now: DateTime<Utc>) -> Option<Unavailable> {
        if self.token_version != wanted.version {
            return Some(Unavailable::Replaced);
        }
        match (self.lease_id, self.lease_until) {
            (Some(_), Some(until)) if is_ahead(until, now) => Some(Unavailable::Held(until)),
            (Some(id), Some(until)) if wanted.expired != Some(SeenLease { id, until }) => {
                Some(Unavailable::Expired(SeenLease { id, until }))
            }
            _ if wanted.forced => None,
            _ => self.backoff(now),
        }
    }

    fn backoff(self, now: DateTime<Utc>) -> Option<Unavailable> {
        let is_waiting = self.is_final || self.next_attempt_at.is_some_and(|next| is_ahead(next, now));
        is_waiting.then(|| Unavailable::Refused(Box::new(TokenProblem::Backoff(Box::new(self)))))
    }

    /// Whether an instance holds the lease, so that the next token is being requested.
    pub fn is_leased(&self, now: DateTime<Utc>) -> bool {
        self.lease_until.is_some_and(|until| is_ahead(until, now))
    }
}

/// Whether a stored time is yet to come, and not absurdly far away.
fn is_ahead(time: DateTime<Utc>, now: DateTime<Utc>) -> bool {
    time > now && time <= now + FARTHEST
}

/// Acquires the lease and reads the request to send, if the token is still of its version, no instance holds the lease,
/// and the backoff is over.
pub(super) async fn acquire(
    conn: &mut Conn,
    keeper: &Inner,
    wanted: &LeaseRequest,
    now: DateTime<Utc>,
) -> Result<Acquired, Error> {
    conn.transaction(async |conn| {
        connectors::hold_authorization(conn, wanted.connector).await?;
        let refused = |problem| Ok(Acquired::No(Unavailable::Refused(Box::new(problem))));
        let Some(state) = state(conn, wanted.connector).await? else {
            return refused(TokenProblem::Disabled);
        };
        if let Some(reason) = state.renewal.clone().unavailable(wanted, now) {
            return Ok(Acquired::No(reason));
        }
        let request = next_token_request(conn, keeper, wanted.connector, &state).await?;
        let Some(request) = request else {
            return refused(TokenProblem::Ended);
        };
        let lease = Lease::new(wanted, now);
        Ok(match write(conn, &lease).await? {
            true => Acquired::Yes(lease, Box::new(request)),
            false => Acquired::No(Unavailable::Replaced),
        })
    })
    .await
}

async fn write(conn: &mut Conn, lease: &Lease) -> Result<bool, Error> {
    let values = (renewals::lease_id.eq(lease.id), renewals::lease_until.eq(lease.until()));
    let upsert = diesel::insert_into(renewals::table)
        .values((renewals::connector_id.eq(lease.connector), renewals::token_version.eq(lease.version), values))
        .on_conflict(renewals::connector_id)
        .do_update()
        .set(values);
    let same_version = renewals::token_version.eq(lease.version);
    let written = diesel::query_dsl::methods::FilterDsl::filter(upsert, same_version).execute(conn).await?;
    Ok(written == 1)
}

#[cfg(test)]
mod tests;
