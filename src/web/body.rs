//! Bodies of requests that are read whole, and how many bytes of bodies are held in memory at once.
//!
//! Rule: code that reads a body whole covers its bytes with a [`Held`] as they come, and keeps that as long as the
//! bytes. There is no waiting for room: what does not fit is refused at once and sent again later. Bodies of up to
//! [`FREE`] bytes are not counted, so that large ones that fill the memory keep no small form and no small call out.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use actix_web::error::PayloadError;
use actix_web::web::Bytes;
use futures_util::{Stream, StreamExt};

/// What each body has free, in bytes: no more than the server's own buffers of its connection.
pub const FREE: usize = 16 * 1024;

/// Bytes are taken in pieces of this size, so that a body that comes in many packets is not counted again with each.
const STEP: usize = 64 * 1024;

/// A number of bytes that may be held at once, perhaps as a part of a larger number. All workers share it.
pub struct Budget {
    limit: usize,
    used: AtomicUsize,
    whole: Option<Arc<Budget>>,
}

/// There is no room for more bytes at the moment.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct OverBudget;

impl Budget {
    /// `limit` is in bytes.
    pub fn new(limit: usize) -> Arc<Budget> {
        Arc::new(Budget { limit, used: AtomicUsize::new(0), whole: None })
    }

    /// A part of it: what is taken from the part is taken from the whole as well.
    pub fn part(self: &Arc<Budget>, limit: usize) -> Arc<Budget> {
        Arc::new(Budget { limit: limit.min(self.limit), used: AtomicUsize::new(0), whole: Some(Arc::clone(self)) })
    }

    /// The most bytes at once.
    pub fn limit(&self) -> usize {
        self.limit
    }

    fn take(&self, bytes: usize) -> Result<(), OverBudget> {
        let more = |used: usize| {
            let used = used.checked_add(bytes)?;
            (used <= self.limit).then_some(used)
        };
        self.used.fetch_update(Ordering::Relaxed, Ordering::Relaxed, more).map_err(|_| OverBudget)?;
        let taken = self.whole.as_ref().map_or(Ok(()), |whole| whole.take(bytes));
        if taken.is_err() {
            self.used.fetch_sub(bytes, Ordering::Relaxed);
        }
        taken
    }

    fn give_back(&self, bytes: usize) {
        self.used.fetch_sub(bytes, Ordering::Relaxed);
        if let Some(whole) = &self.whole {
            whole.give_back(bytes);
        }
    }
}

/// Bytes that are counted as held until this is dropped.
pub struct Held {
    budget: Arc<Budget>,
    bytes: usize,
}

impl Held {
    /// Nothing yet, of this budget.
    pub fn of(budget: &Arc<Budget>) -> Held {
        Held { budget: Arc::clone(budget), bytes: 0 }
    }

    /// Counts a body of now this many bytes; what is counted already stays counted.
    pub fn cover(&mut self, bytes: usize) -> Result<(), OverBudget> {
        if bytes <= FREE || bytes <= self.bytes {
            return Ok(());
        }
        let step = STEP.min(self.budget.limit);
        let more = (bytes - self.bytes).next_multiple_of(step.max(1));
        self.budget.take(more)?;
        self.bytes += more;
        Ok(())
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        if self.bytes > 0 {
            self.budget.give_back(self.bytes);
        }
    }
}

/// Why a body was not read.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum NotRead {
    /// The connection ended, or what came is no body.
    BrokeOff,
    /// The time was over.
    TooSlow,
    /// It has more bytes than it may have.
    TooLarge,
    /// All bodies together take too much memory at the moment.
    NoRoom,
}

/// All of a body of at most `most` bytes that comes within `time`. Its bytes are counted in `held`, which must live as
/// long as they do.
pub async fn read_whole(
    body: impl Stream<Item = Result<Bytes, PayloadError>> + Unpin,
    most: usize,
    time: Duration,
    held: &mut Held,
) -> Result<Bytes, NotRead> {
    tokio::time::timeout(time, read(body, most, held)).await.unwrap_or(Err(NotRead::TooSlow))
}

