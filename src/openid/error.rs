//! Sign-ins that do not come about, and the page of each: what happened and what to do next.
//!
//! Rule: the page says what helps its reader; what would help an attacker is in the log only.

use actix_web::http::StatusCode;
use actix_web::{HttpRequest, HttpResponse};
use askama::Template;

use super::id_token::IdTokenError;
use super::provider::{Provider, ProviderError};
use crate::access::client_address;
use crate::oauth::{CallbackError, CallbackFailure, TokenError};
use crate::web::{Error, Layout, page};

/// Why a sign-in through the provider does not come about.
pub(super) enum SignInError {
    Callback(CallbackError),
    /// The provider gave no token for the code.
    Refused(Box<TokenError>),
    Unavailable(ProviderError),
    /// The ID token is not to be believed.
    IdToken(IdTokenError),
    /// The person is in none of the groups that may come in.
    NotAllowed,
    /// There is no account, and none is made.
    NoAccount,
    /// What the provider calls the person cannot be a user name.
    NoUsername(String),
    /// An account that is not theirs has their user name.
    UsernameTaken(String),
    Deactivated,
    /// The provider did not ask the person to sign in once more.
    LoginNotForced,
    /// The account that was to be connected, or the person there, is connected otherwise.
    ConnectedOtherwise,
}

/// A fault, or a sign-in that does not come about.
pub(super) type SignInFailure = CallbackFailure<SignInError>;

impl From<SignInError> for SignInFailure {
    fn from(error: SignInError) -> SignInFailure {
        SignInFailure::Refused(error)
    }
}

impl From<ProviderError> for SignInFailure {
    fn from(error: ProviderError) -> SignInFailure {
        SignInFailure::Refused(SignInError::Unavailable(error))
    }
}

impl From<CallbackError> for SignInError {
    fn from(error: CallbackError) -> SignInError {
        SignInError::Callback(error)
    }
}

impl From<IdTokenError> for SignInError {
    fn from(problem: IdTokenError) -> SignInError {
        SignInError::IdToken(problem)
    }
}

impl SignInError {
    /// Refusals by another server are results, people who may not come in are forbidden, the rest are bad responses.
    fn status(&self) -> StatusCode {
        match self {
            SignInError::Callback(error) => error.status(),
            SignInError::Refused(_) | SignInError::Unavailable(_) => StatusCode::OK,
            SignInError::NotAllowed | SignInError::NoAccount | SignInError::Deactivated => StatusCode::FORBIDDEN,
            SignInError::UsernameTaken(_) | SignInError::ConnectedOtherwise => StatusCode::CONFLICT,
            _ => StatusCode::BAD_REQUEST,
        }
    }

    /// A short code for logs.
    fn code(&self) -> &'static str {
        self.texts().0
    }

    /// What a log adds: never a code, a token or what the browser brought.
    fn detail(&self) -> String {
        match self {
            SignInError::IdToken(problem) => problem.to_string(),
            SignInError::Unavailable(ProviderError(words)) => words.clone(),
            SignInError::Refused(refusal) => refusal.message.clone(),
            SignInError::UsernameTaken(username) => username.clone(),
            _ => String::new(),
        }
    }

    /// Whether trying once more can help.
    fn can_retry(&self) -> bool {
        !matches!(
            self,
            SignInError::NotAllowed
                | SignInError::NoAccount
                | SignInError::NoUsername(_)
                | SignInError::UsernameTaken(_)
                | SignInError::Deactivated
                | SignInError::ConnectedOtherwise
        )
    }

    /// What happened, for the page and for the audit log.
    pub fn title(&self) -> &'static str {
        self.texts().1
    }

    fn explanation(&self) -> &'static str {
        self.texts().2
    }

    /// Code, title and explanation.
    fn texts(&self) -> (&'static str, &'static str, &'static str) {
        match self {
            SignInError::Callback(error) => (error.code(), error.title(), error.explanation()),
            SignInError::Refused(_) => (
                "code-refused",
                "The provider refused",
                "You have signed in there, but it did not tell Connectory who you are. An administrator finds the reason in the log.",
            ),
            SignInError::Unavailable(_) => (
                "unavailable",
                "The provider cannot be reached",
                "This usually passes. If you have a password for Connectory, you can sign in with it meanwhile.",
            ),
            SignInError::IdToken(IdTokenError::Clock) => (
                "clock",
                "The clocks do not agree",
                "By the provider’s response it is another time than by Connectory’s clock, so it was not used. Tell an administrator: one of the two servers has a wrong clock.",
            ),
            SignInError::IdToken(_) => (
                "id-token",
                "The provider’s answer cannot be believed",
                "It was not used. If it happens again, tell an administrator, who finds the reason in the log.",
            ),
            SignInError::NotAllowed => (
                "not-allowed",
                "You may not use Connectory",
                "You are in none of the groups whose members may. Ask an administrator if you need it.",
            ),
            SignInError::NoAccount => (
                "no-account",
                "You have no account here",
                "Connectory makes none by itself. Ask an administrator for one. If you have a user name and a password here, sign in with them and connect the two accounts on your profile.",
            ),
            SignInError::NoUsername(_) => (
                "no-username",
                "Your user name cannot be used here",
                "A user name has at most 100 letters, numbers, full stops, underscores, hyphens, @ and +. Ask an administrator: the setting CONNECTORY_OIDC_USERNAME_CLAIM says where it is taken from.",
            ),
            SignInError::UsernameTaken(_) => (
                "username-taken",
                "Your user name belongs to another account",
                "An account cannot be entered by its name. If the account is yours, sign in with its password and connect the two on your profile. If it is not, ask an administrator.",
            ),
            SignInError::Deactivated => {
                ("deactivated", "Your account is deactivated", "Ask an administrator if you need it again.")
            }
            SignInError::LoginNotForced => (
                "login-not-forced",
                "The provider did not ask who you are",
                "It was asked to let you sign in once more and took an earlier sign-in for it. Sign out there and try again.",
            ),
            SignInError::ConnectedOtherwise => (
                "connected-otherwise",
                "This is another account",
                "Your account here, or the one that you have signed in to there, is connected with another one. Nothing was changed.",
            ),
        }
    }
}

#[derive(Template)]
#[template(path = "openid/problem.html")]
struct ErrorPage {
    layout: Layout,
    name: String,
    error: SignInError,
}

/// The page of an error, which is logged here, once.
pub(super) fn error_page(
    req: &HttpRequest,
    layout: Layout,
    provider: &Provider,
    error: SignInError,
) -> Result<HttpResponse, Error> {
    tracing::warn!(
        address = client_address(req),
        problem = error.code(),
        detail = error.detail(),
        "sign-in by the provider refused"
    );
    page(error.status(), &ErrorPage { name: provider.settings.name.clone(), layout, error })
}
