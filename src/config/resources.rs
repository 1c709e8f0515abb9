//! How much of the machine those who ask may take.

use std::num::NonZeroU32;
use std::time::Duration;

use super::reader::Reader;

const MIB: usize = 1024 * 1024;

/// Limits that protect everybody from whoever asks for too much.
#[derive(Clone, Copy, Debug)]
pub struct ResourceLimits {
    /// Bytes of bodies in memory at once, half of it for programs and half for people.
    pub body_memory: usize,
    /// Requests of one API key in a minute.
    pub key_per_minute: NonZeroU32,
    /// Requests of one API key under way.
    pub key_at_once: usize,
    /// How long a client may take nothing of an answer that waits for it.
    pub client_idle: Duration,
}

impl Default for ResourceLimits {
    fn default() -> ResourceLimits {
        ResourceLimits {
            body_memory: 256 * MIB,
            key_per_minute: NonZeroU32::MIN.saturating_add(5_999),
            key_at_once: 64,
            client_idle: Duration::from_secs(60),
        }
    }
}

impl Reader {
    pub(super) fn resources(&mut self) -> ResourceLimits {
        let usual = ResourceLimits::default();
        let mebibytes = self.number("CONNECTORY_BODY_MEMORY", usual.body_memory / MIB, 64..=65_536);
        let per_minute =
            self.number("CONNECTORY_CALLER_REQUESTS_PER_MINUTE", usual.key_per_minute.get(), 1..=10_000_000);
        let seconds = self.number("CONNECTORY_CLIENT_IDLE_SECONDS", usual.client_idle.as_secs(), 1..=3_600);
        ResourceLimits {
            body_memory: mebibytes.saturating_mul(MIB),
            // A number out of the range has been told of.
            key_per_minute: NonZeroU32::new(per_minute).unwrap_or(usual.key_per_minute),
            key_at_once: self.number("CONNECTORY_CALLER_REQUESTS_AT_ONCE", usual.key_at_once, 1..=10_000),
            client_idle: Duration::from_secs(seconds),
        }
    }
}
