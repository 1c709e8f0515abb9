//! Every column that holds sealed values, and which data keys sealed them.
//!
//! Danger: a column that is missing here keeps its old key for ever. A test compares the list with the database.

use std::collections::BTreeMap;

use diesel::prelude::*;
use diesel::sql_types::{BigInt, Integer};
use diesel_async::RunQueryDsl;

use crate::db::Conn;
use crate::web::Error;

/// A column of sealed values; all parts are the program's own words.
pub struct SealedColumn {
    pub table: &'static str,
    pub column: &'static str,
    /// The column with the row's id, as it is part of each value's place.
    pub row: &'static str,
    /// SQL for the name of the column in the value's place.
    pub place: &'static str,
    /// SQL for the texts that the value is bound to.
    pub bound_to: &'static str,
}

pub const SEALED: &[SealedColumn] = &[
    SealedColumn { table: "secrets", column: "sealed", row: "connector_id", place: "field", bound_to: "origins" },
    SealedColumn {
        table: "tokens",
        column: "access_token",
        row: "connector_id",
        place: "'access_token'",
        bound_to: "origins",
    },
    SealedColumn {
        table: "tokens",
        column: "refresh_token",
        row: "connector_id",
        place: "'refresh_token'",
        bound_to: "origins",
    },
    SealedColumn { table: "token_requests", column: "sealed", row: "id", place: "'sealed'", bound_to: "NULL::text[]" },
    SealedColumn {
        table: "authorization_requests",
        column: "sealed",
        row: "id",
        place: "'sealed'",
        bound_to: "NULL::text[]",
    },
    SealedColumn { table: "cookie_keys", column: "sealed", row: "id", place: "'sealed'", bound_to: "NULL::text[]" },
];

/// How many values each data key has sealed, by its number.
pub type Uses = BTreeMap<i32, i64>;

#[derive(QueryableByName)]
struct Use {
    #[diesel(sql_type = Integer)]
    key: i32,
    #[diesel(sql_type = BigInt)]
    values: i64,
}

/// Counts the sealed values by their keys.
pub async fn uses(conn: &Conn) -> Result<Uses, Error> {
    let columns: Vec<String> = SEALED
        .iter()
        .map(|sealed| {
            format!(
                "SELECT {column} AS value FROM {table} WHERE length({column}) > 5",
                column = sealed.column,
                table = sealed.table
            )
        })
        .collect();
    let sql = format!(
        "SELECT key, count(*) AS values FROM (
            SELECT ('x' || encode(substring(value FROM 2 FOR 4), 'hex'))::bit(32)::integer AS key FROM ({}) AS sealed
        ) AS keys GROUP BY key ORDER BY key",
        columns.join(" UNION ALL ")
    );
    let uses: Vec<Use> = diesel::sql_query(sql).load(&mut &*conn).await?;
    Ok(uses.into_iter().map(|row| (row.key, row.values)).collect())
}
