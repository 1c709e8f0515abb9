//! The ways on which nobody comes in, each with its page: what happened, in words, and the way on.
//!
//! Rule: a page says what helps whoever reads it; what would help somebody who tries things out stands in the log.

use actix_web::http::StatusCode;
use actix_web::{HttpRequest, HttpResponse};
use askama::Template;

use super::fetch::Trouble;
use super::id_token::IdTokenProblem;
use super::provider::Provider;
use crate::access::client_address;
use crate::oauth::Refusal;
use crate::web::{Error, Layout, page};

/// Why the way through the provider led nowhere.
pub(super) enum Problem {
    /// The address has no answer in it.
    Nothing,
    /// No attempt has this state.
    Unknown,
    /// Another browser began it.
    Foreign,
    /// It was taken before.
    Repeated,
    /// Its ten minutes are over.
    Expired,
    /// It names another issuer than the provider, or none (RFC 9207).
    Issuer,
    /// The provider, or the person there, said no.
    Denied {
        code: String,
        description: Option<String>,
    },
    /// The provider gave no token for the code.
    Refused(Box<Refusal>),
    /// The provider cannot be asked, or answers nonsense.
    Unavailable(Trouble),
    /// Its word is not to be believed.
    Unbelievable(IdTokenProblem),
    /// Its clock and the one here are apart.
    Clock,
    /// The person is in none of the groups that may come in.
    NotAllowed,
    /// There is no account, and none is made.
    NoAccount,
    /// What the provider calls the person cannot be a user name.
    NoUsername(String),
    /// An account that is not theirs has their user name.
    UsernameTaken(String),
    Deactivated,
    /// It did not ask the person to sign in anew.
    NotAnew,
    /// The account that was to be connected, or the person there, is connected otherwise.
    ConnectedOtherwise,
}

impl Problem {
    /// Another server's refusals are results; whom the rules keep out is refused; the rest are answers that are not
    /// taken.
    fn status(&self) -> StatusCode {
        match self {
            Problem::Denied { .. } | Problem::Refused(_) | Problem::Unavailable(_) => StatusCode::OK,
            Problem::NotAllowed | Problem::NoAccount | Problem::Deactivated => StatusCode::FORBIDDEN,
            Problem::UsernameTaken(_) | Problem::ConnectedOtherwise => StatusCode::CONFLICT,
            _ => StatusCode::BAD_REQUEST,
        }
    }

