//! Reading stored values of which only some are known: the words of enumerations, addresses, settings in a syntax of
//! their own.
//!
//! Rule: what cannot be read is an error that names table, column and row, and never a default: an unknown
//! authorization method that counted as none would send calls without a credential. Danger: the value itself in a
//! message; it may be secret.

use std::fmt::Display;

use diesel::QueryResult;
use diesel::result::Error as DbError;

/// A stored value that cannot be read.
#[derive(Clone, Debug, thiserror::Error)]
#[error("{column} has a value that cannot be read, in the row {row}")]
pub struct StoredValueError {
    /// Table and column, such as `connectors.method`.
    column: &'static str,
    row: String,
}

impl StoredValueError {
    pub fn new(column: &'static str, row: impl Display) -> StoredValueError {
        let row = row.to_string();
        StoredValueError { column, row }
    }

    /// Writes it into the program's log, for a page that shows the row as one that cannot be read.
    pub fn log(&self) {
        tracing::error!(cause = %self, "a stored value cannot be read");
    }
}

/// What a stored value was read as; `None` is an error. `column` is table and column, such as `connectors.base_url`.
pub fn known<T>(column: &'static str, row: impl Display, read: Option<T>) -> Result<T, StoredValueError> {
    read.ok_or_else(|| StoredValueError::new(column, row))
}

/// Whether every one of these columns of a row can be read.
pub fn all_known(row: impl Display, columns: &[(&'static str, bool)]) -> Result<(), StoredValueError> {
    match columns.iter().find(|(_, can_be_read)| !can_be_read) {
        Some((column, _)) => Err(StoredValueError::new(column, row)),
        None => Ok(()),
    }
}

/// Names the row in the error of a query whose columns could not be read.
pub fn in_row<T>(row: impl Display, loaded: QueryResult<T>) -> QueryResult<T> {
    loaded.map_err(|error| match error {
        DbError::DeserializationError(cause) => {
            DbError::DeserializationError(format!("{cause}, in the row {row}").into())
        }
        other => other,
    })
}

/// Lets rows carry a type that has `fn parse(&str) -> Option<Self>` in place of the text of this column.
macro_rules! text_column {
    ($kind:ty, $column:literal) => {
        impl diesel::deserialize::FromSql<diesel::sql_types::Text, diesel::pg::Pg> for $kind {
            fn from_sql(bytes: diesel::pg::PgValue<'_>) -> diesel::deserialize::Result<Self> {
                let code = std::str::from_utf8(bytes.as_bytes())?;
                <$kind>::parse(code).ok_or_else(|| concat!($column, " has a value that cannot be read").into())
            }
        }
    };
}
pub(crate) use text_column;
