//! Blanking out a connector's credential wherever an answer that is shown echoes it.
//!
//! Rule: every usual spelling counts: raw, base64 (also as a part of something longer), hexadecimal, URL-encoded, escaped for JSON
//! or HTML, in any case. Danger: a credential of fewer than four characters occurs by chance; it is blanked out only where it
//! stands with its user or scheme.

use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD_NO_PAD;
use form_urlencoded::byte_serialize;
use memchr::memmem::Finder;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};

use crate::vault::Secret;

/// What stands in the place of a credential.
pub const MASKED: &str = "‹masked›";

/// Shorter spellings are no trace of a credential.
const SHORTEST: usize = 4;

/// The shortest piece of base64 that tells a credential from chance.
const SHORTEST_PIECE: usize = 8;

/// Blanks out the credential that one call carried. Cheap to make and to clone: the spellings are worked out when it is used.
#[derive(Clone)]
pub struct Mask(Arc<[Secret]>);

impl Mask {
    pub(super) fn new(secrets: Vec<Secret>) -> Mask {
        Mask(secrets.into())
    }

    /// The text with every spelling blanked out.
    pub fn text(&self, text: &str) -> String {
        let masked = self.bytes(text.as_bytes());
        // Spellings are whole characters, so what is left is UTF-8 as before.
        String::from_utf8_lossy(&masked).into_owned()
    }

    /// The same of bytes that may be no text.
    pub fn bytes(&self, bytes: &[u8]) -> Vec<u8> {
        let lower = bytes.to_ascii_lowercase();
        let mut found: Vec<(usize, usize)> = Vec::new();
        for spelling in self.0.iter().flat_map(|secret| spellings(secret.expose())) {
            found.append(&mut places(&lower, &spelling));
        }
        found.sort_unstable();
        let mut masked = Vec::with_capacity(bytes.len());
        let mut done = 0;
        for (start, end) in merge(found) {
            masked.extend_from_slice(bytes.get(done..start).unwrap_or_default());
            masked.extend_from_slice(MASKED.as_bytes());
            done = end;
        }
        masked.extend_from_slice(bytes.get(done..).unwrap_or_default());
        masked
    }
}

/// Where a spelling stands, overlapping finds as one.
fn places(lower: &[u8], spelling: &[u8]) -> Vec<(usize, usize)> {
    let finder = Finder::new(spelling);
    let mut all: Vec<(usize, usize)> = Vec::new();
    let mut from = 0;
    while let Some(at) = lower.get(from..).and_then(|rest| finder.find(rest)) {
        let (start, end) = (from + at, from + at + spelling.len());
        match all.last_mut() {
            Some(last) if start <= last.1 => last.1 = end,
            _ => all.push((start, end)),
        }
        from = start + 1;
    }
    all
}

/// Sorted places without overlaps.
fn merge(sorted: Vec<(usize, usize)>) -> Vec<(usize, usize)> {
    let mut merged: Vec<(usize, usize)> = Vec::with_capacity(sorted.len());
    for (start, end) in sorted {
        match merged.last_mut() {
            Some(last) if start <= last.1 => last.1 = last.1.max(end),
            _ => merged.push((start, end)),
        }
    }
    merged
}

