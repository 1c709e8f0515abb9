//! The answers that bring no token, each with its page: what happened, in words, and the way on.

use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use askama::Template;

use crate::access::RequestContext;
use crate::authorization::tab::Stored;
use crate::connectors::{ConnectorHead, Tab};
use crate::oauth::Refusal;
use crate::web::{Error, Layout, page};

/// Why the answer brings no token.
pub(super) enum Problem {
    /// The address has no answer in it.
    Nothing,
    /// No attempt has this state.
    Unknown,
    /// Another session began it.
    Foreign,
    /// It was taken before.
    Repeated,
    /// Its ten minutes are over.
    Expired,
    /// The method is switched off here since it began.
    SwitchedOff,
    /// The settings were saved since it began.
    Changed,
    /// It names another issuer than the settings do, or none (RFC 9207).
    Issuer,
    /// The server, or the person there, said no.
    Denied { code: String, description: Option<String> },
    /// The server gave no token for the code.
    Refused(Refusal),
}

impl Problem {
    /// The server's own refusals are results; the others are answers that this site does not take.
    fn status(&self) -> StatusCode {
        match self {
            Problem::Denied { .. } | Problem::Refused(_) => StatusCode::OK,
            _ => StatusCode::BAD_REQUEST,
        }
    }

    /// The same answer may have brought a token before.
    fn may_have_worked(&self) -> bool {
        matches!(self, Problem::Repeated)
    }

    fn title(&self) -> &'static str {
        match self {
            Problem::Nothing => "There is no answer in this address",
            Problem::Unknown => "This answer belongs to no attempt",
            Problem::Foreign => "This answer belongs to another session",
            Problem::Repeated => "This answer was taken already",
            Problem::Expired => "This answer came too late",
            Problem::SwitchedOff => "This method is switched off",
            Problem::Changed => "The settings were changed meanwhile",
            Problem::Issuer => "This answer comes from another server",
            Problem::Denied { code, .. } if code == "access_denied" => "Access was denied",
            Problem::Denied { .. } => "The server refused",
            Problem::Refused(_) => "No access token",
        }
    }

    fn words(&self) -> &'static str {
        match self {
            Problem::Nothing => {
                "It holds neither a code nor an error, or something twice. Or you have signed in since: an answer is not carried through the sign-in page."
            }
            Problem::Unknown => {
                "Its state is none that Connectory has given out for this data connector, so it may be forged. The answer was not used."
            }
            Problem::Foreign => {
                "You have signed in again since you pressed Authorize, or somebody else has pressed it. The answer was not used."
            }
            Problem::Repeated => {
                "Each answer is used once. If you loaded this page again, look at the state of the data connector first: the first time may have worked."
            }
            Problem::Expired => "Ten minutes are allowed between Authorize and the answer. The answer was not used.",
            Problem::SwitchedOff => {
                "Whoever runs Connectory allows it no more. The answer was not used. Choose another method on the Authorization tab."
            }
            Problem::Changed => {
                "Somebody has saved the authorization of this data connector since you pressed Authorize. The answer was not used."
            }
            Problem::Issuer => {
                "The server that answered does not call itself what the field Issuer says. The answer was not used, because it may have been sent here by another server."
            }
            Problem::Denied { code, .. } if code == "access_denied" => {
                "You, or the server, did not agree to give access."
            }
            Problem::Denied { .. } => "The server did not give access.",
            Problem::Refused(_) => "You have agreed, but the server gave no token for the code that it had sent.",
        }
    }
}

#[derive(Template)]
#[template(path = "authorization/callback_problem.html")]
struct ProblemPage {
    layout: Layout,
    head: ConnectorHead,
    problem: Problem,
    /// Whether another attempt can begin.
    can_authorize: bool,
}

/// The page of a problem.
pub(super) fn problem_page(context: RequestContext, stored: &Stored, problem: Problem) -> Result<HttpResponse, Error> {
    let head = ConnectorHead::new(&stored.connector, Tab::Authorization, &context.actor);
    page(
        problem.status(),
        &ProblemPage { layout: context.layout, head, problem, can_authorize: stored.can_authorize() },
    )
}
