//! A mail server on 127.0.0.1 (RFC 5321) with STARTTLS (RFC 3207), TLS from the first byte, and AUTH (RFC 4954), which
//! keeps what it was sent.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use tokio::io::{AsyncBufReadExt, AsyncRead, AsyncWrite, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::AbortHandle;
use tokio_rustls::TlsAcceptor;

use super::hostile::Authority;

/// Whom it lets in.
pub const USER: &str = "connectory";
pub const PASSWORD: &str = "mail-Pa55 wörd";

/// How it takes mail.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Door {
    /// No encryption and nobody signs in.
    Open,
    /// Signing in is offered after STARTTLS only.
    StartTls,
    /// TLS from the first byte on.
    Tls,
}

/// A mail as it came.
#[derive(Clone, Debug, Default)]
pub struct Mail {
    pub from: String,
    pub to: Vec<String>,
    /// Header and body with their line breaks.
    pub data: String,
    pub was_encrypted: bool,
    /// Who signed in.
    pub user: String,
}

impl Mail {
    /// A header, unfolded.
    pub fn header(&self, name: &str) -> String {
        let head = self.data.split("\r\n\r\n").next().unwrap_or_default();
        let unfolded = head.replace("\r\n ", " ").replace("\r\n\t", " ");
        let line = unfolded.split("\r\n").find_map(|line| {
            let (found, value) = line.split_once(':')?;
            found.eq_ignore_ascii_case(name).then(|| value.trim().to_owned())
        });
        line.unwrap_or_default()
    }

    /// How often a header stands in it.
    pub fn count(&self, name: &str) -> usize {
        let head = self.data.split("\r\n\r\n").next().unwrap_or_default();
        let start = format!("{}:", name.to_ascii_lowercase());
        let lines = head.split("\r\n");
        lines.filter(|line| line.to_ascii_lowercase().starts_with(&start)).count()
    }

    /// The body as people read it.
    pub fn text(&self) -> String {
        let body = self.data.split_once("\r\n\r\n").map_or("", |(_, body)| body);
        let bytes = match self.header("Content-Transfer-Encoding").as_str() {
            "base64" => {
                let joined: String = body.split_whitespace().collect();
                BASE64_STANDARD.decode(joined).expect("base64")
            }
            "quoted-printable" => unquoted(body),
            _ => body.as_bytes().to_vec(),
        };
        String::from_utf8(bytes).expect("UTF-8").replace("\r\n", "\n")
    }

    /// The subject as people read it (RFC 2047).
    pub fn subject(&self) -> String {
        let mut bytes = Vec::new();
        let mut was_encoded = false;
        for word in self.header("Subject").split(' ') {
            let encoded = word.strip_prefix("=?utf-8?b?").and_then(|word| word.strip_suffix("?="));
            if !(bytes.is_empty() || was_encoded && encoded.is_some()) {
                bytes.push(b' ');
            }
            was_encoded = encoded.is_some();
            match encoded {
                Some(encoded) => bytes.extend(BASE64_STANDARD.decode(encoded).expect("base64")),
                None => bytes.extend(word.as_bytes()),
            }
        }
        String::from_utf8(bytes).expect("UTF-8")
    }
}

/// RFC 2045 6.7.
fn unquoted(text: &str) -> Vec<u8> {
    let joined = text.replace("=\r\n", "");
    let mut bytes = Vec::new();
    let mut rest = joined.as_bytes();
    while let [first, more @ ..] = rest {
        rest = more;
        match (first, more) {
            (b'=', [high, low, more @ ..]) => {
                let digits = [*high, *low];
                let digits = std::str::from_utf8(&digits).expect("digits");
                bytes.push(u8::from_str_radix(digits, 16).expect("digits"));
                rest = more;
            }
            _ => bytes.push(*first),
        }
    }
    bytes
}

/// The running server; it stops when dropped.
pub struct SmtpServer {
    pub address: SocketAddr,
    /// Who vouches for it.
    pub ca_pem: String,
    state: Arc<State>,
    task: AbortHandle,
}

struct State {
    door: Door,
    acceptor: TlsAcceptor,
    mails: Mutex<Vec<Mail>>,
    connections: Mutex<usize>,
    /// What is answered to a recipient instead of 250.
    refusals: Mutex<Vec<(String, String)>>,
}

impl SmtpServer {
    pub async fn start(door: Door) -> SmtpServer {
        let authority = Authority::new("Mail authority");
        let issued = authority.issue("127.0.0.1");
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let address = listener.local_addr().expect("an address");
        let state = Arc::new(State {
            door,
            acceptor: issued.acceptor(None),
            mails: Mutex::default(),
            connections: Mutex::default(),
            refusals: Mutex::default(),
        });
        let task = tokio::spawn(accept(listener, Arc::clone(&state)));
        SmtpServer { address, ca_pem: authority.pem(), state, task: task.abort_handle() }
    }

    pub fn mails(&self) -> Vec<Mail> {
        self.state.mails.lock().expect("no panic").clone()
    }

    pub fn only(&self) -> Mail {
        let mut all = self.mails();
        assert_eq!(all.len(), 1, "{all:?}");
        all.remove(0)
    }

    /// How often somebody has connected.
    pub fn connections(&self) -> usize {
        *self.state.connections.lock().expect("no panic")
    }

    /// From now on this recipient gets this answer.
    pub fn refuse(&self, recipient: &str, answer: &str) {
        let mut refusals = self.state.refusals.lock().expect("no panic");
        refusals.push((recipient.into(), answer.into()));
    }

