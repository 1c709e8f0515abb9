//! Finding what looks like a token in the words of a server. What does, and what does not, stands in `server_text`.

use super::mask::MASKED;

/// How many odd letters and digits make a piece a token.
const ODD: usize = 10;

/// From how many letters and digits on both together are odd, and how many of them must be digits.
const MIXED: usize = 18;
const DIGITS: usize = 4;

/// The longest run of letters that may be a word, and of digits that may be a number.
const LONGEST_WORD: usize = 32;
const LONGEST_NUMBER: usize = 16;

/// How many words before a GUID may say what it is.
const BEFORE: usize = 3;

/// Endings of names whose values are secret.
const SECRET_NAMES: [&str; 14] = [
    "token",
    "secret",
    "password",
    "passwd",
    "pwd",
    "pass",
    "key",
    "credential",
    "credentials",
    "assertion",
    "jwt",
    "session",
    "cookie",
    "verifier",
];

/// What is said of a GUID that only tells one thing from another.
const IDS: [&str; 15] = [
    "id",
    "identifier",
    "trace",
    "correlation",
    "request",
    "activity",
    "application",
    "app",
    "object",
    "user",
    "client",
    "tenant",
    "directory",
    "resource",
    "reference",
];

/// The words with [`MASKED`] for everything in them that looks like a token.
pub(super) fn without_tokens(words: &str) -> String {
    let mut shown = String::with_capacity(words.len());
    let mut rest = words;
    while let Some(start) = rest.find(is_part) {
        let (between, from) = rest.split_at(start);
        shown.push_str(between);
        let end = from.find(|c| !is_part(c)).unwrap_or(from.len());
        let (run, after) = from.split_at(end);
        let before = words.get(..words.len() - from.len()).unwrap_or_default();
        push_run(&mut shown, before, run);
        rest = after;
    }
    shown.push_str(rest);
    shown
}

/// Whether a character may be part of a token, a name or a URL.
fn is_part(c: char) -> bool {
    c.is_ascii_alphanumeric() || "-_.~+/=%:?&#@|!$*".contains(c)
}

/// A run without spaces and quotes: a URL, names with values, or words with signs between them.
fn push_run(shown: &mut String, before: &str, run: &str) {
    if let Some((scheme, rest)) = run.split_once("://") {
        let letters = scheme.rfind(|c: char| !c.is_ascii_alphanumeric());
        let (lead, scheme) = scheme.split_at(letters.map_or(0, |at| at + 1));
        push_pieces(shown, before, lead);
        push_url(shown, scheme, rest);
    } else {
        push_pieces(shown, before, run);
    }
}

/// Scheme, host and port, and the path as far as it consists of words. What stands in a query or a fragment is not
/// shown, nor are user and password.
fn push_url(shown: &mut String, scheme: &str, rest: &str) {
    let end = rest.find(['?', '#']).unwrap_or(rest.len());
    let (address, query) = rest.split_at(end);
    let (authority, path) = address.split_at(address.find('/').unwrap_or(address.len()));
    let host = authority.rsplit('@').next().unwrap_or_default();
    shown.push_str(scheme);
    shown.push_str("://");
    shown.push_str(host);
    for (at, step) in path.split('/').enumerate() {
        if at > 0 {
            shown.push('/');
        }
        let is_secret = is_token_like(step) || is_guid(step);
        shown.push_str(if is_secret { MASKED } else { step });
    }
    if !query.is_empty() {
        shown.push('…');
    }
}

/// Pieces between signs that part names from values.
fn push_pieces(shown: &mut String, before: &str, run: &str) {
    let parts = |c: char| "=:?&#@|!$*".contains(c);
    let mut name = label(before);
    let mut rest = run;
    while !rest.is_empty() {
        let end = rest.find(parts).unwrap_or(rest.len());
        let (piece, after) = rest.split_at(end);
        let is_value = name.is_some_and(is_secret_name);
        let is_unnamed = || {
            let before_piece = run.get(..run.len() - rest.len()).unwrap_or_default();
            is_guid(piece) && !is_id(&format!("{before}{before_piece}"))
        };
        let is_secret = is_value || is_token_like(piece) || is_unnamed();
        shown.push_str(if is_secret && !piece.is_empty() { MASKED } else { piece });
        let sign = after.chars().next();
        let (sign_text, after) = after.split_at(sign.map_or(0, char::len_utf8));
        shown.push_str(sign_text);
        // A second sign, as in “==”, does not make what follows another thing's value.
        if !piece.is_empty() {
            name = matches!(sign, Some('=' | ':')).then_some(piece);
        }
        rest = after;
    }
}

