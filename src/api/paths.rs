//! Which operation an address means, compared as it was sent.

use percent_encoding::percent_decode_str;

/// The variable parts of an address.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Captures {
    /// The connector's key.
    pub key: String,
    /// The endpoint's name.
    pub name: String,
    /// Where the rest begins that is passed on as it stands, in bytes of the path.
    pub rest_at: usize,
}

/// Compares a path with a pattern: `{key}` and `{name}` stand for one segment, `{path}` for all that follows, or
/// nothing.
pub(super) fn captures(pattern: &str, path: &str) -> Option<Captures> {
    let mut found = Captures::default();
    let mut at = 0;
    for part in pattern.split('/').skip(1) {
        if part == "{path}" {
            found.rest_at = at;
            return Some(found);
        }
        let rest = path.get(at..)?.strip_prefix('/')?;
        let segment = rest.split('/').next().unwrap_or_default();
        match part {
            "{key}" => found.key = decoded(segment)?,
            "{name}" => found.name = decoded(segment)?,
            fixed if fixed == segment => {}
            _ => return None,
        }
        at += 1 + segment.len();
    }
    (at == path.len()).then_some(found)
}

/// Nothing has a name with NUL, which no text column can hold.
fn decoded(segment: &str) -> Option<String> {
    let text = percent_decode_str(segment).decode_utf8().ok()?;
    (!text.is_empty() && !text.contains('\0')).then(|| text.into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    const CALL: &str = "/v1/{key}/endpoints/{name}/call";
    const PROXY: &str = "/v1/{key}/proxy/{path}";

    #[test]
    fn segments_are_decoded_and_the_rest_is_left_as_it_is() {
        let found = captures(CALL, "/v1/ledger/endpoints/list%20all%2Fx/call").expect("a call");
        assert_eq!((found.key.as_str(), found.name.as_str()), ("ledger", "list all/x"));
        for (path, rest) in [
            ("/v1/a/proxy", Some("")),
            ("/v1/a/proxy/", Some("/")),
            ("/v1/a/proxy/x/%2e%2E//y", Some("/x/%2e%2E//y")),
            ("/v1/%61/proxy/x", Some("/x")),
            ("/v1/a/proxyx", None),
            ("/v1//proxy/x", None),
            ("/v1/a/b/proxy/x", None),
            ("/v1/%ff/proxy", None),
            ("/v1/a%00/proxy", None),
        ] {
            let found = captures(PROXY, path);
            assert_eq!(found.map(|found| &path[found.rest_at..]), rest, "{path}");
        }
        for path in ["", "/", "/v1/a", "/v1/a/endpoints/b/call/", "/v1/a/endpoints//call", "/v2/a/endpoints/b/call"] {
            assert_eq!(captures(CALL, path), None, "{path}");
        }
    }
}
