//! A limit that was reached, in words.

use std::time::Duration;

use super::classify::{TRY_LATER, UNREACHABLE};
use super::failure::{Layer, Problem};

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
    Problem::new(Layer::TimeOut, format!("{target} did not finish its answer within {}.", seconds(total)), TRY_LATER)
}

/// A streamed answer paused for too long.
pub(super) fn stalled(target: &str, idle: Duration) -> Problem {
    Problem::new(Layer::TimeOut, format!("{target} sent nothing more of its answer for {}.", seconds(idle)), TRY_LATER)
}

/// A server stopped taking the request's body.
pub(super) fn not_taken(target: &str, idle: Duration) -> Problem {
    Problem::new(
        Layer::TimeOut,
        format!("{target} took nothing more of the request for {}.", seconds(idle)),
        "Check that the server accepts bodies of this size; it may also be overloaded.",
    )
}

/// Whoever sends the request's body stopped doing so.
pub(super) fn not_given(idle: Duration) -> Problem {
    Problem::new(
        Layer::Request,
        format!("Nothing more of the request's body came for {}.", seconds(idle)),
        "Send the request again, without long pauses.",
    )
}

/// More than a limit allows. `part` is the body or the headers, `limit` in bytes.
pub(super) fn too_large(part: &str, target: &str, limit: usize) -> Problem {
    Problem::new(
        Layer::Answer,
        format!("The {part} of the answer of {target} are larger than {}.", size(limit)),
        "Check that the address is the right one; a page or a file may stand there instead.",
    )
}

/// The time was over before a connection came about.
pub(super) fn connect_time_out(target: &str, connect: Duration) -> Problem {
    Problem::new(Layer::TimeOut, format!("No connection to {target} within {}.", seconds(connect)), UNREACHABLE)
}

/// The time was over before the name was looked up.
pub(super) fn slow_look_up(name: &str, limit: Duration) -> Problem {
    Problem::new(
        Layer::TimeOut,
        format!("The name “{name}” was not looked up within {}.", seconds(limit)),
        "Check that this machine reaches its name servers.",
    )
}

/// The time was over in the middle of the TLS handshake.
pub(super) fn slow_handshake(server: &str, limit: Duration) -> Problem {
    Problem::new(
        Layer::TimeOut,
        format!("{server} did not finish the TLS handshake within {}.", seconds(limit)),
        "Check the port, and that the server speaks TLS there; it may also be overloaded.",
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
}
