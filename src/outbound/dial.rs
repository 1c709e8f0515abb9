//! The way to a server one step at a time, by hand: name look-up, TCP, proxy.
//!
//! The HTTP client goes this way inside itself. Here it is open, so that "Test connection" can say
//! how far it came.
//!
//! Rule: the policy, the look-up and the words are those of requests; only judged addresses are
//! connected to.

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use rustls::client::danger::ServerCertVerifier;
use rustls::pki_types::ServerName;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::time::{Instant, timeout_at};
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;
use url::Host;

use super::classify;
use super::exceeded;
use super::failure::Problem;
use super::message::Limits;
use super::policy::Policy;
use super::refused::Refused;
use super::resolver::look_up;
use super::route::Route;
use super::transport::Transport;
use super::trust;
use super::tunnel;
use super::url::HttpUrl;

/// A connection, encrypted or not.
pub(super) trait Stream: AsyncRead + AsyncWrite + Unpin + Send {}
impl<T: AsyncRead + AsyncWrite + Unpin + Send> Stream for T {}

/// One way to one server, and the time for it.
pub(super) struct Dial<'a> {
    policy: &'a Policy,
    transport: &'a Transport,
    pub(super) route: Route<'a>,
    deadline: Instant,
    /// The time in all, for sentences.
    limit: Duration,
}

impl<'a> Dial<'a> {
    /// Everything ends within the limit for connections, counted from `started`.
    pub(super) fn new(
        policy: &'a Policy,
        transport: &'a Transport,
        url: &'a HttpUrl,
        started: Instant,
        limits: Limits,
    ) -> Self {
        let limit = limits.connect.min(limits.in_all());
        Self {
            policy,
            transport,
            route: Route::new(transport, url),
            deadline: started + limit,
            limit,
        }
    }

    /// Judges what can be judged before anything is sent.
    pub(super) fn judge(&self) -> Result<(), Problem> {
        self.route.judge(self.policy)
    }

    /// The name that must be looked up; `None` if an address was typed.
    pub(super) fn name(&self) -> Option<&'a str> {
        match self.route.first().host()? {
            Host::Domain(name) => Some(name),
            Host::Ipv4(_) | Host::Ipv6(_) => None,
        }
    }

    /// Looks the first server up; an address that was typed is its own answer.
    pub(super) async fn look_up(&self) -> Result<Vec<IpAddr>, Problem> {
        let name = match self.route.first().host() {
            Some(Host::Ipv4(v4)) => return Ok(vec![v4.into()]),
            Some(Host::Ipv6(v6)) => return Ok(vec![v6.into()]),
            Some(Host::Domain(name)) => name,
            None => "",
        };
        timeout_at(self.deadline, look_up(name))
            .await
            .map_err(|_| exceeded::slow_look_up(name, self.limit))?
            .map_err(|failed| classify::unknown_name(&failed, &self.route))
    }

    /// Why the policy refuses one address of the first server, if it does.
    pub(super) fn refusal(&self, address: IpAddr) -> Option<Refused> {
        let name = self.name()?;
        self.policy
            .refusal(name, self.route.first().port(), address)
    }

    /// Connects to one of `addresses`, if the policy allows all of them, as for requests. An address
    /// that was typed is no answer of a look-up and is judged here, whoever calls.
    pub(super) async fn connect(&self, addresses: &[IpAddr]) -> Result<TcpStream, Problem> {
        self.judge()?;
        if let Some(refused) = addresses.iter().find_map(|&address| self.refusal(address)) {
            return Err(classify::refused_address(&refused, &self.route));
        }
        let server = self.route.first_name();
        let mut last = exceeded::connect_time_out(&server, self.limit);
        for (at, &address) in addresses.iter().enumerate() {
            // An address that swallows everything leaves time for those after it.
            let left = self.deadline.saturating_duration_since(Instant::now());
            let share = left / u32::try_from(addresses.len() - at).unwrap_or(u32::MAX);
            let there = SocketAddr::new(address, self.route.first().port());
            match timeout_at(Instant::now() + share, TcpStream::connect(there)).await {
                Ok(Ok(stream)) => return Ok(stream),
                Ok(Err(error)) => last = classify::broken_stream(&error, &server),
                Err(_) => last = exceeded::connect_time_out(&server, self.limit),
            }
        }
        Err(last)
    }

    /// Goes on from the first server to the target: through the proxy, where there is one.
    pub(super) async fn to_target(&self, stream: TcpStream) -> Result<Box<dyn Stream>, Problem> {
        let Some(proxy) = self.route.proxy() else {
            return Ok(Box::new(stream));
        };
        let name = self.route.first_name();
        let mut stream: Box<dyn Stream> = if proxy.origin().is_https() {
            let verifier = trust::verifier(self.transport)?;
            Box::new(
                self.encrypt(Box::new(stream), proxy, &name, verifier)
                    .await?,
            )
        } else {
            Box::new(stream)
        };
        let target = self.route.target().host_and_port();
        timeout_at(self.deadline, tunnel::open(&mut stream, &target))
            .await
            .map_err(|_| exceeded::silent(&name, self.limit))?
            .map_err(|problem| classify::no_tunnel(&problem, &self.route))?;
        Ok(stream)
    }

    /// The TLS handshake with `url`, called `name` in sentences.
    pub(super) async fn encrypt(
        &self,
        stream: Box<dyn Stream>,
        url: &HttpUrl,
        name: &str,
        verifier: Arc<dyn ServerCertVerifier>,
    ) -> Result<TlsStream<Box<dyn Stream>>, Problem> {
        let config = trust::config(self.transport, verifier)?;
        let handshake = TlsConnector::from(Arc::new(config)).connect(server_name(url)?, stream);
        timeout_at(self.deadline, handshake)
            .await
            .map_err(|_| exceeded::slow_handshake(name, self.limit))?
            .map_err(|error| classify::broken_stream(&error, name))
    }

    /// Asks the proxy once more for the tunnel that it did not give to the HTTP client, which keeps
    /// the status to itself. Nothing of the request travels with the question.
    /// `None` if it gives one now.
    pub(super) async fn why_no_tunnel(&self) -> Option<Problem> {
        let asked = async {
            let stream = self.connect(&self.look_up().await?).await?;
            self.to_target(stream).await
        };
        asked.await.err()
    }

    pub(super) fn deadline(&self) -> Instant {
        self.deadline
    }
}

/// Whose certificate is expected.
fn server_name(url: &HttpUrl) -> Result<ServerName<'static>, Problem> {
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
