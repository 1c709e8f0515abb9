//! An API on 127.0.0.1 that answers as the test says, and remembers what it was asked, byte by byte.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Notify, Semaphore};
use tokio::task::AbortHandle;

/// A request as it came.
#[derive(Clone, Debug, Default)]
pub struct Seen {
    pub method: String,
    pub target: String,
    /// The names of the headers as they came.
    pub names: Vec<String>,
    /// Names in lower case, in the order of arrival.
    pub headers: Vec<(String, String)>,
    pub body: Vec<u8>,
    /// How many requests came before it.
    pub number: usize,
}

impl Seen {
    pub fn header(&self, name: &str) -> Option<&str> {
        let found = self.headers.iter().find(|(other, _)| other == name);
        found.map(|(_, value)| value.as_str())
    }

    /// The path without the query.
    pub fn path(&self) -> &str {
        self.target.split('?').next().unwrap_or_default()
    }
}

/// What is answered.
pub struct Reply {
    bytes: Vec<u8>,
    /// Pieces that follow, each when the test lets it.
    pieces: Vec<Vec<u8>>,
    /// Closes the connection afterwards.
    closes: bool,
    /// Says nothing at all until the client goes.
    is_silent: bool,
}

impl Reply {
    /// An answer with this body.
    pub fn of(status: u16, headers: &[(&str, &str)], body: &str) -> Reply {
        let mut head = format!("HTTP/1.1 {status} Whatever\r\n");
        for (name, value) in headers {
            head.push_str(&format!("{name}: {value}\r\n"));
        }
        Reply::raw(format!("{head}Content-Length: {}\r\n\r\n{body}", body.len()).into_bytes())
    }

    pub fn json(status: u16, body: &str) -> Reply {
        Reply::of(status, &[("Content-Type", "application/json")], body)
    }

    /// These bytes, whatever they are.
    pub fn raw(bytes: impl Into<Vec<u8>>) -> Reply {
        Reply { bytes: bytes.into(), pieces: Vec::new(), closes: false, is_silent: false }
    }

