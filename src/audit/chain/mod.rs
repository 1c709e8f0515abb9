//! The chain over the log: every entry has a number and an HMAC-SHA-256 over itself and the code before, so that an entry
//! that was changed, taken out, put in or moved shows at once, and a copy of the last code that is kept elsewhere
//! proves all before it. The key is derived from a data key, so the owner of a database without the master key cannot make
//! links. Links of earlier versions are SHA-256 alone; [`link`] says where they end.
//!
//! Rule: a change writes its entry and nothing of the chain. Links are appended afterwards, within a second, by
//! whichever instance gets hold of the chain's end ([`link_waiting`]). Linking inside the change's transaction would
//! need one lock for all changes, held until the commit is on the disk: every save would wait for every other one's
//! disk, and each transaction that does something after its audit entry could end in a deadlock with another
//! (docs/architecture.md has what was measured).
//!
//! Order: entries that wait are linked by their ids, which rise with time. An entry whose transaction is committed later is
//! linked later, behind entries with higher ids. Only the holder of the lock on the chain's row appends, so instances cannot give two
//! entries one number.
//!
//! Danger: between the commit and the link an entry can be changed unseen by the owner of the database. They can also cut
//! off the end of the chain and have a running program link other entries there. Only an anchor that is kept outside
//! tells of that.

mod encoding;
mod link;
mod verify;

use std::fmt;
use std::str::FromStr;

use diesel::prelude::*;

use crate::db::schema::audit_links;

pub use link::{end, key_links, link_waiting};
pub use verify::{Fault, Verified, verify};

/// A link as it is stored.
#[derive(Queryable, Selectable)]
#[diesel(table_name = audit_links)]
pub struct Link {
    pub seq: i64,
    pub format: i16,
    pub previous_hash: Vec<u8>,
    pub hash: Vec<u8>,
    pub data_key: Option<i32>,
}

impl Link {
    /// Its position in the chain.
    pub fn anchor(&self) -> Option<Anchor> {
        Some(Anchor { seq: self.seq, hash: self.hash.as_slice().try_into().ok()? })
    }
}

/// Bytes of a SHA-256.
pub(super) const HASH_LEN: usize = 32;

/// A position in the chain that proves all before it, to be noted where this program and its database cannot reach: the
/// number and the hash of an entry, as `1204:3f2a…`.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Anchor {
    /// From 1; 0 before the first entry.
    pub seq: i64,
    pub hash: [u8; HASH_LEN],
}

/// The text is no anchor.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("an anchor is the number of an entry, a colon and the 64 hexadecimal digits of its hash")]
pub struct AnchorFormatError;

impl Anchor {
    /// The chain without an entry.
    pub const START: Anchor = Anchor { seq: 0, hash: [0; HASH_LEN] };

    /// The hash in hexadecimal digits.
    pub fn hash_text(&self) -> String {
        hex(&self.hash)
    }
}

/// Bytes in hexadecimal digits.
pub(super) fn hex(bytes: &[u8]) -> String {
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
