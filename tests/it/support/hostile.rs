//! A server on 127.0.0.1 that misbehaves in one chosen way and records what it was asked.
//!
//! It speaks bytes, not a library's HTTP, for a library would refuse to be this wrong.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair};
use rustls::crypto::aws_lc_rs;
use rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};
use rustls::server::WebPkiClientVerifier;
use rustls::{RootCertStore, ServerConfig};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::task::AbortHandle;
use tokio_rustls::TlsAcceptor;

const BANNER: &[u8] = b"SSH-2.0-OpenSSH_9.2\r\n";

/// What the server does with every request.
#[derive(Clone)]
pub enum Behaviour {
    /// Answers well: these bytes, head and body, and waits for the next request.
    Answer(Vec<u8>),
    /// Takes the request and says nothing.
    Silence,
    /// Sends the head one byte at a time, for ever.
    SlowHeaders,
    /// Promises a body, sends a little of it and stops.
    StallInBody,
    /// Sends a body without end.
    EndlessBody,
    /// Sends a gzip body that grows a hundredfold, without end.
    GzipBomb,
    /// Says that the body is gzip when it is not.
    FalseGzip,
    /// Closes with fewer bytes than the promised length.
    Truncated,
    /// Sends headers without end.
    EndlessHeaders,
    /// Answers with something that is no HTTP.
    Garbage,
    /// Speaks first, as mail and SSH servers do, and then waits.
    Banner,
    /// Closes as soon as it has read the request.
    Close,
    /// Resets the connection as soon as it has read the request.
    Reset,
    /// Answers 400 with the whole request, as text, in its error.
    Echo,
}

/// A request as it came in.
#[derive(Clone, Debug)]
pub struct Recorded {
    pub method: String,
    pub target: String,
    /// Names in lower case.
    pub headers: Vec<(String, String)>,
    pub body: String,
}

impl Recorded {
    pub fn header(&self, name: &str) -> Option<&str> {
        let mut all = self.headers.iter();
        all.find(|(n, _)| n == name).map(|(_, v)| v.as_str())
    }
}

/// The running server; it stops when dropped.
pub struct Hostile {
    address: SocketAddr,
    scheme: &'static str,
    state: Arc<State>,
    task: AbortHandle,
}

#[derive(Default)]
struct State {
    requests: Mutex<Vec<Recorded>>,
    connections: AtomicUsize,
    closed: AtomicUsize,
    body_bytes: AtomicU64,
}

impl Hostile {
    /// A server without TLS.
    pub async fn start(behaviour: Behaviour) -> Self {
        Self::listen(behaviour, None).await
    }

    /// A server with TLS that shows `identity`; with `client_ca` it asks for a client certificate.
    pub async fn start_tls(behaviour: Behaviour, identity: &Issued, client_ca: Option<&Authority>) -> Self {
        Self::listen(behaviour, Some(identity.acceptor(client_ca))).await
    }

    /// A server that answers 200 with this JSON.
    pub async fn json(body: &str) -> Self {
        Self::start(answer(200, &[("Content-Type", "application/json")], body)).await
    }

    async fn listen(behaviour: Behaviour, tls: Option<TlsAcceptor>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let address = listener.local_addr().expect("an address");
        let scheme = if tls.is_some() { "https" } else { "http" };
        let state = Arc::new(State::default());
        let task = tokio::spawn(accept(listener, behaviour, tls, Arc::clone(&state)));
        Self { address, scheme, state, task: task.abort_handle() }
    }

    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The server's URL by its address.
    pub fn url(&self, path: &str) -> String {
        format!("{}://{}{path}", self.scheme, self.address)
    }

    /// The server's URL by the name `localhost`, which must be looked up.
    pub fn url_by_name(&self, path: &str) -> String {
        format!("{}://localhost:{}{path}", self.scheme, self.address.port())
    }

    /// All requests so far.
    pub fn requests(&self) -> Vec<Recorded> {
        self.state.requests.lock().expect("no panic").clone()
    }

    /// The only request so far.
    pub fn request(&self) -> Recorded {
        let mut all = self.requests();
        assert_eq!(all.len(), 1, "requests: {all:?}");
        all.remove(0)
    }

