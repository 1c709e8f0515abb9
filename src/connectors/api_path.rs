//! The paths in the API by which programs call, and commands to try them.

use std::fmt::Display;

use percent_encoding::utf8_percent_encode;

use crate::template::ENCODED;

/// The path of a connector in the API.
pub fn connector_path(key: &str) -> String {
    format!("/api/v1/connectors/{}", utf8_percent_encode(key, ENCODED))
}

/// The path to which programs POST to call an endpoint.
pub fn call_path(key: &str, name: &str) -> String {
    format!("{}/endpoints/{}/call", connector_path(key), utf8_percent_encode(name, ENCODED))
}

/// The path below which the proxy forwards requests to the API.
pub fn proxy_path(key: &str) -> String {
    format!("{}/proxy/", connector_path(key))
}

/// A GET of a program as a command for a POSIX shell, which takes the API key from the environment.
pub fn curl_get(url: impl Display) -> String {
    format!("curl {KEY} '{url}'")
}

/// The same for a POST of an empty JSON object.
pub fn curl_post(url: impl Display) -> String {
    format!("curl --request POST {KEY} --json '{{}}' '{url}'")
}

const KEY: &str = "--header \"Authorization: Bearer $CONNECTORY_KEY\"";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_of_any_script_is_one_segment() {
        assert_eq!(call_path("ledger", "List 2.0_ä"), "/api/v1/connectors/ledger/endpoints/List%202.0_%C3%A4/call");
    }
}
