//! From errors to sentences.
//!
//! What happened stands somewhere in the chain of an error's sources. No text of an error reaches a
//! message, for it may hold what a server sent.

use std::error::Error;
use std::io::{self, ErrorKind};
use std::iter;

use super::failure::{Layer, Problem};
use super::look_up::{LookupFailed, Why};
use super::refused::Refused;
use super::route::Route;
use super::tls;
use super::tunnel::NoTunnel;

pub(super) const UNREACHABLE: &str = "Check the address, and that a firewall lets Connectory through.";
pub(super) const TRY_LATER: &str = "Try again; if it happens again, look at the server's own log.";

/// A request that got no headers back, on a connection that had come about.
pub(super) fn no_answer(error: &hyper::Error, server: &str) -> Problem {
    if let Some(problem) = causes(error).find_map(|cause| broken_tls(cause, server)) {
        return problem;
    }
    let error = innermost(error);
    if error.is_user() {
        return Problem::new(
            Layer::Request,
            "The body of the request broke off before its end.",
            "Send the request again, whole.",
        );
    }
    if let Some(kind) = causes(error).find_map(io_kind) {
        return broken_connection(kind, server);
    }
    // hyper has a method for this, but not for clients.
    if error.is_parse() && error.to_string().contains("too large") {
        return Problem::new(
            Layer::Answer,
            format!("The headers of the answer of {server} are too large or too many."),
            TRY_LATER,
        );
    }
    if error.is_incomplete_message() || error.is_canceled() || error.is_closed() {
        return broken_connection(ErrorKind::ConnectionReset, server);
    }
    no_http(server)
}

/// The error that says what happened: a request that was never written carries the reason inside.
fn innermost(error: &hyper::Error) -> &hyper::Error {
    causes(error).filter_map(|cause| cause.downcast_ref()).last().unwrap_or(error)
}

/// An address that the first server's name led to and that the policy refuses.
pub(super) fn refused_address(refused: &Refused, route: &Route<'_>) -> Problem {
    match route.proxy() {
        Some(_) => Problem::from(&refused.of_proxy()),
        None => Problem::from(refused),
    }
}

/// A name without addresses.
pub(super) fn unknown_name(failed: &LookupFailed, route: &Route<'_>) -> Problem {
    let whose = match route.proxy() {
        Some(_) => "The proxy's name",
        None => "The name",
    };
    let remedy = match failed.why {
        Why::NoAnswer => "Check the name, and that this machine reaches its name servers.",
        Why::NotFound => {
            "Check the spelling of the host name; a name of the intranet must be known to this \
             machine's name servers."
        }
        Why::Busy => "Try again in a moment. If it goes on, check that this machine's name servers answer.",
    };
    Problem::new(Layer::NameLookup, failed.words(whose), remedy)
}

/// A connection that a proxy did not pass on.
pub(super) fn no_tunnel(problem: &NoTunnel, route: &Route<'_>) -> Problem {
    let proxy = route.first_name();
    let target = route.target().host_and_port();
    let ask = "Ask whoever runs the proxy to let Connectory's machine connect to this server.";
    let (message, remedy) = match problem {
        NoTunnel::Io(error) => return broken_stream(error, &proxy),
        NoTunnel::Refused(407) => return sign_in(&proxy),
        NoTunnel::Refused(status @ 500..) => (
            format!("{proxy} could not connect to {target} (status {status})."),
            "Check the host name and port of the server; the proxy looks them up in its own \
             network.",
        ),
        NoTunnel::Refused(status) => (format!("{proxy} refused to connect to {target} (status {status})."), ask),
        NoTunnel::NoHttp => (format!("What {proxy} answered is not HTTP."), "Check the address and port of the proxy."),
    };
    Problem::new(Layer::Connection, message, remedy)
}

/// A proxy that wants to know who asks (RFC 9110 15.5.8).
pub(super) fn sign_in(proxy: &str) -> Problem {
    Problem::new(
        Layer::Connection,
        format!("{proxy} asks for a sign-in (status 407)."),
        "Connectory signs in at no proxy: use one that lets this machine through without.",
    )
}

/// A connection of our own that broke: `error` may be one of TLS.
pub(super) fn broken_stream(error: &io::Error, server: &str) -> Problem {
    causes(error).find_map(|cause| broken_tls(cause, server)).unwrap_or_else(|| broken_connection(error.kind(), server))
}

/// The alert by which a server ends a connection that was already made (RFC 8446 6.2).
pub(super) fn alert(error: &io::Error, server: &str) -> Option<Problem> {
    let received =
        |cause: &&(dyn Error + 'static)| matches!(cause.downcast_ref(), Some(rustls::Error::AlertReceived(_)));
    causes(error).find(received).and_then(|cause| broken_tls(cause, server))
}

/// An answer that broke off in its body.
pub(super) fn broken_answer(error: &hyper::Error, server: &str) -> Problem {
    let malformed = causes(error)
        .filter_map(io_kind)
        .any(|kind| matches!(kind, ErrorKind::InvalidData | ErrorKind::InvalidInput | ErrorKind::Other));
    if malformed {
        return unreadable(server);
    }
    Problem::new(Layer::Answer, format!("The answer of {server} broke off before its end."), TRY_LATER)
}

/// A body whose framing or compression is wrong.
pub(super) fn unreadable(server: &str) -> Problem {
    Problem::new(Layer::Answer, format!("The answer of {server} cannot be decompressed or read."), TRY_LATER)
}

/// A head that leaves open where the body ends (RFC 9112 6.3): what follows could be taken for the
/// answer to another request.
pub(super) fn unclear_end(server: &str) -> Problem {
    Problem::new(
        Layer::Answer,
        format!("The answer of {server} does not say clearly where it ends."),
        "Have the server, or a proxy before it, send Content-Length or Transfer-Encoding: chunked, \
         and not both.",
    )
}

/// A server that goes over to another protocol (RFC 9110 15.2.2) without having been asked.
pub(super) fn switched(server: &str) -> Problem {
    Problem::new(
        Layer::Answer,
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

fn broken_tls(cause: &(dyn Error + 'static), server: &str) -> Option<Problem> {
    let error = cause.downcast_ref::<rustls::Error>()?;
    Some(tls::problem(error, server))
}

fn io_kind(cause: &(dyn Error + 'static)) -> Option<ErrorKind> {
    cause.downcast_ref::<io::Error>().map(io::Error::kind)
}

fn broken_connection(kind: ErrorKind, target: &str) -> Problem {
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
    Problem::new(Layer::Connection, message, remedy)
}

fn no_http(server: &str) -> Problem {
    Problem::new(
        Layer::Answer,
        format!("What {server} answered is not HTTP."),
        "Check the port, and whether the address must start with https:// or http://.",
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_inside_an_io_error_is_found() {
        let inner = rustls::Error::AlertReceived(rustls::AlertDescription::CertificateRequired);
        let outer = io::Error::new(ErrorKind::InvalidData, inner);
        let found = causes(&outer).find_map(|cause| broken_tls(cause, "a.example:443"));
        assert_eq!(found.map(|problem| problem.layer), Some(Layer::Tls));
    }
}