async fn read(
    mut body: impl Stream<Item = Result<Bytes, PayloadError>> + Unpin,
    most: usize,
    held: &mut Held,
) -> Result<Bytes, NotRead> {
    let mut whole = Vec::new();
    let mut last = Bytes::new();
    while let Some(piece) = body.next().await {
        let piece = piece.map_err(|_| NotRead::BrokeOff)?;
        if whole.len() + last.len() + piece.len() > most {
            return Err(NotRead::TooLarge);
        }
        // The usual case is one piece, which need not be copied.
        append(&mut whole, &last, most);
        last = piece;
        // What the vector has reserved is held too, but makes no small body a large one.
        let bytes = match whole.len() + last.len() {
            small if small <= FREE => small,
            _ => whole.capacity() + last.len(),
        };
        held.cover(bytes).map_err(|_| NotRead::NoRoom)?;
    }
    if whole.is_empty() {
        return Ok(last);
    }
    whole.extend_from_slice(&last);
    Ok(whole.into())
}

/// Appends to what may have `most` bytes, so that no room is reserved for more than that.
fn append(whole: &mut Vec<u8>, piece: &[u8], most: usize) {
    let needed = whole.len() + piece.len();
    if needed > whole.capacity() {
        let room = (2 * whole.capacity()).clamp(needed, most.max(needed));
        whole.reserve_exact(room - whole.len());
    }
    whole.extend_from_slice(piece);
}

#[cfg(test)]
mod tests {
    use futures_util::stream;

    use super::*;

    const MIB: usize = 1024 * 1024;

    #[test]
    fn no_more_is_held_than_the_limit_and_what_is_dropped_comes_back() {
        let budget = Budget::new(MIB);
        let mut held: Vec<Held> = (0..16).map(|_| Held::of(&budget)).collect();
        for held in &mut held {
            assert_eq!(held.cover(60_000), Ok(()));
            assert_eq!(held.cover(64 * 1024), Ok(()), "counted already");
        }
        let mut late = Held::of(&budget);
        assert_eq!(late.cover(FREE), Ok(()), "a small one is free");
        assert_eq!(late.cover(FREE + 1), Err(OverBudget));
        held.pop();
        assert_eq!(late.cover(FREE + 1), Ok(()));
        drop((held, late));
        assert_eq!(budget.used.load(Ordering::Relaxed), 0);
    }

    #[test]
    fn a_part_takes_of_the_whole_and_leaves_the_rest_to_others() {
        let whole = Budget::new(4 * MIB);
        let (one, two) = (whole.part(2 * MIB), whole.part(3 * MIB));
        let (mut of_one, mut of_two) = (Held::of(&one), Held::of(&two));
        assert_eq!(of_one.cover(3 * MIB), Err(OverBudget), "of its part");
        assert_eq!(of_one.cover(2 * MIB), Ok(()));
        assert_eq!(of_two.cover(3 * MIB), Err(OverBudget), "of the whole");
        assert_eq!(of_two.cover(2 * MIB), Ok(()));
        drop(of_two);
        assert_eq!(two.used.load(Ordering::Relaxed), 0);
        assert_eq!(whole.used.load(Ordering::Relaxed), 2 * MIB);
    }

    async fn outcome(pieces: usize, size: usize, memory: usize) -> Result<usize, NotRead> {
        let pieces = (0..pieces).map(|_| Ok(Bytes::from(vec![0; size])));
        let mut held = Held::of(&Budget::new(memory));
        let time = Duration::from_secs(3600);
        let whole = read_whole(stream::iter(pieces), 1_000_000, time, &mut held).await;
        whole.map(|whole| whole.len())
    }

    #[tokio::test]
    async fn a_body_is_read_whole_within_its_size_and_the_memory_for_all() {
        let much = 16 * 1024 * 1024;
        assert_eq!(outcome(0, 0, much).await, Ok(0));
        assert_eq!(outcome(1, 5, much).await, Ok(5));
        assert_eq!(outcome(10, 100_000, much).await, Ok(1_000_000));
        assert_eq!(outcome(11, 100_000, much).await, Err(NotRead::TooLarge));
        assert_eq!(outcome(9, 100_000, 500_000).await, Err(NotRead::NoRoom));
        assert_eq!(outcome(16, 1_000, 0).await, Ok(16_000), "a small one");
    }

    #[tokio::test]
    async fn one_that_does_not_come_to_an_end_is_given_up() {
        let begun = stream::iter([Ok(Bytes::from("part"))]).chain(stream::pending());
        let mut held = Held::of(&Budget::new(1_000_000));
        let read = read_whole(begun, 100, Duration::from_millis(1), &mut held).await;
        assert_eq!(read, Err(NotRead::TooSlow));
    }
}
