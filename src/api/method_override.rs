//! Headers and query pairs by which servers take a request for one of another method than it says.
//!
//! Rule: a key whose methods are limited sends none of them: its POST stays a POST. Danger: frameworks fold names
//! before they compare them (CGI makes `_` of `-`, PHP of `.` and spaces too), so names are compared folded.

use percent_encoding::percent_decode_str;

/// Whether a header or a parameter of this name overrides the method.
pub(super) fn is_override(name: &str) -> bool {
    let folded: String = name.trim().chars().map(fold).collect();
    matches!(
        folded.as_str(),
        "_method"
            | "_http_method"
            | "http_method_override"
            | "x_http_method_override"
            | "x_http_method"
            | "x_method_override"
    )
}

fn fold(letter: char) -> char {
    match letter {
        '-' | '.' | ' ' | '[' => '_',
        letter => letter.to_ascii_lowercase(),
    }
}

/// The query without its pairs that override the method; `None` if it has none. All others stay byte by byte. Some
/// servers part pairs by semicolons.
pub(super) fn without(query: &str) -> Option<String> {
    let overrides = |pair: &str| {
        let name = pair.split(['=', '&', ';']).next().unwrap_or_default().replace('+', " ");
        is_override(&percent_decode_str(&name).decode_utf8_lossy())
    };
    let pairs = || query.split_inclusive(['&', ';']);
    if !pairs().any(overrides) {
        return None;
    }
    let kept: String = pairs().filter(|pair| !overrides(pair)).collect();
    Some(kept.trim_end_matches(['&', ';']).to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pairs_that_override_the_method_are_left_out_in_every_spelling() {
        for (query, kept) in [
            ("_method=DELETE", Some("")),
            ("_method", Some("")),
            ("a=%20x&_method=DELETE&b='1'", Some("a=%20x&b='1'")),
            ("a=1&%5FMethod=DELETE", Some("a=1")),
            ("a=1;_method=PUT;b=2", Some("a=1;b=2")),
            (".method=PUT&+_method=PUT&a", Some("a")),
            ("X-HTTP-Method-Override=PUT&a", Some("a")),
            ("method=PUT&a_method=1&x=_method", None),
            ("", None),
            ("&&a", None),
        ] {
            assert_eq!(without(query).as_deref(), kept, "{query}");
        }
    }
}
