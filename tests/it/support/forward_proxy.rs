//! A forward proxy on 127.0.0.1: CONNECT and absolute form (RFC 9110 9.3.6, RFC 9112 3.2.2), counted.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, copy_bidirectional};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::AbortHandle;
use tokio_rustls::TlsAcceptor;

use super::hostile::Issued;

/// The running proxy; it stops when dropped.
pub struct ForwardProxy {
    address: SocketAddr,
    scheme: &'static str,
    asked: Arc<Mutex<Vec<String>>>,
    task: AbortHandle,
}

impl ForwardProxy {
    /// One that passes everything on, to 127.0.0.1 whatever the host.
    pub async fn start() -> Self {
        Self::listen(None, None).await
    }

    /// One that is itself reached by TLS.
    pub async fn start_tls(identity: &Issued) -> Self {
        Self::listen(None, Some(identity.acceptor(None))).await
    }

    /// One that answers every question with this status.
    pub async fn refusing(status: u16) -> Self {
        Self::listen(Some(status), None).await
    }

    async fn listen(refusal: Option<u16>, tls: Option<TlsAcceptor>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let address = listener.local_addr().expect("an address");
        let scheme = if tls.is_some() { "https" } else { "http" };
        let asked = Arc::new(Mutex::new(Vec::new()));
        let task = tokio::spawn(accept(listener, refusal, tls, Arc::clone(&asked)));
        Self { address, scheme, asked, task: task.abort_handle() }
    }

    pub fn address(&self) -> SocketAddr {
        self.address
    }

    pub fn url(&self) -> String {
        format!("{}://{}", self.scheme, self.address)
    }

    pub fn url_by_name(&self) -> String {
        format!("{}://localhost:{}", self.scheme, self.address.port())
    }

    /// The method and target of each question so far: "CONNECT a.example:443".
    pub fn asked(&self) -> Vec<String> {
        self.asked.lock().expect("no panic").clone()
    }
}

impl Drop for ForwardProxy {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn accept(listener: TcpListener, refusal: Option<u16>, tls: Option<TlsAcceptor>, asked: Arc<Mutex<Vec<String>>>) {
    while let Ok((socket, _)) = listener.accept().await {
        let (tls, asked) = (tls.clone(), Arc::clone(&asked));
        tokio::spawn(async move {
            match tls {
                None => serve(socket, refusal, &asked).await,
                Some(tls) => match tls.accept(socket).await {
                    Ok(stream) => serve(stream, refusal, &asked).await,
                    Err(_) => None,
                },
            }
        });
    }
}

/// One question for each connection, so that a passed-on one needs no parsing.
async fn serve(
    mut stream: impl AsyncRead + AsyncWrite + Unpin,
    refusal: Option<u16>,
    asked: &Mutex<Vec<String>>,
) -> Option<()> {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(stream.read_u8().await.ok()?);
    }
    let head = String::from_utf8(head).ok()?;
    let (line, headers) = head.split_once("\r\n")?;
    let mut words = line.split(' ');
    let (method, target) = (words.next()?, words.next()?);
    let question = format!("{method} {target}");
    asked.lock().expect("no panic").push(question);
    if let Some(status) = refusal {
        let answer = format!("HTTP/1.1 {status} No\r\nContent-Length: 0\r\n\r\n");
        return stream.write_all(answer.as_bytes()).await.ok();
    }
    let (authority, first) = if method == "CONNECT" {
        (target, None)
    } else {
        let (authority, path) = target.strip_prefix("http://")?.split_once('/')?;
        let close = headers.replacen("\r\n\r\n", "\r\nConnection: close\r\n\r\n", 1);
        (authority, Some(format!("{method} /{path} HTTP/1.1\r\n{close}")))
    };
    let (_, port) = authority.rsplit_once(':')?;
    let mut there = TcpStream::connect(("127.0.0.1", port.parse().ok()?)).await.ok()?;
    match first {
        None => stream.write_all(b"HTTP/1.1 200 OK\r\n\r\n").await.ok()?,
        Some(first) => there.write_all(first.as_bytes()).await.ok()?,
    }
    copy_bidirectional(&mut stream, &mut there).await.ok().map(|_| ())
}
