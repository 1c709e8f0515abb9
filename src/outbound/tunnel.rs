//! A connection through a proxy: by CONNECT (RFC 9110 9.3.6) or SOCKS 5 (RFC 1928).

use std::io;

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio_socks::tcp::Socks5Stream;
use tokio_socks::{Error as SocksError, TargetAddr};
use url::Host;

use super::proxy::Proxy;
use super::url::HttpUrl;

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
    /// A SOCKS proxy takes no sign-in, or not this one.
    SignIn,
    /// A SOCKS proxy made no connection, for this reason.
    Socks(&'static str),
    /// What it answered is no SOCKS.
    NotSocks,
}

/// Asks for a connection to `target`. After this the stream is the target's.
pub(super) async fn open(
    stream: &mut (impl AsyncRead + AsyncWrite + Unpin + Send),
    target: &HttpUrl,
    proxy: &Proxy,
) -> Result<(), TunnelError> {
    if proxy.is_socks() {
        return socks(stream, target, proxy).await;
    }
    let target = target.host_and_port();
    let sign_in = proxy.authorization();
    let sign_in = sign_in.as_ref().and_then(|value| value.to_str().ok());
    let sign_in = sign_in.map(|value| format!("Proxy-Authorization: {value}\r\n")).unwrap_or_default();
    let question = format!("CONNECT {target} HTTP/1.1\r\nHost: {target}\r\n{sign_in}\r\n");
    stream.write_all(question.as_bytes()).await?;
    stream.flush().await?;
    let head = read_head(stream).await?;
    match status(&head).ok_or(TunnelError::NotHttp)? {
        200..=299 => Ok(()),
        other => Err(TunnelError::Refused(other)),
    }
}

/// The same by SOCKS; the proxy looks a name up.
async fn socks(
    stream: &mut (impl AsyncRead + AsyncWrite + Unpin + Send),
    target: &HttpUrl,
    proxy: &Proxy,
) -> Result<(), TunnelError> {
    let port = target.port();
    let place = match target.host() {
        Some(Host::Ipv4(v4)) => TargetAddr::Ip((v4, port).into()),
        Some(Host::Ipv6(v6)) => TargetAddr::Ip((v6, port).into()),
        Some(Host::Domain(name)) => TargetAddr::Domain(name.into(), port),
        None => return Err(TunnelError::NotSocks),
    };
    let opened = match &proxy.sign_in {
        Some((user, password)) => {
            Socks5Stream::connect_with_password_and_socket(stream, place, user, password.expose()).await
        }
        None => Socks5Stream::connect_with_socket(stream, place).await,
    };
    opened.map(drop).map_err(TunnelError::from)
}

impl From<SocksError> for TunnelError {
    fn from(error: SocksError) -> Self {
        use SocksError as E;
        match error {
            E::Io(error) => Self::Io(error),
            E::PasswordAuthFailure(_)
            | E::NoAcceptableAuthMethods
            | E::AuthorizationRequired
            | E::InvalidAuthValues(_) => Self::SignIn,
            E::GeneralSocksServerFailure => Self::Socks("it gives no reason"),
            E::ConnectionNotAllowedByRuleset => Self::Socks("its rules forbid it"),
            E::NetworkUnreachable | E::HostUnreachable => Self::Socks("it does not reach the host"),
            E::ConnectionRefused => Self::Socks("the host refused the connection"),
            E::TtlExpired => Self::Socks("the host did not answer in time"),
            E::CommandNotSupported | E::AddressTypeNotSupported => Self::Socks("it does not support such connections"),
            _ => Self::NotSocks,
        }
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
    use super::super::proxy::ProxyUrl;
    use super::*;

    #[tokio::test]
    async fn a_proxy_is_asked_and_its_answer_read_to_the_end_of_the_head() -> Result<(), Box<dyn std::error::Error>> {
        let target = HttpUrl::parse("https://a.example")?;
        let proxy = ProxyUrl::parse("http://proxy.example")?.into();
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
            let told = match open(&mut here, &target, &proxy).await {
                Ok(()) => "ok".to_owned(),
                Err(TunnelError::Refused(status)) => status.to_string(),
                Err(TunnelError::NotHttp) => "no HTTP".to_owned(),
                Err(_) => "closed".to_owned(),
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
