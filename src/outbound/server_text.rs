//! What another server says of a failure, made fit to be shown and stored.
//!
//! Rule: nothing that a server wrote reaches a page, a problem document, a table or a log but through [`quote`], and
//! only parts of an answer that are meant for people go in: members of JSON errors, the title of a page. What goes out
//! is one line, without the secrets that were sent and without anything that looks like a token, of whatever server.
//!
//! What looks like a token: letters and digits that alternate as they do not in words, more than 18 of both or more
//! than 32 of one kind in a row, and the value of anything that is called a token, a secret, a password or a key. What
//! stays: words, names in snake_case and camelCase, codes (`AADSTS700016`), numbers, times, the hosts of URLs, and a
//! GUID that is said to be the id of something (“Trace ID: …”). Danger: a token that is an ordinary word cannot be told
//! from one.

use super::mask::{MASKED, Mask};
use super::token_like::without_tokens;

/// How many characters of a server's words are shown.
const SHOWN: usize = 300;

/// The longest words that are read, in bytes. Longer ones are not cut but dropped: a secret across the cut would not be
/// found.
const LONGEST: usize = 4 * 1024;

/// A server's words as they may be shown and stored: one line of at most 300 characters. `None` if nothing is left, if
/// they are longer than 4 KiB, or if a secret stands in them that is too short to be masked.
pub fn quote(words: &str, mask: &Mask) -> Option<String> {
    if words.len() > LONGEST {
        return None;
    }
    let words = one_line(words);
    if words.is_empty() || mask.has_short_secret(&words) {
        return None;
    }
    let shown = without_tokens(&mask.text(&words));
    Some(shorten(&joined(&shown)))
}

/// Adjacent marks as one: they tell how a token was built.
fn joined(words: &str) -> String {
    let twice = format!("{MASKED}{MASKED}");
    let mut words = words.to_owned();
    while words.contains(&twice) {
        words = words.replace(&twice, MASKED);
    }
    words
}

fn shorten(words: &str) -> String {
    match words.char_indices().nth(SHOWN) {
        None => words.to_owned(),
        Some(_) => words.chars().take(SHOWN - 1).chain(['…']).collect(),
    }
}

/// Without control and invisible characters, every run of white space one space.
pub(super) fn one_line(words: &str) -> String {
    let visible: String =
        words.chars().filter(|&c| !is_invisible(c)).map(|c| if c.is_control() { ' ' } else { c }).collect();
    visible.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// Characters that show nothing or turn the direction of text around (Unicode's Cf, as far as it can deceive a reader
/// or split a secret in two).
fn is_invisible(c: char) -> bool {
    matches!(
        c,
        '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{e0000}'..='\u{e007f}'
    )
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
    fn an_echoed_secret_is_masked_however_it_is_broken() {
        let secret = "pa<ss w+rd'ü\"";
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
            let shown = quote(&format!("no such password: {echo} (login)"), &mask(&[secret]));
            assert_eq!(shown.as_deref(), Some("no such password: ‹masked› (login)"), "{echo}");
        }
    }

    #[test]
    fn a_secret_at_the_end_leaves_nothing_over() {
        let words = format!("{}hunter22", "x ".repeat(SHOWN / 2 - 2));
        let shown = quote(&words, &mask(&["hunter22"])).unwrap_or_default();
        assert!(!shown.contains("hun"), "{shown}");
        assert_eq!(shown.chars().count(), SHOWN);
    }

    #[test]
    fn words_with_a_secret_too_short_to_mask_are_not_shown() {
        assert_eq!(quote("no abc here", &mask(&["abc"])), None);
        let shown = quote("nothing", &mask(&["abc", ""]));
        assert_eq!(shown.as_deref(), Some("nothing"));
    }

    #[test]
    fn words_are_one_short_line() {
        let quote = |words: &str| quote(words, &Mask::default());
        let shown = quote("a\r\n\tb\0c\u{202e}d  e");
        assert_eq!(shown.as_deref(), Some("a b cd e"));
        assert_eq!(quote(" \n\u{feff}"), None);
        let long = quote(&"ä".repeat(1000)).unwrap_or_default();
        assert_eq!(long.chars().count(), SHOWN);
        assert!(long.ends_with('…'));
        assert_eq!(quote(&"ä".repeat(LONGEST)), None);
    }

    proptest! {
        #[test]
        fn no_secret_is_left(secret in "[ -~]{4,12}", before in "\\PC{0,20}", after in "\\PC{0,20}") {
            let line = one_line(&secret);
            prop_assume!(line.len() >= 4);
            let shown = quote(&format!("{before}{secret}{after}"), &mask(&[&secret]));
            let shown = shown.unwrap_or_default().replace(MASKED, "\0").to_ascii_lowercase();
            prop_assert!(!shown.contains(&line.to_ascii_lowercase()));
        }
    }
}
