//! Columns of text of which only some values are known: codes of enums, addresses, settings in a syntax of their own.
//!
//! Rule: a value that cannot be read is an error that names table, column and row, and never a default: an unknown
//! authorization method that counted as none would send calls without a credential. Danger: the value itself in a
//! message; it may be secret.

use std::fmt::{self, Display};
use std::ops::RangeInclusive;
use std::str::FromStr;

use diesel::QueryResult;
use diesel::deserialize::{FromSql, FromSqlRow, Result as FromSqlResult};
use diesel::expression::AsExpression;
use diesel::pg::{Pg, PgValue};
use diesel::result::{DeserializeFieldError, Error as DbError};
use diesel::serialize::{IsNull, Output, Result as ToSqlResult, ToSql};
use diesel::sql_types::{Int4, Jsonb, Text};
use serde::de::{DeserializeOwned, Error as _};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::Value;

/// A stored value that cannot be read.
#[derive(Clone, Debug, thiserror::Error)]
#[error("{column} has a value that cannot be read, in the row {row}")]
pub struct StoredValueError {
    /// Table and column, such as `connectors.method`.
    column: String,
    row: String,
}

impl StoredValueError {
    pub fn new(column: impl Display, row: impl Display) -> StoredValueError {
        StoredValueError { column: column.to_string(), row: row.to_string() }
    }

    /// Writes it into the program's log, for a page that shows the row as one that cannot be read.
    pub fn log(&self) {
        tracing::error!(cause = %self, "a stored value cannot be read");
    }
}

/// A text is none of the codes of a `text_enum!`, or an empty one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("is not a known value")]
pub struct UnknownCode;

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

/// Names table, column and row in the error of a query whose typed columns could not be read. `tables` has the table of
/// the columns, and each column of another table with its own, as in `["authorizations", "connectors.method"]`.
pub fn in_row<T>(tables: &[&'static str], row: impl Display, loaded: QueryResult<T>) -> QueryResult<T> {
    loaded.map_err(|error| match error {
        DbError::DeserializationError(cause) => match unreadable(tables, row, cause.downcast_ref()) {
            Some(error) => DbError::DeserializationError(error.into()),
            None => DbError::DeserializationError(cause),
        },
        other => other,
    })
}

fn unreadable(
    tables: &[&'static str],
    row: impl Display,
    cause: Option<&DeserializeFieldError>,
) -> Option<StoredValueError> {
    let column = cause?.field_name.as_ref()?;
    let named = tables.iter().find(|table| table.split_once('.').is_some_and(|(_, name)| name == column));
    let column = named.map_or_else(|| format!("{}.{column}", tables.first().unwrap_or(&"")), ToString::to_string);
    Some(StoredValueError::new(column, row))
}

/// A column that is loaded whether or not its value can be read, for rows that are loaded by the names of columns: the
/// errors of their columns name none.
#[derive(Clone, Copy, Debug, FromSqlRow)]
pub struct Stored<T>(Option<T>);

impl<T: FromSql<S, Pg>, S> FromSql<S, Pg> for Stored<T> {
    fn from_sql(value: PgValue<'_>) -> FromSqlResult<Self> {
        Ok(Stored(T::from_sql(value).ok()))
    }
}

impl<T> Stored<T> {
    /// The value. `column` is table and column.
    pub fn known(self, column: &'static str, row: impl Display) -> Result<T, StoredValueError> {
        self.0.ok_or_else(|| StoredValueError::new(column, row))
    }
}

/// A value with the text that it was read from, which forms show again and the database stores.
#[derive(Clone, Debug, Default, AsExpression, FromSqlRow)]
#[diesel(sql_type = Text)]
pub struct Typed<T> {
    text: String,
    pub value: T,
}

impl<T> Typed<T> {
    pub fn text(&self) -> &str {
        &self.text
    }
}

impl<T> PartialEq for Typed<T> {
    fn eq(&self, other: &Self) -> bool {
        self.text == other.text
    }
}

impl<T: FromStr> FromStr for Typed<T> {
    type Err = T::Err;

    fn from_str(text: &str) -> Result<Self, T::Err> {
        Ok(Typed { value: text.parse()?, text: text.into() })
    }
}

/// In a column of JSON it is its text.
impl<T> Serialize for Typed<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.text)
    }
}

