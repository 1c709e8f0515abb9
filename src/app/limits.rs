//! Rate limits and quotas, the memory for bodies, and which refusals are logged: all workers of a process share
//! them.

use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::Duration;

use crate::access::{QuotaLimits, Quotas, RateLimit, SignInLimit};
use crate::audit::Refusals;
use crate::clock::Clock;
use crate::config::ResourceLimits;
use crate::endpoints::{RunBodies, RunQuotas};
use crate::web::{Budget, LogThrottle};

/// Token requests that one person may send at once: enough for trying out, too few for guessing the passwords of others
/// there or for looking round the network.
const TOKEN_REQUESTS: NonZeroU32 = NonZeroU32::MIN.saturating_add(29);

/// After which one more of these comes back.
const PERIOD: Duration = Duration::from_secs(30);

/// Unknown API keys that one address may show at once.
const UNKNOWN_KEYS: NonZeroU32 = NonZeroU32::MIN.saturating_add(29);

/// Keys not seen before that are looked for all the same when an address has shown too many unknown ones, and in what
/// time one more is.
const SPARE_LOOK_UPS: NonZeroU32 = NonZeroU32::MIN.saturating_add(9);
const SPARE_PERIOD: Duration = Duration::from_secs(1);

/// One of each kind.
#[derive(Clone)]
pub(super) struct Limits {
    pub sign_in: SignInLimit,
    pub token_requests: RateLimit,
    pub runs: RunQuotas,
    /// Unknown API keys, by network.
    pub unknown_keys: RateLimit,
    pub spare_keys: RateLimit,
    /// What each API key may ask for.
    pub key_quotas: Quotas,
    /// The memory for forms and for answers of Run.
    pub page_bodies: Arc<Budget>,
    /// Answers of Run that are kept, in a part of that memory.
    pub run_bodies: RunBodies,
    /// Which refusals are logged.
    pub refused: LogThrottle,
    /// Which refusals are in the audit log.
    pub refusals: Refusals,
}

impl Limits {
    pub fn new(clock: &Clock, limits: &ResourceLimits) -> Limits {
        // Half of it for programs and half for people, so that neither keeps the other out.
        let page_bodies = Budget::new(limits.body_memory / 2);
        let program_bodies = Budget::new(limits.body_memory / 2);
        let kept_bodies = page_bodies.part(page_bodies.limit() / 2);
        let key_limits = QuotaLimits {
            burst: limits.key_per_minute,
            period: Duration::from_secs(60) / limits.key_per_minute.get(),
            at_once: limits.key_at_once,
        };
        Limits {
            sign_in: SignInLimit::new(clock),
            token_requests: RateLimit::new(clock, TOKEN_REQUESTS, PERIOD),
            runs: RunQuotas::new(clock, &page_bodies),
            run_bodies: RunBodies::new(kept_bodies),
            page_bodies,
            unknown_keys: RateLimit::new(clock, UNKNOWN_KEYS, PERIOD),
            spare_keys: RateLimit::new(clock, SPARE_LOOK_UPS, SPARE_PERIOD),
            key_quotas: Quotas::new(clock, key_limits, &program_bodies),
            refused: LogThrottle::new(clock),
            refusals: Refusals::new(clock),
        }
    }
}
