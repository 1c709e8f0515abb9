//! The program's HTTP client: clients of reqwest and hyper-util, one for each set of settings, and on which runtime
//! they run.

use std::collections::VecDeque;
use std::future::Future;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use reqwest::redirect;
use rustls::ClientConfig;
use thiserror::Error;
use tokio::runtime::Handle;
use tokio::task::JoinSet;
use tokio::time::Instant;
use tower::util::MapFutureLayer;

use super::connecting;
use super::connector::{self, StreamingClient};
use super::dial;
use super::error::{SendError, Stage};
use super::policy::Policy;
use super::resolver::Resolver;
use super::route::Route;
use super::tls::{self, TlsConfigCache};
use super::transport::Transport;

/// How many clients are cached; the one used longest ago makes room.
const CLIENTS: usize = 64;

/// How old a client may get, so that another address behind a name, or another server at an address, counts.
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
/// asked first. One from [`Outbound::here`] has connections of its own, driven by the worker itself.
#[derive(Clone)]
pub struct Outbound {
    pub(super) common: Arc<Common>,
    fetching: Arc<ClientCache<reqwest::Client>>,
    streaming: Arc<ClientCache<StreamingClient>>,
    /// Where exchanges run; `None` for the runtime that asks.
    home: Option<Handle>,
}

/// What all clients of the program have in common.
pub(super) struct Common {
    pub(super) policy: Policy,
    pub(super) tls: TlsConfigCache,
    pub(super) resolver: Resolver,
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
        Ok(Self {
            common: Arc::new(Common { policy, tls: TlsConfigCache::default(), resolver }),
            fetching: Arc::default(),
            streaming: Arc::default(),
            home: Some(Handle::try_current().map_err(|_| NoRuntime)?),
        })
    }

    /// A client of the same policy with connections of its own, which runs every exchange where it is
    /// asked for. It is for one worker: connections end with the runtime that opened them, so its clones
    /// must stay on that runtime.
    #[must_use]
    pub fn here(&self) -> Self {
        Self { common: Arc::clone(&self.common), fetching: Arc::default(), streaming: Arc::default(), home: None }
    }

    /// Whether exchanges run where they are asked for.
    pub(super) fn is_at_home(&self) -> bool {
        self.home.is_none()
    }

    /// Runs `work` where exchanges run; `None` if that runtime stops. Dropping this future ends the
    /// work.
    pub(super) async fn at_home<T: Send + 'static>(&self, work: impl Future<Output = T> + Send + 'static) -> Option<T> {
        let Some(home) = &self.home else {
            return Some(work.await);
        };
        let mut only = JoinSet::new();
        only.spawn_on(work, home);
        only.join_next().await?.ok()
    }
}

/// The clients of one runtime, the one used last at the end.
pub(super) struct ClientCache<C>(Mutex<VecDeque<Cached<C>>>);

/// A client and all that is fixed when it is built. Only equal settings share connections: one that was opened without
/// checking a certificate must never serve a connector that wants it checked, nor one through a proxy a connector that
/// goes directly.
struct Cached<C> {
    transport: Transport,
    /// The port connected to, the proxy's or the target's: a resolver of reqwest judges addresses without being told.
    port: u16,
    is_encrypted: bool,
    client: C,
    built: Instant,
}

impl<C> Default for ClientCache<C> {
    fn default() -> Self {
        Self(Mutex::default())
    }
}

impl<C: Clone> ClientCache<C> {
    /// The client for a route, built if need be.
    async fn get(
        &self,
        transport: &Transport,
        route: &Route<'_>,
        build: impl AsyncFnOnce() -> Result<C, SendError>,
    ) -> Result<C, SendError> {
        if let Some(client) = self.find(transport, route, Instant::now()) {
            return Ok(client);
        }
        transport.check()?;
        let client = build().await?;
        // Another request may have built one meanwhile.
        if let Some(client) = self.find(transport, route, Instant::now()) {
            return Ok(client);
        }
        let cached = Cached {
            transport: transport.clone(),
            port: route.first().port(),
            is_encrypted: route.is_encrypted(),
            client: client.clone(),
            built: Instant::now(),
        };
        let mut clients = self.lock();
        while clients.len() >= CLIENTS {
            clients.pop_front();
        }
        clients.push_back(cached);
        Ok(client)
    }

