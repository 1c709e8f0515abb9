//! Keys that nobody has, and what looking for them may cost.
//!
//! Rule: an address that has shown too many is refused before the database is asked, and few look-ups of keys that were
//! not seen before run at once. Keys that were found before pass both. Others from such an address are looked for now
//! and again, so that whoever makes keys up does not keep a good one out that is new here.

use std::time::Duration;

use tokio::sync::{Semaphore, SemaphorePermit};

use crate::access::{KeyRefusal, Throttle, network};
use crate::web::Error;

/// Look-ups of keys not seen before at once, for each worker: fewer than it has connections to the database.
const LOOK_UPS: usize = 2;

/// How long such a key waits for its look-up.
const PATIENCE: Duration = Duration::from_secs(5);

/// What the look-ups of one worker go by.
pub struct UnknownKeys {
    /// Counts unknown keys by network, for all workers.
    throttle: Throttle,
    /// Look-ups for networks that have none left by the former.
    spare: Throttle,
    look_ups: Semaphore,
}

impl UnknownKeys {
    pub fn new(throttle: Throttle, spare: Throttle) -> UnknownKeys {
        UnknownKeys { throttle, spare, look_ups: Semaphore::new(LOOK_UPS) }
    }

    /// Lets a key be looked for that was not seen before.
    pub(super) async fn admit(&self, address: &str) -> Result<SemaphorePermit<'_>, KeyRefusal> {
        let network = network(address);
        let is_usual = self.throttle.wait(&network).is_none();
        if !is_usual {
            let taken = self.spare.take(&network);
            taken.map_err(KeyRefusal::TooManyUnknown)?;
        }
        let permit = tokio::time::timeout(PATIENCE, self.look_ups.acquire()).await;
        let permit = permit.map_err(|_| busy())?.map_err(|_| busy())?;
        // Others from there may have used up the tries while this one waited.
        match self.throttle.wait(&network) {
            Some(wait) if is_usual => Err(KeyRefusal::TooManyUnknown(wait)),
            _ => Ok(permit),
        }
    }

    /// Counts a key that was not found.
    pub(super) fn count(&self, address: &str) -> KeyRefusal {
        let counted = self.throttle.take(&network(address));
        counted.map_or_else(KeyRefusal::TooManyUnknown, |()| KeyRefusal::Unknown)
    }
}

fn busy() -> KeyRefusal {
    KeyRefusal::Unavailable(Error::Busy("Too many unknown API keys are looked for."))
}
