//! Bytes of an answer as text: in the character set that it names, without what a page cannot show.

use std::borrow::Cow;

use encoding_rs::{Encoding, UTF_8};

/// A text that was read from bytes.
pub(super) struct Decoded<'a> {
    pub text: Cow<'a, str>,
    /// Some bytes are no characters of the set, and stand as �.
    pub damaged: bool,
    /// The character set, where it is not UTF-8.
    pub charset: Option<&'static str>,
}

/// Reads bytes in the set that a byte order mark or the content type names, else in UTF-8.
pub(super) fn decode<'a>(bytes: &'a [u8], content_type: &str) -> Decoded<'a> {
    let named = charset(content_type).and_then(|label| Encoding::for_label(label.as_bytes()));
    let (text, used, damaged) = named.unwrap_or(UTF_8).decode(bytes);
    Decoded { text, damaged, charset: (used != UTF_8).then(|| used.name()) }
}

/// The `charset` of a content type (RFC 9110 8.3.2).
fn charset(content_type: &str) -> Option<&str> {
    let parameters = content_type.split(';').skip(1);
    parameters
        .filter_map(|parameter| parameter.split_once('='))
        .find(|(name, _)| name.trim().eq_ignore_ascii_case("charset"))
        .map(|(_, value)| value.trim().trim_matches('"'))
}

/// The kind of content without its parameters, in lower case.
pub(super) fn essence(content_type: &str) -> String {
    let essence = content_type.split(';').next().unwrap_or_default();
    essence.trim().to_ascii_lowercase()
}

/// Whether a kind of content is JSON by its name.
pub(super) fn is_json(essence: &str) -> bool {
    essence == "application/json" || essence == "text/json" || essence.ends_with("+json")
}

/// Whether a kind of content is text by its name.
pub(super) fn is_text(essence: &str) -> bool {
    let known = [
        "application/xml",
        "application/javascript",
        "application/x-www-form-urlencoded",
        "application/yaml",
        "application/x-yaml",
        "application/x-ndjson",
        "application/graphql",
        "application/sql",
    ];
    essence.starts_with("text/") || essence.ends_with("+xml") || known.contains(&essence)
}

/// Whether bytes that nobody calls text are text all the same: UTF-8 without control characters.
pub(super) fn looks_like_text(bytes: &[u8]) -> bool {
    std::str::from_utf8(bytes)
        .is_ok_and(|text| !text.chars().any(|letter| letter.is_control() && !matches!(letter, '\t' | '\n' | '\r')))
}

/// A text as a page can show it: control characters by their symbols, and none that turn the direction of what follows.
pub(super) fn visible(text: &str) -> String {
    text.replace("\r\n", "\n")
        .chars()
        .map(|letter| match letter {
            '\t' | '\n' => letter,
            '\u{0}'..='\u{1f}' => char::from_u32(0x2400 + letter as u32).unwrap_or('�'),
            '\u{7f}' => '\u{2421}',
            '\u{80}'..='\u{9f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{fdd0}'..='\u{fdef}' => '�',
            letter if letter as u32 & 0xfffe == 0xfffe => '�',
            letter => letter,
        })
        .collect()
}

/// The beginning of a text of at most `most` bytes, up to the end of a line if there is one not far before.
pub(super) fn beginning(text: &str, most: usize) -> (&str, bool) {
    if text.len() <= most {
        return (text, false);
    }
    let end = (0..=most).rev().find(|end| text.is_char_boundary(*end)).unwrap_or(0);
    let start = text.get(..end).unwrap_or_default();
    let line = start.rfind('\n').filter(|line| *line > most / 2);
    (start.get(..line.unwrap_or(end)).unwrap_or(start), true)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_is_read_in_the_set_that_it_names() {
        let latin = decode(b"caf\xe9", "text/plain; charset=\"ISO-8859-1\"");
        assert_eq!((&*latin.text, latin.damaged, latin.charset), ("café", false, Some("windows-1252")));
        let marked = decode(b"\xff\xfeh\0i\0", "text/plain");
        assert_eq!((&*marked.text, marked.charset), ("hi", Some("UTF-16LE")));
        let broken = decode(b"a\xffb", "text/plain; charset=utf-8");
        assert_eq!((&*broken.text, broken.damaged), ("a�b", true));
        assert_eq!(decode(b"x", "text/plain; charset=nonsense").text, "x");
    }

    #[test]
    fn what_a_page_cannot_show_is_shown_by_a_symbol() {
        assert_eq!(visible("a\0b\u{1b}[1m\r\n\tc\u{202e}d\u{85}"), "a␀b␛[1m\n\tc�d�");
    }

    #[test]
    fn long_texts_are_cut_at_a_line() {
        assert_eq!(beginning("short", 10), ("short", false));
        assert_eq!(beginning("line one\nline two", 12), ("line one", true));
        assert_eq!(beginning("ééééé", 5), ("éé", true));
    }
}
