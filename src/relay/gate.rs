//! How many calls go to a connector at once, in this process.
//!
//! Rule: whoever does not get in waits for a bounded time in a queue of bounded length; the wait is shown as the call's
//! queue time. A pass is held until the answer's body has ended. One caller, a key or a person, holds at most half of
//! the passes, so that others get through whatever one of them does.

use std::collections::HashMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use uuid::Uuid;

/// Calls at once where the connector has no number of its own.
const USUAL: u32 = 64;

/// The queue is at most this many times as long as the calls under way.
const QUEUE: usize = 4;

/// Callers that are remembered before those without a call are dropped.
const MANY: usize = 64;

pub(super) struct Gate {
    size: usize,
    all: Room,
    of_each: Mutex<HashMap<Uuid, Arc<Room>>>,
}

/// So many at once, and a queue.
struct Room {
    size: usize,
    permits: Arc<Semaphore>,
    waiting: AtomicUsize,
}

/// The right to call, given back when dropped.
pub(super) struct Pass {
    _of_all: OwnedSemaphorePermit,
    _of_caller: OwnedSemaphorePermit,
}

/// There is no room, and will not be in time.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Full {
    /// Calls at once, of everybody or of this caller.
    pub at_once: usize,
    /// Whether it is the caller's own share that is used up.
    pub is_share: bool,
}

impl Gate {
    pub(super) fn new(size: Option<u32>) -> Gate {
        let size = size_of(size);
        Gate { size, all: Room::new(size), of_each: Mutex::default() }
    }

    /// Whether the gate is as wide as the settings say.
    pub(super) fn fits(&self, size: Option<u32>) -> bool {
        self.size == size_of(size)
    }

    /// Enters if there is room. `caller` is the key or the person that calls.
    pub(super) fn try_enter(&self, caller: Uuid) -> Option<Pass> {
        let of_caller = self.share_of(caller).try_enter()?;
        Some(Pass { _of_all: self.all.try_enter()?, _of_caller: of_caller })
    }

    /// Waits for room, if there is hope. Whoever has used up their share waits for that first, and so takes no place in
    /// the queue of all.
    pub(super) async fn enter(&self, caller: Uuid, patience: Duration) -> Result<Pass, Full> {
        let entering = async {
            let share = self.share_of(caller);
            let of_caller =
                share.enter().await.ok_or(Full { at_once: share.size, is_share: share.size < self.size })?;
            let of_all = self.all.enter().await.ok_or(self.full())?;
            Ok(Pass { _of_all: of_all, _of_caller: of_caller })
        };
        tokio::time::timeout(patience, entering).await.unwrap_or_else(|_| Err(self.full_for(caller)))
    }

    /// The part of the gate that one caller can fill, which leaves the other half to others.
    fn share_of(&self, caller: Uuid) -> Arc<Room> {
        let mut of_each = self.of_each.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(room) = of_each.get(&caller) {
            return Arc::clone(room);
        }
        if of_each.len() >= MANY {
            of_each.retain(|_, room| !room.is_idle());
        }
        let room = Arc::new(Room::new(self.size.div_ceil(2)));
        of_each.insert(caller, Arc::clone(&room));
        room
    }

    fn full(&self) -> Full {
        Full { at_once: self.size, is_share: false }
    }

    /// Why a caller has waited in vain.
    fn full_for(&self, caller: Uuid) -> Full {
        let share = self.share_of(caller);
        match share.permits.available_permits() {
            0 => Full { at_once: share.size, is_share: share.size < self.size },
            _ => self.full(),
        }
    }
}

impl Room {
    fn new(size: usize) -> Room {
        Room { size, permits: Arc::new(Semaphore::new(size)), waiting: AtomicUsize::new(0) }
    }

    /// Nobody is in it or waits for it. Permits hold the semaphore alone, so they are counted.
    fn is_idle(self: &Arc<Room>) -> bool {
        Arc::strong_count(self) == 1 && self.permits.available_permits() == self.size
    }

    fn try_enter(&self) -> Option<OwnedSemaphorePermit> {
        Arc::clone(&self.permits).try_acquire_owned().ok()
    }

