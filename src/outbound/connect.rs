//! Connecting to a server one step at a time: name look-up, TCP, proxy, TLS.
//!
//! Rule: streamed exchanges and "Test connection" connect like this and in no other way. Only judged addresses are
//! connected to.

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use futures_util::stream::{FuturesUnordered, StreamExt};
use rustls::ClientConfig;
use rustls::pki_types::ServerName;
use socket2::SockRef;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::time::{Instant, sleep, timeout_at};
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;
use url::Host;

use super::classify;
use super::client::Common;
use super::connect_time;
use super::error::SendError;
use super::policy::Refused;
use super::request::Limits;
use super::route::Route;
use super::transport::Transport;
use super::tunnel;
use super::url::HttpUrl;

/// How long one address may be tried before the next one is tried beside it (RFC 8305 5): a network
/// that swallows IPv6 must not cost every connection half of its time.
const HEAD_START: Duration = Duration::from_millis(250);

/// How long a server may leave what was sent unread, after an exchange was given up: as long as the longest time-out of
/// a connector.
const STUCK: Duration = Limits::LONGEST;

/// A connection, encrypted or not.
pub(super) trait Stream: AsyncRead + AsyncWrite + Unpin + Send {}
impl<T: AsyncRead + AsyncWrite + Unpin + Send> Stream for T {}

/// A connection to be made to one server, and the time for it.
pub(super) struct ConnectAttempt<'a> {
    common: &'a Common,
    transport: &'a Transport,
    pub(super) route: Route<'a>,
    deadline: Instant,
    /// The time in all, for sentences.
    limit: Duration,
}

impl<'a> ConnectAttempt<'a> {
    /// Everything ends within the limit for connections, counted from `started`.
    pub(super) fn new(
        common: &'a Common,
        transport: &'a Transport,
        url: &'a HttpUrl,
        started: Instant,
        limits: Limits,
    ) -> Self {
        let limit = limits.connecting();
        Self { common, transport, route: Route::new(transport, url), deadline: started + limit, limit }
    }

    /// All steps: a connection on which the request can be written, and whether it is one of HTTP/2.
    pub(super) async fn connect(&self) -> Result<(Box<dyn Stream>, bool), SendError> {
        let addresses = self.look_up().await?;
        let stream = self.connect_tcp(&addresses).await?;
        let stream = self.through_proxy(stream).await?;
        let target = self.route.target();
        if !target.is_https() {
            return Ok((stream, false));
        }
        let config = self.common.tls.config(self.transport).await?;
        let stream = self.encrypt(stream, target, &self.route.server(), config).await?;
        let is_http2 = stream.get_ref().1.alpn_protocol() == Some(b"h2");
        Ok((Box::new(stream), is_http2))
    }

    /// A plain connection to this program's own listener, which the policy has allowed for the request.
    pub(super) async fn connect_to_self(&self, listener: SocketAddr) -> Result<Box<dyn Stream>, SendError> {
        let server = self.route.first_name();
        let stream = timeout_at(self.deadline, open(listener))
            .await
            .map_err(|_| SendError::slow_connection(&server, self.limit))?
            .map_err(|error| classify::broken_stream(&error, &server))?;
        // As for other connections.
        _ = stream.set_nodelay(true);
        Ok(Box::new(stream))
    }

    /// Goes as far as the proxy, where the proxy takes part.
    pub(super) async fn reach_proxy(&self) -> Result<(), SendError> {
        let addresses = self.look_up().await?;
        let stream = self.connect_tcp(&addresses).await?;
        self.through_proxy(stream).await.map(drop)
    }

    /// Judges what can be judged before anything is sent.
    pub(super) fn judge(&self) -> Result<(), SendError> {
        self.route.judge(&self.common.policy)
    }

    /// Whether it is a proxy that is connected to.
    pub(super) fn is_proxied(&self) -> bool {
        self.route.proxy().is_some()
    }

