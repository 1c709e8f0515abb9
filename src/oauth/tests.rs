//! A server on 127.0.0.1 for the tests of what is sent: it answers as told and keeps what it received.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::AbortHandle;

use super::{
    AssertionMaker, BodyFormat, Client, ClientAuthentication, ClientNames, KeptNames, Parameters, ScopeSeparator,
    TokenEndpoint, TokenLocation,
};
use crate::outbound::{HttpUrl, Limits, Outbound, Policy};
use crate::vault::Secret;

/// A request as it came in.
#[derive(Clone, Debug)]
pub(super) struct Received {
    /// `POST /token`.
    pub(super) target: String,
    /// Lines `name: value`, names in lower case.
    head: Vec<String>,
    pub(super) body: String,
}

impl Received {
    pub(super) fn header(&self, name: &str) -> Option<&str> {
        let mut lines = self.head.iter();
        lines.find_map(|line| {
            line.split_once(": ").filter(|(other, _)| other.eq_ignore_ascii_case(name)).map(|(_, value)| value)
        })
    }
}

/// The running server; it stops when dropped.
pub(super) struct Server {
    address: SocketAddr,
    received: Arc<Mutex<Vec<Received>>>,
    task: AbortHandle,
}

impl Server {
    /// Answers what `say` makes of the target (`/token`).
    pub(super) async fn start(say: impl Fn(&str) -> String + Send + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let address = listener.local_addr().expect("an address");
        let received = Arc::new(Mutex::new(Vec::new()));
        let all = Arc::clone(&received);
        let task = tokio::spawn(async move {
            while let Ok((mut stream, _)) = listener.accept().await {
                if let Some(request) = receive(&mut stream).await {
                    let target = request.target.split(' ').nth(1).unwrap_or_default();
                    let answer = say(target);
                    all.lock().expect("no panic").push(request);
                    stream.write_all(answer.as_bytes()).await.ok();
                }
            }
        });
        Self { address, received, task: task.abort_handle() }
    }

    /// Always gives the same answer.
    pub(super) async fn with(status: u16, headers: &str, body: &str) -> Self {
        let answer = answer(status, headers, body);
        Self::start(move |_| answer.clone()).await
    }

    pub(super) fn url(&self, path: &str) -> HttpUrl {
        HttpUrl::parse(&format!("http://{}{path}", self.address)).expect("an address")
    }

    pub(super) fn received(&self) -> Vec<Received> {
        self.received.lock().expect("no panic").clone()
    }

    /// The only request so far.
    pub(super) fn request(&self) -> Received {
        let mut all = self.received();
        assert_eq!(all.len(), 1, "{all:?}");
        all.remove(0)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// A response; `headers` are whole lines.
pub(super) fn answer(status: u16, headers: &str, body: &str) -> String {
    let length = body.len();
    format!(
        "HTTP/1.1 {status} Whatever\r\n{headers}Connection: close\r\n\
         Content-Length: {length}\r\n\r\n{body}"
    )
}

async fn receive(stream: &mut TcpStream) -> Option<Received> {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(stream.read_u8().await.ok()?);
    }
    let head = String::from_utf8(head).ok()?;
    let mut lines = head.lines();
    let target = lines.next()?.trim_end_matches(" HTTP/1.1").to_owned();
    let head: Vec<String> = lines.map(str::to_owned).collect();
    let mut received = Received { target, head, body: String::new() };
    let length = received.header("content-length").map(str::parse);
    let mut body = vec![0; length.and_then(Result::ok).unwrap_or_default()];
    stream.read_exact(&mut body).await.ok()?;
    received.body = String::from_utf8(body).ok()?;
    Some(received)
}

/// A client that may speak to this machine.
pub(super) fn outbound() -> Outbound {
    let policy = Policy { allow_loopback: true, ..Policy::default() };
    Outbound::new(policy).expect("a runtime")
}

/// Short, so that no test waits long for a server that says nothing.
pub(super) fn limits() -> Limits {
    Limits { total: Duration::from_secs(5), ..Limits::default() }
}

pub(super) fn client(authentication: ClientAuthentication, secret: &str) -> Client {
    Client {
        id: "my app".to_owned(),
        secret: Some(Secret::new(secret.to_owned())),
        authentication,
        names: ClientNames::default(),
        extra: super::ExtraSecrets::default(),
        assertions: AssertionMaker::default(),
    }
}

/// An endpoint with a scope, two resources, an audience and an extra parameter.
pub(super) fn endpoint(url: HttpUrl) -> TokenEndpoint {
    TokenEndpoint {
        url,
        client: client(ClientAuthentication::Body, "s3cret-value"),
        body: BodyFormat::Form,
        scope: "read, write".to_owned(),
        separator: ScopeSeparator::Space,
        resources: vec!["urn:a".to_owned(), "urn:b".to_owned()],
        audience: "api".to_owned(),
        extra: "tenant=7".parse::<Parameters>().expect("parameters"),
        lifetime: None,
        location: TokenLocation::FindByItself,
        keep: KeptNames::default(),
    }
}
