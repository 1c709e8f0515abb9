//! The public address: the URL at which people open this site.

use std::fmt;

/// The address that people open in the browser, as the administrator has set it: scheme, host and port, without a
/// trailing slash. What other servers get to know of this site is made from it, never from the Host header, which
/// any client can set.
#[derive(Clone)]
pub struct PublicAddress(String);

impl PublicAddress {
    pub fn new(url: &str) -> PublicAddress {
        PublicAddress(url.trim_end_matches('/').to_string())
    }

    pub fn is_https(&self) -> bool {
        self.0.starts_with("https://")
    }
}

impl fmt::Display for PublicAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
