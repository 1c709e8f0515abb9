//! A place in the chain that proves all before it: to be noted where this program and its database cannot reach.

use std::fmt;
use std::str::FromStr;

/// Bytes of a SHA-256.
pub(super) const HASH_LEN: usize = 32;

/// The number and the hash of a line, as `1204:3f2a…`.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Anchor {
    /// From 1; 0 before the first line.
    pub seq: i64,
    pub hash: [u8; HASH_LEN],
}

/// The text is no anchor.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("an anchor is the number of a line, a colon and the 64 hexadecimal digits of its hash")]
pub struct AnchorFormatError;

impl Anchor {
    /// The chain without a line.
    pub const START: Anchor = Anchor { seq: 0, hash: [0; HASH_LEN] };

    /// The hash in hexadecimal digits.
    pub fn hash_text(&self) -> String {
        hex(&self.hash)
    }
}

/// Bytes in hexadecimal digits.
pub(in crate::audit) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

impl fmt::Display for Anchor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.seq, self.hash_text())
    }
}

impl FromStr for Anchor {
    type Err = AnchorFormatError;

    fn from_str(text: &str) -> Result<Anchor, AnchorFormatError> {
        let (seq, digits) = text.trim().split_once(':').ok_or(AnchorFormatError)?;
        let seq = seq.parse().ok().filter(|seq| *seq >= 0);
        let (pairs, rest) = digits.as_bytes().as_chunks();
        if pairs.len() != HASH_LEN || !rest.is_empty() {
            return Err(AnchorFormatError);
        }
        let mut hash = [0; HASH_LEN];
        for (byte, [high, low]) in hash.iter_mut().zip(pairs) {
            *byte = digit(*high)? << 4 | digit(*low)?;
        }
        Ok(Anchor { seq: seq.ok_or(AnchorFormatError)?, hash })
    }
}

fn digit(digit: u8) -> Result<u8, AnchorFormatError> {
    let value = char::from(digit).to_digit(16);
    value.and_then(|value| u8::try_from(value).ok()).ok_or(AnchorFormatError)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_anchor_that_was_noted_reads_back() {
        let anchor = Anchor { seq: 1204, hash: std::array::from_fn(|at| u8::try_from(at * 7).unwrap()) };
        assert_eq!(anchor.to_string().parse(), Ok(anchor.clone()));
        assert_eq!(format!(" {} \n", anchor.to_string().to_uppercase()).parse(), Ok(anchor));
    }

    #[test]
    fn anything_else_is_refused() {
        let digits = "ab".repeat(32);
        for text in [
            String::new(),
            digits.clone(),
            format!("x:{digits}"),
            format!("-1:{digits}"),
            format!("7:{digits}0"),
            format!("7:{}", &digits[2..]),
            format!("7:{}g", &digits[1..]),
            format!("7:{}", "é".repeat(32)),
        ] {
            assert_eq!(text.parse::<Anchor>(), Err(AnchorFormatError), "{text}");
        }
    }
}
