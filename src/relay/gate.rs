//! How many calls go to a connector at once, in this process.
//!
//! Rule: whoever does not get in waits for a bounded time in a queue of bounded length; the wait is shown as the call's queue
//! time. A pass is held until the answer's body has ended.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// Calls at once where the connector has no number of its own.
const USUAL: u32 = 64;

/// The queue is at most this many times as long as the calls under way.
const QUEUE: usize = 4;

pub(super) struct Gate {
    size: usize,
    room: Arc<Semaphore>,
    waiting: AtomicUsize,
}

/// The right to call, given back when dropped.
pub(super) struct Pass {
    _permit: OwnedSemaphorePermit,
}

/// There is no room, and will not be in time.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Full {
    pub at_once: usize,
}

impl Gate {
    pub(super) fn new(size: Option<u32>) -> Gate {
        let size = size_of(size);
        Gate {
            size,
            room: Arc::new(Semaphore::new(size)),
            waiting: AtomicUsize::new(0),
        }
    }

    /// Whether the gate is as wide as the settings say.
    pub(super) fn fits(&self, size: Option<u32>) -> bool {
        self.size == size_of(size)
    }

    /// Enters if there is room.
    pub(super) fn try_enter(&self) -> Option<Pass> {
        let permit = Arc::clone(&self.room).try_acquire_owned().ok()?;
        Some(Pass { _permit: permit })
    }

    /// Waits for room, if there is hope.
    pub(super) async fn enter(&self, patience: Duration) -> Result<Pass, Full> {
        if let Some(pass) = self.try_enter() {
            return Ok(pass);
        }
        let full = Full { at_once: self.size };
        let place = Place::take(&self.waiting);
        if place.number >= self.size * QUEUE {
            return Err(full);
        }
        let permit = Arc::clone(&self.room).acquire_owned();
        match tokio::time::timeout(patience, permit).await {
            Ok(Ok(permit)) => Ok(Pass { _permit: permit }),
            _ => Err(full),
        }
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

    #[tokio::test]
    async fn whoever_finds_no_room_waits_for_a_bounded_time() {
        let gate = Gate::new(Some(2));
        let (one, two) = (gate.enter(LONG).await, gate.enter(LONG).await);
        assert!(one.is_ok() && two.is_ok());
        let third = gate.enter(Duration::ZERO).await;
        assert_eq!(third.err(), Some(Full { at_once: 2 }));
        let (third, ()) = tokio::join!(gate.enter(LONG), async { drop(one) });
        assert!(third.is_ok());
        assert_eq!(gate.waiting.load(Ordering::Relaxed), 0);
    }

    #[tokio::test]
    async fn the_queue_is_bounded_and_whoever_gives_up_leaves_it() {
        let gate = Gate::new(Some(1));
        let first = gate.enter(LONG).await;
        let mut queue: Vec<_> = (0..4).map(|_| Box::pin(gate.enter(LONG))).collect();
        for waiting in &mut queue {
            assert!(futures_util::poll!(waiting).is_pending());
        }
        assert!(gate.enter(LONG).await.is_err(), "at once, without waiting");
        queue.pop();
        let mut next = Box::pin(gate.enter(LONG));
        assert!(futures_util::poll!(&mut next).is_pending());
        drop((first, queue));
        assert!(next.await.is_ok());
    }

    #[test]
    fn the_width_follows_the_settings() {
        assert!(Gate::new(None).fits(None) && Gate::new(None).fits(Some(64)));
        assert!(!Gate::new(Some(3)).fits(Some(4)));
    }
}
