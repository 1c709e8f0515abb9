//! Changing a row only as the form that changes it has seen it.
//!
//! Rule: a form is checked against the same state of its row that it is written over. The handler makes a
//! [`SeenVersion`] before it checks anything, and the query that writes locks the row and compares once more, in its
//! own transaction. A statement that only asks for the version that the form names is not enough: the form may name one
//! that the row gets after the check.

use diesel::OptionalExtension;
use diesel::result::Error as DbError;
use diesel_async::RunQueryDsl;
use diesel_async::methods::LoadQuery;

use super::Conn;

/// The version that a form was made from and checked against: the same one.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct SeenVersion(i32);

/// Why a row is not written.
#[derive(Debug)]
pub enum VersionError {
    /// It was changed or deleted since it was read.
    Stale,
    Database(DbError),
}

impl SeenVersion {
    /// `None` if the form was made from another version than the one that it is about to be checked against, be it an
    /// earlier or a later one.
    pub fn compare(of_form: i32, of_row: i32) -> Option<SeenVersion> {
        (of_form == of_row).then_some(SeenVersion(of_row))
    }

    /// Compares with the version of a row that the caller has locked.
    pub fn check(self, locked: i32) -> Result<(), VersionError> {
        if self.0 == locked { Ok(()) } else { Err(VersionError::Stale) }
    }

    /// Locks a row until the transaction ends, and compares. `row` selects its version with a locking clause.
    pub async fn lock<'query, Q>(self, conn: &mut Conn, row: Q) -> Result<(), VersionError>
    where
        Q: LoadQuery<'query, Conn, i32> + Send + 'query,
    {
        let locked = row.get_result::<i32>(conn).await.optional();
        let locked = locked.map_err(VersionError::Database)?;
        self.check(locked.ok_or(VersionError::Stale)?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_one_and_the_same_version_is_written() {
        assert_eq!(SeenVersion::compare(1, 2), None, "a stale form");
        assert_eq!(SeenVersion::compare(3, 2), None, "a forged form");
        let seen = SeenVersion::compare(2, 2).expect("the same version");
        assert!(seen.check(2).is_ok());
        assert!(matches!(seen.check(3), Err(VersionError::Stale)));
    }
}
