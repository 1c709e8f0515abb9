//! The brakes, the memory for bodies, and what the log is told of refusals: all workers of a process share them.

use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::Duration;

use crate::access::{QuotaLimits, Quotas, SignInBrake, Throttle};
use crate::audit::Refusals;
use crate::clock::Clock;
use crate::config::ResourceLimits;
use crate::endpoints::{RunBodies, RunBrake};
use crate::web::{Budget, LogThrottle};

/// Unknown API keys that one address may show at once.
const UNKNOWN_KEYS: NonZeroU32 = NonZeroU32::MIN.saturating_add(29);

/// Keys not seen before that are looked for all the same when an address has shown too many unknown ones, and in what
/// time one more is.
const SPARE_LOOK_UPS: NonZeroU32 = NonZeroU32::MIN.saturating_add(9);
const SPARE_REFILL: Duration = Duration::from_secs(1);

/// One of each kind.
#[derive(Clone)]
pub(super) struct Brakes {
    pub sign_in: SignInBrake,
    pub token_requests: Throttle,
    pub runs: RunBrake,
    /// Unknown API keys, by address.
    pub keys: Throttle,
    pub spare_keys: Throttle,
    /// What each API key may ask for.
    pub key_quotas: Quotas,
    /// The memory for forms and for answers of Run.
    pub page_bodies: Arc<Budget>,
    /// Answers of Run that are kept, in a part of that memory.
    pub run_bodies: RunBodies,
    /// Which refusals the log is told of.
    pub refused: LogThrottle,
    /// Which refusals the audit log is told of.
    pub refusals: Refusals,
}

impl Brakes {
    pub fn new(clock: &Clock, limits: &ResourceLimits) -> Brakes {
        // Half of it for programs and half for people, so that neither keeps the other out.
        let page_bodies = Budget::new(limits.body_memory / 2);
        let program_bodies = Budget::new(limits.body_memory / 2);
        let kept_bodies = page_bodies.part(page_bodies.limit() / 2);
        let key_limits = QuotaLimits {
            burst: limits.key_per_minute,
            refill: Duration::from_secs(60) / limits.key_per_minute.get(),
            at_once: limits.key_at_once,
        };
        Brakes {
            sign_in: SignInBrake::new(clock),
            token_requests: Throttle::for_outbound(clock),
            runs: RunBrake::new(clock, &page_bodies),
            run_bodies: RunBodies::new(kept_bodies),
            page_bodies,
            keys: Throttle::new(clock, UNKNOWN_KEYS),
            spare_keys: Throttle::every(clock, SPARE_REFILL, SPARE_LOOK_UPS),
            key_quotas: Quotas::new(clock, key_limits, &program_bodies),
            refused: LogThrottle::new(clock),
            refusals: Refusals::new(clock),
        }
    }
}
