//! The program's HTTP client: clients of reqwest and hyper-util, one for each origin and set of settings, and on which
//! runtime they run.

use std::future::Future;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use http::Uri;
use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use reqwest::redirect;
use thiserror::Error;
use tokio::runtime::Handle;
use tokio::task::JoinSet;
use tower::util::MapFutureLayer;

use super::cache::Cache;
use super::connect;
use super::connect_time;
use super::error::{SendError, Stage};
use super::header_names::NameCache;
use super::policy::Policy;
use super::resolver::Resolver;
use super::route::Route;
use super::streaming_client::{self, StreamingClient};
use super::tls::{self, TlsConfigCache};
use super::transport::Transport;
use super::url::HttpUrl;

/// How many clients are cached, and how long, so that another address behind a name, or another server at an address,
/// counts.
const CLIENTS: usize = 256;
const OLDEST: Duration = Duration::from_secs(60);

/// How many idle connections are kept to a host, and how long. Servers close theirs after a minute or more: a
/// connection that is about to be closed is not worth a failed request.
pub(super) const IDLE_CONNECTIONS: usize = 64;
pub(super) const IDLE_TIME: Duration = Duration::from_secs(30);

/// The largest head of a response over HTTP/2, in bytes.
pub(super) const HTTP2_HEAD: u32 = 64 * 1024;

/// The program's HTTP client; clones share their connections.
///
/// A connection is driven by the runtime that opened it, and each of the web server's workers has a
/// runtime of its own. A client from [`Outbound::new`] runs every exchange on the runtime in which it
/// was made: its connections live as long as the program, however busy or finished the worker that
/// asked first. One from [`Outbound::for_worker`] has connections of its own, driven by the worker itself.
#[derive(Clone)]
pub struct Outbound {
    pub(super) common: Arc<Common>,
    fetching: Arc<Cache<Target<reqwest::Client>>>,
    streaming: Arc<Cache<Target<StreamingClient>>>,
    /// The runtime that exchanges run on; `None` for the current one, that of a worker.
    main_runtime: Option<Handle>,
}

/// What all clients of the program have in common.
pub(super) struct Common {
    pub(super) policy: Policy,
    pub(super) tls: TlsConfigCache,
    pub(super) resolver: Resolver,
    pub(super) names: NameCache,
}

/// [`Outbound::new`] was called outside a Tokio runtime.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("the HTTP client needs a Tokio runtime")]
pub struct NoRuntime;

impl Outbound {
    /// A client that keeps to `policy` and runs its exchanges on the current runtime, which must be
    /// the program's main one.
    pub fn new(policy: Policy) -> Result<Self, NoRuntime> {
        Self::with_resolver(policy, Resolver::default())
    }

    /// The same that looks names up in this way, which may block, in place of asking the machine.
    pub fn looking_up(
        policy: Policy,
        ask: impl Fn(&str) -> io::Result<Vec<IpAddr>> + Send + Sync + 'static,
    ) -> Result<Self, NoRuntime> {
        Self::with_resolver(policy, Resolver::asking(ask))
    }

    fn with_resolver(policy: Policy, resolver: Resolver) -> Result<Self, NoRuntime> {
        let common = Common { policy, tls: TlsConfigCache::default(), resolver, names: NameCache::default() };
        let main_runtime = Handle::try_current().map_err(|_| NoRuntime)?;
        Ok(Self::with_own_connections(Arc::new(common), Some(main_runtime)))
    }

    /// A client of the same policy with connections of its own, which runs every exchange where it is
    /// asked for. It is for one worker: connections end with the runtime that opened them, so its clones
    /// must stay on that runtime.
    #[must_use]
    pub fn for_worker(&self) -> Self {
        Self::with_own_connections(Arc::clone(&self.common), None)
    }

    fn with_own_connections(common: Arc<Common>, main_runtime: Option<Handle>) -> Self {
        let (fetching, streaming) = (Cache::new(CLIENTS, OLDEST), Cache::new(CLIENTS, OLDEST));
        Self { common, fetching: Arc::new(fetching), streaming: Arc::new(streaming), main_runtime }
    }

    /// Whether exchanges run on the current runtime.
    pub(super) fn is_at_home(&self) -> bool {
        self.main_runtime.is_none()
    }

    /// Runs `work` on the runtime of the exchanges; `None` if it stops. Dropping this future ends the
    /// work.
    pub(super) async fn at_home<T: Send + 'static>(&self, work: impl Future<Output = T> + Send + 'static) -> Option<T> {
        let Some(main_runtime) = &self.main_runtime else {
            return Some(work.await);
        };
        let mut only = JoinSet::new();
        only.spawn_on(work, main_runtime);
        only.join_next().await?.ok()
    }
}

/// An origin that was judged, the settings by which it is reached, and the client that does. Only equal settings share
/// connections: one that was opened without checking a certificate must never serve a connector that wants it checked,
/// nor one through a proxy a connector that goes directly.
pub(super) struct Target<C> {
    transport: Transport,
    /// No path and no query are cached, which may hold secrets.
    root: HttpUrl,
    pub(super) client: C,
}

