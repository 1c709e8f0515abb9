//! The brakes, and what the log is told of refusals: all workers of a process share them.

use std::num::NonZeroU32;

use crate::access::{SignInBrake, Throttle};
use crate::clock::Clock;
use crate::endpoints::RunBrake;
use crate::web::Seldom;

/// Unknown API keys that one address may show at once.
const UNKNOWN_KEYS: NonZeroU32 = NonZeroU32::MIN.saturating_add(29);

/// One of each kind.
#[derive(Clone)]
pub(super) struct Brakes {
    pub sign_in: SignInBrake,
    pub token_requests: Throttle,
    pub runs: RunBrake,
    /// Unknown API keys, by address.
    pub keys: Throttle,
    /// Which refusals the log is told of.
    pub refused: Seldom,
}

impl Brakes {
    pub fn new(clock: &Clock) -> Brakes {
        Brakes {
            sign_in: SignInBrake::new(clock),
            token_requests: Throttle::for_outbound(clock),
            runs: RunBrake::new(clock),
            keys: Throttle::new(clock, UNKNOWN_KEYS),
            refused: Seldom::new(clock),
        }
    }
}