    /// How many connections were opened.
    pub fn connections(&self) -> usize {
        self.state.connections.load(Ordering::SeqCst)
    }

    /// How many connections have ended.
    pub fn closed(&self) -> usize {
        self.state.closed.load(Ordering::SeqCst)
    }

    /// How many bytes of endless bodies the client took.
    pub fn body_bytes(&self) -> u64 {
        self.state.body_bytes.load(Ordering::SeqCst)
    }
}

impl Drop for Hostile {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// A well-formed answer.
pub fn answer(status: u16, headers: &[(&str, &str)], body: &str) -> Behaviour {
    let headers: String = headers.iter().map(|(name, value)| format!("{name}: {value}\r\n")).collect();
    let length = body.len();
    let head = format!("HTTP/1.1 {status} Whatever\r\n{headers}Content-Length: {length}\r\n\r\n");
    Behaviour::Answer(format!("{head}{body}").into_bytes())
}

async fn accept(listener: TcpListener, behaviour: Behaviour, tls: Option<TlsAcceptor>, state: Arc<State>) {
    while let Ok((socket, _)) = listener.accept().await {
        state.connections.fetch_add(1, Ordering::SeqCst);
        let (behaviour, tls, state) = (behaviour.clone(), tls.clone(), Arc::clone(&state));
        tokio::spawn(async move {
            match (tls, &behaviour) {
                (Some(tls), _) => {
                    if let Ok(stream) = tls.accept(socket).await {
                        serve(stream, &behaviour, &state).await;
                    }
                }
                (None, Behaviour::Reset) => reset(socket, &state).await,
                (None, Behaviour::Banner) => speak_first(socket).await,
                (None, _) => serve(socket, &behaviour, &state).await,
            }
            state.closed.fetch_add(1, Ordering::SeqCst);
        });
    }
}

async fn reset(mut socket: TcpStream, state: &State) {
    read_request(&mut socket, state).await;
    socket.set_zero_linger().expect("a socket option");
}

async fn speak_first(mut socket: TcpStream) {
    if socket.write_all(BANNER).await.is_ok() {
        wait_for_close(&mut socket).await;
    }
}

/// Answers requests until the client goes or the behaviour ends.
async fn serve(mut stream: impl AsyncRead + AsyncWrite + Unpin, behaviour: &Behaviour, state: &State) {
    while let Some(request) = read_request(&mut stream, state).await {
        let gone = match behaviour {
            Behaviour::Answer(bytes) => stream.write_all(bytes).await.is_err(),
            Behaviour::Echo => echo(&mut stream, &request).await.is_err(),
            _ => {
                misbehave(&mut stream, behaviour, state).await;
                true
            }
        };
        if gone {
            return;
        }
    }
}

async fn misbehave(stream: &mut (impl AsyncRead + AsyncWrite + Unpin), behaviour: &Behaviour, state: &State) {
    let ok = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n";
    let start: Vec<u8> = match behaviour {
        Behaviour::SlowHeaders | Behaviour::EndlessHeaders => ok.to_vec(),
        Behaviour::StallInBody | Behaviour::Truncated => {
            [&ok[..], b"Content-Length: 1000\r\n\r\n{\"access_token\":"].concat()
        }
        Behaviour::EndlessBody => [&ok[..], b"\r\n"].concat(),
        Behaviour::GzipBomb => [&ok[..], b"Content-Encoding: gzip\r\n\r\n", &bomb_start()].concat(),
        Behaviour::FalseGzip => [&ok[..], b"Content-Encoding: gzip\r\nContent-Length: 4\r\n\r\nnope"].concat(),
        Behaviour::Garbage => BANNER.to_vec(),
        _ => Vec::new(),
    };
    if stream.write_all(&start).await.is_err() {
        return;
    }
    match behaviour {
        Behaviour::SlowHeaders => repeat(stream, b"x", Duration::from_millis(20), state).await,
        Behaviour::EndlessHeaders => {
            let header = format!("X-Filler: {}\r\n", "y".repeat(1000));
            repeat(stream, header.as_bytes(), Duration::ZERO, state).await;
        }
        Behaviour::EndlessBody => repeat(stream, &[b'x'; 8192], Duration::ZERO, state).await,
        Behaviour::GzipBomb => repeat(stream, &BOMB.repeat(100), Duration::ZERO, state).await,
        Behaviour::Silence | Behaviour::StallInBody => wait_for_close(stream).await,
        _ => {}
    }
}

/// Writes a piece again and again until the client goes away.
async fn repeat(stream: &mut (impl AsyncWrite + Unpin), piece: &[u8], pause: Duration, state: &State) {
    while stream.write_all(piece).await.is_ok() {
        state.body_bytes.fetch_add(piece.len() as u64, Ordering::SeqCst);
        if !pause.is_zero() {
            tokio::time::sleep(pause).await;
        }
    }
}

async fn wait_for_close(stream: &mut (impl AsyncRead + Unpin)) {
    while matches!(stream.read(&mut [0; 64]).await, Ok(1..)) {}
}

async fn echo(stream: &mut (impl AsyncWrite + Unpin), request: &Recorded) -> std::io::Result<()> {
    let words = format!("cannot read {:?} and {}", request.headers, request.body);
    let body = serde_json::json!({"error": "invalid_request", "error_description": words});
    match answer(400, &[("Content-Type", "application/json")], &body.to_string()) {
        Behaviour::Answer(bytes) => stream.write_all(&bytes).await,
        _ => Ok(()),
    }
}

/// The next request, recorded; `None` when the client is gone.
async fn read_request(stream: &mut (impl AsyncRead + Unpin), state: &State) -> Option<Recorded> {
    let mut read = Vec::new();
    let end = loop {
        if read.ends_with(b"\r\n\r\n") {
            break read.len() - 4;
        }
        let mut byte = [0];
        stream.read_exact(&mut byte).await.ok()?;
        read.extend(byte);
    };
    let head = String::from_utf8_lossy(&read[..end]).into_owned();
    let mut lines = head.lines();
    let mut words = lines.next()?.split(' ').map(str::to_owned);
    let (method, target) = (words.next()?, words.next()?);
    let headers: Vec<(String, String)> = lines
        .filter_map(|line| line.split_once(": "))
        .map(|(name, value)| (name.to_ascii_lowercase(), value.to_owned()))
        .collect();
    let length = headers.iter().find(|(name, _)| name == "content-length");
    let length = length.and_then(|(_, value)| value.parse().ok()).unwrap_or(0);
    let mut body = vec![0; length];
    stream.read_exact(&mut body).await.ok()?;
    let recorded = Recorded { method, target, headers, body: String::from_utf8_lossy(&body).into_owned() };
    state.requests.lock().expect("no panic").push(recorded.clone());
    Some(recorded)
}

/// Gzip's header (RFC 1952 2.3), then the start of a deflate block with fixed codes (RFC 1951 3.2.6):
/// block head 010, a literal zero 00110000 and one repetition of it, 24 bits in all.
fn bomb_start() -> Vec<u8> {
    let mut bits = Bits::default();
    bits.push(&[0, 1, 0, 0, 0, 1, 1, 0, 0, 0, 0]);
    bits.push(&REPEAT_258);
    let header = [0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 0xff];
    [&header[..], &bits.bytes].concat()
}

/// "Repeat the last byte 258 times": length code 285, distance code 0, 13 bits.
const REPEAT_258: [u8; 13] = [1, 1, 0, 0, 0, 1, 0, 1, 0, 0, 0, 0, 0];

/// Eight times that, 13 bytes that become 2,064.
static BOMB: std::sync::LazyLock<Vec<u8>> = std::sync::LazyLock::new(|| {
    let mut bits = Bits::default();
    (0..8).for_each(|_| bits.push(&REPEAT_258));
    bits.bytes
});

/// Bits packed from the lowest of each byte on (RFC 1951 3.1.1).
#[derive(Default)]
struct Bits {
    bytes: Vec<u8>,
    used: usize,
}

impl Bits {
    fn push(&mut self, bits: &[u8]) {
        for bit in bits {
            if self.used.is_multiple_of(8) {
                self.bytes.push(0);
            }
            let last = self.bytes.len() - 1;
            self.bytes[last] |= bit << (self.used % 8);
            self.used += 1;
        }
    }
}

/// A listener that lets no connection come about: its queue is full and nobody empties it. It must
/// be kept, with the connections that fill it.
pub async fn full_queue() -> (TcpListener, Vec<TcpStream>) {
    let socket = TcpSocket::new_v4().expect("a socket");
    socket.bind(([127, 0, 0, 1], 0).into()).expect("a free port");
    let listener = socket.listen(0).expect("a listener");
    let address = listener.local_addr().expect("an address");
    let mut filling = Vec::new();
    while let Ok(Ok(connected)) = tokio::time::timeout(Duration::from_millis(200), TcpStream::connect(address)).await {
        filling.push(connected);
    }
    (listener, filling)
}

/// A certificate authority of a test's own.
pub struct Authority {
    pem: String,
    issuer: Issuer<'static, KeyPair>,
}

/// A certificate with its key.
pub struct Issued {
    pub certificate_pem: String,
    pub key_pem: String,
    der: rustls::pki_types::CertificateDer<'static>,
    key_der: Vec<u8>,
}

impl Authority {
    /// Two of one name have different keys.
    pub fn new(name: &str) -> Self {
        let key = KeyPair::generate().expect("a key");
        let mut params = CertificateParams::default();
        params.distinguished_name.push(DnType::CommonName, name);
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let pem = params.self_signed(&key).expect("a certificate").pem();
        Self { pem, issuer: Issuer::new(params, key) }
    }

