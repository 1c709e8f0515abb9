//! Holding a lease: its holder extends it while it asks the server and stores the answer.

use std::convert::Infallible;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use uuid::Uuid;

use super::Inner;
use super::lease::Wish;
use crate::connectors::ConnectorId;
use crate::db::schema::renewals;
use crate::web::Error;

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
    pub fn new(wish: &Wish, now: DateTime<Utc>) -> Lease {
        Lease {
            id: Uuid::now_v7(),
            connector: wish.connector,
            version: wish.version,
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

    /// Whether it is too late to begin a request: whoever takes the lease over sends the same refresh token, and the
    /// server takes that for theft.
    pub fn is_late(&self, now: DateTime<Utc>) -> bool {
        now + MARGIN > self.until()
    }

    /// Extends the lease again and again, until it is dropped.
    pub async fn keep(&self, keeper: &Inner) -> Infallible {
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::authorization::keeper::lease::GRACE;

    #[test]
    fn a_dead_holder_is_succeeded_within_fifteen_seconds_and_begins_nothing_late() {
        let dead = LEASE.to_std().expect("a duration") + GRACE;
        assert!(dead <= Duration::from_secs(14), "{dead:?}");
        assert!(EXTEND_EVERY * 2 < GRACE);
        let now = DateTime::UNIX_EPOCH;
        let wish = Wish { connector: Uuid::nil(), version: 3, forced: false, abandoned: None };
        let lease = Lease::new(&wish, now);
        assert!(!lease.is_late(now + LEASE - MARGIN));
        assert!(lease.is_late(now + LEASE));
    }
}
