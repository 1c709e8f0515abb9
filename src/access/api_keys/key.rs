//! The text of an API key: `cty_`, eight characters to tell it by, and 256 random bits.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use sha2::{Digest, Sha256};
use zeroize::Zeroizing;

/// What every key begins with, so that tools which look for leaked secrets can know one.
const MARK: &str = "cty_";

/// Characters of the visible part after the mark.
const TELLING: usize = 8;

/// Letters and digits that cannot be mistaken for each other.
const ALPHABET: &[u8; 32] = b"abcdefghijkmnpqrstuvwxyz23456789";

/// 32 bytes in base64url without padding.
const SECRET: usize = 43;

/// The length of the visible part with its mark: `cty_a1b2c3d4`.
const PREFIX: usize = MARK.len() + TELLING;

/// The length of a whole key, in characters and in bytes.
const LENGTH: usize = PREFIX + 1 + SECRET;

/// An API key as its holder knows it. Not printable, and wiped from memory.
pub struct ApiKey(Zeroizing<String>);

impl ApiKey {
    /// A new key from the system's source of randomness.
    pub fn random() -> ApiKey {
        let telling: [u8; TELLING] = rand::random();
        let telling = telling.iter().map(|byte| char::from(ALPHABET[usize::from(byte % 32)]));
        let secret = Zeroizing::new(rand::random::<[u8; 32]>());
        let mut text = String::with_capacity(LENGTH);
        text.push_str(MARK);
        text.extend(telling);
        text.push('_');
        URL_SAFE_NO_PAD.encode_string(*secret, &mut text);
        ApiKey(Zeroizing::new(text))
    }

    /// Reads a presented key. A text that cannot be one is none, whatever its length, without a look at the database.
    pub fn parse(presented: &str) -> Option<ApiKey> {
        let (prefix, secret) =
            presented.as_bytes().get(..LENGTH).filter(|_| presented.len() == LENGTH)?.split_at(PREFIX);
        let telling = prefix.strip_prefix(MARK.as_bytes())?;
        let secret = secret.strip_prefix(b"_")?;
        let is_secret_letter = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
        let fits = telling.iter().all(u8::is_ascii_alphanumeric) && secret.iter().all(is_secret_letter);
        fits.then(|| ApiKey(Zeroizing::new(presented.to_string())))
    }

    /// The part that is shown to tell keys apart: `cty_a1b2c3d4`.
    pub fn prefix(&self) -> &str {
        self.0.get(..PREFIX).unwrap_or_default()
    }

    /// What the database keeps in place of the key.
    pub fn hash(&self) -> [u8; 32] {
        Sha256::digest(self.0.as_bytes()).into()
    }

    /// The whole key, for the one page that shows it.
    pub fn expose(&self) -> &str {
        &self.0
    }
}
