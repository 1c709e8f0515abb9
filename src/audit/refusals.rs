//! Audit entries about refused sign-ins and API keys.
//!
//! Rule: no secret, and nothing that was typed: people type passwords into the field for the user name, so only the name
//! of an account that exists is recorded. Danger: attackers decide how often it happens. A refusal of one network for one
//! reason is written once a minute, with the number of those left out, and of all together one in ten seconds.

use std::num::NonZeroU32;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use chrono::{DateTime, Utc};
use uuid::Uuid;

use super::{Change, Changes};
use crate::access::{Actor, RateLimit, network};
use crate::clock::Clock;
use crate::db::Db;
use crate::web::{Error, LogThrottle};

/// Entries about refusals that are written at once; then one in each [`PERIOD`], for all addresses together.
const BURST: NonZeroU32 = NonZeroU32::MIN.saturating_add(59);
const PERIOD: Duration = Duration::from_secs(10);

/// Counts refusals in this process; clones agree.
#[derive(Clone)]
pub struct Refusals {
    log_throttle: LogThrottle,
    limit: RateLimit<()>,
    /// Refusals of any kind without an entry.
    left_out: Arc<AtomicU64>,
}

/// A refusal.
pub struct Refusal<'a> {
    /// Object and event, such as `sign_in.refused`.
    pub kind: &'static str,
    pub reason: &'a str,
    /// The id and name of an account or key that exists.
    pub subject: Option<(Option<Uuid>, &'a str)>,
}

/// That a refusal is to be written, and how many were not.
pub struct Due {
    same: u64,
    others: u64,
}

impl Refusals {
    pub fn new(clock: &Clock) -> Refusals {
        Refusals {
            log_throttle: LogThrottle::new(clock),
            limit: RateLimit::new(clock, BURST, PERIOD),
            left_out: Arc::default(),
        }
    }

    /// Counts a refusal of this address; `what` separates it from others of its kind. Some if it is to be written.
    pub fn due(&self, address: &str, kind: &'static str, what: &str) -> Option<Due> {
        metrics::counter!("connectory_refusals_total", "kind" => kind).increment(1);
        let network = network(address);
        let same = self.log_throttle.note(&format!("{network} {kind} {what}"))?;
        if self.limit.take(&()).is_err() {
            self.left_out.fetch_add(same + 1, Ordering::Relaxed);
            return None;
        }
        let others = self.left_out.swap(0, Ordering::Relaxed);
        Some(Due { same, others })
    }

    /// Counts a refusal, and writes it if it is due.
    pub async fn record(&self, db: &Db, by: &Actor, now: DateTime<Utc>, refusal: Refusal<'_>) {
        let (_, name) = refusal.subject.unwrap_or_default();
        let what = format!("{} {name}", refusal.reason);
        if let Some(due) = self.due(&by.address, refusal.kind, &what) {
            due.write(db, by, now, refusal).await;
        }
    }
}

impl Due {
    /// Writes the entry. A failure is logged and changes nothing for the client.
    pub async fn write(self, db: &Db, by: &Actor, now: DateTime<Utc>, refusal: Refusal<'_>) {
        let kind = refusal.kind;
        if let Err(error) = self.try_write(db, by, now, refusal).await {
            let cause = format!("{:#}", anyhow::Error::from(error));
            tracing::warn!(kind, cause, "a refusal was not recorded");
        }
    }

    async fn try_write(self, db: &Db, by: &Actor, now: DateTime<Utc>, refusal: Refusal<'_>) -> Result<(), Error> {
        let (subject_id, subject_name) = refusal.subject.unwrap_or_default();
        let number = |number: u64| match number {
            0 => String::new(),
            number => number.to_string(),
        };
        let changes = Changes::none()
            .field("Reason", "", refusal.reason)
            .field("The same since the previous entry", "", number(self.same))
            .field("Others without an entry", "", number(self.others));
        let mut conn = db.get().await?;
        Change { conn: &mut conn, by, now }.record(refusal.kind, subject_id, subject_name, changes).await
    }
}

#[cfg(test)]
mod tests {
    use chrono::TimeDelta;

    use super::*;

    #[test]
    fn a_flood_gets_few_entries_and_a_number() {
        let clock = Clock::still();
        let refusals = Refusals::new(&clock);
        let due = |number: u32| {
            let address = format!("192.0.{}.{}", number / 256, number % 256);
            refusals.due(&address, "sign_in.refused", "x")
        };
        let written = (0..5_000).filter(|number| due(*number).is_some()).count();
        assert_eq!(written, 60);
        clock.advance(TimeDelta::seconds(60));
        let due = refusals.due("198.51.100.7", "sign_in.refused", "x").expect("an entry");
        assert!(due.others > 900, "{}", due.others);
        assert_eq!(due.same, 0);
    }

    #[test]
    fn one_network_gets_an_entry_a_minute_for_each_reason() {
        let clock = Clock::still();
        let refusals = Refusals::new(&clock);
        let due = |host: u32, what: &str| refusals.due(&format!("2001:db8::{host}"), "api_key.refused", what);
        assert!(due(1, "x").is_some());
        for host in 2..12 {
            assert!(due(host, "x").is_none());
        }
        assert!(due(1, "another").is_some());
        clock.advance(TimeDelta::minutes(1));
        let due = due(1, "x");
        assert_eq!(due.map(|due| due.same), Some(10));
    }
}
