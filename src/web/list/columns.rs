//! The columns that a list can be ordered by.

use chrono::{DateTime, Utc};
use uuid::Uuid;

use crate::db::keyset::{Cursor, Kind};

/// A row of a list.
pub trait Row: Sized + 'static {
    /// The noun for one and for many rows.
    const NOUN: [&'static str; 2];
    /// The columns that the list can be ordered by; the first is the default.
    const COLUMNS: &'static [Column<Self>];

    fn id(&self) -> Uuid;
}

/// A column that a list can be ordered by.
pub struct Column<R> {
    /// The word in the address.
    pub code: &'static str,
    /// The heading.
    pub label: &'static str,
    /// The expression that SQL orders by.
    pub sql: &'static str,
    /// What the ascending and the descending order are called.
    pub(super) orders: [&'static str; 2],
    value: Value<R>,
}

/// How a row's value in the column is read, as PostgreSQL compares it.
enum Value<R> {
    Text(fn(&R) -> &str),
    Number(fn(&R) -> i64),
    Time(fn(&R) -> DateTime<Utc>),
}

impl<R: Row> Column<R> {
    pub const fn text(code: &'static str, label: &'static str, sql: &'static str, value: fn(&R) -> &str) -> Column<R> {
        Column { code, label, sql, orders: ["A to Z", "Z to A"], value: Value::Text(value) }
    }

    pub const fn number(code: &'static str, label: &'static str, sql: &'static str, value: fn(&R) -> i64) -> Column<R> {
        Column { code, label, sql, orders: ["fewest first", "most first"], value: Value::Number(value) }
    }

    pub const fn time(
        code: &'static str,
        label: &'static str,
        sql: &'static str,
        value: fn(&R) -> DateTime<Utc>,
    ) -> Column<R> {
        Column { code, label, sql, orders: ["oldest first", "newest first"], value: Value::Time(value) }
    }

    /// The same with other words for the ascending and the descending order.
    pub const fn called(self, orders: [&'static str; 2]) -> Column<R> {
        Column { orders, ..self }
    }

    pub fn kind(&self) -> Kind {
        match self.value {
            Value::Text(_) => Kind::Text,
            Value::Number(_) => Kind::Number,
            Value::Time(_) => Kind::Time,
        }
    }

    /// Where a row stands in the order of this column.
    pub fn cursor(&self, row: &R) -> Cursor {
        let value = match self.value {
            Value::Text(value) => value(row).to_string(),
            Value::Number(value) => value(row).to_string(),
            Value::Time(value) => value(row).to_rfc3339(),
        };
        Cursor { value, id: row.id() }
    }
}
