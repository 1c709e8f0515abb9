//! The body of a request that is read whole, in the one way that counts its bytes.

use std::time::Duration;

use actix_web::error::PayloadError;
use actix_web::web::Bytes;
use futures_util::{Stream, StreamExt};

use super::budget::{FREE, Held};

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

    use super::super::budget::Budget;
    use super::*;

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