/// The name whose value follows: `"token": "`, `token="`. A colon without quotes is punctuation: “invalid_token: It has
/// expired”.
fn label(before: &str) -> Option<&str> {
    let quotes = ['"', '\'', '“', '‘', '`', '\\'];
    let unquoted = before.trim_end_matches(quotes);
    let is_quoted = unquoted.len() < before.len();
    let named = unquoted.trim_end();
    let name = named.strip_suffix('=').or_else(|| named.strip_suffix(':').filter(|_| is_quoted))?;
    Some(name.trim_end().trim_end_matches(quotes))
}

fn is_secret_name(name: &str) -> bool {
    let name = name.trim_end_matches(|c: char| !c.is_ascii_alphanumeric());
    let name = name.to_ascii_lowercase();
    SECRET_NAMES.iter().any(|secret| name.ends_with(secret))
}

/// Whether letters and digits alternate here as they do not in words, numbers and codes.
fn is_token_like(piece: &str) -> bool {
    let segments = piece.split(|c: char| !c.is_ascii_alphanumeric());
    let odd = segments.filter(|segment| is_odd(segment)).map(str::len);
    odd.sum::<usize>() >= ODD && !is_guid(piece)
}

fn is_odd(segment: &str) -> bool {
    let digits = segment.bytes().filter(u8::is_ascii_digit).count();
    if digits == segment.len() {
        return digits > LONGEST_NUMBER;
    }
    let is_mixed = digits >= DIGITS && segment.len() >= MIXED;
    is_mixed || segment.len() > LONGEST_WORD || changes(segment) > segment.len().div_ceil(6)
}

/// How often lower case changes to upper case, and letters to digits and back.
fn changes(segment: &str) -> usize {
    let pairs = segment.bytes().zip(segment.bytes().skip(1));
    let changes = |(a, b): &(u8, u8)| {
        a.is_ascii_digit() != b.is_ascii_digit() || (a.is_ascii_lowercase() && b.is_ascii_uppercase())
    };
    pairs.filter(changes).count()
}

/// Whether it is a GUID, in braces or not.
fn is_guid(piece: &str) -> bool {
    let piece = piece.trim_end_matches('.');
    let mut lengths = [8, 4, 4, 4, 12].into_iter();
    let is_group = |group: &str| lengths.next() == Some(group.len()) && group.bytes().all(|b| b.is_ascii_hexdigit());
    piece.len() == 36 && piece.split('-').all(is_group)
}