impl<C> Target<C> {
    pub(super) fn route(&self) -> Route<'_> {
        Route::new(&self.transport, &self.root)
    }

    fn find(cache: &Cache<Self>, transport: &Transport, uri: &Uri) -> Option<Arc<Self>> {
        cache.find(|target| target.root.is_origin_of(uri) && target.transport.is_like(transport))
    }
}

impl Outbound {
    /// The target of a request whose response is read whole, with a client that is built if need be.
    pub(super) async fn fetching(
        &self,
        transport: &Transport,
        uri: &Uri,
    ) -> Result<Arc<Target<reqwest::Client>>, SendError> {
        let cache = &self.fetching;
        if let Some(target) = Target::find(cache, transport, uri) {
            return Ok(target);
        }
        let root = self.judged_root(transport, uri)?;
        let client = build(&self.common, transport, &Route::new(transport, &root)).await?;
        // Another request may have built one meanwhile.
        let found = Target::find(cache, transport, uri);
        Ok(found.unwrap_or_else(|| cache.add(Target { transport: transport.clone(), root, client })))
    }

    /// The same for a streamed exchange.
    pub(super) fn streaming(
        &self,
        transport: &Transport,
        uri: &Uri,
    ) -> Result<Arc<Target<StreamingClient>>, SendError> {
        // A cached target says nothing of the path.
        let own = transport.is_own.then(|| self.common.policy.own_listener(uri));
        let own = own.transpose().map_err(|refused| refused.error(false))?;
        if let Some(target) = Target::find(&self.streaming, transport, uri) {
            return Ok(target);
        }
        let root = match own {
            Some(_) => HttpUrl::from_uri(uri)?.root(),
            None => self.judged_root(transport, uri)?,
        };
        let client = streaming_client::client(&self.common, transport, &root, own);
        Ok(self.streaming.add(Target { transport: transport.clone(), root, client }))
    }

    /// The origin of a request that may be sent.
    fn judged_root(&self, transport: &Transport, uri: &Uri) -> Result<HttpUrl, SendError> {
        let root = HttpUrl::from_uri(uri)?.root();
        Route::new(transport, &root).judge(&self.common.policy)?;
        transport.check()?;
        Ok(root)
    }
}

#[expect(clippy::disallowed_methods, reason = "the one place that builds HTTP clients")]
async fn build(common: &Arc<Common>, transport: &Transport, route: &Route<'_>) -> Result<reqwest::Client, SendError> {
    let tls = match route.is_encrypted() {
        true => common.tls.config(transport).await?.as_ref().clone(),
        false => tls::none()?,
    };
    let guard = Guard { common: Arc::clone(common), port: route.first().port(), is_proxy: route.proxy().is_some() };
    let mut client = reqwest::Client::builder()
        .tls_backend_preconfigured(tls)
        // The system's proxies would be judged in the place of the target.
        .no_proxy()
        .redirect(redirect::Policy::none())
        .retry(reqwest::retry::never().max_retries_per_request(0))
        .referer(false)
        .http1_title_case_headers()
        .dns_resolver(guard)
        .connector_layer(MapFutureLayer::new(connect_time::bounded))
        .http2_max_header_list_size(HTTP2_HEAD)
        .pool_max_idle_per_host(IDLE_CONNECTIONS)
        .pool_idle_timeout(IDLE_TIME);
    if let Some(proxy) = route.proxy() {
        let server = proxy.server().root();
        let mut by = reqwest::Proxy::all(server.as_str()).map_err(|_| unusable())?;
        if let Some(value) = proxy.authorization() {
            by = by.custom_http_auth(value);
        }
        client = client.proxy(by);
    }
    client.build().map_err(|_| unusable())
}

fn unusable() -> SendError {
    SendError::new(
        Stage::Tls,
        "The connection's settings cannot be used.",
        "Enter the proxy and the certificates of this connector again.",
    )
}

/// Gives only addresses that the policy allows, for one port: rules and own listeners depend on the port, which a
/// look-up is not told.
struct Guard {
    common: Arc<Common>,
    port: u16,
    is_proxy: bool,
}

impl Resolve for Guard {
    fn resolve(&self, name: Name) -> Resolving {
        let (common, port, is_proxy) = (Arc::clone(&self.common), self.port, self.is_proxy);
        Box::pin(async move {
            let looking_up = connect::judged_addresses(&common, name.as_str(), port, is_proxy);
            let addresses = connect_time::looking_up(looking_up).await?;
            Ok(Box::new(addresses.into_iter().map(|address| SocketAddr::new(address, 0))) as Addrs)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_client_outside_a_runtime_is_an_error() {
        assert_eq!(Outbound::new(Policy::default()).err(), Some(NoRuntime));
    }
}
