//! XChaCha20-Poly1305 with a fresh random nonce for every message.
//!
//! Rule: nonces come from the operating system, here, and cannot be passed in. With 192 random bits
//! a repetition is out of the question however much is sealed.
//!
//! Danger: one nonce used twice with one key would give away both messages.

use chacha20poly1305::aead::{Aead, Generate, Payload};
use chacha20poly1305::{KeyInit, XChaCha20Poly1305, XNonce};
use zeroize::Zeroizing;

pub(super) const KEY_LEN: usize = 32;

const NONCE_LEN: usize = 24;

/// The bytes of a key, wiped when dropped.
pub(super) type KeyBytes = Zeroizing<[u8; KEY_LEN]>;

/// Why nothing was sealed.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum SealError {
    /// Without randomness there is neither a key nor a nonce.
    #[error("the operating system gave no random bytes")]
    NoRandomness,
    /// More than the cipher takes: 256 GiB.
    #[error("the secret is too long to be sealed")]
    TooLong,
}

pub(super) struct Cipher(XChaCha20Poly1305);

impl Cipher {
    pub(super) fn new(key: &KeyBytes) -> Self {
        let key: &[u8; KEY_LEN] = key;
        Self(XChaCha20Poly1305::new(key.into()))
    }

    /// Gives `nonce | ciphertext | tag`.
    pub(super) fn seal(&self, associated_data: &[u8], plain: &[u8]) -> Result<Vec<u8>, SealError> {
        let nonce = XNonce::try_generate().map_err(|_| SealError::NoRandomness)?;
        let payload = Payload { msg: plain, aad: associated_data };
        let ciphertext = self.0.encrypt(&nonce, payload).map_err(|_| SealError::TooLong)?;
        Ok([nonce.as_slice(), &ciphertext].concat())
    }

    /// Opens what `seal` gave for the same associated data; `None` when a single bit of either
    /// differs.
    pub(super) fn open(&self, associated_data: &[u8], sealed: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
        let (nonce, ciphertext) = sealed.split_first_chunk::<NONCE_LEN>()?;
        let payload = Payload { msg: ciphertext, aad: associated_data };
        let plain = self.0.decrypt(nonce.into(), payload).ok()?;
        Some(Zeroizing::new(plain))
    }
}

/// A new random key.
pub(super) fn generate_key() -> Result<KeyBytes, SealError> {
    <[u8; KEY_LEN]>::try_generate().map(Zeroizing::new).map_err(|_| SealError::NoRandomness)
}

/// Joins the parts, each behind its length, so that no two lists of parts give the same bytes
/// ("ab", "c" and "a", "bc").
pub(super) fn associated_data(parts: &[&[u8]]) -> Vec<u8> {
    let mut joined = Vec::new();
    for part in parts {
        joined.extend_from_slice(&(part.len() as u64).to_be_bytes());
        joined.extend_from_slice(part);
    }
    joined
}

#[cfg(test)]
mod tests {
    use super::associated_data;

    #[test]
    fn parts_that_only_join_alike_give_different_associated_data() {
        assert_ne!(associated_data(&[b"ab", b"c"]), associated_data(&[b"a", b"bc"]));
        assert_ne!(associated_data(&[b"ab"]), associated_data(&[b"ab", b""]));
    }
}
