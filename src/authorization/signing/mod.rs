//! Methods that sign each request: the signature is made of method, URL, headers and body as they are sent.
//!
//! Rule: calls and tests sign with [`RequestSigner::sign`], for each attempt again, when everything else of the request
//! is there; and ask [`RequestSigner::is_challenged`] of each response whether to do so once more.

mod aws;
mod challenge;
mod digest;

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use chrono::{DateTime, Utc};

pub use aws::AwsSigner;
pub(super) use challenge::remedy;
use digest::Challenge;
pub use digest::DigestSigner;

use crate::outbound::http::{HeaderMap, StatusCode};
use crate::outbound::{HttpUrl, Origin, Request, SendError, Stage};
use crate::vault::Secret;

/// What signs the requests of a connector.
#[derive(Clone)]
pub enum RequestSigner {
    Aws(AwsSigner),
    Digest(DigestSigner),
}

/// The last challenge of each origin. Credentials go to few origins, so there are few.
type Challenges = HashMap<Origin, Challenge>;

/// What the servers of a connector have asked for, so that usually the first request is signed as they want it.
#[derive(Default)]
pub struct SignerMemory {
    challenges: Mutex<Challenges>,
}

/// What a signer needs of a request's body.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum BodyNeed {
    /// Nothing: it may be a stream.
    None,
    /// All of it, for it is signed.
    Whole,
    /// All of it if it is not too large, for it may have to be sent twice.
    Repeatable,
}

impl RequestSigner {
    /// Signs a request to this URL that is complete but for its signature.
    pub fn sign(
        &self,
        url: &HttpUrl,
        request: &mut Request,
        memory: &SignerMemory,
        now: DateTime<Utc>,
    ) -> Result<(), SendError> {
        match self {
            RequestSigner::Aws(signer) => signer.sign(request, now),
            RequestSigner::Digest(signer) => match memory.challenges().get_mut(&url.origin()) {
                Some(challenge) => signer.sign(request, challenge),
                // The server says first how it wants it.
                None => Ok(()),
            },
        }
    }

    /// Whether the request of this response is to be signed and sent once more, because the server has said only now how
    /// it wants it signed. `answered` is how often that was done already for this call.
    pub fn is_challenged(
        &self,
        url: &HttpUrl,
        (status, headers): (StatusCode, &HeaderMap),
        memory: &SignerMemory,
        answered: u8,
    ) -> bool {
        match self {
            RequestSigner::Aws(_) => false,
            RequestSigner::Digest(_) => {
                digest::is_challenged(&mut memory.challenges(), url.origin(), (status, headers), answered)
            }
        }
    }

    /// What it needs of the body of a request to this URL.
    pub fn body_need(&self, url: &HttpUrl) -> BodyNeed {
        match self {
            RequestSigner::Aws(signer) if signer.may_stream(url) => BodyNeed::None,
            RequestSigner::Aws(_) => BodyNeed::Whole,
            RequestSigner::Digest(_) => BodyNeed::Repeatable,
        }
    }

    /// What the header `Authorization` begins with.
    pub fn scheme(&self) -> &'static str {
        match self {
            RequestSigner::Aws(_) => "AWS4-HMAC-SHA256",
            RequestSigner::Digest(_) => "Digest",
        }
    }

    /// What a server may echo of the secret, though it is never sent.
    pub(super) fn echoes(&self) -> Vec<Secret> {
        match self {
            RequestSigner::Aws(signer) => vec![signer.secret().clone()],
            RequestSigner::Digest(signer) => vec![signer.password().clone()],
        }
    }
}

impl SignerMemory {
    /// A panic elsewhere leaves the map whole: each change to it is one step.
    fn challenges(&self) -> MutexGuard<'_, Challenges> {
        self.challenges.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A request that cannot be signed.
fn unsignable(message: impl Into<String>, remedy: &str) -> SendError {
    SendError { stage: Stage::Request, message: message.into(), remedy: remedy.into(), sent: false, idle_closed: false }
}