    async fn enter(&self) -> Option<OwnedSemaphorePermit> {
        if let Some(permit) = self.try_enter() {
            return Some(permit);
        }
        let place = Place::take(&self.waiting);
        if place.number >= self.size * QUEUE {
            return None;
        }
        Arc::clone(&self.permits).acquire_owned().await.ok()
    }
}

fn size_of(size: Option<u32>) -> usize {
    usize::try_from(size.unwrap_or(USUAL).max(1)).unwrap_or(1)
}

/// A place in the queue, left when dropped.
struct Place<'a> {
    waiting: &'a AtomicUsize,
    /// How many were there before.
    number: usize,
}

impl Place<'_> {
    fn take(waiting: &AtomicUsize) -> Place<'_> {
        let number = waiting.fetch_add(1, Ordering::Relaxed);
        Place { waiting, number }
    }
}

impl Drop for Place<'_> {
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

    fn full(at_once: usize, is_share: bool) -> Option<Full> {
        Some(Full { at_once, is_share })
    }

    #[tokio::test]
    async fn whoever_finds_no_room_waits_for_a_bounded_time() {
        let gate = Gate::new(Some(2));
        let (one, two) = (gate.enter(ONE, LONG).await, gate.enter(TWO, LONG).await);
        assert!(one.is_ok() && two.is_ok());
        let third = gate.enter(Uuid::from_u128(3), Duration::ZERO).await;
        assert_eq!(third.err(), full(2, false));
        let (third, ()) = tokio::join!(gate.enter(ONE, LONG), async { drop(one) });
        assert!(third.is_ok());
        assert_eq!(gate.all.waiting.load(Ordering::Relaxed), 0);
    }

    #[tokio::test]
    async fn one_caller_has_half_of_it_and_the_others_get_in() {
        let gate = Gate::new(Some(5));
        let of_one: Vec<_> = (0..3).filter_map(|_| gate.try_enter(ONE)).collect();
        assert_eq!(of_one.len(), 3, "half of five, rounded up");
        assert!(gate.try_enter(ONE).is_none());
        assert_eq!(gate.enter(ONE, Duration::ZERO).await.err(), full(3, true));
        let mut queue: Vec<_> = (0..12).map(|_| Box::pin(gate.enter(ONE, LONG))).collect();
        for waiting in &mut queue {
            assert!(futures_util::poll!(waiting).is_pending());
        }
        assert_eq!(gate.enter(ONE, LONG).await.err(), full(3, true), "its queue is full");
        assert!(gate.try_enter(TWO).is_some() && gate.enter(TWO, LONG).await.is_ok());
        drop(of_one);
        assert!(queue.remove(0).await.is_ok());
    }

    #[tokio::test]
    async fn the_queue_is_bounded_and_whoever_gives_up_leaves_it() {
        let gate = Gate::new(Some(1));
        let first = gate.enter(ONE, LONG).await;
        let mut queue: Vec<_> = (0..4).map(|_| Box::pin(gate.enter(ONE, LONG))).collect();
        for waiting in &mut queue {
            assert!(futures_util::poll!(waiting).is_pending());
        }
        assert!(gate.enter(ONE, LONG).await.is_err(), "at once, without waiting");
        queue.pop();
        let mut next = Box::pin(gate.enter(ONE, LONG));
        assert!(futures_util::poll!(&mut next).is_pending());
        drop((first, queue));
        assert!(next.await.is_ok());
    }

    #[test]
    fn callers_without_a_call_are_forgotten() {
        let gate = Gate::new(Some(8));
        let stays = gate.try_enter(ONE);
        for number in 0..10_000 {
            assert!(gate.try_enter(Uuid::from_u128(number + 10)).is_some());
        }
        assert!(gate.of_each.lock().unwrap().len() <= MANY);
        assert!(gate.of_each.lock().unwrap().contains_key(&ONE));
        drop(stays);
    }

    #[test]
    fn the_width_follows_the_settings() {
        assert!(Gate::new(None).fits(None) && Gate::new(None).fits(Some(64)));
        assert!(!Gate::new(Some(3)).fits(Some(4)));
    }
}
