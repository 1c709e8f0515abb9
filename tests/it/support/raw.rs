//! Requests that no HTTP client would make.

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use super::TestApp;

/// An answer as bytes on the wire, for as much of it as is text.
pub struct RawAnswer {
    pub status: u16,
    /// Status line and headers, in lower case.
    pub head: String,
    pub body: String,
}

impl TestApp {
    /// Sends these bytes and reads until the server closes; a request should therefore ask it to.
    pub async fn raw(&self, request: &[u8]) -> RawAnswer {
        let mut stream = TcpStream::connect(self.address).await.expect("a connection");
        stream.write_all(request).await.expect("a request");
        let mut answer = Vec::new();
        // A server that refuses early may reset the connection; what came before that counts.
        _ = stream.read_to_end(&mut answer).await;
        let answer = String::from_utf8_lossy(&answer);
        let (head, body) = answer.split_once("\r\n\r\n").unwrap_or((&answer, ""));
        let status = head.split(' ').nth(1).and_then(|status| status.parse().ok()).unwrap_or(0);
        RawAnswer { status, head: head.to_lowercase(), body: body.to_string() }
    }
}
