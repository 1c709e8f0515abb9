//! What can come of saving: refusals that the form shows, and faults that have their own page.

use diesel::result::{DatabaseErrorKind, Error as DbError};

use super::Error;
use crate::db::version::VersionError;

/// Why a save did not happen.
#[derive(Debug)]
pub enum SaveError {
    /// Another row has this name: a unique constraint ending in `name_key` said so.
    NameTaken,
    /// The same form was sent before, and its row is there: the primary key said so.
    Repeated,
    /// Somebody else saved first.
    Stale,
    /// The row is still referred to.
    InUse,
    Fault(Error),
}

impl From<Error> for SaveError {
    fn from(error: Error) -> SaveError {
        SaveError::Fault(error)
    }
}

impl From<VersionError> for SaveError {
    fn from(error: VersionError) -> SaveError {
        match error {
            VersionError::Stale => SaveError::Stale,
            VersionError::Database(error) => error.into(),
        }
    }
}

impl From<DbError> for SaveError {
    fn from(error: DbError) -> SaveError {
        let constraint = match &error {
            DbError::DatabaseError(DatabaseErrorKind::UniqueViolation, info) => {
                info.constraint_name().unwrap_or_default()
            }
            _ => "",
        };
        match &error {
            _ if constraint.ends_with("name_key") => SaveError::NameTaken,
            _ if constraint.ends_with("_pkey") => SaveError::Repeated,
            DbError::DatabaseError(DatabaseErrorKind::ForeignKeyViolation, _) => SaveError::InUse,
            _ => SaveError::Fault(error.into()),
        }
    }
}