    fn find(&self, transport: &Transport, route: &Route<'_>, now: Instant) -> Option<C> {
        let (port, is_encrypted) = (route.first().port(), route.is_encrypted());
        let is_same = |cached: &Cached<C>| {
            cached.port == port && cached.is_encrypted == is_encrypted && cached.transport.is_like(transport)
        };
        let mut clients = self.lock();
        let found = clients.iter().rposition(is_same)?;
        let cached = clients.remove(found).filter(|cached| now < cached.built + OLDEST)?;
        let client = cached.client.clone();
        clients.push_back(cached);
        Some(client)
    }

    /// A panic elsewhere leaves the list whole: each change to it is one step.
    fn lock(&self) -> MutexGuard<'_, VecDeque<Cached<C>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Outbound {
    /// The client that fetches whole responses.
    pub(super) async fn fetching(
        &self,
        transport: &Transport,
        route: &Route<'_>,
    ) -> Result<reqwest::Client, SendError> {
        let build = async || {
            let tls = if route.is_encrypted() {
                self.common.tls.config(transport).await?.as_ref().clone()
            } else {
                tls::none()?
            };
            build(&self.common, transport, route.first().port(), tls)
        };
        self.fetching.get(transport, route, build).await
    }

    /// The client of streamed exchanges.
    pub(super) async fn streaming(
        &self,
        transport: &Transport,
        route: &Route<'_>,
    ) -> Result<StreamingClient, SendError> {
        let build = async || Ok(connector::client(&self.common, transport));
        self.streaming.get(transport, route, build).await
    }
}

#[expect(clippy::disallowed_methods, reason = "the one place that builds HTTP clients")]
fn build(
    common: &Arc<Common>,
    transport: &Transport,
    port: u16,
    tls: ClientConfig,
) -> Result<reqwest::Client, SendError> {
    let guard = Guard { common: Arc::clone(common), port, is_proxy: transport.proxy.is_some() };
    let mut client = reqwest::Client::builder()
        .tls_backend_preconfigured(tls)
        // The system's proxies would be judged in the place of the target.
        .no_proxy()
        .redirect(redirect::Policy::none())
        .retry(reqwest::retry::never().max_retries_per_request(0))
        .referer(false)
        .dns_resolver(guard)
        .connector_layer(MapFutureLayer::new(connecting::bounded))
        .http2_max_header_list_size(HTTP2_HEAD)
        .pool_max_idle_per_host(IDLE_CONNECTIONS)
        .pool_idle_timeout(IDLE_TIME);
    if let Some(proxy) = &transport.proxy {
        let proxy = reqwest::Proxy::all(proxy.root().as_str()).map_err(|_| unusable())?;
        client = client.proxy(proxy);
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
            let looking_up = dial::judged_addresses(&common, name.as_str(), port, is_proxy);
            let addresses = connecting::looking_up(looking_up).await?;
            Ok(Box::new(addresses.into_iter().map(|address| SocketAddr::new(address, 0))) as Addrs)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::super::url::{HttpUrl, UrlProblem};
    use super::*;

    #[test]
    fn a_client_outside_a_runtime_is_an_error() {
        assert_eq!(Outbound::new(Policy::default()).err(), Some(NoRuntime));
    }

    #[tokio::test]
    async fn only_so_many_clients_are_cached_for_a_minute_and_the_last_used_stay() -> Result<(), UrlProblem> {
        let outbound = Outbound::new(Policy::default()).expect("a runtime");
        let transport = Transport::default();
        let url = |port: usize| HttpUrl::parse(&format!("http://a.example:{port}/"));
        for port in 1..=CLIENTS + 6 {
            for url in [url(port)?, url(1)?] {
                assert!(outbound.fetching(&transport, &Route::new(&transport, &url)).await.is_ok());
            }
        }
        let ports: Vec<_> = outbound.fetching.lock().iter().map(|cached| cached.port).collect();
        assert_eq!(ports.len(), CLIENTS);
        assert!(ports.contains(&1) && !ports.contains(&2));
        let url = url(1)?;
        let found = |now| outbound.fetching.find(&transport, &Route::new(&transport, &url), now).is_some();
        assert!(found(Instant::now()));
        assert!(!found(Instant::now() + OLDEST), "another client after a minute");
        Ok(())
    }
}
