//! Authentication by API key, and the rate limit of unknown keys.
//!
//! Rule: an address that has sent too many unknown keys is refused before the database is asked, and few look-ups of keys
//! that were not seen before run at once. Keys in the cache pass both. Other keys from such an address are looked up now
//! and again, so that guessing from an address does not keep out a good key that is new to this process.

use std::sync::Arc;
use std::time::Duration;

use actix_web::HttpRequest;
use tokio::sync::{Semaphore, SemaphorePermit};

use super::problem::{KEY_MISSING, Problem};
use super::request::RequestMeta;
use super::serve::Api;
use crate::access::{Actor, ApiKey, KeyHolder, KeyRefusal, RateLimit, network};
use crate::audit::Refusal;
use crate::web::Error;

/// The header that carries a key where `Authorization` is taken.
const KEY_HEADER: &str = "x-connectory-key";

/// Look-ups of keys not seen before at once, for each worker: fewer than it has connections to the database.
const LOOK_UPS: usize = 2;

/// How long such a key waits for its look-up.
const LOOK_UP_WAIT: Duration = Duration::from_secs(5);

/// The holder of the key that the request carries.
pub(super) async fn authenticate(api: &Api, req: &HttpRequest, meta: &RequestMeta) -> Result<Arc<KeyHolder>, Problem> {
    let Some(key) = api_key(req) else {
        return Err(KEY_MISSING.because("The request carries no API key.").into());
    };
    let admit = async || api.unknown_keys.admit(&meta.address).await;
    let refusal = match api.keys.find_if(&api.db, key, meta.at, admit).await {
        Ok(holder) => {
            if !holder.is_collection {
                api.keys.note_use(holder.key_id, meta.at, &meta.address);
            }
            return Ok(holder);
        }
        Err(KeyRefusal::Unknown) => api.unknown_keys.count(&meta.address),
        Err(refusal) => refusal,
    };
    // That the database is away is logged elsewhere, and an address with too many unknown keys was logged before.
    if !matches!(refusal, KeyRefusal::Unavailable(_) | KeyRefusal::TooManyUnknown(_)) {
        log_refusal(api, meta, &refusal);
        audit_refusal(api, meta, key, &refusal).await;
    }
    Err(refusal.into())
}

/// The key of a request: a bearer token (RFC 6750 2.1), or the header of its own.
fn api_key(req: &HttpRequest) -> Option<&str> {
    let header = |name| req.headers().get(name).and_then(|value| value.to_str().ok());
    let bearer = header("authorization").and_then(|value| {
        let (scheme, token) = value.split_once(' ')?;
        scheme.eq_ignore_ascii_case("bearer").then(|| token.trim())
    });
    bearer.or_else(|| header(KEY_HEADER).map(str::trim))
}

/// A program that goes on with a key that has ended does not fill the log.
fn log_refusal(api: &Api, meta: &RequestMeta, refusal: &KeyRefusal) {
    let (id, address) = (meta.request_id(), &meta.address);
    if let Some(left_out) = api.log_throttle.note(&format!("{address} {}", refusal.code())) {
        tracing::info!(id, address, %refusal, left_out, "API key refused");
    }
}

/// Records that a key was refused, by the part of it that is no secret. Unknown keys of one network count as one.
async fn audit_refusal(api: &Api, meta: &RequestMeta, key: &str, refusal: &KeyRefusal) {
    let key = ApiKey::parse(key);
    let prefix = key.as_ref().map_or("", ApiKey::prefix);
    let same = match refusal {
        KeyRefusal::Unknown => refusal.code().to_string(),
        _ => format!("{} {prefix}", refusal.code()),
    };
    let kind = "api_key.refused";
    let Some(due) = api.refusals.due(&meta.address, kind, &same) else {
        return;
    };
    let by = Actor::unknown(meta.address.clone(), meta.request_id());
    let refusal = Refusal { kind, reason: &refusal.to_string(), subject: Some((None, prefix)) };
    due.write(&api.db, &by, meta.at, refusal).await;
}

/// The rate limit of unknown keys of one worker.
pub struct UnknownKeys {
    /// Counts unknown keys by network, for all workers.
    rate_limit: RateLimit,
    /// Look-ups for networks that have none left by the former.
    spare: RateLimit,
    look_ups: Semaphore,
}

impl UnknownKeys {
    pub fn new(rate_limit: RateLimit, spare: RateLimit) -> UnknownKeys {
        UnknownKeys { rate_limit, spare, look_ups: Semaphore::new(LOOK_UPS) }
    }

    /// A permit to look up a key that is not in the cache.
    async fn admit(&self, address: &str) -> Result<SemaphorePermit<'_>, KeyRefusal> {
        let network = network(address);
        let is_usual = self.rate_limit.wait(&network).is_none();
        if !is_usual {
            self.spare.take(&network).map_err(KeyRefusal::TooManyUnknown)?;
        }
        let permit = tokio::time::timeout(LOOK_UP_WAIT, self.look_ups.acquire()).await;
        let permit = permit.map_err(|_| busy())?.map_err(|_| busy())?;
        // Other requests of the network may have used up the tries while this one waited.
        match self.rate_limit.wait(&network) {
            Some(wait) if is_usual => Err(KeyRefusal::TooManyUnknown(wait)),
            _ => Ok(permit),
        }
    }

    /// Counts a key that was not found.
    fn count(&self, address: &str) -> KeyRefusal {
        let counted = self.rate_limit.take(&network(address));
        counted.map_or_else(KeyRefusal::TooManyUnknown, |()| KeyRefusal::Unknown)
    }
}

fn busy() -> KeyRefusal {
    KeyRefusal::Unavailable(Error::Busy("Too many unknown API keys are looked for."))
}