impl<'de, T: FromStr> Deserialize<'de> for Typed<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        text.parse().map_err(|_| D::Error::custom("a stored text cannot be read"))
    }
}

impl<T: FromStr> FromSql<Text, Pg> for Typed<T> {
    fn from_sql(value: PgValue<'_>) -> FromSqlResult<Self> {
        read(value, |text| text.parse().ok())
    }
}

impl<T: fmt::Debug> ToSql<Text, Pg> for Typed<T> {
    fn to_sql<'b>(&'b self, out: &mut Output<'b, '_, Pg>) -> ToSqlResult {
        write(&self.text, out)
    }
}

/// A column whose empty text stands for no value.
#[derive(Clone, Debug, PartialEq, Eq, AsExpression, FromSqlRow)]
#[diesel(sql_type = Text)]
pub struct OrEmpty<T>(pub Option<T>);

impl<T> Default for OrEmpty<T> {
    fn default() -> Self {
        OrEmpty(None)
    }
}

impl<T: FromSql<Text, Pg>> FromSql<Text, Pg> for OrEmpty<T> {
    fn from_sql(value: PgValue<'_>) -> FromSqlResult<Self> {
        if value.as_bytes().is_empty() { Ok(OrEmpty(None)) } else { Ok(OrEmpty(Some(T::from_sql(value)?))) }
    }
}

impl<T: ToSql<Text, Pg>> ToSql<Text, Pg> for OrEmpty<T> {
    fn to_sql<'b>(&'b self, out: &mut Output<'b, '_, Pg>) -> ToSqlResult {
        match &self.0 {
            Some(value) => value.to_sql(out),
            None => Ok(IsNull::No),
        }
    }
}

impl<T> OrEmpty<T> {
    pub fn as_ref(&self) -> Option<&T> {
        self.0.as_ref()
    }
}

/// A column of JSON. A type with `deny_unknown_fields` refuses what a later version may have stored.
#[derive(Clone, Debug, Default, PartialEq, AsExpression, FromSqlRow)]
#[diesel(sql_type = Jsonb)]
pub struct Json<T>(pub T);

impl<T: DeserializeOwned> FromSql<Jsonb, Pg> for Json<T> {
    fn from_sql(value: PgValue<'_>) -> FromSqlResult<Self> {
        let value = <Value as FromSql<Jsonb, Pg>>::from_sql(value)?;
        Ok(Json(serde_json::from_value(value)?))
    }
}

impl<T: Serialize + fmt::Debug> ToSql<Jsonb, Pg> for Json<T> {
    fn to_sql<'b>(&'b self, out: &mut Output<'b, '_, Pg>) -> ToSqlResult {
        let value = serde_json::to_value(&self.0)?;
        <Value as ToSql<Jsonb, Pg>>::to_sql(&value, &mut out.reborrow())
    }
}

/// A column of a number of at least 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq, AsExpression, FromSqlRow)]
#[diesel(sql_type = Int4)]
pub struct Positive(i32);

impl Positive {
    /// The number if it is one of these.
    pub fn parse(text: &str, numbers: RangeInclusive<i32>) -> Option<Positive> {
        let number = text.parse().ok().filter(|number| numbers.contains(number) && *number > 0);
        number.map(Positive)
    }

    pub fn get(self) -> u32 {
        self.0.unsigned_abs()
    }
}

impl Display for Positive {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl FromSql<Int4, Pg> for Positive {
    fn from_sql(value: PgValue<'_>) -> FromSqlResult<Self> {
        let number = i32::from_sql(value)?;
        if number > 0 { Ok(Positive(number)) } else { Err("a stored number is not positive".into()) }
    }
}

impl ToSql<Int4, Pg> for Positive {
    fn to_sql<'b>(&'b self, out: &mut Output<'b, '_, Pg>) -> ToSqlResult {
        ToSql::<Int4, Pg>::to_sql(&self.0, out)
    }
}

/// Reads the text of a column; for `text_column!`.
pub fn read<T>(value: PgValue<'_>, parse: impl FnOnce(&str) -> Option<T>) -> FromSqlResult<T> {
    let text = std::str::from_utf8(value.as_bytes())?;
    parse(text).ok_or_else(|| "a stored value cannot be read".into())
}