    /// A chunked answer whose pieces come one by one, see [`Upstream::go_on`].
    pub fn chunks(pieces: &[&str]) -> Reply {
        let chunk = |piece: &&str| format!("{:x}\r\n{piece}\r\n", piece.len()).into_bytes();
        let mut all: Vec<Vec<u8>> = pieces.iter().map(chunk).collect();
        all.push(b"0\r\n\r\n".to_vec());
        Reply { pieces: all, ..Reply::raw(*b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n") }
    }

    pub fn silence() -> Reply {
        Reply { is_silent: true, ..Reply::raw([]) }
    }

    /// The same, when the test lets it go, see [`Upstream::go_on`].
    pub fn held(mut self) -> Reply {
        self.pieces.insert(0, std::mem::take(&mut self.bytes));
        self
    }

    pub fn closing(mut self) -> Reply {
        self.closes = true;
        self
    }
}

type Script = Arc<dyn Fn(&Seen) -> Reply + Send + Sync>;

/// The running API; it stops when dropped.
pub struct Upstream {
    pub address: SocketAddr,
    state: Arc<State>,
    task: AbortHandle,
}

struct State {
    seen: Mutex<Vec<Seen>>,
    came: AtomicUsize,
    gone: AtomicUsize,
    changed: Notify,
    go_on: Semaphore,
}

impl Upstream {
    pub async fn start(script: impl Fn(&Seen) -> Reply + Send + Sync + 'static) -> Upstream {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let address = listener.local_addr().expect("an address");
        let state = Arc::new(State {
            seen: Mutex::default(),
            came: AtomicUsize::new(0),
            gone: AtomicUsize::new(0),
            changed: Notify::new(),
            go_on: Semaphore::new(0),
        });
        let task = tokio::spawn(accept(listener, Arc::new(script), Arc::clone(&state)));
        Upstream { address, state, task: task.abort_handle() }
    }

    /// One that answers everything with this JSON.
    pub async fn json(body: &'static str) -> Upstream {
        Upstream::start(move |_| Reply::json(200, body)).await
    }

    pub fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    /// All requests so far.
    pub fn seen(&self) -> Vec<Seen> {
        self.state.seen.lock().expect("no panic").clone()
    }

    /// The only request so far.
    pub fn only(&self) -> Seen {
        let mut all = self.seen();
        assert_eq!(all.len(), 1, "{all:?}");
        all.remove(0)
    }

    pub fn last(&self) -> Seen {
        self.seen().pop().expect("a request")
    }

    /// Waits until so many requests have come.
    pub async fn wait_for(&self, requests: usize) {
        self.wait_until("requests", || self.seen().len() >= requests).await;
    }

    /// Waits until so many connections have been made.
    pub async fn wait_for_connections(&self, connections: usize) {
        let came = || self.state.came.load(Ordering::SeqCst) >= connections;
        self.wait_until("connections", came).await;
    }

    /// Waits until so many connections have been closed by the client.
    pub async fn wait_for_gone(&self, connections: usize) {
        let gone = || self.state.gone.load(Ordering::SeqCst) >= connections;
        self.wait_until("closed connections", gone).await;
    }

    async fn wait_until(&self, what: &str, holds: impl Fn() -> bool) {
        let waiting = async {
            loop {
                let changed = self.state.changed.notified();
                if holds() {
                    return;
                }
                changed.await;
            }
        };
        tokio::time::timeout(Duration::from_secs(20), waiting).await.unwrap_or_else(|_| panic!("no such {what}"));
    }

    /// Lets the next piece of an answer go.
    pub fn go_on(&self) {
        self.state.go_on.add_permits(1);
    }
}

impl Drop for Upstream {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn accept(listener: TcpListener, script: Script, state: Arc<State>) {
    while let Ok((stream, _)) = listener.accept().await {
        state.came.fetch_add(1, Ordering::SeqCst);
        state.changed.notify_waiters();
        let (script, state) = (Arc::clone(&script), Arc::clone(&state));
        tokio::spawn(async move {
            serve(stream, &script, &state).await;
            state.gone.fetch_add(1, Ordering::SeqCst);
            state.changed.notify_waiters();
        });
    }
}

async fn serve(mut stream: TcpStream, script: &Script, state: &State) {
    let mut rest = Vec::new();
    while let Some(mut seen) = read(&mut stream, &mut rest, state).await {
        {
            let mut all = state.seen.lock().expect("no panic");
            seen.number = all.len();
            all.push(seen.clone());
        }
        state.changed.notify_waiters();
        let reply = script(&seen);
        if reply.is_silent {
            while matches!(stream.read(&mut [0; 64]).await, Ok(1..)) {}
            return;
        }
        if stream.write_all(&reply.bytes).await.is_err() {
            return;
        }
        for piece in &reply.pieces {
            tokio::select! {
                turn = state.go_on.acquire() => turn.expect("never closed").forget(),
                read = stream.read_u8() => { _ = read; return; }
            }
            if stream.write_all(piece).await.is_err() {
                return;
            }
        }
        if reply.closes {
            return;
        }
    }
}

/// The next request with its whole body; `None` when the client has gone.
async fn read(stream: &mut TcpStream, rest: &mut Vec<u8>, state: &State) -> Option<Seen> {
    let head = take_until(stream, rest, b"\r\n\r\n").await?;
    let text = String::from_utf8_lossy(&head).into_owned();
    let mut lines = text.split("\r\n");
    let mut words = lines.next()?.split(' ').map(str::to_owned);
    let mut seen = Seen { method: words.next()?, target: words.next()?, ..Seen::default() };
    for line in lines.filter(|line| !line.is_empty()) {
        let (name, value) = line.split_once(':')?;
        seen.names.push(name.to_owned());
        seen.headers.push((name.to_ascii_lowercase(), value.trim().to_owned()));
    }
    if seen.header("transfer-encoding").is_some() {
        loop {
            let line = take_until(stream, rest, b"\r\n").await?;
            let size = std::str::from_utf8(&line).ok()?.trim();
            let size = usize::from_str_radix(size, 16).ok()?;
            seen.body.extend(take(stream, rest, size).await?);
            take_until(stream, rest, b"\r\n").await?;
            state.changed.notify_waiters();
            if size == 0 {
                return Some(seen);
            }
        }
    }
    let size = seen.header("content-length").map_or(Ok(0), str::parse);
    seen.body = take(stream, rest, size.ok()?).await?;
    Some(seen)
}

async fn take_until(stream: &mut TcpStream, rest: &mut Vec<u8>, end: &[u8]) -> Option<Vec<u8>> {
    loop {
        if let Some(at) = rest.windows(end.len()).position(|part| part == end) {
            let taken = rest.drain(..at + end.len()).collect();
            return Some(taken);
        }
        more(stream, rest).await?;
    }
}

async fn take(stream: &mut TcpStream, rest: &mut Vec<u8>, size: usize) -> Option<Vec<u8>> {
    while rest.len() < size {
        more(stream, rest).await?;
    }
    Some(rest.drain(..size).collect())
}

async fn more(stream: &mut TcpStream, rest: &mut Vec<u8>) -> Option<()> {
    let read = stream.read_buf(rest).await.ok()?;
    (read > 0).then_some(())
}
