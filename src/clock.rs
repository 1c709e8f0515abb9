//! The time, passed in: everything that asks for the time takes it from a [`Clock`], so that a test can move it.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{Duration, Instant};

use chrono::{DateTime, TimeDelta, Utc};

/// A source of the current time; clones of one clock agree.
#[derive(Clone)]
pub struct Clock {
    /// Microseconds that the clock is ahead of the system's; always 0 outside tests.
    ahead: Arc<AtomicI64>,
    start: Instant,
    /// When it was made, if it stands still.
    still: Option<DateTime<Utc>>,
}

impl Default for Clock {
    fn default() -> Clock {
        Clock { ahead: Arc::default(), start: Instant::now(), still: None }
    }
}

impl Clock {
    /// The clock of the machine.
    pub fn system() -> Clock {
        Clock::default()
    }

    /// A clock that moves only when it is moved, for tests of what a moment of the machine's time would change.
    pub fn still() -> Clock {
        let made = Clock::default();
        Clock { still: Some(made.now()), ..made }
    }

    /// The current time in whole microseconds, which is what the database keeps.
    #[expect(clippy::disallowed_methods, reason = "the one place that asks the machine for the time")]
    pub fn now(&self) -> DateTime<Utc> {
        let system = self.still.unwrap_or_else(Utc::now).timestamp_micros();
        let micros = system.saturating_add(self.ahead.load(Ordering::Relaxed));
        DateTime::from_timestamp_micros(micros).unwrap_or(DateTime::<Utc>::MAX_UTC)
    }

    /// The time since this clock was made: for measuring how long ago something was, because it cannot be set back.
    pub fn steady(&self) -> Duration {
        let ahead = self.ahead.load(Ordering::Relaxed);
        let passed = match self.still {
            Some(_) => Duration::ZERO,
            None => self.start.elapsed(),
        };
        passed + Duration::from_micros(ahead.unsigned_abs())
    }

    /// Moves this clock and its clones forward, for tests of expiry.
    pub fn advance(&self, by: TimeDelta) {
        self.ahead.fetch_add(by.num_microseconds().unwrap_or(i64::MAX), Ordering::Relaxed);
    }
}