/// The spellings of a secret, ASCII letters in lower case.
fn spellings(secret: &str) -> Vec<Vec<u8>> {
    let form: String = byte_serialize(secret.as_bytes()).collect();
    let json = serde_json::Value::from(secret).to_string();
    let mut all = vec![
        secret.to_owned(),
        form.replace('+', "%20"),
        form,
        utf8_percent_encode(secret, NON_ALPHANUMERIC).to_string(),
        json.get(1..json.len() - 1).unwrap_or_default().to_owned(),
        json.get(1..json.len() - 1)
            .unwrap_or_default()
            .replace('/', "\\/"),
        html(secret, "&#39;"),
        html(secret, "&#x27;"),
        secret.bytes().map(|byte| format!("{byte:02x}")).collect(),
    ];
    for skipped in 0..3 {
        let rest = secret.as_bytes().get(skipped..).unwrap_or_default();
        let whole = rest.get(..rest.len() / 3 * 3).unwrap_or_default();
        let piece = STANDARD_NO_PAD.encode(whole);
        if piece.len() >= SHORTEST_PIECE {
            all.push(piece.replace('+', "-").replace('/', "_"));
            all.push(piece);
        }
    }
    let whole = STANDARD_NO_PAD.encode(secret);
    all.push(whole.replace('+', "-").replace('/', "_"));
    all.push(whole);
    let mut all: Vec<Vec<u8>> = all
        .into_iter()
        .map(|spelling| spelling.to_ascii_lowercase().into_bytes())
        .filter(|spelling| spelling.len() >= SHORTEST && secret.len() >= SHORTEST)
        .collect();
    all.sort_unstable();
    all.dedup();
    all
}

fn html(text: &str, apostrophe: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
        .replace('"', "&quot;")
        .replace('\'', apostrophe)
}

#[cfg(test)]
mod tests {
    use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
    use proptest::prelude::*;

    use super::*;

    fn mask(secret: &str) -> Mask {
        Mask::new(vec![Secret::new(secret.to_owned())])
    }

    #[test]
    fn every_spelling_is_blanked_out() {
        let secret = "pa<ss/w+rd'ü\"";
        for echo in [
            secret.to_owned(),
            secret.to_ascii_uppercase(),
            "pa%3Css%2Fw%2Brd%27%C3%BC%22".to_owned(),
            "pa%3css%2fw%2brd%27%c3%bc%22".to_owned(),
            "pa<ss/w+rd'ü\\\"".to_owned(),
            "pa<ss\\/w+rd'ü\\\"".to_owned(),
            "pa&lt;ss/w+rd&#39;ü&quot;".to_owned(),
            secret.bytes().map(|byte| format!("{byte:02X}")).collect(),
        ] {
            let shown = mask(secret).text(&format!("before {echo} after"));
            assert_eq!(shown, "before ‹masked› after", "{echo}");
        }
    }

    #[test]
    fn it_is_found_within_longer_base64() {
        let secret = "s3cret-t0ken-value";
        for before in ["", "a", "ab", "Bearer "] {
            let text = format!("{before}{secret}!");
            for encoded in [STANDARD.encode(&text), URL_SAFE_NO_PAD.encode(&text)] {
                let shown = mask(secret).text(&encoded);
                assert!(shown.contains(MASKED), "{encoded}");
                let left = shown.replace(MASKED, "").len();
                assert!(left <= encoded.len() - STANDARD.encode(secret).len() + 8);
            }
        }
    }

    #[test]
    fn overlaps_leave_nothing_over_and_chance_is_left_alone() {
        assert_eq!(mask("aaaa").text("xaaaaaay"), "x‹masked›y");
        assert_eq!(mask("abc").text("abc"), "abc");
        assert_eq!(mask("").text("abc"), "abc");
        let two = Mask::new(vec![
            Secret::new("secret-one".into()),
            Secret::new("one-two".into()),
        ]);
        assert_eq!(two.text("a secret-one-two b"), "a ‹masked› b");
        assert_eq!(
            mask("secret").bytes(b"\xffSECRET\xfe"),
            b"\xff\xe2\x80\xb9masked\xe2\x80\xba\xfe"
        );
    }

    proptest! {
        #[test]
        fn no_secret_is_left(secret in "[ -~]{4,24}", before in "\\PC{0,20}", after in "\\PC{0,20}") {
            let shown = mask(&secret).text(&format!("{before}{secret}{after}"));
            prop_assert!(!shown.replace(MASKED, "\0").to_ascii_lowercase().contains(&secret.to_ascii_lowercase()));
        }
    }
}
