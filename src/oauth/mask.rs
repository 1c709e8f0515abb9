//! Making a server's own words fit to be shown: no control characters, no secrets, not too long.

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD};
use form_urlencoded::byte_serialize;

use super::basic;

/// What stands in the place of a secret.
const MASKED: &str = "•••";

/// How many characters of a server's words are shown.
const SHOWN: usize = 300;

/// Secrets shorter than this, in bytes, occur in words by chance: masking them would spell them
/// out. Words that hold one are not shown at all.
const MASKABLE: usize = 4;

/// The secrets that a request carried, in every form in which a server may echo them, with ASCII
/// letters in lower case.
#[derive(Default)]
pub(super) struct Mask {
    forms: Vec<String>,
}

impl Mask {
    /// Adds a secret; empty ones cannot be echoed.
    pub(super) fn add(&mut self, secret: &str) {
        let form_encoded: String = byte_serialize(secret.as_bytes()).collect();
        let forms = [
            secret.to_owned(),
            form_encoded.replace('+', "%20"),
            form_encoded,
            json_escaped(secret),
            html_escaped(secret, "&#39;"),
            html_escaped(secret, "&#x27;"),
            STANDARD.encode(secret),
            STANDARD_NO_PAD.encode(secret),
        ];
        let forms = forms.iter().map(|form| readable(form).to_ascii_lowercase());
        self.forms.extend(forms.filter(|form| !form.is_empty()));
    }

    /// Adds the secret of a sign-in, and the headers that carry it.
    pub(super) fn add_sign_in(&mut self, name: &str, secret: &str) {
        if !secret.is_empty() {
            self.add(secret);
            self.add(&basic::as_typed(name, secret));
            self.add(&basic::form_encoded(name, secret));
        }
    }

    /// The words as they may be shown; `None` if nothing is left or may be.
    pub(super) fn clean(&self, words: &str) -> Option<String> {
        let words = readable(words);
        if words.is_empty() {
            return None;
        }
        let covered = self.cover(&words)?;
        Some(shorten(&replace(&words, &covered)))
    }

    /// For every byte of the words, whether it belongs to a secret. Overlapping finds all count, so
    /// that no end of one is left over; `None` if a secret too short to mask is found.
    fn cover(&self, words: &str) -> Option<Vec<bool>> {
        let lower = words.to_ascii_lowercase();
        let mut covered = vec![false; lower.len()];
        for form in &self.forms {
            let mut from = 0;
            let mut done = 0;
            while let Some(at) = lower.get(from..).and_then(|rest| rest.find(form.as_str())) {
                if form.len() < MASKABLE {
                    return None;
                }
                let (start, end) = (from + at, from + at + form.len());
                // Only the new part: a hostile answer may be one long overlap.
                if let Some(new) = covered.get_mut(start.max(done)..end) {
                    new.fill(true);
                }
                done = end;
                from = start + first_char_len(form);
            }
        }
        Some(covered)
    }
}

fn first_char_len(text: &str) -> usize {
    text.chars().next().map_or(1, char::len_utf8)
}

fn replace(words: &str, covered: &[bool]) -> String {
    let mut shown = String::with_capacity(words.len());
    let mut inside = false;
    for ((_, character), &secret) in words.char_indices().zip(char_flags(words, covered).iter()) {
        match (secret, inside) {
            (true, false) => shown.push_str(MASKED),
            (true, true) => {}
            (false, _) => shown.push(character),
        }
        inside = secret;
    }
    shown
}

/// The flags of the bytes with which the characters begin.
fn char_flags(words: &str, covered: &[bool]) -> Vec<bool> {
    let flags = words.char_indices().map(|(at, _)| covered.get(at).copied());
    flags.map(Option::unwrap_or_default).collect()
}

fn shorten(words: &str) -> String {
    match words.char_indices().nth(SHOWN) {
        None => words.to_owned(),
        Some(_) => words.chars().take(SHOWN - 1).chain(['…']).collect(),
    }
}

