//! The number of concurrent calls to a connector, in this process.
//!
//! Rule: a call without a permit waits for a limited time in a queue of limited length; the wait is the call's queue
//! time. A permit is held until the response's body has ended. One caller, a key or a person, holds at most half of the
//! permits, so that no caller can block the others.

use std::collections::HashMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use uuid::Uuid;

/// Concurrent calls of a connector that sets no number.
const DEFAULT: u32 = 64;

/// The queue is at most this many times as long as the limit.
const QUEUE_FACTOR: usize = 4;

/// Callers in memory before those without a call are dropped.
const MAX_IDLE_CALLERS: usize = 64;

pub(super) struct ConcurrencyLimit {
    size: usize,
    all: Slots,
    by_caller: Mutex<HashMap<Uuid, Arc<Slots>>>,
}

/// A semaphore with a queue of limited length.
struct Slots {
    size: usize,
    permits: Arc<Semaphore>,
    waiting: AtomicUsize,
}

/// Given back when dropped.
pub(super) struct Permit {
    _all: OwnedSemaphorePermit,
    _caller: OwnedSemaphorePermit,
}

/// There was no permit in time.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct LimitReached {
    /// Concurrent calls, of all callers or of this one.
    pub limit: usize,
    /// Whether it is the caller's share that is used up.
    pub is_share: bool,
}

impl ConcurrencyLimit {
    pub(super) fn new(size: Option<u32>) -> ConcurrencyLimit {
        let size = size_of(size);
        ConcurrencyLimit { size, all: Slots::new(size), by_caller: Mutex::default() }
    }

    pub(super) fn has_size(&self, size: Option<u32>) -> bool {
        self.size == size_of(size)
    }

    /// `caller` is the key or the person that calls.
    pub(super) fn try_acquire(&self, caller: Uuid) -> Option<Permit> {
        let caller = self.share_of(caller).try_acquire()?;
        Some(Permit { _all: self.all.try_acquire()?, _caller: caller })
    }

    /// Waits for a permit. A caller that has used up its share waits for that first, outside of the queue of all.
    pub(super) async fn acquire(&self, caller: Uuid, max_wait: Duration) -> Result<Permit, LimitReached> {
        let acquiring = async {
            let of_caller = self.share_of(caller).acquire().await?;
            Some(Permit { _all: self.all.acquire().await?, _caller: of_caller })
        };
        let permit = tokio::time::timeout(max_wait, acquiring).await.ok().flatten();
        permit.ok_or_else(|| self.reached_by(caller))
    }

    /// The half of the permits that one caller can hold.
    fn share_of(&self, caller: Uuid) -> Arc<Slots> {
        let mut by_caller = self.by_caller.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(slots) = by_caller.get(&caller) {
            return Arc::clone(slots);
        }
        if by_caller.len() >= MAX_IDLE_CALLERS {
            by_caller.retain(|_, slots| !slots.is_idle());
        }
        let slots = Arc::new(Slots::new(self.size.div_ceil(2)));
        by_caller.insert(caller, Arc::clone(&slots));
        slots
    }

    /// Why a caller has waited without success.
    fn reached_by(&self, caller: Uuid) -> LimitReached {
        let share = self.share_of(caller);
        match share.permits.available_permits() {
            0 => LimitReached { limit: share.size, is_share: share.size < self.size },
            _ => LimitReached { limit: self.size, is_share: false },
        }
    }
}

impl Slots {
    fn new(size: usize) -> Slots {
        Slots { size, permits: Arc::new(Semaphore::new(size)), waiting: AtomicUsize::new(0) }
    }

    /// No call holds a permit or waits for one. Permits refer to the semaphore only, so they are counted too.
    fn is_idle(self: &Arc<Slots>) -> bool {
        Arc::strong_count(self) == 1 && self.permits.available_permits() == self.size
    }

    fn try_acquire(&self) -> Option<OwnedSemaphorePermit> {
        Arc::clone(&self.permits).try_acquire_owned().ok()
    }

    async fn acquire(&self) -> Option<OwnedSemaphorePermit> {
        if let Some(permit) = self.try_acquire() {
            return Some(permit);
        }
        let queued = Queued::join(&self.waiting);
        if queued.before >= self.size * QUEUE_FACTOR {
            return None;
        }
        Arc::clone(&self.permits).acquire_owned().await.ok()
    }
}

