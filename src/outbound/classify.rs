//! From the HTTP client's errors to sentences.
//!
//! What happened stands somewhere in the chain of an error's sources; its own text may hold the
//! whole URL, so no such text reaches a message.

use std::error::Error;
use std::io::{self, ErrorKind};
use std::iter;
use std::time::Duration;

use super::failure::{Layer, Problem};
use super::policy::Refused;
use super::resolver::LookupFailed;
use super::tls;

const UNREACHABLE: &str = "Check the address, and that a firewall lets Connectory through.";
const TRY_LATER: &str = "Try again; if it happens again, look at the server's own log.";

/// A request that got no headers back. `target` is the host and port.
pub(super) fn no_answer(error: &reqwest::Error, target: &str, connect: Duration) -> Problem {
    if let Some(problem) = causes(error).find_map(|cause| known(cause, target)) {
        return problem;
    }
    if error.is_timeout() {
        return connect_time_out(target, connect);
    }
    if let Some(kind) = causes(error).find_map(io_kind) {
        return broken_connection(kind, target);
    }
    if error.is_connect() {
        return Problem::new(
            Layer::Connection,
            format!("No connection to {target} came about."),
            UNREACHABLE,
        );
    }
    no_http(error, target)
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

/// The total time was over before any headers came.
pub(super) fn silent(target: &str, total: Duration) -> Problem {
    Problem::new(
        Layer::TimeOut,
        format!("{target} did not answer within {}.", seconds(total)),
        "Check the address and that the server is running; it may also be overloaded.",
    )
}

/// The total time was over before the body's end.
pub(super) fn slow_answer(target: &str, total: Duration) -> Problem {
    Problem::new(
        Layer::TimeOut,
        format!(
            "{target} did not finish its answer within {}.",
            seconds(total)
        ),
        TRY_LATER,
    )
}

/// More than a limit allows. `part` is the body or the headers, `limit` in bytes.
pub(super) fn too_large(part: &str, target: &str, limit: usize) -> Problem {
    Problem::new(
        Layer::Answer,
        format!(
            "The {part} of the answer of {target} are larger than {}.",
            size(limit)
        ),
        "Check that the address is the right one; a page or a file may stand there instead.",
    )
}

fn connect_time_out(target: &str, connect: Duration) -> Problem {
    Problem::new(
        Layer::TimeOut,
        format!("No connection to {target} within {}.", seconds(connect)),
        UNREACHABLE,
    )
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

/// The errors that say by their type what happened.
fn known(cause: &(dyn Error + 'static), target: &str) -> Option<Problem> {
    if let Some(refused) = cause.downcast_ref::<Refused>() {
        return Some(refused.into());
    }
    if let Some(failed) = cause.downcast_ref::<LookupFailed>() {
        let remedy = if failed.temporary {
            "Check the name, and that this machine reaches its name servers."
        } else {
            "Check the spelling of the host name; a name of the intranet must be known to this \
             machine's name servers."
        };
        return Some(Problem::new(Layer::NameLookup, failed.to_string(), remedy));
    }
    let tls = cause.downcast_ref::<rustls::Error>();
    tls.map(|error| tls::problem(error, target))
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
    let says = |words| causes(error).any(|cause| cause.to_string().contains(words));
    if says("connection closed") || says("http2 error") {
        return broken_connection(ErrorKind::ConnectionReset, target);
    }
    if says("message head is too large") {
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

fn seconds(time: Duration) -> String {
    match time.as_secs_f64() {
        1.0 => "1 second".to_owned(),
        seconds => format!("{} seconds", (seconds * 10.0).round() / 10.0),
    }
}

fn size(bytes: usize) -> String {
    const KIB: usize = 1024;
    match bytes {
        b if b >= KIB * KIB && b % (KIB * KIB) == 0 => format!("{} MiB", b / (KIB * KIB)),
        b if b >= KIB && b % KIB == 0 => format!("{} KiB", b / KIB),
        b => format!("{b} bytes"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn limits_are_told_in_readable_units() {
        assert_eq!(seconds(Duration::from_secs(10)), "10 seconds");
        assert_eq!(seconds(Duration::from_secs(1)), "1 second");
        assert_eq!(seconds(Duration::from_millis(250)), "0.3 seconds");
        assert_eq!(size(1024 * 1024), "1 MiB");
        assert_eq!(size(64 * 1024), "64 KiB");
        assert_eq!(size(1000), "1000 bytes");
    }

    #[test]
    fn an_error_inside_an_io_error_is_found() {
        let inner = rustls::Error::AlertReceived(rustls::AlertDescription::CertificateRequired);
        let outer = io::Error::new(ErrorKind::InvalidData, inner);
        let found = causes(&outer).find_map(|cause| known(cause, "a.example:443"));
        assert_eq!(found.map(|problem| problem.layer), Some(Layer::Tls));
    }
}
