//! A connection through a proxy (RFC 9110 9.3.6).

use std::io;

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};

/// The longest head of an answer, in bytes.
const LONGEST: usize = 8_192;

/// How every answer begins (RFC 9112 4).
const VERSION: &[u8] = b"HTTP/1.";

/// Why a proxy passed no connection on.
#[derive(Debug)]
pub(super) enum TunnelError {
    /// The connection to the proxy broke.
    Io(io::Error),
    /// It answered with another status than 2xx.
    Refused(u16),
    /// What it answered is no HTTP.
    NotHttp,
}

/// Asks for a connection to `target`, a host and port. After this the stream is the target's.
pub(super) async fn open(stream: &mut (impl AsyncRead + AsyncWrite + Unpin), target: &str) -> Result<(), TunnelError> {
    let question = format!("CONNECT {target} HTTP/1.1\r\nHost: {target}\r\n\r\n");
    stream.write_all(question.as_bytes()).await?;
    stream.flush().await?;
    let head = read_head(stream).await?;
    match status(&head).ok_or(TunnelError::NotHttp)? {
        200..=299 => Ok(()),
        other => Err(TunnelError::Refused(other)),
    }
}

/// Reads one byte at a time: what follows the head belongs to the target. What does not begin as
/// HTTP does is not read on.
async fn read_head(stream: &mut (impl AsyncRead + Unpin)) -> Result<Vec<u8>, TunnelError> {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        if head.len() == LONGEST {
            return Err(TunnelError::NotHttp);
        }
        head.push(stream.read_u8().await?);
        if head.len() == VERSION.len() && head != VERSION {
            return Err(TunnelError::NotHttp);
        }
    }
    Ok(head)
}

/// The status code of a status line, "HTTP/1.1 403 Forbidden".
fn status(head: &[u8]) -> Option<u16> {
    let rest = head.strip_prefix(VERSION)?;
    let code: u16 = std::str::from_utf8(rest.get(2..5)?).ok()?.parse().ok()?;
    let is_whole = rest.get(1) == Some(&b' ') && matches!(rest.get(5), Some(b' ' | b'\r'));
    (is_whole && (100..600).contains(&code)).then_some(code)
}

impl From<io::Error> for TunnelError {
    fn from(error: io::Error) -> Self {
        Self::Io(error)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_proxy_is_asked_and_its_answer_read_to_the_end_of_the_head() -> io::Result<()> {
        for (answer, expected) in [
            ("HTTP/1.1 200 Connection established\r\nA: b\r\n\r\n", "ok"),
            ("HTTP/1.0 200\r\n\r\n", "ok"),
            ("HTTP/1.1 403 Forbidden\r\n\r\n", "403"),
            ("HTTP/1.1 204 No Content\r\n\r\n", "ok"),
            ("HTTP/1.1 301 Moved\r\n\r\n", "301"),
            ("HTTP/1.1 2000 Whatever\r\n\r\n", "no HTTP"),
            ("SSH-2.0-OpenSSH\r\n", "no HTTP"),
            ("HTTP/1.1 abc\r\n\r\n", "no HTTP"),
            ("HTTP/1.1 200", "closed"),
        ] {
            let (mut here, mut there) = tokio::io::duplex(1_024);
            there.write_all(answer.as_bytes()).await?;
            if expected == "ok" {
                there.write_all(b"x").await?;
            } else {
                there.shutdown().await?;
            }
            let told = match open(&mut here, "a.example:443").await {
                Ok(()) => "ok".to_owned(),
                Err(TunnelError::Refused(status)) => status.to_string(),
                Err(TunnelError::NotHttp) => "no HTTP".to_owned(),
                Err(TunnelError::Io(_)) => "closed".to_owned(),
            };
            assert_eq!(told, expected, "{answer:?}");
            if expected == "ok" {
                assert_eq!(here.read_u8().await?, b'x', "the target's first byte is left");
            }
            let question = "CONNECT a.example:443 HTTP/1.1\r\nHost: a.example:443\r\n\r\n";
            let mut asked = vec![0; question.len()];
            there.read_exact(&mut asked).await?;
            assert_eq!(asked, question.as_bytes());
        }
        Ok(())
    }
}
