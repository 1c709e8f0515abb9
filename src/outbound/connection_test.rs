//! "Test connection": connecting to a server in steps, each with its own outcome.
//!
//! Rule: a step says what a request would meet there, by the same policy, certificates and words.
//! Nothing is asked of the server itself, and no credential leaves the program but the client
//! certificate that a server demands.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, Utc};
use rustls::ProtocolVersion;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::{Instant, timeout_at};
use tokio_rustls::client::TlsStream;

use super::classify;
use super::client::{Common, Outbound};
use super::connect::{ConnectAttempt, Stream};
use super::connect_time;
use super::error::SendError;
use super::request::Limits;
use super::tls::{self, Leaf, Verifier};
use super::transport::Transport;
use super::url::HttpUrl;

/// How long a server may take to reject a client certificate after a handshake of TLS 1.3.
const LAST_WORD: Duration = Duration::from_secs(1);

/// How far the connection came. With a proxy the first two steps are the proxy's, for that is
/// what Connectory connects to; TLS is the target's, through the proxy.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConnectionTest {
    /// From the name to its addresses; not needed for an address.
    pub lookup: Step<Lookup>,
    /// From an address to a connection. An address that the policy refuses fails here, although
    /// nothing was sent to it.
    pub connection: Step<Connected>,
    /// Encryption; not needed with `http`. A proxy that passes no connection on fails here.
    pub tls: Step<TlsSeen>,
    /// The target's certificate, if it showed one that can be read: also where TLS failed.
    pub certificate: Option<Leaf>,
}

/// The outcome of one step.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Step<T> {
    /// It went well.
    Done(T),
    /// It failed.
    Failed(SendError),
    /// A step before it failed.
    NotReached,
    /// This connection has no such step.
    NotNeeded,
}

/// The addresses of a name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lookup {
    /// The name looked up: the proxy's, where there is one.
    pub name: String,
    /// Its addresses, at least one. Requests connect to those that are not refused.
    pub addresses: Vec<Found>,
}

/// An address of a name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Found {
    /// The address.
    pub address: IpAddr,
    /// Whether the policy refuses it.
    pub is_refused: bool,
}

/// A connection that came about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Connected {
    /// The address connected to.
    pub address: SocketAddr,
    /// Whether that is the proxy.
    pub is_proxy: bool,
    /// The time until the connection stood.
    pub elapsed: Duration,
}

/// A TLS handshake that went well.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TlsSeen {
    /// "TLS 1.3" or "TLS 1.2".
    pub version: &'static str,
    /// Whether the certificate was checked, as the connector trusts servers;
    /// `false` where the connector has the checks off.
    pub is_verified: bool,
}

impl Outbound {
    /// Connects as a request to `url` would, without sending one. All steps together end within the
    /// limit for connections. `now` is what the days left of the certificate are counted from; whether
    /// it is valid is judged by the machine's clock, as for requests.
    ///
    /// With an `http` address and a proxy the last step is the connection to the proxy, for only a
    /// request would tell more.
    ///
    /// Dropping the future ends the test.
    pub async fn test_connection(
        &self,
        transport: &Transport,
        url: &HttpUrl,
        limits: Limits,
        now: DateTime<Utc>,
    ) -> ConnectionTest {
        let common: Arc<Common> = Arc::clone(&self.common);
        let (transport, url, started) = (transport.clone(), url.clone(), Instant::now());
        let testing = async move {
            let attempt = ConnectAttempt::new(&common, &transport, &url, started, limits);
            TestRun { attempt, transport: &transport, now, test: ConnectionTest::NOT_REACHED }.run().await
        };
        let stopping = || ConnectionTest { lookup: Step::Failed(SendError::stopping()), ..ConnectionTest::NOT_REACHED };
        self.at_home(connect_time::watched(testing)).await.unwrap_or_else(stopping)
    }
}

impl ConnectionTest {
    const NOT_REACHED: Self =
        Self { lookup: Step::NotReached, connection: Step::NotReached, tls: Step::NotReached, certificate: None };
}

/// A running test.
struct TestRun<'a> {
    attempt: ConnectAttempt<'a>,
    transport: &'a Transport,
    now: DateTime<Utc>,
    test: ConnectionTest,
}

