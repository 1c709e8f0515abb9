//! A brake on guessing: so many tries at once, then one now and again, by account and by address.

use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::Duration;

use governor::clock::{Clock as GovernorClock, ReasonablyRealtime};
use governor::middleware::NoOpMiddleware;
use governor::nanos::Nanos;
use governor::state::keyed::DefaultKeyedStateStore;
use governor::{Quota, RateLimiter};

use crate::clock::Clock;

/// After the burst, one more try in this time.
const REFILL: Duration = Duration::from_secs(30);
/// More keys than this, and those that are at rest are forgotten.
const MANY: usize = 10_000;

/// Counts tries by key, in this process. Nobody is locked out for good: a try comes back every 30 seconds.
#[derive(Clone)]
pub struct Throttle {
    limiter: Arc<RateLimiter<String, DefaultKeyedStateStore<String>, Ticks, NoOpMiddleware<Nanos>>>,
    ticks: Ticks,
}

impl Throttle {
    /// A brake that lets `burst` tries of one key pass at once.
    pub fn new(clock: &Clock, burst: NonZeroU32) -> Throttle {
        Throttle::every(clock, REFILL, burst)
    }

    /// The same where one more try comes back after each `refill`.
    pub fn every(clock: &Clock, refill: Duration, burst: NonZeroU32) -> Throttle {
        let ticks = Ticks {
            clock: clock.clone(),
            start: clock.now(),
        };
        let quota = Quota::with_period(refill)
            .unwrap_or(Quota::per_minute(NonZeroU32::MIN))
            .allow_burst(burst);
        Throttle {
            limiter: Arc::new(RateLimiter::new(
                quota,
                DefaultKeyedStateStore::default(),
                ticks.clone(),
            )),
            ticks,
        }
    }

    /// A brake on requests that one person sends to other servers: enough for trying out, too few for guessing the
    /// passwords of others there or for looking round the network.
    pub fn for_outbound(clock: &Clock) -> Throttle {
        Throttle::new(clock, NonZeroU32::MIN.saturating_add(29))
    }

    /// Takes one try of `key`; an error says how long until the next.
    pub fn take(&self, key: &str) -> Result<(), Duration> {
        if self.limiter.len() > MANY {
            self.limiter.retain_recent();
        }
        self.limiter
            .check_key(&key.to_string())
            .map_err(|wait| wait.wait_time_from(self.ticks.now()))
    }
}

/// The product's clock in governor's terms, so that tests can move it.
#[derive(Clone)]
struct Ticks {
    clock: Clock,
    start: chrono::DateTime<chrono::Utc>,
}

impl GovernorClock for Ticks {
    type Instant = Nanos;

    fn now(&self) -> Nanos {
        let passed = self.clock.now() - self.start;
        Nanos::from(
            passed
                .num_nanoseconds()
                .and_then(|nanos| u64::try_from(nanos).ok())
                .unwrap_or(0),
        )
    }
}

impl ReasonablyRealtime for Ticks {}
