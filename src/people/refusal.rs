//! Why a change to people is refused, in words; and how it is told from a fault.

use diesel::result::{DatabaseErrorKind, Error as DbError};

use crate::web::Error;

/// Why something cannot be done.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum Refusal {
    #[error(
        "This is the last active super admin. Somebody must be able to do everything, so make another user a super admin first."
    )]
    LastSuperAdmin,
    #[error(
        "No other active super admin has a password. Somebody must be able to do everything while the sign-in provider is down, so give another super admin a password first."
    )]
    LastLocalSuperAdmin,
    #[error(
        "This is your own account. Nobody locks themselves out here: ask somebody else who manages users to do it."
    )]
    Yourself,
    #[error("This user is deactivated. Only an active user can be a super admin: reactivate the user first.")]
    Deactivated,
    #[error("This user is deactivated and cannot sign in, with or without a password: reactivate the user first.")]
    NoLink,
    #[error(
        "This is your own password. Ask somebody else who manages users for a link, or set it on the server with “connectory user reset-password”."
    )]
    OwnPassword,
}

/// What can come of a change.
#[derive(Debug)]
pub(super) enum ChangeError {
    Refused(Refusal),
    Fault(Error),
}

impl From<Error> for ChangeError {
    fn from(error: Error) -> ChangeError {
        ChangeError::Fault(error)
    }
}

impl From<DbError> for ChangeError {
    fn from(error: DbError) -> ChangeError {
        match &error {
            DbError::DatabaseError(DatabaseErrorKind::CheckViolation, info)
                if info.constraint_name() == Some("users_super_admin_check") =>
            {
                ChangeError::Refused(Refusal::LastSuperAdmin)
            }
            DbError::DatabaseError(DatabaseErrorKind::CheckViolation, info)
                if info.constraint_name() == Some("users_local_super_admin_check") =>
            {
                ChangeError::Refused(Refusal::LastLocalSuperAdmin)
            }
            _ => ChangeError::Fault(error.into()),
        }
    }
}
