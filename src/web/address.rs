//! The address that people open in the browser, as the administrator has set it.
//!
//! Rule: whatever another server is told about this site is made from it, never from the Host header, which anybody can
//! set.

use std::fmt;

/// Scheme, host and port, without a trailing slash.
#[derive(Clone)]
pub struct PublicAddress(String);

impl PublicAddress {
    pub fn new(url: &str) -> PublicAddress {
        PublicAddress(url.trim_end_matches('/').to_string())
    }
}

impl fmt::Display for PublicAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
