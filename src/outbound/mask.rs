//! Masking secrets wherever an answer of another server that is shown or stored echoes them.
//!
//! Rule: every usual spelling of a secret counts, in any case: raw, base64 and base64url (also as a part of something
//! longer), hexadecimal, URL-encoded, escaped for JSON or HTML. All spellings of all secrets are found in one pass,
//! whose time grows with the text alone: an answer of 10 MiB that is one long overlap costs no more than any other.
//! Danger: a secret of fewer than four bytes occurs by chance; it is not masked, see [`Mask::has_short_secret`].

use std::borrow::Cow;
use std::sync::Arc;

use aho_corasick::{AhoCorasick, AhoCorasickKind};
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD};
use form_urlencoded::byte_serialize;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

use super::server_text::one_line;
use crate::vault::Secret;

/// What stands in the place of a secret.
pub const MASKED: &str = "‹masked›";

/// Shorter spellings, in bytes, are no trace of a secret.
const SHORTEST: usize = 4;

/// The shortest piece of base64 that tells a secret from chance.
const SHORTEST_PIECE: usize = 8;

/// What RFC 3986 2.3 leaves unencoded.
const UNRESERVED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// The secrets that an answer may echo. Cheap to make and to clone: their spellings are worked out for each text, as
/// far as they fit into it.
#[derive(Clone, Default)]
pub struct Mask(Arc<Vec<Secret>>);

impl Mask {
    /// A mask of these secrets.
    pub fn new(secrets: Vec<Secret>) -> Self {
        Self(Arc::new(secrets))
    }

    /// Adds a secret, also as it stands in words that were put on one line.
    pub fn add(&mut self, secret: &str) {
        let line = one_line(secret);
        let secrets = Arc::make_mut(&mut self.0);
        if line != secret {
            secrets.push(Secret::new(line));
        }
        secrets.push(Secret::new(secret.to_owned()));
    }

    /// The text with [`MASKED`] for every secret in it; borrowed if there is none.
    pub fn text<'a>(&self, text: &'a str) -> Cow<'a, str> {
        let Some(finder) = self.finder(text.len()) else {
            return Cow::Owned(MASKED.to_owned());
        };
        let places = places(&finder, text.as_bytes());
        if places.is_empty() {
            return Cow::Borrowed(text);
        }
        let hidden: usize = places.iter().map(|(start, end)| end - start).sum();
        let mut masked = String::with_capacity(text.len() - hidden + places.len() * MASKED.len());
        let mut done = 0;
        for (start, end) in places {
            // Spellings are whole characters, so both are boundaries.
            masked.push_str(text.get(done..start).unwrap_or_default());
            masked.push_str(MASKED);
            done = end;
        }
        masked.push_str(text.get(done..).unwrap_or_default());
        Cow::Owned(masked)
    }

    /// Where the beginning of a secret is that an incomplete text ends with, in any spelling. A character that was cut,
    /// and is shown as U+FFFD, does not count.
    pub fn begins_at_end(&self, text: &str) -> Option<usize> {
        let end = text.trim_end_matches(char::REPLACEMENT_CHARACTER).len();
        let secrets = self.0.iter().map(Secret::expose).filter(|secret| secret.len() >= SHORTEST);
        let starts = secrets.flat_map(spellings).filter_map(|spelling| {
            let most = spelling.len().min(end);
            let tail = text.as_bytes().get(end - most..end)?.to_ascii_lowercase();
            let lengths = (SHORTEST..=most).rev();
            let longest = lengths.into_iter().find(|length| tail.ends_with(&spelling.as_bytes()[..*length]))?;
            text.is_char_boundary(end - longest).then_some(end - longest)
        });
        starts.min()
    }

    /// Whether a secret stands in bytes that may be no text.
    pub fn is_in(&self, bytes: &[u8]) -> bool {
        self.finder(bytes.len()).is_none_or(|finder| finder.is_match(bytes))
    }

    /// Whether a secret that is too short to be masked stands in the text, in any spelling: with a mark in its place it
    /// would be spelled out.
    pub fn has_short_secret(&self, text: &str) -> bool {
        let lower = text.to_ascii_lowercase();
        let short = self.0.iter().map(Secret::expose);
        short
            .filter(|secret| (1..SHORTEST).contains(&secret.len()))
            .flat_map(spellings)
            .any(|spelling| lower.contains(spelling.as_str()))
    }

    /// What finds all spellings that fit into a text of this length. `None` if it cannot be made, for which the
    /// automaton would have to have billions of states: then everything must be hidden.
    fn finder(&self, length: usize) -> Option<AhoCorasick> {
        let secrets = self.0.iter().map(Secret::expose);
        // No spelling is more than two bytes shorter than its secret.
        let fitting = secrets.filter(|secret| secret.len() >= SHORTEST && secret.len() <= length.saturating_add(2));
        let mut spellings: Vec<String> = fitting.flat_map(spellings).collect();
        spellings.retain(|spelling| (SHORTEST..=length).contains(&spelling.len()));
        spellings.sort_unstable();
        spellings.dedup();
        // Chosen by itself it would be a DFA, which is a hundred times as large.
        AhoCorasick::builder()
            .kind(Some(AhoCorasickKind::ContiguousNFA))
            .ascii_case_insensitive(true)
            .build(spellings)
            .ok()
    }
}

