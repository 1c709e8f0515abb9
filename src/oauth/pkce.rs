//! Proof Key for Code Exchange (RFC 7636): who redeems a code is who asked for it. And the `state`
//! that binds an answer to its question (RFC 6749 10.12).
//!
//! Danger: both protect only while they cannot be guessed and serve once. What keeps them keeps
//! them as secrets and forgets them with the first answer.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chrono::TimeDelta;
use sha2::{Digest, Sha256};

use crate::vault::Secret;

/// The secret of one authorization.
#[derive(Clone)]
pub struct Pkce {
    /// The verifier, sent with the code alone.
    pub verifier: Secret,
}

impl Pkce {
    /// A verifier of 256 random bits, 43 characters, as RFC 7636 4.1 recommends.
    pub fn random() -> Self {
        Self { verifier: unguessable() }
    }

    /// The challenge for the method `S256` (RFC 7636 4.2), which may be seen.
    pub fn challenge(&self) -> String {
        URL_SAFE_NO_PAD.encode(Sha256::digest(self.verifier.expose()))
    }
}

/// How long whoever has left may take to come back with an answer.
pub const ATTEMPT_LIFE: TimeDelta = TimeDelta::minutes(10);

/// A `state` of 256 random bits, fit for URLs.
pub fn random_state() -> Secret {
    unguessable()
}

/// What the database keeps in place of a `state`: a dump must not hold what completes somebody's attempt.
pub fn state_hash(state: &Secret) -> Vec<u8> {
    Sha256::digest(state.expose()).to_vec()
}

/// 256 random bits as 43 characters that need no encoding.
pub(super) fn unguessable() -> Secret {
    let bits: [u8; 32] = rand::random();
    Secret::new(URL_SAFE_NO_PAD.encode(bits))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_example_of_rfc_7636_b_comes_out() {
        let pkce = Pkce { verifier: Secret::new("dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk".to_owned()) };
        assert_eq!(pkce.challenge(), "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM");
    }

    #[test]
    fn what_is_random_is_long_and_fit_for_urls() {
        let (pkce, state) = (Pkce::random(), random_state());
        for secret in [&pkce.verifier, &state] {
            let text = secret.expose();
            let is_plain = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_');
            assert!(text.len() == 43 && text.bytes().all(is_plain), "{text}");
        }
        assert!(pkce.verifier.expose() != state.expose());
        assert!(pkce.verifier.expose() != Pkce::random().verifier.expose());
    }
}
