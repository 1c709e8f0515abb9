//! Where other programs find a connector and call an endpoint.

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

/// What stands in a segment of a path as it is (RFC 3986 2.3); all else is percent-encoded.
const UNRESERVED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// The path of a connector for programs.
pub fn connector_path(key: &str) -> String {
    format!("/api/v1/connectors/{}", utf8_percent_encode(key, UNRESERVED))
}

/// The path to which programs POST to call an endpoint.
pub fn call_path(key: &str, name: &str) -> String {
    let name = utf8_percent_encode(name, UNRESERVED);
    format!("{}/endpoints/{name}/call", connector_path(key))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_of_any_script_stands_in_one_segment() {
        assert_eq!(call_path("ledger", "List 2.0_ä"), "/api/v1/connectors/ledger/endpoints/List%202.0_%C3%A4/call");
    }
}
