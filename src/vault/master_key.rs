//! The one key that is not in the database.
//!
//! Rule: it lives in a file that only its owner can read, or comes from the environment; it is
//! recognised by its id, so that a wrong one stops the start instead of making values unreadable
//! one by one.
//!
//! Danger: with it and the database every credential can be read; without it none can.

use base64::Engine;
use base64::engine::general_purpose::STANDARD as BASE64;
use sha2::{Digest, Sha256};
use zeroize::Zeroizing;

use super::cipher::{self, Cipher, KEY_LEN, KeyBytes, SealError};

const HEX_LEN: usize = 2 * KEY_LEN;

/// Base64 of 32 bytes: 43 characters and one `=`.
const BASE64_LEN: usize = 44;

/// Names the purpose of the hash, so that the id says nothing about other uses of the key.
const ID_PURPOSE: &[u8] = b"connectory master key id";

/// Bytes of the hash that make the id: enough to distinguish keys, and no help in guessing one.
const ID_LEN: usize = 8;

const HEX_DIGITS: &[u8; 16] = b"0123456789abcdef";

/// The 32 bytes under which all data keys are wrapped. Wiped when dropped, never printed.
pub struct MasterKey {
    bytes: KeyBytes,
    id: String,
}

impl MasterKey {
    /// Reads 64 hexadecimal digits or 44 characters of base64 (as of `openssl rand -hex 32` or
    /// `openssl rand -base64 32`), white space around them ignored.
    ///
    /// # Errors
    /// When the text is neither; the message has its length, never the text.
    pub fn parse(text: &str) -> Result<Self, KeyFormatError> {
        let text = text.trim();
        let bytes = match text.len() {
            HEX_LEN => from_hex(text),
            BASE64_LEN => from_base64(text),
            _ => None,
        };
        bytes.map(Self::from_bytes).ok_or(KeyFormatError { characters: text.chars().count() })
    }

    /// Sixteen hexadecimal digits that identify this key. Not secret: they stand beside the
    /// data keys and in messages.
    #[must_use]
    pub fn id(&self) -> &str {
        &self.id
    }

    pub(super) fn cipher(&self) -> Cipher {
        Cipher::new(&self.bytes)
    }

    pub(super) fn generate() -> Result<Self, SealError> {
        cipher::generate_key().map(Self::from_bytes)
    }

    pub(super) fn to_hex(&self) -> Zeroizing<String> {
        let mut text = Zeroizing::new(String::with_capacity(HEX_LEN));
        for byte in self.bytes.iter() {
            text.push(char::from(HEX_DIGITS[usize::from(byte >> 4)]));
            text.push(char::from(HEX_DIGITS[usize::from(byte & 0x0f)]));
        }
        text
    }

    fn from_bytes(bytes: KeyBytes) -> Self {
        let hash = Sha256::new().chain_update(ID_PURPOSE).chain_update(bytes.as_slice()).finalize();
        let id = hash.iter().take(ID_LEN).map(|byte| format!("{byte:02x}"));
        Self { id: id.collect(), bytes }
    }
}

/// The text is no master key.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "a master key is 64 hexadecimal digits or 44 characters of base64, and this text of {characters} characters is neither"
)]
pub struct KeyFormatError {
    characters: usize,
}

fn from_hex(text: &str) -> Option<KeyBytes> {
    let mut bytes = KeyBytes::default();
    for (byte, pair) in bytes.iter_mut().zip(text.as_bytes().as_chunks().0) {
        let [high, low] = *pair;
        *byte = hex_digit(high)? << 4 | hex_digit(low)?;
    }
    Some(bytes)
}

fn hex_digit(digit: u8) -> Option<u8> {
    char::from(digit).to_digit(16).and_then(|value| u8::try_from(value).ok())
}

fn from_base64(text: &str) -> Option<KeyBytes> {
    // The decoder asks for room by the text's length alone: 33 bytes for 44 characters.
    let mut decoded = Zeroizing::new([0; KEY_LEN + 1]);
    let length = BASE64.decode_slice(text, &mut *decoded).ok()?;
    let bytes = decoded.get(..length)?;
    <[u8; KEY_LEN]>::try_from(bytes).ok().map(KeyBytes::new)
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEX: &str = "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f";
    const BASE64_TEXT: &str = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=";

    #[test]
    fn every_spelling_gives_the_same_key() {
        let id = MasterKey::parse(HEX).unwrap().id().to_owned();
        for text in [BASE64_TEXT.to_owned(), HEX.to_uppercase(), format!("  {HEX}\r\n")] {
            assert_eq!(MasterKey::parse(&text).unwrap().id(), id, "{text}");
        }
    }

    #[test]
    fn the_id_never_changes_between_versions() {
        // printf 'connectory master key id' followed by the 32 bytes | sha256sum
        assert_eq!(MasterKey::parse(HEX).unwrap().id(), "93147541dd4abc39");
    }

    #[test]
    fn wrong_lengths_and_wrong_characters_are_refused() {
        let wrong = [
            String::new(),
            HEX[1..].to_owned(),
            format!("{HEX}0"),
            format!("{}g", &HEX[1..]),
            format!("+{}", &HEX[1..]),
            "é".repeat(32),
            BASE64_TEXT[1..].to_owned(),
            BASE64_TEXT.replace('=', "A"),
            BASE64_TEXT.replace("8=", "=="),
        ];
        for text in wrong {
            assert!(MasterKey::parse(&text).is_err(), "{text}");
        }
    }

    #[test]
    fn the_refusal_does_not_repeat_the_text() {
        let error = MasterKey::parse("correct horse").err().unwrap();
        assert_eq!(
            error.to_string(),
            "a master key is 64 hexadecimal digits or 44 characters of base64, and this text of 13 characters is neither"
        );
    }

    #[test]
    fn a_key_written_as_text_parses_back() {
        let key = MasterKey::generate().unwrap();
        assert_eq!(MasterKey::parse(&key.to_hex()).unwrap().id(), key.id());
    }
}
