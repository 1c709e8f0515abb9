//! The servers of a request: the target and the proxy before it, judged and named.

use url::Host;

use super::error::{SendError, Stage};
use super::policy::Policy;
use super::proxy::Proxy;
use super::transport::Transport;
use super::url::HttpUrl;

/// Who takes part in one request.
pub(super) struct Route<'a> {
    target: &'a HttpUrl,
    proxy: Option<&'a Proxy>,
}

impl<'a> Route<'a> {
    pub(super) fn new(transport: &'a Transport, target: &'a HttpUrl) -> Self {
        Self { target, proxy: transport.proxy_for(target) }
    }

    /// Judges proxy and target as far as they are known before anything is sent. A name that is connected to is judged
    /// again by its addresses.
    pub(super) fn judge(&self, policy: &Policy) -> Result<(), SendError> {
        let (host, port) = (host(self.target)?, self.target.port());
        let Some(proxy) = self.proxy else {
            return policy.check_host(&host, port).map_err(|refused| refused.error(false));
        };
        policy.check_behind_proxy(&host, port).map_err(|refused| refused.error(false))?;
        let proxy = proxy.server();
        policy.check_host(&self::host(proxy)?, proxy.port()).map_err(|refused| refused.error(true))
    }

    /// Whom Connectory itself connects to.
    pub(super) fn first(&self) -> &'a HttpUrl {
        self.proxy.map_or(self.target, Proxy::server)
    }

    pub(super) fn target(&self) -> &'a HttpUrl {
        self.target
    }

    pub(super) fn proxy(&self) -> Option<&'a Proxy> {
        self.proxy
    }

    /// Whether the proxy gets user and password.
    pub(super) fn signs_in(&self) -> bool {
        self.proxy.is_some_and(|proxy| proxy.sign_in.is_some())
    }

    pub(super) fn is_by_socks(&self) -> bool {
        self.proxy.is_some_and(Proxy::is_socks)
    }

    /// Whether the proxy passes a connection on, without a look into it.
    pub(super) fn is_tunnelled(&self) -> bool {
        self.proxy.is_some_and(|proxy| proxy.is_socks() || self.target.is_https())
    }

    /// Whether the proxy reads the request itself and passes it on.
    pub(super) fn is_passed_on(&self) -> bool {
        self.proxy.is_some() && !self.is_tunnelled()
    }

    /// Whether any connection of the route is encrypted.
    pub(super) fn is_encrypted(&self) -> bool {
        self.target.is_https() || self.first().is_https()
    }

    /// The server asked, for sentences: host and port, and the proxy before it.
    pub(super) fn server(&self) -> String {
        let target = self.target.host_and_port();
        match self.proxy_name() {
            Some(proxy) => format!("{target} (through {proxy})"),
            None => target,
        }
    }

    /// The one connected to, for sentences.
    pub(super) fn first_name(&self) -> String {
        self.proxy_name().unwrap_or_else(|| self.target.host_and_port())
    }

    /// The proxy, for sentences: "the proxy proxy.example:3128".
    pub(super) fn proxy_name(&self) -> Option<String> {
        let proxy = self.proxy?.server().host_and_port();
        Some(format!("the proxy {proxy}"))
    }
}

fn host(url: &HttpUrl) -> Result<Host<&str>, SendError> {
    url.host().ok_or_else(|| SendError::new(Stage::Url, "The address has no host name.", "Enter the whole address."))
}
