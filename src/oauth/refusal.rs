//! Why there is no token.

use std::time::Duration;

use crate::outbound::{Failure, Layer};

/// A token request that brought no token: a result to show, not an error of this program.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// Where it failed.
    pub layer: RefusalLayer,
    /// What happened: a sentence.
    pub message: String,
    /// The server's own account, if it gave one: one line of at most 300 characters without
    /// control characters, in which the password and the client secret are masked.
    pub server_words: Option<String>,
    /// What to try: a sentence.
    pub remedy: String,
    /// The time that the request took.
    pub elapsed: Duration,
}

/// The step at which a token request failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RefusalLayer {
    /// What was typed cannot be sent.
    Request,
    /// The address is not one.
    Url,
    /// The host's name has no address.
    NameLookup,
    /// Connectory does not connect to such addresses.
    Address,
    /// No connection came about, or it broke.
    Connection,
    /// Certificates and encryption.
    Tls,
    /// The time was over.
    TimeOut,
    /// The server answered with this status, which is no success.
    HttpStatus(u16),
    /// The answer holds no usable token.
    Answer,
}

impl Refusal {
    pub(super) fn with_words(mut self, words: Option<String>) -> Self {
        self.server_words = words;
        self
    }

    pub(super) fn with_remedy(mut self, remedy: &str) -> Self {
        remedy.clone_into(&mut self.remedy);
        self
    }
}

impl From<Failure> for Refusal {
    fn from(failure: Failure) -> Self {
        Self {
            layer: failure.layer.into(),
            message: failure.message,
            server_words: None,
            remedy: failure.remedy,
            elapsed: failure.elapsed,
        }
    }
}

impl From<Layer> for RefusalLayer {
    fn from(layer: Layer) -> Self {
        match layer {
            Layer::Request => Self::Request,
            Layer::Url => Self::Url,
            Layer::NameLookup => Self::NameLookup,
            Layer::AddressRefused => Self::Address,
            Layer::Connection => Self::Connection,
            Layer::Tls => Self::Tls,
            Layer::TimeOut => Self::TimeOut,
            Layer::Answer => Self::Answer,
        }
    }
}