impl TestRun<'_> {
    async fn run(mut self) -> ConnectionTest {
        // The last step is written where it fails; what was reached is already noted.
        if let Some(addresses) = self.look_up().await
            && let Some(stream) = self.connect(&addresses).await
        {
            self.encrypt(stream).await;
        }
        self.test
    }

    async fn look_up(&mut self) -> Option<Vec<IpAddr>> {
        let name = self.attempt.name();
        if let Err(problem) = self.attempt.judge() {
            if name.is_some() {
                self.test.lookup = Step::Failed(problem);
            } else {
                self.test.lookup = Step::NotNeeded;
                self.test.connection = Step::Failed(problem);
            }
            return None;
        }
        let found = self.attempt.look_up().await;
        let Some(name) = name else {
            self.test.lookup = Step::NotNeeded;
            return found.ok();
        };
        self.test.lookup = Step::of(&found, |addresses| Lookup {
            name: name.to_owned(),
            addresses: addresses.iter().map(|&address| self.found(address)).collect(),
        });
        found.ok()
    }

    fn found(&self, address: IpAddr) -> Found {
        Found { address, is_refused: self.attempt.refusal(address).is_some() }
    }

    async fn connect(&mut self, addresses: &[IpAddr]) -> Option<TcpStream> {
        let started = Instant::now();
        let connected = self.attempt.connect_tcp(addresses).await.and_then(|stream| {
            let broken = |error| classify::broken_stream(&error, &self.attempt.route.first_name());
            let address = stream.peer_addr().map_err(broken)?;
            Ok((stream, address))
        });
        let (elapsed, is_proxy) = (started.elapsed(), self.attempt.is_proxied());
        self.test.connection = Step::of(&connected, |(_, address)| Connected { address: *address, is_proxy, elapsed });
        connected.ok().map(|(stream, _)| stream)
    }

    async fn encrypt(&mut self, stream: TcpStream) {
        if !self.attempt.route.target().is_https() {
            self.test.tls = Step::NotNeeded;
            return;
        }
        let handshake = self.handshake(stream).await;
        self.test.tls = Step::of(&handshake, |version| TlsSeen { version, is_verified: self.transport.verify });
    }

    /// The target's handshake; gives the version of TLS.
    async fn handshake(&mut self, stream: TcpStream) -> Result<&'static str, SendError> {
        let stream = self.attempt.through_proxy(stream).await?;
        let (url, server) = (self.attempt.route.target(), self.attempt.route.server());
        let verifier = Arc::new(Verifier::new(self.transport)?);
        let config = Arc::new(tls::config(self.transport, Arc::clone(&verifier))?);
        let encrypted = self.attempt.encrypt(stream, url, &server, config).await;
        self.test.certificate = verifier.leaf(self.now);
        let encrypted = encrypted?;
        match encrypted.get_ref().1.protocol_version() {
            Some(ProtocolVersion::TLSv1_2) => Ok("TLS 1.2"),
            _ => self.last_word(encrypted, &server).await.map(|()| "TLS 1.3"),
        }
    }

    /// In TLS 1.3 the client has finished before the server judges its certificate (RFC 8446 4.4.2.4,
    /// appendix E.1.1), so this side closes and listens whether an alert comes back.
    async fn last_word(&self, mut stream: TlsStream<Box<dyn Stream>>, server: &str) -> Result<(), SendError> {
        let listen = async {
            // A server that has already closed refuses this; its alert is waiting to be read.
            let _ = stream.shutdown().await;
            while stream.read(&mut [0; 512]).await? > 0 {}
            Ok(())
        };
        let deadline = self.attempt.deadline().min(Instant::now() + LAST_WORD);
        match timeout_at(deadline, listen).await {
            Ok(Err(error)) => classify::alert(&error, server).map_or(Ok(()), Err),
            Ok(Ok(())) | Err(_) => Ok(()),
        }
    }
}

impl<T> Step<T> {
    fn of<R>(outcome: &Result<R, SendError>, seen: impl Fn(&R) -> T) -> Self {
        match outcome {
            Ok(result) => Self::Done(seen(result)),
            Err(problem) => Self::Failed(problem.clone()),
        }
    }
}