/// Writes the text of a column; for `text_column!`.
pub fn write(text: &str, out: &mut Output<'_, '_, Pg>) -> ToSqlResult {
    std::io::Write::write_all(out, text.as_bytes())?;
    Ok(IsNull::No)
}

/// Lets rows carry a type in place of its text, which `$parse` reads (`None` if it cannot) and `$text` gives. The type
/// derives `AsExpression` and `FromSqlRow` with `#[diesel(sql_type = diesel::sql_types::Text)]`.
macro_rules! text_column {
    ($kind:ty, $parse:expr, $text:expr) => {
        impl diesel::deserialize::FromSql<diesel::sql_types::Text, diesel::pg::Pg> for $kind {
            fn from_sql(value: diesel::pg::PgValue<'_>) -> diesel::deserialize::Result<Self> {
                $crate::db::read_column(value, $parse)
            }
        }

        impl diesel::serialize::ToSql<diesel::sql_types::Text, diesel::pg::Pg> for $kind {
            fn to_sql<'b>(
                &'b self,
                out: &mut diesel::serialize::Output<'b, '_, diesel::pg::Pg>,
            ) -> diesel::serialize::Result {
                let text: &str = $text(self);
                $crate::db::write_column(text, out)
            }
        }
    };
}
pub(crate) use text_column;

/// Declares an enum that database, forms and addresses know by a code, and people by a label: `ALL` in the order of the
/// declaration, `code`, `label`, `parse`, `FromStr`, and columns of text.
macro_rules! text_enum {
    ($(#[$about:meta])* $seen:vis enum $kind:ident {
        $($(#[$says:meta])* $variant:ident = $code:literal, $label:literal;)+
    }) => {
        $(#[$about])*
        #[derive(Clone, Copy, PartialEq, Eq, Debug)]
        #[derive(diesel::expression::AsExpression, diesel::deserialize::FromSqlRow)]
        #[diesel(sql_type = diesel::sql_types::Text)]
        $seen enum $kind { $($(#[$says])* $variant),+ }

        $crate::db::text_codes!($kind { $($variant = $code, $label;)+ });
    };
}
pub(crate) use text_enum;

/// The same for an enum that is declared already, whose variants may hold others.
macro_rules! text_codes {
    ($kind:ident { $($variant:ident $(($inner:path))? = $code:literal, $label:literal;)+ }) => {
        impl $kind {
            pub const ALL: [$kind; [$($code),+].len()] = [$($kind::$variant $(($inner))?),+];

            pub fn code(self) -> &'static str {
                match self { $($kind::$variant $(($inner))? => $code),+ }
            }

            pub fn label(self) -> &'static str {
                match self { $($kind::$variant $(($inner))? => $label),+ }
            }

            pub fn parse(code: &str) -> Option<$kind> {
                $kind::ALL.into_iter().find(|known| known.code() == code)
            }
        }

        impl std::str::FromStr for $kind {
            type Err = $crate::db::UnknownCode;

            fn from_str(code: &str) -> Result<$kind, $crate::db::UnknownCode> {
                $kind::parse(code).ok_or($crate::db::UnknownCode)
            }
        }

        $crate::db::text_column!($kind, $kind::parse, |value: &$kind| value.code());
    };
}
pub(crate) use text_codes;

#[cfg(test)]
mod tests {
    use super::*;

    text_enum! {
        /// An example.
        enum Colour {
            Red = "red", "Red";
            Green = "green", "Green as grass";
        }
    }

    #[test]
    fn an_enum_reads_its_codes_and_no_other() {
        assert_eq!(Colour::ALL.map(Colour::code), ["red", "green"]);
        assert_eq!(Colour::parse("green").map(Colour::label), Some("Green as grass"));
        for unknown in ["", "Red", "red ", "blue"] {
            assert_eq!(unknown.parse::<Colour>(), Err(UnknownCode));
        }
    }

    #[test]
    fn an_error_names_table_column_and_row_and_not_the_value() {
        let shown = StoredValueError::new("connectors.method", 7).to_string();
        assert_eq!(shown, "connectors.method has a value that cannot be read, in the row 7");
    }
}