/// Where secrets stand, in order; what overlaps or touches is one place. Every find is looked at once and joined once.
fn places(finder: &AhoCorasick, text: &[u8]) -> Vec<(usize, usize)> {
    let mut places: Vec<(usize, usize)> = Vec::new();
    // Finds come in the order of their ends.
    for found in finder.find_overlapping_iter(text) {
        let mut start = found.start();
        while let Some((earlier, _)) = places.pop_if(|(_, end)| *end >= start) {
            start = start.min(earlier);
        }
        places.push((start, found.end()));
    }
    places
}

/// The spellings of a secret, ASCII letters in lower case.
fn spellings(secret: &str) -> Vec<String> {
    let form: String = byte_serialize(secret.as_bytes()).collect();
    let json = json_escaped(secret);
    let mut all = vec![
        secret.to_owned(),
        form.replace('+', "%20"),
        form,
        utf8_percent_encode(secret, NON_ALPHANUMERIC).to_string(),
        utf8_percent_encode(secret, UNRESERVED).to_string(),
        json.replace('/', "\\/"),
        ascii_escaped(&json),
        json,
        html_escaped(secret, "&#39;"),
        html_escaped(secret, "&#x27;"),
        secret.bytes().map(|byte| format!("{byte:02x}")).collect(),
    ];
    let mut encoded = vec![STANDARD.encode(secret), STANDARD_NO_PAD.encode(secret)];
    for skipped in 0..3 {
        let rest = secret.as_bytes().get(skipped..).unwrap_or_default();
        let whole = rest.get(..rest.len() / 3 * 3).unwrap_or_default();
        let piece = STANDARD_NO_PAD.encode(whole);
        if piece.len() >= SHORTEST_PIECE {
            encoded.push(piece);
        }
    }
    for standard in encoded {
        all.push(standard.replace('+', "-").replace('/', "_"));
        all.push(standard);
    }
    for spelling in &mut all {
        spelling.make_ascii_lowercase();
    }
    all
}

fn json_escaped(text: &str) -> String {
    let quoted = serde_json::Value::from(text).to_string();
    // Without the outer quotes only: the text itself may end with one.
    let inner = quoted.strip_prefix('"').and_then(|q| q.strip_suffix('"'));
    inner.unwrap_or(&quoted).to_owned()
}

/// JSON as those write it who leave ASCII only.
fn ascii_escaped(json: &str) -> String {
    let mut escaped = String::with_capacity(json.len());
    let mut units = [0; 2];
    for letter in json.chars() {
        if letter.is_ascii() {
            escaped.push(letter);
        } else {
            let units = letter.encode_utf16(&mut units).iter();
            escaped.extend(units.map(|unit| format!("\\u{unit:04x}")));
        }
    }
    escaped
}

fn html_escaped(text: &str, apostrophe: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
        .replace('"', "&quot;")
        .replace('\'', apostrophe)
}

#[cfg(test)]
mod tests {
    use base64::engine::general_purpose::URL_SAFE_NO_PAD;
    use proptest::prelude::*;

    use super::*;

    fn mask(secrets: &[&str]) -> Mask {
        let mut mask = Mask::default();
        secrets.iter().for_each(|secret| mask.add(secret));
        mask
    }

    #[test]
    fn every_spelling_is_masked() {
        let secret = "pa<ss/w+rd'ü\"";
        for echo in [
            secret.to_owned(),
            secret.to_ascii_uppercase(),
            "pa%3Css%2Fw%2Brd%27%C3%BC%22".to_owned(),
            "pa%3css%2fw%2brd%27%c3%bc%22".to_owned(),
            "pa<ss/w+rd'ü\\\"".to_owned(),
            "pa<ss\\/w+rd'ü\\\"".to_owned(),
            "pa<ss/w+rd'\\u00fc\\\"".to_owned(),
            "pa&lt;ss/w+rd&#39;ü&quot;".to_owned(),
            "pa&lt;ss/w+rd&#x27;ü&quot;".to_owned(),
            secret.bytes().map(|byte| format!("{byte:02X}")).collect(),
            STANDARD.encode(secret),
        ] {
            let text = format!("before {echo} after");
            let mask = mask(&[secret]);
            assert_eq!(mask.text(&text), "before ‹masked› after", "{echo}");
            assert!(mask.is_in(text.as_bytes()), "{echo}");
        }
    }