    /// From now on every recipient is taken.
    pub fn refuse_nobody(&self) {
        self.state.refusals.lock().expect("no panic").clear();
    }
}

impl Drop for SmtpServer {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn accept(listener: TcpListener, state: Arc<State>) {
    while let Ok((stream, _)) = listener.accept().await {
        *state.connections.lock().expect("no panic") += 1;
        let state = Arc::clone(&state);
        tokio::spawn(async move { _ = serve(stream, &state).await });
    }
}

/// `None` when the client has gone.
async fn serve(mut stream: TcpStream, state: &State) -> Option<()> {
    if state.door == Door::Tls {
        let stream = state.acceptor.accept(stream).await.ok()?;
        return talk(stream, state, true).await.map(drop);
    }
    stream.write_all(b"220 mail.test ESMTP\r\n").await.ok()?;
    let mut stream = session(stream, state, false).await??;
    stream.flush().await.ok()?;
    let stream = state.acceptor.accept(stream).await.ok()?;
    session(stream, state, true).await.map(drop)
}

async fn talk<S>(mut stream: S, state: &State, is_encrypted: bool) -> Option<()>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    stream.write_all(b"220 mail.test ESMTP\r\n").await.ok()?;
    session(stream, state, is_encrypted).await.map(drop)
}

/// Talks until the client goes, or wants TLS: then gives the stream back.
async fn session<S>(stream: S, state: &State, is_encrypted: bool) -> Option<Option<S>>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let mut stream = BufReader::new(stream);
    let mut mail = Mail { was_encrypted: is_encrypted, ..Mail::default() };
    let needs_user = state.door != Door::Open;
    loop {
        let line = line(&mut stream).await?;
        let (verb, rest) = line.split_once(' ').unwrap_or((&line, ""));
        let answer = match verb.to_ascii_uppercase().as_str() {
            "EHLO" if is_encrypted => "250-mail.test\r\n250-8BITMIME\r\n250 AUTH PLAIN LOGIN".into(),
            "EHLO" if state.door == Door::StartTls => "250-mail.test\r\n250-8BITMIME\r\n250 STARTTLS".into(),
            "EHLO" => "250-mail.test\r\n250 8BITMIME".into(),
            "STARTTLS" if state.door == Door::StartTls && !is_encrypted => {
                stream.write_all(b"220 Go ahead\r\n").await.ok()?;
                assert!(stream.buffer().is_empty(), "nothing before the handshake");
                return Some(Some(stream.into_inner()));
            }
            "AUTH" if is_encrypted => match signed_in(rest) {
                Some(user) => {
                    mail.user = user;
                    "235 Welcome".into()
                }
                None => "535 5.7.8 Authentication credentials invalid".into(),
            },
            "MAIL" if needs_user && mail.user.is_empty() => "530 5.7.0 Sign in first".into(),
            "MAIL" => {
                mail.from = address(rest);
                "250 OK".into()
            }
            "RCPT" => {
                let to = address(rest);
                let refusals = state.refusals.lock().expect("no panic");
                let refusal = refusals.iter().find(|(refused, _)| *refused == to);
                match refusal {
                    Some((_, answer)) => answer.clone(),
                    None => {
                        mail.to.push(to);
                        "250 OK".into()
                    }
                }
            }
            "DATA" => {
                stream.write_all(b"354 Go ahead\r\n").await.ok()?;
                let mut whole = mail.clone();
                whole.data = data(&mut stream).await?;
                state.mails.lock().expect("no panic").push(whole);
                mail.to.clear();
                "250 Taken".into()
            }
            "RSET" => {
                mail.to.clear();
                "250 OK".into()
            }
            "NOOP" => "250 OK".into(),
            "QUIT" => {
                stream.write_all(b"221 Bye\r\n").await.ok()?;
                return Some(None);
            }
            _ => "502 Not here".into(),
        };
        stream.write_all(format!("{answer}\r\n").as_bytes()).await.ok()?;
    }
}

/// The user of `PLAIN` and its initial response, if the password is right.
fn signed_in(rest: &str) -> Option<String> {
    let response = BASE64_STANDARD.decode(rest.strip_prefix("PLAIN ")?).ok()?;
    let text = String::from_utf8(response).ok()?;
    let right = format!("\0{USER}\0{PASSWORD}");
    (text == right).then(|| USER.to_owned())
}

/// What stands between angle brackets.
fn address(rest: &str) -> String {
    let inside = rest.split_once('<').and_then(|(_, rest)| rest.split_once('>'));
    inside.map_or_else(String::new, |(address, _)| address.to_owned())
}

async fn line<S: AsyncRead + Unpin>(stream: &mut BufReader<S>) -> Option<String> {
    let mut bytes = Vec::new();
    stream.read_until(b'\n', &mut bytes).await.ok()?;
    let text = String::from_utf8(bytes).ok()?;
    let line = text.strip_suffix("\r\n")?;
    Some(line.to_owned())
}

/// Up to the line with a single dot, which is undone where it was doubled.
async fn data<S: AsyncRead + Unpin>(stream: &mut BufReader<S>) -> Option<String> {
    let mut all = String::new();
    loop {
        let line = line(stream).await?;
        if line == "." {
            return Some(all);
        }
        all.push_str(line.strip_prefix('.').unwrap_or(&line));
        all.push_str("\r\n");
    }
}
