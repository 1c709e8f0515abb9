//! Why a request got no answer, in words for the person who configured it.

use std::time::Duration;

use super::refused::Refused;
use super::transport::TransportProblem;

/// The step at which a request failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Layer {
    /// The request itself cannot be sent, for example for a line break in a header.
    Request,
    /// The address is not one.
    Url,
    /// The host's name has no address.
    NameLookup,
    /// The policy forbids the address.
    AddressRefused,
    /// No connection came about, or it broke.
    Connection,
    /// Certificates and encryption.
    Tls,
    /// The time was over.
    TimeOut,
    /// There was an answer, but none that can be used.
    Answer,
}

/// A request without an answer. It is a result to show, not an error of this program.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    /// Where it failed.
    pub layer: Layer,
    /// What happened: a sentence that names the host and port at most.
    pub message: String,
    /// What to try: a sentence.
    pub remedy: String,
    /// The time from the call to the failure.
    pub elapsed: Duration,
}

/// A failure whose time is not yet known.
#[derive(Clone)]
pub(super) struct Problem {
    pub(super) layer: Layer,
    pub(super) message: String,
    pub(super) remedy: String,
}

impl Problem {
    pub(super) fn new(layer: Layer, message: impl Into<String>, remedy: impl Into<String>) -> Self {
        Self { layer, message: sentence(message.into()), remedy: remedy.into() }
    }

    pub(super) fn after(self, elapsed: Duration) -> Failure {
        Failure { layer: self.layer, message: self.message, remedy: self.remedy, elapsed }
    }
}

/// Begins with a capital letter where a sentence begins with the proxy; a host stays as it is.
fn sentence(message: String) -> String {
    match message.strip_prefix("the proxy ") {
        Some(rest) => format!("The proxy {rest}"),
        None => message,
    }
}

impl From<&Refused> for Problem {
    fn from(refused: &Refused) -> Self {
        Self::new(Layer::AddressRefused, refused.to_string(), refused.remedy())
    }
}

impl From<TransportProblem> for Problem {
    fn from(problem: TransportProblem) -> Self {
        Self::new(Layer::Tls, format!("{problem}."), "Enter the certificates of this connector again.")
    }
}
