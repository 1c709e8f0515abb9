//! From the errors of reqwest, hyper, rustls and the operating system to sentences.
//!
//! What happened stands somewhere in the chain of an error's sources. No text of an error reaches a
//! message, for it may hold what a server sent.

use std::error::Error;
use std::io::{self, ErrorKind};
use std::iter;

use super::connect_time::AfterCertificate;
use super::error::{SendError, Stage, TRY_LATER, UNREACHABLE};
use super::resolver::{LookupError, Why};
use super::route::Route;
use super::tls_problem::tls_problem;
use super::tunnel::TunnelError;

/// A request that got no head of a response.
pub(super) fn no_response(error: &(dyn Error + 'static), route: &Route<'_>) -> SendError {
    if let Some(own) = find::<SendError>(error) {
        return own.clone();
    }
    let server = route.server();
    let is_connecting = is_connecting(error);
    let hyper: Option<&hyper::Error> = causes(error).filter_map(|cause| cause.downcast_ref()).last();
    let is_early = is_connecting && find::<AfterCertificate>(error).is_none();
    let problem = if let Some(problem) = tls_error(error, &server, is_early) {
        problem
    } else if hyper.is_some_and(hyper::Error::is_user) {
        SendError::new(
            Stage::Request,
            "The body of the request broke off before its end.",
            "Send the request again, whole.",
        )
    } else if let Some(kind) = causes(error).find_map(io_kind) {
        broken_connection(kind, &if is_connecting { route.first_name() } else { server })
    } else {
        match hyper {
            Some(error) if error.is_parse() || speaks_first(error) => not_http(error, &server),
            _ => broken_connection(ErrorKind::ConnectionReset, &server),
        }
    };
    // A request that hyper cancels was still in its queue.
    let is_queued = causes(error).any(|cause| cause.downcast_ref().is_some_and(hyper::Error::is_canceled));
    SendError { sent: !is_connecting && !is_queued, ..problem }
}

/// Whether a request failed before there was a connection.
pub(super) fn is_connecting(error: &(dyn Error + 'static)) -> bool {
    find::<hyper_util::client::legacy::Error>(error).is_some_and(hyper_util::client::legacy::Error::is_connect)
}

/// Whether the connection of a request is closed. No error of one HTTP/2 stream is that.
pub(super) fn is_closed(error: &(dyn Error + 'static)) -> bool {
    let is_incomplete = |cause: &hyper::Error| cause.is_incomplete_message();
    causes(error).any(|cause| cause.downcast_ref().is_some_and(is_incomplete) || io_kind(cause).is_some())
}

/// The first error of a type in the chain of an error's sources.
pub(super) fn find<'a, E: Error + 'static>(error: &'a (dyn Error + 'static)) -> Option<&'a E> {
    causes(error).find_map(|cause| cause.downcast_ref())
}

/// Whether a server sent something before the request was written, as mail and SSH servers do. hyper has no method for
/// this.
fn speaks_first(error: &hyper::Error) -> bool {
    error.to_string().contains("unexpected message")
}

fn not_http(error: &hyper::Error, server: &str) -> SendError {
    // hyper has a method for this, but not for clients.
    if error.to_string().contains("too large") {
        let message = format!("The headers of the answer of {server} are too large or too many.");
        return SendError::new(Stage::Response, message, TRY_LATER);
    }
    SendError::new(
        Stage::Response,
        format!("What {server} answered is not HTTP."),
        "Check the port, and whether the address must start with https:// or http://.",
    )
}

/// A name without addresses.
pub(super) fn unknown_name(failed: &LookupError, is_proxy: bool) -> SendError {
    let whose = if is_proxy { "The proxy's name" } else { "The name" };
    let remedy = match failed.why {
        Why::NoAnswer => "Check the name, and that this machine reaches its name servers.",
        Why::NotFound => {
            "Check the spelling of the host name; a name of the intranet must be known to this \
             machine's name servers."
        }
        Why::Busy => "Try again in a moment. If it goes on, check that this machine's name servers answer.",
    };
    SendError::new(Stage::NameLookup, failed.words(whose), remedy)
}

/// A connection that a proxy did not pass on.
pub(super) fn no_tunnel(problem: &TunnelError, route: &Route<'_>) -> SendError {
    let proxy = route.first_name();
    let target = route.target().host_and_port();
    let ask = "Ask the administrator of the proxy to let Connectory's machine connect to this server.";
    let (message, remedy) = match problem {
        TunnelError::Io(error) => return broken_stream(error, &proxy),
        TunnelError::Refused(407) | TunnelError::SignIn => return no_sign_in(route),
        // So tinyproxy answers to a wrong password.
        TunnelError::Refused(401) if route.signs_in() => return no_sign_in(route),
        TunnelError::Refused(status @ 500..) => (
            format!("{proxy} could not connect to {target} (status {status})."),
            "Check the host name and port of the server; the proxy looks them up in its own \
             network.",
        ),
        TunnelError::Refused(status) => (format!("{proxy} refused to connect to {target} (status {status})."), ask),
        TunnelError::Socks(reason) => (format!("{proxy} did not connect to {target}: {reason}."), ask),
        TunnelError::NotSocks => {
            (format!("What {proxy} answered is not SOCKS 5."), "Check the address and port of the proxy.")
        }
        TunnelError::NotHttp => {
            (format!("What {proxy} answered is not HTTP."), "Check the address and port of the proxy.")
        }
    };
    SendError::new(Stage::Connection, message, remedy)
}

/// A proxy that wants to know who asks (RFC 9110 15.5.8).
pub(super) fn no_sign_in(route: &Route<'_>) -> SendError {
    let proxy = route.proxy_name().unwrap_or_default();
    let (message, remedy) = match route.signs_in() {
        true => (
            format!("{proxy} does not accept this connector's user and password."),
            "Enter the proxy's user and password again on the Authorization tab. Connectory signs in with Basic (or \
             the user name and password of SOCKS 5), not with NTLM, Negotiate or Digest.",
        ),
        false => (
            format!("{proxy} asks for a sign-in{}.", if route.is_by_socks() { "" } else { " (status 407)" }),
            "Enter the proxy's user and password on the Authorization tab.",
        ),
    };
    SendError::new(Stage::Connection, message, remedy)
}

/// A connection of our own that broke.
pub(super) fn broken_stream(error: &io::Error, server: &str) -> SendError {
    broken_connection(error.kind(), server)
}

/// A TLS handshake of our own that failed; `is_early` is whether the server had not shown its certificate yet.
pub(super) fn broken_handshake(error: &io::Error, server: &str, is_early: bool) -> SendError {
    tls_error(error, server, is_early).unwrap_or_else(|| broken_connection(error.kind(), server))
}

/// The alert by which a server ends a connection that was already made (RFC 8446 6.2).
pub(super) fn alert(error: &io::Error, server: &str) -> Option<SendError> {
    let received =
        |cause: &&(dyn Error + 'static)| matches!(cause.downcast_ref(), Some(rustls::Error::AlertReceived(_)));
    causes(error).find(received).and_then(|cause| tls_error(cause, server, false))
}

/// An answer that broke off in its body.
pub(super) fn broken_response(error: &(dyn Error + 'static), server: &str) -> SendError {
    let malformed = causes(error)
        .filter_map(io_kind)
        .any(|kind| matches!(kind, ErrorKind::InvalidData | ErrorKind::InvalidInput | ErrorKind::Other));
    if malformed {
        return unreadable(server);
    }
    SendError::new(Stage::Response, format!("The answer of {server} broke off before its end."), TRY_LATER)
}

/// A body whose framing or compression is wrong.
pub(super) fn unreadable(server: &str) -> SendError {
    SendError::new(Stage::Response, format!("The answer of {server} cannot be decompressed or read."), TRY_LATER)
}

/// A head that leaves open where the body ends (RFC 9112 6.3): what follows could be taken for the
/// answer to another request.
pub(super) fn unclear_end(server: &str) -> SendError {
    SendError::new(
        Stage::Response,
        format!("The answer of {server} does not say clearly where it ends."),
        "Have the server, or a proxy before it, send Content-Length or Transfer-Encoding: chunked, \
         and not both.",
    )
}

/// A server that goes over to another protocol (RFC 9110 15.2.2) without having been asked.
pub(super) fn switched(server: &str) -> SendError {
    SendError::new(
        Stage::Response,
        format!("{server} changed to another protocol (status 101), which was not asked for."),
        "Connectory carries plain HTTP only, no WebSockets.",
    )
}

/// Every error of the chain. An `io::Error` hides the error in it: its source is that one's source.
fn causes<'a>(error: &'a (dyn Error + 'static)) -> impl Iterator<Item = &'a (dyn Error + 'static)> {
    iter::successors(Some(error), |&error| match error.downcast_ref::<io::Error>().and_then(io::Error::get_ref) {
        Some(inner) => Some(inner as &(dyn Error + 'static)),
        None => error.source(),
    })
}

fn tls_error(error: &(dyn Error + 'static), server: &str, is_early: bool) -> Option<SendError> {
    Some(tls_problem(find::<rustls::Error>(error)?, server, is_early))
}

fn io_kind(cause: &(dyn Error + 'static)) -> Option<ErrorKind> {
    cause.downcast_ref::<io::Error>().map(io::Error::kind)
}

fn broken_connection(kind: ErrorKind, target: &str) -> SendError {
    let (message, remedy) = match kind {
        ErrorKind::ConnectionRefused => {
            (format!("{target} refused the connection."), "Check the port, and that the server is running.")
        }
        ErrorKind::HostUnreachable | ErrorKind::NetworkUnreachable => {
            (format!("{target} cannot be reached from here."), UNREACHABLE)
        }
        ErrorKind::ConnectionReset
        | ErrorKind::ConnectionAborted
        | ErrorKind::BrokenPipe
        | ErrorKind::UnexpectedEof => (
            format!("{target} closed the connection without an answer."),
            "Check the port, and whether the address must start with https:// or http://.",
        ),
        _ => (format!("The connection to {target} failed."), UNREACHABLE),
    };
    SendError::new(Stage::Connection, message, remedy)
}

#[cfg(test)]
mod tests {
    use hyper::client::conn::http1;
    use hyper_util::rt::TokioIo;
    use tokio::io::AsyncWriteExt;

    use super::super::request::{Body, Request};
    use super::super::transport::Transport;
    use super::super::url::HttpUrl;
    use super::*;

    #[test]
    fn an_error_inside_an_io_error_is_found() {
        let inner = rustls::Error::AlertReceived(rustls::AlertDescription::CertificateRequired);
        let outer = io::Error::new(ErrorKind::InvalidData, inner);
        let found = tls_error(&outer, "a.example:443", false);
        assert_eq!(found.map(|problem| problem.stage), Some(Stage::Tls));
    }

    /// Otherwise what is said of it would depend on who was first.
    #[tokio::test]
    #[expect(clippy::disallowed_methods, reason = "no connection is made")]
    async fn a_server_that_speaks_first_is_none_of_http_whether_a_request_waits_or_not() -> Result<(), Box<dyn Error>> {
        let (transport, url) = (Transport::default(), HttpUrl::parse("http://a.example/")?);
        for is_waiting in [false, true] {
            let (here, mut there) = tokio::io::duplex(64);
            there.write_all(b"SSH-2.0-OpenSSH_9.2\r\n").await?;
            let (mut sender, connection) = http1::handshake::<_, Body>(TokioIo::new(here)).await?;
            let error = if is_waiting {
                let sending = sender.send_request(Request::new(Body::Empty));
                tokio::join!(sending, connection).0.map(drop)
            } else {
                connection.await
            };
            let error = no_response(&error.expect_err("no response"), &Route::new(&transport, &url));
            assert_eq!(error.message, "What a.example:80 answered is not HTTP.");
        }
        Ok(())
    }
}
