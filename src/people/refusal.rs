//! Why a change to people is refused, and the errors of such changes.

use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use diesel::result::{DatabaseErrorKind, Error as DbError};

use crate::access::RequestContext;
use crate::web::{Confirmation, Error, NotPossible};

/// Why something cannot be done.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum Refusal {
    #[error(
        "This is the last active super admin. Make another user a super admin first, so that Connectory can be administered."
    )]
    LastSuperAdmin,
    #[error(
        "No other active super admin has a password. Give another super admin a password first, so that Connectory can be administered while the sign-in provider is down."
    )]
    LastLocalSuperAdmin,
    #[error(
        "This is your own account. Ask another person who manages users to do it, so that you do not lock yourself out."
    )]
    Yourself,
    #[error("This user is deactivated. Only an active user can be a super admin: reactivate the user first.")]
    Deactivated,
    #[error("This user is deactivated and cannot sign in, with or without a password: reactivate the user first.")]
    NoLink,
    #[error(
        "This is your own password. Ask another person who manages users for a link, or set it on the server with “connectory user reset-password”."
    )]
    OwnPassword,
}

impl Refusal {
    /// The question of a confirmation page, answered with this.
    pub fn put_into(self, question: Confirmation, subject: &str) -> Confirmation {
        let not_possible = NotPossible {
            heading: format!("{}: not possible for “{subject}”", question.step),
            sentences: vec![self.to_string().into()],
            back: format!("Back to “{subject}”"),
        };
        Confirmation { not_possible: Some(not_possible), ..question }
    }
}

/// Why a change was not made.
#[derive(Debug)]
pub(super) enum ChangeError {
    Refused(Refusal),
    Fault(Error),
}

impl From<Refusal> for ChangeError {
    fn from(refusal: Refusal) -> ChangeError {
        ChangeError::Refused(refusal)
    }
}

impl From<Error> for ChangeError {
    fn from(error: Error) -> ChangeError {
        ChangeError::Fault(error)
    }
}

impl From<DbError> for ChangeError {
    fn from(error: DbError) -> ChangeError {
        let constraint = match &error {
            DbError::DatabaseError(DatabaseErrorKind::CheckViolation, info) => info.constraint_name(),
            _ => None,
        };
        match constraint {
            Some("users_super_admin_check") => ChangeError::Refused(Refusal::LastSuperAdmin),
            Some("users_local_super_admin_check") => ChangeError::Refused(Refusal::LastLocalSuperAdmin),
            _ => ChangeError::Fault(error.into()),
        }
    }
}

/// Answers a change: with its outcome on the page at `to`, or with the question again and why it cannot be done.
pub(super) fn answer(
    context: RequestContext,
    changed: Result<(), ChangeError>,
    (to, outcome): (&str, &str),
    (question, subject): (Confirmation, &str),
) -> Result<HttpResponse, Error> {
    match changed {
        Ok(()) => Ok(context.see_other(to, outcome)),
        Err(ChangeError::Refused(refusal)) => {
            refusal.put_into(question, subject).respond(context.layout, StatusCode::CONFLICT)
        }
        Err(ChangeError::Fault(fault)) => Err(fault),
    }
}
