//! From the HTTP client's errors to sentences.
//!
//! What happened stands somewhere in the chain of an error's sources; its own text may hold the
//! whole URL, so no such text reaches a message.

use std::error::Error;
use std::io::{self, ErrorKind};
use std::iter;
use std::time::Duration;

use super::exceeded::connect_time_out;
use super::failure::{Layer, Problem};
use super::refused::Refused;
use super::resolver::LookupFailed;
use super::route::Route;
use super::tls;
use super::tunnel::NoTunnel;

pub(super) const UNREACHABLE: &str =
    "Check the address, and that a firewall lets Connectory through.";
pub(super) const TRY_LATER: &str = "Try again; if it happens again, look at the server's own log.";

/// A request that got no headers back.
pub(super) fn no_answer(error: &reqwest::Error, route: &Route<'_>, connect: Duration) -> Problem {
    if let Some(problem) = causes(error).find_map(|cause| refused_or_unknown(cause, route)) {
        return problem;
    }
    let server = if failed_at_proxy(error, route) {
        route.first_name()
    } else {
        route.server()
    };
    if says(error, "tunnel error: proxy authorization required") {
        return no_tunnel(&NoTunnel::Refused(407), route);
    }
    if let Some(problem) = causes(error).find_map(|cause| broken_tls(cause, &server)) {
        return problem;
    }
    if error.is_timeout() {
        return connect_time_out(&route.server(), connect);
    }
    if let Some(kind) = causes(error).find_map(io_kind) {
        return broken_connection(kind, &server);
    }
    if says(error, "tunnel error: unexpected end of file") {
        return broken_connection(ErrorKind::UnexpectedEof, &server);
    }
    if error.is_connect() {
        return Problem::new(
            Layer::Connection,
            format!("No connection to {server} came about."),
            UNREACHABLE,
        );
    }
    no_http(error, &server)
}

/// Whether the way ended at the proxy. The HTTP client has no type for this, only words.
fn failed_at_proxy(error: &reqwest::Error, route: &Route<'_>) -> bool {
    let is_plain = route.proxy().is_some() && !route.is_tunnelled();
    (is_plain && error.is_connect()) || says(error, "tunnel error: ")
}

/// Whether a proxy answered CONNECT with a status that the error does not tell.
pub(super) fn hides_status(error: &reqwest::Error) -> bool {
    says(error, "tunnel error: unsuccessful")
}

/// A name that was not looked up, or an address that is refused: the proxy's, where there is one.
fn refused_or_unknown(cause: &(dyn Error + 'static), route: &Route<'_>) -> Option<Problem> {
    if let Some(refused) = cause.downcast_ref::<Refused>() {
        return Some(refused_address(refused, route));
    }
    let failed = cause.downcast_ref::<LookupFailed>()?;
    Some(unknown_name(failed, route))
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
    let remedy = if failed.temporary {
        "Check the name, and that this machine reaches its name servers."
    } else {
        "Check the spelling of the host name; a name of the intranet must be known to this \
         machine's name servers."
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
        NoTunnel::Refused(status) => (
            format!("{proxy} refused to connect to {target} (status {status})."),
            ask,
        ),
        NoTunnel::NoHttp => (
            format!("What {proxy} answered is not HTTP."),
            "Check the address and port of the proxy.",
        ),
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
    causes(error)
        .find_map(|cause| broken_tls(cause, server))
        .unwrap_or_else(|| broken_connection(error.kind(), server))
}

/// The alert by which a server ends a connection that was already made (RFC 8446 6.2).
pub(super) fn alert(error: &io::Error, server: &str) -> Option<Problem> {
    let received = |cause: &&(dyn Error + 'static)| {
        matches!(cause.downcast_ref(), Some(rustls::Error::AlertReceived(_)))
    };
    causes(error)
        .find(received)
        .and_then(|cause| broken_tls(cause, server))
}

/// An answer that broke off in its body.
pub(super) fn broken_answer(error: &reqwest::Error, target: &str) -> Problem {
    let malformed = causes(error).filter_map(io_kind).any(|kind| {
        matches!(
            kind,
            ErrorKind::InvalidData | ErrorKind::InvalidInput | ErrorKind::Other
        )
    });
    let message = if malformed {
        format!("The answer of {target} cannot be decompressed or read.")
    } else {
        format!("The answer of {target} broke off before its end.")
    };
    Problem::new(Layer::Answer, message, TRY_LATER)
}

/// Every error of the chain. An `io::Error` hides the error in it: its source is that one's source.
fn causes<'a>(error: &'a (dyn Error + 'static)) -> impl Iterator<Item = &'a (dyn Error + 'static)> {
    iter::successors(Some(error), |&error| {
        match error
            .downcast_ref::<io::Error>()
            .and_then(io::Error::get_ref)
        {
            Some(inner) => Some(inner as &(dyn Error + 'static)),
            None => error.source(),
        }
    })
}

fn broken_tls(cause: &(dyn Error + 'static), server: &str) -> Option<Problem> {
    let error = cause.downcast_ref::<rustls::Error>()?;
    Some(tls::problem(error, server))
}

/// Whether an error of the chain has these words.
fn says(error: &(dyn Error + 'static), words: &str) -> bool {
    causes(error).any(|cause| cause.to_string().contains(words))
}

fn io_kind(cause: &(dyn Error + 'static)) -> Option<ErrorKind> {
    cause.downcast_ref::<io::Error>().map(io::Error::kind)
}

fn broken_connection(kind: ErrorKind, target: &str) -> Problem {
    let (message, remedy) = match kind {
        ErrorKind::ConnectionRefused => (
            format!("{target} refused the connection."),
            "Check the port, and that the server is running.",
        ),
        ErrorKind::HostUnreachable | ErrorKind::NetworkUnreachable => (
            format!("{target} cannot be reached from here."),
            UNREACHABLE,
        ),
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

/// The HTTP client gives no types for what remains: its words tell a closed connection and a head
/// that is too large from an answer that is no HTTP.
fn no_http(error: &reqwest::Error, target: &str) -> Problem {
    if says(error, "connection closed") || says(error, "http2 error") {
        return broken_connection(ErrorKind::ConnectionReset, target);
    }
    if says(error, "message head is too large") {
        return Problem::new(
            Layer::Answer,
            format!("The headers of the answer of {target} are too large."),
            TRY_LATER,
        );
    }
    Problem::new(
        Layer::Answer,
        format!("What {target} answered is not HTTP."),
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
