//! How much one key or one person may ask for: so many requests at once, so many in a time, and a part of the memory
//! for bodies.
//!
//! Rule: whoever is over a limit is told at once when to come again, and others are not held up.

use std::collections::HashMap;
use std::num::NonZeroU32;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use governor::clock::Clock as _;
use governor::middleware::NoOpMiddleware;
use governor::nanos::Nanos;
use governor::state::{InMemoryState, NotKeyed};
use governor::{Quota as Rate, RateLimiter};
use uuid::Uuid;

use super::throttle::Ticks;
use crate::clock::Clock;
use crate::web::Budget;

/// Holders that are remembered before those without a request are dropped.
const MANY: usize = 10_000;

/// When one of the requests that are under way may have ended.
const A_MOMENT: Duration = Duration::from_secs(1);

/// The limits of each holder.
#[derive(Clone, Copy)]
pub struct QuotaLimits {
    /// Requests that are free.
    pub burst: NonZeroU32,
    /// After each of these times one more is.
    pub refill: Duration,
    /// Requests under way.
    pub at_once: usize,
}

/// The quotas of all holders. One for the process; clones share it.
#[derive(Clone)]
pub struct Quotas {
    limits: QuotaLimits,
    bodies: Arc<Budget>,
    ticks: Ticks,
    kept: Arc<Mutex<HashMap<Uuid, Arc<Quota>>>>,
}

/// What one holder uses.
struct Quota {
    rate: RateLimiter<NotKeyed, InMemoryState, Ticks, NoOpMiddleware<Nanos>>,
    under_way: AtomicUsize,
    bodies: Arc<Budget>,
}

/// A request that counts as under way until this is dropped.
pub struct InUse(Arc<Quota>);

/// Why a request is not taken, with how long until the next may be.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum OverQuota {
    /// Too many in a short time.
    Rate(Duration),
    /// So many are under way.
    AtOnce { most: usize, wait: Duration },
}

impl Quotas {
    /// Each holder has half of `bodies`, the memory for bodies of all of them.
    pub fn new(clock: &Clock, limits: QuotaLimits, bodies: &Arc<Budget>) -> Quotas {
        Quotas { limits, bodies: Arc::clone(bodies), ticks: Ticks::new(clock), kept: Arc::default() }
    }

    /// Takes one request of a holder.
    pub fn take(&self, holder: Uuid) -> Result<InUse, OverQuota> {
        let quota = self.of(holder);
        let most = self.limits.at_once;
        let one_more = |count: usize| (count < most).then_some(count + 1);
        let counted = (quota.under_way).fetch_update(Ordering::Relaxed, Ordering::Relaxed, one_more);
        if counted.is_err() {
            let wait = A_MOMENT;
            return Err(OverQuota::AtOnce { most, wait });
        }
        let in_use = InUse(quota);
        let checked = in_use.0.rate.check();
        checked.map_err(|wait| OverQuota::Rate(wait.wait_time_from(self.ticks.now())))?;
        Ok(in_use)
    }

    fn of(&self, holder: Uuid) -> Arc<Quota> {
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(quota) = kept.get(&holder) {
            return Arc::clone(quota);
        }
        if kept.len() >= MANY {
            kept.retain(|_, quota| Arc::strong_count(quota) > 1);
        }
        let rate = Rate::with_period(self.limits.refill)
            .unwrap_or(Rate::per_minute(NonZeroU32::MIN))
            .allow_burst(self.limits.burst);
        let quota = Arc::new(Quota {
            rate: RateLimiter::direct_with_clock(rate, self.ticks.clone()),
            under_way: AtomicUsize::new(0),
            bodies: self.bodies.part(self.bodies.limit() / 2),
        });
        kept.insert(holder, Arc::clone(&quota));
        quota
    }
}

impl InUse {
    /// The holder's part of the memory for bodies.
    pub fn bodies(&self) -> &Arc<Budget> {
        &self.0.bodies
    }
}

impl Drop for InUse {
    fn drop(&mut self) {
        self.0.under_way.fetch_sub(1, Ordering::Relaxed);
    }
}

impl OverQuota {
    /// How long until the next request may be taken.
    pub fn wait(self) -> Duration {
        match self {
            OverQuota::Rate(wait) | OverQuota::AtOnce { wait, .. } => wait,
        }
    }
}

#[cfg(test)]
mod tests {
    use chrono::TimeDelta;

    use super::*;

    const ONE: Uuid = Uuid::from_u128(1);
    const TWO: Uuid = Uuid::from_u128(2);

    fn quotas(clock: &Clock, burst: u32, at_once: usize) -> Quotas {
        let limits =
            QuotaLimits { burst: NonZeroU32::new(burst).expect("a number"), refill: Duration::from_secs(1), at_once };
        Quotas::new(clock, limits, &Budget::new(1_000_000))
    }

    #[test]
    fn a_holder_has_so_many_requests_in_a_time_and_others_their_own() {
        let clock = Clock::still();
        let quotas = quotas(&clock, 3, 100);
        for _ in 0..3 {
            assert!(quotas.take(ONE).is_ok());
        }
        let refused = quotas.take(ONE).err();
        assert_eq!(refused, Some(OverQuota::Rate(Duration::from_secs(1))));
        assert!(quotas.take(TWO).is_ok());
        clock.advance(TimeDelta::seconds(1));
        assert!(quotas.take(ONE).is_ok() && quotas.take(ONE).is_err());
    }

    #[test]
    fn a_holder_has_so_many_at_once_and_those_that_are_refused_count_for_nothing() {
        let quotas = quotas(&Clock::still(), 4, 2);
        let held = (quotas.take(ONE), quotas.take(ONE));
        for _ in 0..10 {
            let refused = quotas.take(ONE).err();
            assert!(matches!(refused, Some(OverQuota::AtOnce { most: 2, .. })));
        }
        assert!(quotas.take(TWO).is_ok());
        drop(held);
        assert!(quotas.take(ONE).is_ok() && quotas.take(ONE).is_ok());
        assert!(matches!(quotas.take(ONE).err(), Some(OverQuota::Rate(_))));
    }

    #[test]
    fn holders_without_a_request_are_forgotten_when_there_are_many() {
        let quotas = quotas(&Clock::still(), 1, 1);
        let held = quotas.take(ONE);
        for number in 10..3 * MANY as u128 {
            assert!(quotas.take(Uuid::from_u128(number)).is_ok());
        }
        assert!(quotas.kept.lock().expect("no panic").len() <= MANY);
        assert!(quotas.take(ONE).is_err(), "it is under way");
        drop(held);
    }
}
