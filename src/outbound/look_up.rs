//! Name look-up.
//!
//! Rule: connections are made to nothing but the addresses found here, once these are judged, so no
//! second look-up can lead elsewhere (DNS rebinding).

use std::net::IpAddr;

/// A name that could not be looked up.
#[derive(Debug)]
pub(super) struct LookupFailed {
    pub(super) name: String,
    /// Whether the name servers gave no answer, instead of saying that there is no such name.
    pub(super) temporary: bool,
}

/// The addresses of a name, at least one; none of them is judged yet.
pub(super) async fn look_up(name: &str) -> Result<Vec<IpAddr>, LookupFailed> {
    let failed = |temporary| LookupFailed {
        name: name.to_owned(),
        temporary,
    };
    match tokio::net::lookup_host((name, 0)).await {
        Ok(found) => {
            let addresses: Vec<_> = found.map(|address| address.ip()).collect();
            if addresses.is_empty() {
                return Err(failed(false));
            }
            Ok(addresses)
        }
        // The only trace that getaddrinfo's EAI_AGAIN leaves is its text.
        Err(error) => Err(failed(error.to_string().contains("Temporary failure"))),
    }
}

impl LookupFailed {
    /// The sentence that begins with `whose`: "The name", "The proxy's name".
    pub(super) fn words(&self, whose: &str) -> String {
        let name = &self.name;
        if self.temporary {
            format!("{whose} “{name}” could not be looked up just now.")
        } else {
            format!("{whose} “{name}” was not found.")
        }
    }
}
