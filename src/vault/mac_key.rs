//! Keys that authenticate data instead of hiding it: HMAC-SHA-256 (RFC 2104).
//!
//! Each is derived from a data key and a purpose, so none is stored: another master key leaves it as it is, and it is
//! there as long as its data key, which is never deleted. The database alone is not enough to make or check a
//! code.

use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use zeroize::Zeroizing;

use super::cipher::{self, KEY_LEN, KeyBytes};

/// Keeps a derived key from ever being the key of another use of a data key.
const PURPOSE: &[u8] = b"connectory mac key v1";

/// The block length of SHA-256. HMAC fills shorter keys with zeros up to it.
const BLOCK_LEN: usize = 64;

/// The key of one purpose. Without Debug, like all that holds key bytes.
pub struct MacKey {
    data_key: i32,
    block: Zeroizing<[u8; BLOCK_LEN]>,
}

impl MacKey {
    pub(super) fn derive(data_key: i32, bytes: &KeyBytes, purpose: &str) -> MacKey {
        let parent = MacKey::new(data_key, bytes.as_slice());
        let parts: [&[u8]; 2] = [PURPOSE, purpose.as_bytes()];
        let derived = Zeroizing::new(parent.authenticate(&cipher::associated_data(&parts)));
        MacKey::new(data_key, derived.as_slice())
    }

    fn new(data_key: i32, bytes: &[u8]) -> MacKey {
        let mut block = Zeroizing::new([0; BLOCK_LEN]);
        for (to, from) in block.iter_mut().zip(bytes) {
            *to = *from;
        }
        MacKey { data_key, block }
    }

    /// The id of the data key that it was derived from.
    #[must_use]
    pub fn data_key(&self) -> i32 {
        self.data_key
    }

    /// The authentication code of a message.
    #[must_use]
    pub fn authenticate(&self, message: &[u8]) -> [u8; KEY_LEN] {
        let block: &[u8; BLOCK_LEN] = &self.block;
        let mut mac = <Hmac<Sha256> as KeyInit>::new(block.into());
        mac.update(message);
        mac.finalize().into_bytes().into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hex(bytes: &[u8]) -> String {
        bytes.iter().map(|byte| format!("{byte:02x}")).collect()
    }

    #[test]
    fn a_code_is_hmac_sha_256() {
        // RFC 4231, test case 2.
        let code = MacKey::new(1, b"Jefe").authenticate(b"what do ya want for nothing?");
        assert_eq!(hex(&code), "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
    }

    #[test]
    fn another_data_key_or_purpose_gives_another_key() {
        let key = |byte: u8, purpose: &str| {
            let bytes = KeyBytes::new([byte; KEY_LEN]);
            MacKey::derive(1, &bytes, purpose).authenticate(b"message")
        };
        assert_eq!(key(1, "audit"), key(1, "audit"));
        assert_ne!(key(1, "audit"), key(2, "audit"));
        assert_ne!(key(1, "audit"), key(1, "other"));
        let data_key = MacKey::new(1, &[1; KEY_LEN]).authenticate(b"message");
        assert_ne!(key(1, "audit"), data_key, "the data key itself is not used");
    }
}