    pub fn pem(&self) -> String {
        self.pem.clone()
    }

    /// A certificate for a name or an IP address.
    pub fn issue(&self, name: &str) -> Issued {
        self.issue_with(params(name))
    }

    /// The same, but expired since 2020.
    pub fn issue_expired(&self, name: &str) -> Issued {
        let mut params = params(name);
        params.not_before = rcgen::date_time_ymd(2019, 1, 1);
        params.not_after = rcgen::date_time_ymd(2020, 1, 1);
        self.issue_with(params)
    }

    fn issue_with(&self, params: CertificateParams) -> Issued {
        let key = KeyPair::generate().expect("a key");
        let certificate = params.signed_by(&key, &self.issuer).expect("a certificate");
        Issued::new(&certificate, &key)
    }
}

impl Issued {
    /// A certificate that vouches for itself.
    pub fn self_signed(name: &str) -> Self {
        let key = KeyPair::generate().expect("a key");
        let certificate = params(name).self_signed(&key).expect("a certificate");
        Self::new(&certificate, &key)
    }

    fn new(certificate: &rcgen::Certificate, key: &KeyPair) -> Self {
        Self {
            certificate_pem: certificate.pem(),
            key_pem: key.serialize_pem(),
            der: certificate.der().clone(),
            key_der: key.serialize_der(),
        }
    }

    pub fn acceptor(&self, client_ca: Option<&Authority>) -> TlsAcceptor {
        let provider = Arc::new(aws_lc_rs::default_provider());
        let builder = ServerConfig::builder_with_provider(Arc::clone(&provider))
            .with_safe_default_protocol_versions()
            .expect("TLS versions");
        let builder = match client_ca {
            None => builder.with_no_client_auth(),
            Some(authority) => {
                let mut roots = RootCertStore::empty();
                let pem = authority.pem();
                let der = rustls::pki_types::pem::PemObject::from_pem_slice(pem.as_bytes());
                roots.add(der.expect("PEM")).expect("a certificate");
                let roots = Arc::new(roots);
                let verifier = WebPkiClientVerifier::builder_with_provider(roots, provider);
                builder.with_client_cert_verifier(verifier.build().expect("a verifier"))
            }
        };
        let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(self.key_der.clone()));
        let config = builder.with_single_cert(vec![self.der.clone()], key);
        TlsAcceptor::from(Arc::new(config.expect("a server configuration")))
    }
}

fn params(name: &str) -> CertificateParams {
    CertificateParams::new([name.to_owned()]).expect("a name")
}
