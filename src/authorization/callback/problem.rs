//! Why a response of an authorization server brings no token, and the page that says so.

use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use askama::Template;

use crate::access::RequestContext;
use crate::authorization::tab::Stored;
use crate::connectors::{ConnectorHead, Tab};
use crate::oauth::{CallbackError, CallbackFailure, TokenError};
use crate::web::{Error, Layout, page};

pub(super) type Failure = CallbackFailure<AuthorizationError>;

/// Why the response brings no token.
pub(super) enum AuthorizationError {
    Callback(CallbackError),
    /// The method is switched off here since the request began.
    SwitchedOff,
    /// The settings were saved since the request began.
    Changed,
    /// The server gave no token for the code.
    Token(TokenError),
}

impl From<CallbackError> for AuthorizationError {
    fn from(error: CallbackError) -> AuthorizationError {
        AuthorizationError::Callback(error)
    }
}

impl AuthorizationError {
    fn status(&self) -> StatusCode {
        match self {
            AuthorizationError::Callback(error) => error.status(),
            AuthorizationError::Token(_) => StatusCode::OK,
            AuthorizationError::SwitchedOff | AuthorizationError::Changed => StatusCode::BAD_REQUEST,
        }
    }

    /// The same response may have brought a token before.
    fn may_have_worked(&self) -> bool {
        matches!(self, AuthorizationError::Callback(CallbackError::AlreadyUsed))
    }

    fn title(&self) -> &'static str {
        match self {
            AuthorizationError::Callback(error) => error.title(),
            AuthorizationError::SwitchedOff => "This method is switched off",
            AuthorizationError::Changed => "The settings were changed meanwhile",
            AuthorizationError::Token(_) => "No access token",
        }
    }

    fn explanation(&self) -> &'static str {
        match self {
            AuthorizationError::Callback(error) => error.explanation(),
            AuthorizationError::SwitchedOff => {
                "The administrator does not allow it any more. The response was not used. Choose another method on the Authorization tab."
            }
            AuthorizationError::Changed => {
                "The authorization of this data connector was saved since you pressed Authorize. The response was not used."
            }
            AuthorizationError::Token(_) => {
                "You have agreed, but the server gave no token for the code that it had sent."
            }
        }
    }
}

#[derive(Template)]
#[template(path = "authorization/callback_problem.html")]
struct ErrorPage {
    layout: Layout,
    /// None where the state did not find the connector.
    head: Option<ConnectorHead>,
    error: AuthorizationError,
    /// Whether another attempt can begin.
    can_authorize: bool,
}

/// The page of an error.
pub(super) fn error_page(
    context: RequestContext,
    stored: Option<&Stored>,
    error: AuthorizationError,
) -> Result<HttpResponse, Error> {
    let head = stored.map(|stored| ConnectorHead::new(&stored.connector, Tab::Authorization, &context.actor));
    let can_authorize = stored.is_some_and(|stored| stored.sends_back() && stored.can_authorize());
    page(error.status(), &ErrorPage { layout: context.layout, head, error, can_authorize })
}
