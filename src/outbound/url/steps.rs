//! The one rule about path traversal: no path may have a step (“.” or “..”) in any spelling that some server would
//! resolve.
//!
//! Rule: it is asked of every path that comes in part from outside: a proxied path, a rendered endpoint, a redirect, a
//! base URL. Danger: front servers decode before they resolve (nginx with a URI in `proxy_pass`), some decode twice,
//! some drop what stands behind a semicolon. Weakening this lets a key reach more than it was given.

use std::borrow::Cow;

use percent_encoding::percent_decode;

use super::HttpUrl;

/// How often a path is decoded. What is encoded deeper than that is refused: nothing honest is.
const DECODED: usize = 4;

impl HttpUrl {
    /// Whether its path has a step, see [`has_step`].
    pub fn has_step(&self) -> bool {
        has_step(self.path())
    }
}

/// Whether a path, or a part of one, has a segment “.” or “..” as it stands or after decoding, or is encoded too deeply
/// to tell.
pub fn has_step(path: &str) -> bool {
    if !path.contains(['.', '%']) {
        return false;
    }
    let mut decoded = Cow::Borrowed(path.as_bytes());
    for _ in 0..=DECODED {
        let mut segments = decoded.split(|byte| matches!(byte, b'/' | b'\\'));
        if segments.any(is_step) {
            return true;
        }
        if !decoded.contains(&b'%') {
            return false;
        }
        let next: Vec<u8> = percent_decode(&decoded).collect();
        if next == *decoded {
            return false;
        }
        decoded = Cow::Owned(next);
    }
    true
}

/// Servers drop what stands behind a semicolon (RFC 3986 3.3), some what stands behind a NUL, and those that decode
/// before they parse end the path at `?` and `#`. White space and control characters are dropped by some parsers
/// (WHATWG URL).
fn is_step(segment: &[u8]) -> bool {
    let named = segment.split(|byte| matches!(byte, b';' | b'?' | b'#' | 0)).next().unwrap_or_default();
    let mut letters = named.iter().filter(|byte| **byte > b' ' && **byte != 0x7f);
    let dots = letters.clone().count();
    matches!(dots, 1 | 2) && letters.all(|byte| *byte == b'.')
}

#[cfg(test)]
mod tests {
    use percent_encoding::{NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_step_is_known_in_every_spelling() {
        for path in [
            "..",
            ".",
            "../x",
            "/a/../../x",
            "x/..",
            "x/.",
            "..%2Fx",
            "%2e%2e/x",
            "%2E%2e%2fx",
            ".%2e",
            "..\\x",
            "..%5Cx",
            "..;/x",
            "..;a=b/x",
            "..%3B/x",
            "..%00/x",
            "..%20/x",
            "%09../x",
            ".%0D%0A./x",
            "..%3Fx",
            "..%23x",
            "%252e%252e/x",
            "..%252fx",
            "%25252e%25252e%25252fx",
            "%2525252e%2525252e/x",
            "%252525252525252e",
        ] {
            assert!(has_step(path), "{path}");
        }
        for path in [
            "",
            "/",
            "a",
            "a..b",
            "...",
            "/a../..b",
            "7%2F8",
            "100%25",
            "100%2525",
            "a%zz",
            "%",
            "%2",
            "a.b/c.d",
            "..a;b",
            ";..",
            "%C3%BC.",
            "a%2F.well-known",
        ] {
            assert!(!has_step(path), "{path}");
        }
    }

    proptest! {
        /// As the most careless server would read it: decoded a few times, parameters dropped, resolved.
        #[test]
        fn what_has_no_step_is_resolved_to_itself(path in "(\\.|/|%2e|%2E|%2f|%5c|%25|%3b|;|%|a|2|e|\\\\){0,14}") {
            if has_step(&path) {
                return Ok(());
            }
            let mut read = path;
            for _ in 0..4 {
                let plain = read.replace('\\', "/");
                let names = plain.split('/').map(|part| part.split(';').next().unwrap_or_default());
                prop_assert!(names.clone().all(|name| name != "." && name != ".."), "{read}");
                read = percent_decode_str(&read).decode_utf8_lossy().into_owned();
            }
        }

        #[test]
        fn a_step_is_found_however_often_it_is_encoded(before in "[a-z]{0,3}", sign in "(/|\\\\)", dots in "\\.{1,2}", times in 0usize..8) {
            let mut path = format!("{before}{sign}{dots}{sign}x");
            for _ in 0..times {
                path = utf8_percent_encode(&path, NON_ALPHANUMERIC).to_string();
            }
            prop_assert!(has_step(&path), "{path}");
        }
    }
}