    /// One word for logs.
    fn code(&self) -> &'static str {
        match self {
            Problem::Nothing => "no-answer",
            Problem::Unknown => "unknown-state",
            Problem::Foreign => "foreign-browser",
            Problem::Repeated => "repeated",
            Problem::Expired => "expired",
            Problem::Issuer => "issuer",
            Problem::Denied { .. } => "denied",
            Problem::Refused(_) => "code-refused",
            Problem::Unavailable(_) => "unavailable",
            Problem::Unbelievable(_) => "id-token",
            Problem::Clock => "clock",
            Problem::NotAllowed => "not-allowed",
            Problem::NoAccount => "no-account",
            Problem::NoUsername(_) => "no-username",
            Problem::UsernameTaken(_) => "username-taken",
            Problem::Deactivated => "deactivated",
            Problem::NotAnew => "not-anew",
            Problem::ConnectedOtherwise => "connected-otherwise",
        }
    }

    /// What a log adds: never a code, a token or what the browser brought.
    fn detail(&self) -> String {
        match self {
            Problem::Unbelievable(problem) => problem.to_string(),
            Problem::Unavailable(Trouble(words)) => words.clone(),
            Problem::Refused(refusal) => refusal.message.clone(),
            Problem::UsernameTaken(username) => username.clone(),
            _ => String::new(),
        }
    }

    /// Whether trying once more can help.
    fn can_retry(&self) -> bool {
        !matches!(
            self,
            Problem::NotAllowed
                | Problem::NoAccount
                | Problem::NoUsername(_)
                | Problem::UsernameTaken(_)
                | Problem::Deactivated
                | Problem::ConnectedOtherwise
        )
    }

    /// What happened, for the page and for the audit log.
    pub fn title(&self) -> &'static str {
        match self {
            Problem::Nothing => "There is no answer in this address",
            Problem::Unknown => "This answer belongs to no sign-in",
            Problem::Foreign => "This sign-in began in another browser",
            Problem::Repeated => "This answer was taken already",
            Problem::Expired => "This answer came too late",
            Problem::Issuer => "This answer comes from another server",
            Problem::Denied { code, .. } if code == "access_denied" => "The sign-in was cancelled",
            Problem::Denied { .. } | Problem::Refused(_) => "The provider refused",
            Problem::Unavailable(_) => "The provider cannot be reached",
            Problem::Unbelievable(_) => "The provider’s answer cannot be believed",
            Problem::Clock => "The clocks do not agree",
            Problem::NotAllowed => "You may not use Connectory",
            Problem::NoAccount => "You have no account here",
            Problem::NoUsername(_) => "Your user name cannot be used here",
            Problem::UsernameTaken(_) => "Your user name belongs to another account",
            Problem::Deactivated => "Your account is deactivated",
            Problem::NotAnew => "The provider did not ask who you are",
            Problem::ConnectedOtherwise => "This is another account",
        }
    }

    fn words(&self) -> &'static str {
        match self {
            Problem::Nothing => "It holds neither a code nor an error, or something twice.",
            Problem::Unknown => {
                "Its state is none that Connectory has given out, so it may be forged. The answer was not used."
            }
            Problem::Foreign => {
                "You have signed in or out since, or somebody else has begun it. The answer was not used, because it could sign you in as somebody else."
            }
            Problem::Repeated => {
                "Each answer is used once. If you loaded this page again or went back to it, you may be signed in already."
            }
            Problem::Expired => "Ten minutes are allowed between leaving and coming back. The answer was not used.",
            Problem::Issuer => {
                "The server that answered does not call itself what Connectory expects. The answer was not used, because it may have been sent here by another server."
            }
            Problem::Denied { code, .. } if code == "access_denied" => "You, or the provider, did not agree to it.",
            Problem::Denied { .. } => "It did not sign you in.",
            Problem::Refused(_) => {
                "You have signed in there, but it did not tell Connectory who you are. An administrator finds the reason in the log."
            }
            Problem::Unavailable(_) => {
                "This usually passes. Whoever has a password for Connectory can sign in with it meanwhile."
            }
            Problem::Unbelievable(_) => {
                "It was not used. If it happens again, tell an administrator, who finds the reason in the log."
            }
            Problem::Clock => {
                "By the provider’s answer it is another time than by Connectory’s clock, so the answer was not used. Tell an administrator: one of the two servers has a wrong clock."
            }
            Problem::NotAllowed => {
                "You are in none of the groups whose members may. Ask an administrator if you need it."
            }
            Problem::NoAccount => {
                "Connectory makes none by itself. Ask an administrator for one. If you have a user name and a password here, sign in with them and connect the two accounts on your profile."
            }
            Problem::NoUsername(_) => {
                "A user name has at most 100 letters, numbers, full stops, underscores, hyphens, @ and +. Ask an administrator: the setting CONNECTORY_OIDC_USERNAME_CLAIM says where it is taken from."
            }
            Problem::UsernameTaken(_) => {
                "Nobody gets into an account because of its name. If the account is yours, sign in with its password and connect the two on your profile. If it is not, ask an administrator."
            }
            Problem::Deactivated => "Ask an administrator if you need it again.",
            Problem::NotAnew => {
                "It was asked to let you sign in anew and took an earlier sign-in for it. Sign out there and try again."
            }
            Problem::ConnectedOtherwise => {
                "Your account here, or the one that you have signed in to there, is connected with another one. Nothing was changed."
            }
        }
    }
}

#[derive(Template)]
#[template(path = "openid/problem.html")]
struct ProblemPage {
    layout: Layout,
    name: String,
    problem: Problem,
}

/// The page of a problem, which is logged here, once.
pub(super) fn problem_page(
    req: &HttpRequest,
    layout: Layout,
    provider: &Provider,
    problem: Problem,
) -> Result<HttpResponse, Error> {
    tracing::warn!(
        address = client_address(req),
        problem = problem.code(),
        detail = problem.detail(),
        "sign-in by the provider refused"
    );
    page(problem.status(), &ProblemPage { name: provider.settings.name.clone(), layout, problem })
}