/// Without control and invisible characters, every run of white space one space.
fn readable(words: &str) -> String {
    let visible: String = words
        .chars()
        .filter(|&c| !is_invisible(c))
        .map(|c| if c.is_control() { ' ' } else { c })
        .collect();
    visible.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// Characters that show nothing or turn the direction of text around (Unicode's Cf, as far as it
/// can deceive a reader or split a secret in two).
fn is_invisible(c: char) -> bool {
    matches!(
        c,
        '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{e0000}'..='\u{e007f}'
    )
}

fn json_escaped(text: &str) -> String {
    let quoted = serde_json::Value::from(text).to_string();
    // Without the outer quotes only: the text itself may end with one.
    let inner = quoted
        .strip_prefix('"')
        .and_then(|rest| rest.strip_suffix('"'));
    inner.unwrap_or(&quoted).to_owned()
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
    use proptest::prelude::*;

    use super::*;

    fn mask(secrets: &[&str]) -> Mask {
        let mut mask = Mask::default();
        secrets.iter().for_each(|secret| mask.add(secret));
        mask
    }

    #[test]
    fn an_echoed_secret_is_masked_in_every_form() {
        let secret = "pa<ss w+rd'ü\"";
        let mask = mask(&[secret]);
        for echo in [
            "pa<ss w+rd'ü\"",
            "PA<SS W+RD'ü\"",
            "pa<ss   w+rd'\u{200b}ü\"",
            "pa<ss\r\nw+rd'ü\"",
            "pa%3Css+w%2Brd%27%C3%BC%22",
            "pa%3css%20w%2brd%27%c3%bc%22",
            "pa<ss w+rd'ü\\\"",
            "pa&lt;ss w+rd&#39;ü&quot;",
            "pa&lt;ss w+rd&#x27;ü&quot;",
            "cGE8c3MgdytyZCfDvCI=",
        ] {
            let shown = mask.clean(&format!("no such password: {echo} (login)"));
            assert_eq!(
                shown.as_deref(),
                Some("no such password: ••• (login)"),
                "{echo}"
            );
        }
    }

    #[test]
    fn overlapping_and_cut_secrets_leave_nothing_over() {
        assert_eq!(mask(&["aaaa"]).clean("xaaaaaay").as_deref(), Some("x•••y"));
        let two = mask(&["secret-one", "one-two"]);
        assert_eq!(two.clean("a secret-one-two b").as_deref(), Some("a ••• b"));
        let at_the_end = format!("{}hunter22", "x".repeat(SHOWN - 4));
        let shown = mask(&["hunter22"]).clean(&at_the_end).unwrap_or_default();
        assert!(!shown.contains("hun"), "{shown}");
    }

    #[test]
    fn words_with_a_secret_too_short_to_mask_are_not_shown() {
        assert_eq!(mask(&["abc"]).clean("no abc here"), None);
        assert_eq!(mask(&["abc"]).clean("nothing").as_deref(), Some("nothing"));
        assert_eq!(mask(&[""]).clean("nothing").as_deref(), Some("nothing"));
    }

    #[test]
    fn words_are_one_short_line() {
        let mask = Mask::default();
        assert_eq!(
            mask.clean("a\r\n\tb\0c\u{202e}d  e").as_deref(),
            Some("a b cd e")
        );
        assert_eq!(mask.clean(" \n\u{feff}"), None);
        let long = mask.clean(&"ä".repeat(1000)).unwrap_or_default();
        assert_eq!(long.chars().count(), SHOWN);
        assert!(long.ends_with('…'));
    }

    proptest! {
        #[test]
        fn no_secret_is_left(secret in "[ -~]{4,12}", before in "\\PC{0,20}", after in "\\PC{0,20}") {
            let shown = mask(&[&secret]).clean(&format!("{before}{secret}{after}"));
            let shown = shown.unwrap_or_default().to_ascii_lowercase();
            let secret = readable(&secret).to_ascii_lowercase();
            prop_assert!(secret.is_empty() || !shown.contains(&secret));
        }
    }
}