    #[test]
    fn it_is_found_within_longer_base64() {
        let secret = "s3cret-t0ken-value";
        for before in ["", "a", "ab", "Bearer "] {
            let text = format!("{before}{secret}!");
            for encoded in [STANDARD.encode(&text), URL_SAFE_NO_PAD.encode(&text)] {
                let mask = mask(&[secret]);
                let shown = mask.text(&encoded);
                assert!(shown.contains(MASKED), "{encoded}");
                let left = shown.replace(MASKED, "").len();
                assert!(left <= encoded.len() - STANDARD.encode(secret).len() + 8);
            }
        }
    }

    #[test]
    fn overlaps_leave_nothing_over_and_chance_is_left_alone() {
        assert_eq!(mask(&["aaaa"]).text("xaaaaaay"), "x‹masked›y");
        let two = mask(&["secret-one", "one-two"]);
        assert_eq!(two.text("a secret-one-two b"), "a ‹masked› b");
        let inner = mask(&["secret", "a-secret-b", "et-b-c"]);
        assert_eq!(inner.text("(a-secret-b-c)"), "(‹masked›)");
        assert_eq!(mask(&["abc"]).text("abc"), "abc");
        assert_eq!(mask(&[""]).text("abc"), "abc");
        assert!(mask(&["secret"]).is_in(b"\xffSECRET\xfe"));
        assert!(!mask(&["secret"]).is_in(b"\xffsecre\xfe"));
    }

    #[test]
    fn the_beginning_of_a_secret_at_the_end_of_a_text_is_found() {
        let mask = mask(&["Geheim-é-99"]);
        for (text, found) in [
            ("echo: GEHEIM-", Some(6)),
            ("echo: Geheim-\u{fffd}", Some(6)),
            ("echo: Geheim-é-9", Some(6)),
            ("echo: Geheim%2d", Some(6)),
            ("echo: Geh", None),
            ("Geheim-é- was said", None),
        ] {
            assert_eq!(mask.begins_at_end(text), found, "{text}");
        }
    }

    #[test]
    fn a_text_without_a_secret_is_not_copied() {
        let shown = mask(&["secret"]);
        assert!(matches!(shown.text("nothing here"), Cow::Borrowed(_)));
    }

    #[test]
    fn a_short_secret_is_told_of_in_every_spelling() {
        for text in ["no ABC here", "YWJj", "616263"] {
            assert!(mask(&["abc"]).has_short_secret(text), "{text}");
        }
        assert!(!mask(&["abc"]).has_short_secret("nothing"));
        assert!(!mask(&["", "longer"]).has_short_secret("longer"));
    }

    /// The work is the finds that are looked at and the states that are made for them: neither may be text times
    /// secret.
    #[test]
    fn the_work_grows_with_the_text_and_with_the_secret_but_not_with_both() {
        let text = "a".repeat(256 * 1024);
        for size in [1024, 4 * 1024, 16 * 1024] {
            let secret = "a".repeat(size);
            let basic = STANDARD.encode(format!("a:{secret}"));
            let mask = mask(&[&secret, &format!("a:{secret}"), &basic]);
            let finder = mask.finder(text.len()).expect("a finder");
            let finds = finder.find_overlapping_iter(&text).count();
            assert!(finds <= text.len(), "{size}: {finds}");
            let states = finder.memory_usage();
            assert!(states <= 512 * size, "{size}: {states} bytes");
            assert_eq!(mask.text(&text), MASKED);
        }
    }

    #[test]
    fn a_secret_that_is_longer_than_the_text_costs_nothing() {
        let long = "a".repeat(16 * 1024);
        let finder = mask(&[&long]).finder(100).expect("a finder");
        assert_eq!(finder.patterns_len(), 0);
    }

    proptest! {
        #[test]
        fn no_secret_is_left(secret in "[ -~]{4,24}", before in "\\PC{0,20}", after in "\\PC{0,20}") {
            let mask = mask(&[&secret]);
            let text = format!("{before}{secret}{after}");
            let shown = mask.text(&text).replace(MASKED, "\0").to_ascii_lowercase();
            prop_assert!(!shown.contains(&secret.to_ascii_lowercase()));
        }

        #[test]
        fn nothing_but_secrets_is_masked(secret in "[a-c]{4,6}", text in "[a-d]{0,60}") {
            let mut covered = vec![false; text.len()];
            for start in 0..text.len() {
                if text[start..].starts_with(&secret) {
                    covered[start..start + secret.len()].fill(true);
                }
            }
            let mut expected = String::new();
            for (at, letter) in text.char_indices() {
                if !covered[at] {
                    expected.push(letter);
                } else if at == 0 || !covered[at - 1] {
                    expected.push_str(MASKED);
                }
            }
            prop_assert_eq!(mask(&[&secret]).text(&text), expected);
        }
    }
}