    /// The name that must be looked up; `None` if an address was typed.
    pub(super) fn name(&self) -> Option<&'a str> {
        match self.route.first().host()? {
            Host::Domain(name) => Some(name),
            Host::Ipv4(_) | Host::Ipv6(_) => None,
        }
    }

    /// Looks the first server up; an address that was typed is its own answer.
    pub(super) async fn look_up(&self) -> Result<Vec<IpAddr>, SendError> {
        let name = match self.route.first().host() {
            Some(Host::Ipv4(v4)) => return Ok(vec![v4.into()]),
            Some(Host::Ipv6(v6)) => return Ok(vec![v6.into()]),
            Some(Host::Domain(name)) => name,
            None => "",
        };
        timeout_at(self.deadline, look_up(self.common, name, self.is_proxied()))
            .await
            .map_err(|_| SendError::slow_lookup(name, self.limit))?
    }

    /// Why the policy refuses one address of the first server, if it does.
    pub(super) fn refusal(&self, address: IpAddr) -> Option<Refused> {
        let (name, port) = (self.name()?, self.route.first().port());
        self.common.policy.refusal(name, port, address)
    }

    /// Connects to one of `addresses` that the policy allows. An address that was typed is
    /// no answer of a look-up and is judged here, for every caller.
    pub(super) async fn connect_tcp(&self, addresses: &[IpAddr]) -> Result<TcpStream, SendError> {
        self.judge()?;
        let port = self.route.first().port();
        let usable = match self.name() {
            Some(name) => usable(self.common, name, port, addresses, self.is_proxied())?,
            None => addresses.to_vec(),
        };
        let server = self.route.first_name();
        let stream = timeout_at(self.deadline, self.race(&usable))
            .await
            .map_err(|_| SendError::slow_connection(&server, self.limit))?
            .map_err(|error| classify::broken_stream(&error, &server))?;
        // A request is written whole: waiting for more of it only costs time. Without the option the
        // connection works too.
        _ = stream.set_nodelay(true);
        // A server that takes nothing more holds no connection for ever.
        _ = SockRef::from(&stream).set_tcp_user_timeout(Some(STUCK));
        Ok(stream)
    }

    /// The first connection that comes about. Each address has a head start on the next one.
    async fn race(&self, addresses: &[IpAddr]) -> io::Result<TcpStream> {
        let port = self.route.first().port();
        let mut waiting = addresses.iter();
        let mut running = FuturesUnordered::new();
        let mut last = io::Error::from(io::ErrorKind::AddrNotAvailable);
        loop {
            let next = waiting.next();
            let is_last = next.is_none();
            running.extend(next.map(|&address| open(SocketAddr::new(address, port))));
            tokio::select! {
                outcome = running.next() => match outcome {
                    Some(Ok(stream)) => return Ok(stream),
                    Some(Err(error)) => last = error,
                    None if is_last => return Err(last),
                    None => {}
                },
                () = sleep(HEAD_START), if !is_last => {}
            }
        }
    }

    /// Goes on from the first server to the target: through the proxy, where there is one.
    pub(super) async fn through_proxy(&self, stream: TcpStream) -> Result<Box<dyn Stream>, SendError> {
        let Some(proxy) = self.route.proxy() else {
            return Ok(Box::new(stream));
        };
        let (name, server) = (self.route.first_name(), proxy.server());
        let mut stream: Box<dyn Stream> = Box::new(stream);
        if server.is_https() {
            let mut config = self.common.tls.config(self.transport).await?.as_ref().clone();
            config.alpn_protocols.clear();
            stream = Box::new(self.encrypt(stream, server, &name, Arc::new(config)).await?);
        }
        if self.route.is_tunnelled() {
            timeout_at(self.deadline, tunnel::open(&mut stream, self.route.target(), proxy))
                .await
                .map_err(|_| SendError::silent(&name, self.limit))?
                .map_err(|problem| classify::no_tunnel(&problem, &self.route))?;
        }
        Ok(stream)
    }

    /// The TLS handshake with `url`, called `name` in sentences.
    pub(super) async fn encrypt(
        &self,
        stream: Box<dyn Stream>,
        url: &HttpUrl,
        name: &str,
        config: Arc<ClientConfig>,
    ) -> Result<TlsStream<Box<dyn Stream>>, SendError> {
        connect_time::handshake_begins();
        let handshake = TlsConnector::from(config).connect(server_name(url)?, stream);
        timeout_at(self.deadline, handshake)
            .await
            .map_err(|_| SendError::slow_handshake(name, self.limit))?
            .map_err(|error| classify::broken_handshake(&error, name, connect_time::is_early()))
    }

    pub(super) fn deadline(&self) -> Instant {
        self.deadline
    }
}

#[expect(clippy::disallowed_methods, reason = "the one place that connects, to addresses that were judged")]
async fn open(address: SocketAddr) -> io::Result<TcpStream> {
    TcpStream::connect(address).await
}

/// Whose certificate is expected.
fn server_name(url: &HttpUrl) -> Result<ServerName<'static>, SendError> {
    match url.host() {
        Some(Host::Ipv4(v4)) => Ok(ServerName::from(IpAddr::V4(v4))),
        Some(Host::Ipv6(v6)) => Ok(ServerName::from(IpAddr::V6(v6))),
        Some(Host::Domain(name)) => ServerName::try_from(name.to_owned()).map_err(|_| ()),
        None => Err(()),
    }
    .map_err(|()| {
        let error = io::Error::from(io::ErrorKind::InvalidInput);
        classify::broken_stream(&error, &url.host_and_port())
    })
}

/// The addresses of a name. `is_proxy` says whose name it is.
async fn look_up(common: &Common, name: &str, is_proxy: bool) -> Result<Vec<IpAddr>, SendError> {
    let found = common.resolver.look_up(name).await;
    found.map(|found| found.to_vec()).map_err(|failed| classify::unknown_name(&failed, is_proxy))
}

fn usable(
    common: &Common,
    name: &str,
    port: u16,
    addresses: &[IpAddr],
    is_proxy: bool,
) -> Result<Vec<IpAddr>, SendError> {
    common.policy.usable(name, port, addresses).map_err(|refused| refused.error(is_proxy))
}

/// The addresses of a name that the policy allows, if there are any.
pub(super) async fn judged_addresses(
    common: &Common,
    name: &str,
    port: u16,
    is_proxy: bool,
) -> Result<Vec<IpAddr>, SendError> {
    let addresses = look_up(common, name, is_proxy).await?;
    usable(common, name, port, &addresses, is_proxy)
}
