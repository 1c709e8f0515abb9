//! Name look-up that gives only addresses the policy allows.
//!
//! The HTTP client connects to nothing but what it gets here, so no second look-up can lead
//! elsewhere (DNS rebinding).

use std::fmt;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use reqwest::dns::{Addrs, Name, Resolve, Resolving};

use super::policy::Policy;

/// The resolver of the clients for one port; rules and own listeners depend on the port, which a
/// look-up is not told.
pub(super) struct Guard {
    pub(super) policy: Arc<Policy>,
    pub(super) port: u16,
}

/// A name that could not be looked up.
#[derive(Debug)]
pub(super) struct LookupFailed {
    pub(super) name: String,
    /// Whether the name servers gave no answer, instead of saying that there is no such name.
    pub(super) temporary: bool,
}

impl Resolve for Guard {
    fn resolve(&self, name: Name) -> Resolving {
        let policy = Arc::clone(&self.policy);
        let port = self.port;
        Box::pin(async move {
            let addresses = look_up(name.as_str()).await?;
            policy.check_answers(name.as_str(), port, &addresses)?;
            let addresses = addresses.into_iter().map(|ip| SocketAddr::new(ip, 0));
            Ok(Box::new(addresses) as Addrs)
        })
    }
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

impl fmt::Display for LookupFailed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.words("The name"))
    }
}

impl std::error::Error for LookupFailed {}
