//! A way that connections have in common: to whom, and by which settings.

use std::hash::{BuildHasher, Hash, Hasher, RandomState};

use http::HeaderValue;

use super::failure::{Layer, Problem};
use super::route::Route;
use super::transport::Transport;
use super::url::HttpUrl;

/// An origin and the settings with which it is reached. Only exchanges of one way share connections:
/// one that was opened without checking a certificate must never serve a connector that wants it
/// checked, nor one through a proxy a connector that goes directly.
pub(super) struct Way {
    pub(super) transport: Transport,
    /// The root of the origin: no path and no query are kept, which may hold secrets.
    pub(super) target: HttpUrl,
    /// The value of the Host header.
    pub(super) host: HeaderValue,
    /// What it is found by.
    pub(super) hash: u64,
}

impl Way {
    /// A way, if the settings can be used. `hash` is that of `url`.
    pub(super) fn new(transport: &Transport, url: &HttpUrl, hash: u64) -> Result<Self, Problem> {
        transport.check()?;
        let host = HeaderValue::from_str(url.authority()).map_err(|_| {
            Problem::new(Layer::Url, "The address has a host name that cannot be sent.", "Check the host name.")
        })?;
        Ok(Self { transport: transport.clone(), target: url.root(), host, hash })
    }

    /// A number that is the same for all addresses of one origin; others may have it too.
    pub(super) fn hash(state: &RandomState, url: &HttpUrl) -> u64 {
        let mut hasher = state.build_hasher();
        url.is_https().hash(&mut hasher);
        url.authority().hash(&mut hasher);
        hasher.finish()
    }

    /// Whether requests to `url` with these settings go this way.
    pub(super) fn leads(&self, transport: &Transport, url: &HttpUrl) -> bool {
        self.target.is_beside(url) && self.transport.is_like(transport)
    }

    /// Who is asked, for sentences.
    pub(super) fn server(&self) -> String {
        self.route().server()
    }

    pub(super) fn route(&self) -> Route<'_> {
        Route::new(&self.transport, &self.target)
    }
}
