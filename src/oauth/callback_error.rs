//! Why a browser that came back from an authorization server brings neither code nor token, in words.

use actix_web::http::StatusCode;

use crate::db::Unavailable;
use crate::web::Error;

/// Why a response brings neither code nor token.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CallbackError {
    /// The address holds no response, or a parameter twice.
    Empty,
    /// No request has this state.
    UnknownState,
    /// The request began in another browser session.
    OtherSession,
    AlreadyUsed,
    Expired,
    /// It names another issuer than the expected one, or none though that one always does (RFC 9207 2.4).
    OtherIssuer,
    /// It names its issuer, and at a redirect URL that servers share there is none to compare it with.
    NoIssuerSet,
    /// The server, or the person there, said no (RFC 6749 4.1.2.1): its code and description, each one line of at most 300
    /// characters.
    Denied {
        code: String,
        description: Option<String>,
    },
}

impl CallbackError {
    /// A refusal by another server is a result; the others are responses that are not taken.
    pub fn status(&self) -> StatusCode {
        match self {
            Self::Denied { .. } => StatusCode::OK,
            _ => StatusCode::BAD_REQUEST,
        }
    }

    /// A short code for logs.
    pub fn code(&self) -> &'static str {
        self.texts().0
    }

    /// What happened, for the page and the audit log.
    pub fn title(&self) -> &'static str {
        self.texts().1
    }

    /// What it means, for the page.
    pub fn explanation(&self) -> &'static str {
        self.texts().2
    }

    /// Code, title and explanation.
    fn texts(&self) -> (&'static str, &'static str, &'static str) {
        match self {
            Self::Empty => (
                "no-answer",
                "There is no response in this address",
                "It holds neither a code nor an error, or a parameter twice. Or you have signed in since: a response is not carried through the sign-in page.",
            ),
            Self::UnknownState => (
                "unknown-state",
                "This sign-in could not be completed",
                "Connectory did not start it, or it was used already. Nothing was changed.",
            ),
            Self::OtherSession => (
                "foreign-browser",
                "This sign-in began in another session",
                "You have signed in or out since, or another person started it. The response was not used, because it could sign you in as another person.",
            ),
            Self::AlreadyUsed => (
                "repeated",
                "This response was used already",
                "Each response is used once. If you loaded this page again or went back to it, the first time may have worked.",
            ),
            Self::Expired => (
                "expired",
                "This response came too late",
                "Ten minutes are allowed between leaving and coming back. The response was not used.",
            ),
            Self::OtherIssuer => (
                "issuer",
                "This response comes from another server",
                "The server that answered is not the issuer that Connectory expects. The response was not used, because another server may have sent it here.",
            ),
            Self::NoIssuerSet => (
                "no-issuer-set",
                "This response names its issuer, and none is set",
                "Several servers share this redirect URL, so a response that names its issuer is used only for that Issuer. Enter it on the Authorization tab. The response was not used.",
            ),
            Self::Denied { code, .. } if code == "access_denied" => {
                ("denied", "Access was denied", "You, or the server, did not agree to it.")
            }
            Self::Denied { .. } => ("denied", "The server refused", "The server did not give access."),
        }
    }
}

/// Why a browser that came back gets another page than it wanted: a fault of this program, or an error to show.
pub enum CallbackFailure<E> {
    Fault(Error),
    Refused(E),
}

impl<E> From<Error> for CallbackFailure<E> {
    fn from(fault: Error) -> Self {
        Self::Fault(fault)
    }
}

impl<E> From<diesel::result::Error> for CallbackFailure<E> {
    fn from(fault: diesel::result::Error) -> Self {
        Self::Fault(fault.into())
    }
}

impl<E> From<Unavailable> for CallbackFailure<E> {
    fn from(fault: Unavailable) -> Self {
        Self::Fault(fault.into())
    }
}

impl<E: From<CallbackError>> From<CallbackError> for CallbackFailure<E> {
    fn from(error: CallbackError) -> Self {
        Self::Refused(error.into())
    }
}