/// Whether the last words say that an id follows, and nothing secret.
fn is_id(before: &str) -> bool {
    let words = before.split(|c: char| !c.is_ascii_alphanumeric());
    let last: Vec<String> =
        words.rev().filter(|word| !word.is_empty()).take(BEFORE).map(str::to_ascii_lowercase).collect();
    let is_secret = |word: &String| is_secret_name(word) || word == "code" || word == "bearer";
    !last.iter().any(is_secret) && last.iter().any(|word| IDS.contains(&word.as_str()))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const GUID: &str = "3fa85f64-5717-4562-b3fc-2c963f66afa6";

    #[test]
    fn what_people_need_to_read_stays() {
        for words in [
            "invalid_grant: The user name or the password is wrong.",
            "invalid_token: The token expired at 2026-11-29T12:00:00.123456Z (1764417600123)",
            "AADSTS700016: Application with identifier '3fa85f64-5717-4562-b3fc-2c963f66afa6' was not found",
            "Trace ID: 3fa85f64-5717-4562-b3fc-2c963f66afa6 Correlation ID: 9fa85f64-5717-4562-b3fc-2c963f66afa6. Timestamp: 2026-11-29 12:00:00Z",
            "urn:ietf:params:oauth:grant-type:saml2-bearer is not one of unsupported_response_types_for_client_credentials",
            "org.springframework.security.oauth2.common.exceptions.InvalidGrantException",
            "org.springframework.security.OAuth2AuthenticationException: SHA256 or ES256K, id_token_signed_response_alg",
            "See https://login.example.org:8443/common/oauth2/v2.0/authorize, or ask help@example.org",
            "Rechtsschutzversicherungen, Benutzer für „Größe“ (ORA-12154, 0x80070005, 10.0.0.1, 1.2.3-rc1)",
            "user: This field is required.",
            "password: must be longer; key: is missing",
            "E7: No",
        ] {
            assert_eq!(without_tokens(words), words);
        }
    }

    #[test]
    fn what_looks_like_a_token_does_not() {
        let jwt = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0NTY3ODkwIn0.dozjgNryP4J3jVmNHl0w5N_XgL0n3I9PlFUP0THsR8U";
        for token in [
            jwt,
            "d41d8cd98f00b204e9800998ecf8427e",
            "D41D8CD98F00B204",
            "ghp_16C7e42F292c6912E7710c838347Ae178B4a",
            "xoxb-123456789012-1234567890123-4mt0t3KexyZ19Qa",
            "JBSWY3DPEHPK3PXP",
            "Zm9vYmFyMTIz+QUJD/abc==",
            "canary%2F5f1c%2B77%3D3f9a8b7c",
            "canarytoken1234567890abcdef",
            "48302840293840291",
            "SlAV32hkKG_zdAhgf0DBnJ6CWx8Rv",
            GUID,
        ] {
            for (before, after) in [
                ("the ", " was refused"),
                ("(", ")"),
                ("“", "”"),
                ("bad: ", "."),
                ("{\"x\":\"", "\"}"),
                ("a=", "&b=c"),
                ("<t>", "</t>"),
            ] {
                let shown = without_tokens(&format!("{before}{token}{after}"));
                let longest = token.split(|c: char| !c.is_ascii_alphanumeric());
                let longest = longest.max_by_key(|part| part.len()).unwrap_or_default();
                assert!(!shown.contains(longest), "{shown}");
                assert!(shown.contains(MASKED), "{shown}");
            }
        }
        let access = format!("Invalid access token: {GUID}");
        assert!(!without_tokens(&access).contains(GUID));
    }

    #[test]
    fn the_value_of_a_secret_name_is_hidden_whatever_it_looks_like() {
        for (words, shown) in [
            ("access_token=plain&scope=read", "access_token=‹masked›&scope=read"),
            ("{\"client_secret\": \"plain\"}", "{\"client_secret\": \"‹masked›\"}"),
            ("<a token=\"plain\" b=\"c\">", "<a token=\"‹masked›\" b=\"c\">"),
            ("apiKey:'plain'", "apiKey:'‹masked›'"),
            ("Wrong password: \"plain\"", "Wrong password: \"‹masked›\""),
        ] {
            assert_eq!(without_tokens(words), shown);
        }
    }

    #[test]
    fn of_a_url_host_and_plain_path_are_shown() {
        for (url, shown) in [
            ("https://a.example/v2/token?code=1", "https://a.example/v2/token…"),
            ("https://u:p@a.example:8443/", "https://a.example:8443/"),
            (
                "https://a1b2c3d4e5f6.example/T00000000/XXd41d8cd98f00b204/x#t=1",
                "https://a1b2c3d4e5f6.example/T00000000/‹masked›/x…",
            ),
            ("see:http://a.example", "see:http://a.example"),
        ] {
            assert_eq!(without_tokens(url), shown);
        }
        let path = format!("https://a.example/{GUID}/token");
        assert_eq!(without_tokens(&path), "https://a.example/‹masked›/token");
    }

    proptest! {
        #[test]
        fn long_tokens_are_hidden(token in "[A-Za-z0-9]{33,64}", end in "[A-Za-z0-9_.~+/-]{0,30}") {
            let shown = without_tokens(&format!("no {token}{end} here"));
            prop_assert_eq!(shown, "no ‹masked› here");
        }

        #[test]
        fn no_words_make_it_panic(words in "(token|=|:|\"|://|@|/|\\?|‹|\\PC){0,30}") {
            without_tokens(&words);
        }
    }
}
