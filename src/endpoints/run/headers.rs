//! Headers of an answer as a page shows them.

/// Parts of names of headers whose values may let somebody in.
const SECRET_PARTS: [&str; 10] =
    ["authorization", "cookie", "token", "secret", "password", "passwd", "api-key", "apikey", "session", "credential"];

/// Whether a header may hold a secret that is not ours to know: a session that the API has begun, a token that it gives
/// away.
pub(super) fn may_hold_a_secret(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    SECRET_PARTS.iter().any(|part| name.contains(part))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn headers_that_let_somebody_in_are_known_by_their_names() {
        for name in [
            "Set-Cookie",
            "authorization",
            "Proxy-Authorization",
            "X-Auth-Token",
            "X-CSRF-Token",
            "x-api-key",
            "X-Amz-Security-Token",
            "Session-Id",
        ] {
            assert!(may_hold_a_secret(name), "{name}");
        }
        for name in ["Content-Type", "ETag", "Location", "WWW-Authenticate", "Date"] {
            assert!(!may_hold_a_secret(name), "{name}");
        }
    }
}
