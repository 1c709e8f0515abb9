//! Proof Key for Code Exchange (RFC 7636): who redeems a code is who asked for it. And the `state`
//! that binds an answer to its question (RFC 6749 10.12).
//!
//! Danger: both protect only while they cannot be guessed and serve once. What keeps them keeps
//! them as secrets and forgets them with the first answer.

use chrono::TimeDelta;
use oauth2::{CsrfToken, PkceCodeChallenge};
use sha2::{Digest, Sha256};

use crate::vault::Secret;

/// A PKCE verifier of 256 random bits, 43 characters, as RFC 7636 4.1 recommends.
pub fn random_verifier() -> Secret {
    Secret::new(PkceCodeChallenge::new_random_sha256().1.into_secret())
}

/// A `state`, or another value that must not be guessed: 256 random bits as 43 characters that need no encoding.
pub fn random_state() -> Secret {
    Secret::new(CsrfToken::new_random_len(32).into_secret())
}

/// How long whoever has left may take to come back with an answer.
pub const ATTEMPT_LIFE: TimeDelta = TimeDelta::minutes(10);

/// What the database keeps in place of a `state`: a dump must not hold what completes somebody's attempt.
pub fn state_hash(state: &Secret) -> Vec<u8> {
    Sha256::digest(state.expose()).to_vec()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_random_is_long_and_fit_for_urls() {
        let (verifier, state) = (random_verifier(), random_state());
        for secret in [&verifier, &state] {
            let text = secret.expose();
            let is_plain = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_');
            assert!(text.len() == 43 && text.bytes().all(is_plain), "{text}");
        }
        assert!(state.expose() != random_state().expose());
        assert!(verifier.expose() != random_verifier().expose());
    }
}