fn size_of(size: Option<u32>) -> usize {
    usize::try_from(size.unwrap_or(DEFAULT).max(1)).unwrap_or(1)
}

/// A waiting call; it leaves the queue when dropped.
struct Queued<'a> {
    waiting: &'a AtomicUsize,
    /// How many were waiting already.
    before: usize,
}

impl Queued<'_> {
    fn join(waiting: &AtomicUsize) -> Queued<'_> {
        Queued { waiting, before: waiting.fetch_add(1, Ordering::Relaxed) }
    }
}

impl Drop for Queued<'_> {
    fn drop(&mut self) {
        self.waiting.fetch_sub(1, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LONG: Duration = Duration::from_secs(3600);

    const ONE: Uuid = Uuid::from_u128(1);
    const TWO: Uuid = Uuid::from_u128(2);

    fn reached(limit: usize, is_share: bool) -> Option<LimitReached> {
        Some(LimitReached { limit, is_share })
    }

    #[tokio::test]
    async fn a_call_waits_for_a_permit_for_a_limited_time() {
        let limit = ConcurrencyLimit::new(Some(2));
        let (one, two) = (limit.acquire(ONE, LONG).await, limit.acquire(TWO, LONG).await);
        assert!(one.is_ok() && two.is_ok());
        let third = limit.acquire(Uuid::from_u128(3), Duration::ZERO).await;
        assert_eq!(third.err(), reached(2, false));
        let (third, ()) = tokio::join!(limit.acquire(ONE, LONG), async { drop(one) });
        assert!(third.is_ok());
        assert_eq!(limit.all.waiting.load(Ordering::Relaxed), 0);
    }

    #[tokio::test]
    async fn one_caller_has_half_of_the_permits_and_others_get_the_rest() {
        let limit = ConcurrencyLimit::new(Some(5));
        let of_one: Vec<_> = (0..3).filter_map(|_| limit.try_acquire(ONE)).collect();
        assert_eq!(of_one.len(), 3, "half of five, rounded up");
        assert!(limit.try_acquire(ONE).is_none());
        assert_eq!(limit.acquire(ONE, Duration::ZERO).await.err(), reached(3, true));
        let mut queue: Vec<_> = (0..12).map(|_| Box::pin(limit.acquire(ONE, LONG))).collect();
        for waiting in &mut queue {
            assert!(futures_util::poll!(waiting).is_pending());
        }
        assert_eq!(limit.acquire(ONE, LONG).await.err(), reached(3, true), "its queue is full");
        assert!(limit.try_acquire(TWO).is_some() && limit.acquire(TWO, LONG).await.is_ok());
        drop(of_one);
        assert!(queue.remove(0).await.is_ok());
    }

    #[tokio::test]
    async fn the_queue_is_limited_and_a_cancelled_call_leaves_it() {
        let limit = ConcurrencyLimit::new(Some(1));
        let first = limit.acquire(ONE, LONG).await;
        let mut queue: Vec<_> = (0..4).map(|_| Box::pin(limit.acquire(ONE, LONG))).collect();
        for waiting in &mut queue {
            assert!(futures_util::poll!(waiting).is_pending());
        }
        assert!(limit.acquire(ONE, LONG).await.is_err(), "at once, without waiting");
        queue.pop();
        let mut next = Box::pin(limit.acquire(ONE, LONG));
        assert!(futures_util::poll!(&mut next).is_pending());
        drop((first, queue));
        assert!(next.await.is_ok());
    }

    #[test]
    fn callers_without_a_call_are_dropped() {
        let limit = ConcurrencyLimit::new(Some(8));
        let stays = limit.try_acquire(ONE);
        for number in 0..10_000 {
            assert!(limit.try_acquire(Uuid::from_u128(number + 10)).is_some());
        }
        assert!(limit.by_caller.lock().unwrap().len() <= MAX_IDLE_CALLERS);
        assert!(limit.by_caller.lock().unwrap().contains_key(&ONE));
        drop(stays);
    }

    #[test]
    fn the_size_follows_the_settings() {
        assert!(ConcurrencyLimit::new(None).has_size(None) && ConcurrencyLimit::new(None).has_size(Some(64)));
        assert!(!ConcurrencyLimit::new(Some(3)).has_size(Some(4)));
    }
}
