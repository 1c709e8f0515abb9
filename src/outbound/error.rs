//! Why a request got no usable response, in sentences for the person who configured it.
//!
//! Rule: a sentence names host and port at most, never a path, a query, a header or a body.

use std::fmt;
use std::time::Duration;

use super::transport::TransportProblem;

pub(super) const UNREACHABLE: &str = "Check the address, and that a firewall lets Connectory through.";
pub(super) const TRY_LATER: &str = "Try again; if it happens again, look at the server's own log.";

/// The stage at which a request failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stage {
    /// The request itself cannot be sent, for example for a line break in a header.
    Request,
    /// The address is not one.
    Url,
    /// The host's name has no address.
    NameLookup,
    /// The policy forbids the address.
    AddressRefused,
    /// No connection was made, or it broke.
    Connection,
    /// Certificates and encryption.
    Tls,
    /// The time was over.
    TimeOut,
    /// The response has this status, which is no success. Only a request for a token fails here.
    Status(u16),
    /// There was a response, but none that can be used.
    Response,
}

/// A request without a usable response. It is a result to show, not a fault of this program.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SendError {
    /// Where it failed.
    pub stage: Stage,
    /// What happened: a sentence that names the host and port at most.
    pub message: String,
    /// What to try: a sentence.
    pub remedy: String,
    /// Whether the server may have received any byte of the request. If not, it is safe to send it again.
    pub sent: bool,
    /// A connection of the pool ended before any response: the server may have closed it because it was idle, and not
    /// have seen the request.
    pub idle_closed: bool,
}

impl SendError {
    /// A failure before anything was sent.
    pub(super) fn new(stage: Stage, message: impl Into<String>, remedy: impl Into<String>) -> Self {
        let message = capitalized(message.into());
        Self { stage, message, remedy: remedy.into(), sent: false, idle_closed: false }
    }

    /// The same, after the request may have reached the server.
    pub(super) fn sent(self) -> Self {
        Self { sent: true, ..self }
    }

    /// The address of a request is none.
    pub(super) fn invalid_url() -> Self {
        let remedy = "Enter the whole address, which begins with https:// or http://.";
        Self::new(Stage::Url, "The address is not valid.", remedy)
    }

    /// The program ends during a request.
    pub(super) fn stopping() -> Self {
        let message = "The request was ended because Connectory is stopping.";
        Self::new(Stage::Connection, message, "Try again in a moment.").sent()
    }

    /// The total time was over before the head of a response came.
    pub(super) fn silent(server: &str, limit: Duration) -> Self {
        Self::new(
            Stage::TimeOut,
            format!("{server} did not answer within {}.", seconds(limit)),
            "Check the address and that the server is running; it may also be overloaded.",
        )
    }

    /// The total time was over before the end of the response's body.
    pub(super) fn slow_response(server: &str, limit: Duration) -> Self {
        let message = format!("{server} did not finish its answer within {}.", seconds(limit));
        Self::new(Stage::TimeOut, message, TRY_LATER)
    }

    /// The body of a streamed response paused for too long.
    pub(super) fn stalled(server: &str, idle: Duration) -> Self {
        let message = format!("{server} sent nothing more of its answer for {}.", seconds(idle));
        Self::new(Stage::TimeOut, message, TRY_LATER)
    }

    /// The server stopped reading the request's body.
    pub(super) fn upload_not_read(server: &str, idle: Duration) -> Self {
        Self::new(
            Stage::TimeOut,
            format!("{server} took nothing more of the request for {}.", seconds(idle)),
            "Check that the server accepts bodies of this size; it may also be overloaded.",
        )
    }

    /// The caller stopped sending the request's body.
    pub(super) fn upload_paused(idle: Duration) -> Self {
        Self::new(
            Stage::Request,
            format!("Nothing more of the request's body came for {}.", seconds(idle)),
            "Send the request again, without long pauses.",
        )
    }

    /// More than a limit allows. `part` is the contents or the headers, `limit` in bytes.
    pub(super) fn too_large(part: &str, server: &str, limit: usize) -> Self {
        Self::new(
            Stage::Response,
            format!("The {part} of the answer of {server} are larger than {}.", size(limit)),
            "Check that the address is the right one; a page or a file may stand there instead.",
        )
    }

    /// The time was over before there was a connection.
    pub(super) fn slow_connection(server: &str, limit: Duration) -> Self {
        Self::new(Stage::TimeOut, format!("No connection to {server} within {}.", seconds(limit)), UNREACHABLE)
    }

    /// The time was over before the name was looked up.
    pub(super) fn slow_lookup(name: &str, limit: Duration) -> Self {
        Self::new(
            Stage::TimeOut,
            format!("The name “{name}” was not looked up within {}.", seconds(limit)),
            "Check that this machine reaches its name servers.",
        )
    }

    /// The time was over in the middle of the TLS handshake.
    pub(super) fn slow_handshake(server: &str, limit: Duration) -> Self {
        Self::new(
            Stage::TimeOut,
            format!("{server} did not finish the TLS handshake within {}.", seconds(limit)),
            "Check the port, and that the server speaks TLS there; it may also be overloaded.",
        )
    }
}

impl fmt::Display for SendError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for SendError {}

impl From<TransportProblem> for SendError {
    fn from(problem: TransportProblem) -> Self {
        Self::new(Stage::Tls, format!("{problem}."), "Enter the certificates of this connector again.")
    }
}

/// Begins with a capital letter where a sentence begins with the proxy; a host stays as it is.
fn capitalized(message: String) -> String {
    match message.strip_prefix("the proxy ") {
        Some(rest) => format!("The proxy {rest}"),
        None => message,
    }
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
