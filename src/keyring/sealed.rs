//! Every column that holds sealed values, which data keys sealed them, and sealing them with the newest key.
//!
//! Rule: a value is replaced only if it is still the one that was read, each in a transaction of its own, so that no
//! save waits for more than one row. The secret stays the same, so no row's version changes. Danger: a column that is
//! missing here keeps its old key for ever. A test compares the list with the database.

use std::collections::BTreeMap;

use diesel::prelude::*;
use diesel::sql_types::{Array, BigInt, Bytea, Integer, Nullable, Text, Uuid as SqlUuid};
use diesel_async::{AsyncConnection, RunQueryDsl, SimpleAsyncConnection};
use uuid::Uuid;

use crate::db::Conn;
use crate::vault::{AssociatedData, Vault};
use crate::web::Error;

/// A column of sealed values; all parts are constants of this program.
pub struct SealedColumn {
    pub table: &'static str,
    pub column: &'static str,
    /// The column with the row's id in the associated data.
    pub row: &'static str,
    /// SQL for the name of the column in the associated data.
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
    SealedColumn {
        table: "device_requests",
        column: "sealed",
        row: "connector_id",
        place: "'sealed'",
        bound_to: "NULL::text[]",
    },
    SealedColumn { table: "drafts", column: "sealed", row: "id", place: "'sealed'", bound_to: "ARRAY[user_id::text]" },
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

/// Values that are read at once.
const BATCH: usize = 100;

/// The result of sealing again.
#[derive(Default, Debug, PartialEq, Eq)]
pub struct Resealed {
    pub values: usize,
    /// Values that were saved at the same time.
    pub overtaken: usize,
    /// Values that do not open, by table, row and column: changed or moved. They stay as they are.
    pub damaged: Vec<String>,
}

#[derive(QueryableByName)]
struct Value {
    #[diesel(sql_type = SqlUuid)]
    row_id: Uuid,
    #[diesel(sql_type = Text)]
    place: String,
    #[diesel(sql_type = Bytea)]
    value: Vec<u8>,
    #[diesel(sql_type = Nullable<Array<Text>>)]
    bound_to: Option<Vec<String>>,
}

/// Seals all values of other keys again, once.
pub async fn reseal(conn: &mut Conn, vault: &Vault) -> Result<Resealed, Error> {
    let mut outcome = Resealed::default();
    for sealed in SEALED {
        let mut after = (Uuid::nil(), String::new());
        loop {
            let values = read(conn, sealed, vault, &after).await?;
            for value in &values {
                reseal_one(conn, sealed, vault, value, &mut outcome).await?;
            }
            match values.last() {
                Some(last) if values.len() == BATCH => after = (last.row_id, last.place.clone()),
                _ => break,
            }
        }
    }
    Ok(outcome)
}

/// The next values of other keys than the sealing one.
async fn read(
    conn: &mut Conn,
    sealed: &SealedColumn,
    vault: &Vault,
    (row, place): &(Uuid, String),
) -> Result<Vec<Value>, Error> {
    let SealedColumn { table, column, row: id, place: name, bound_to } = sealed;
    let sql = format!(
        "SELECT {id} AS row_id, {name}::text AS place, {column} AS value, {bound_to} AS bound_to FROM {table}
         WHERE {column} IS NOT NULL AND substring({column} FROM 1 FOR 5) <> $1 AND ({id}, {name}::text) > ($2, $3)
         ORDER BY {id}, {name}::text LIMIT {BATCH}"
    );
    Ok(diesel::sql_query(sql)
        .bind::<Bytea, _>(Vault::header(vault.sealing_key()))
        .bind::<SqlUuid, _>(*row)
        .bind::<Text, _>(place)
        .load(conn)
        .await?)
}

async fn reseal_one(
    conn: &mut Conn,
    sealed: &SealedColumn,
    vault: &Vault,
    value: &Value,
    outcome: &mut Resealed,
) -> Result<(), Error> {
    let place = AssociatedData {
        table: sealed.table,
        row: value.row_id,
        column: &value.place,
        bound_to: value.bound_to.as_deref(),
    };
    let Ok(secret) = vault.open(place, &value.value) else {
        let (row, column) = (value.row_id, &value.place);
        outcome.damaged.push(format!("{} {row} {column}", sealed.table));
        return Ok(());
    };
    let resealed = vault.seal(place, &secret).map_err(Error::internal)?;
    match replace(conn, sealed, value, resealed).await? {
        0 => outcome.overtaken += 1,
        _ => outcome.values += 1,
    }
    Ok(())
}

async fn replace(conn: &mut Conn, sealed: &SealedColumn, value: &Value, resealed: Vec<u8>) -> Result<usize, Error> {
    let SealedColumn { table, column, row: id, place: name, bound_to: _ } = sealed;
    let sql = format!("UPDATE {table} SET {column} = $1 WHERE {id} = $2 AND {name}::text = $3 AND {column} = $4");
    conn.transaction(async |conn| {
        // For the trigger of `tokens`: this is not a new token. What a crash loses is sealed again later.
        conn.batch_execute("SET LOCAL connectory.resealing = 'yes'; SET LOCAL synchronous_commit = off").await?;
        let replaced = diesel::sql_query(sql)
            .bind::<Bytea, _>(resealed)
            .bind::<SqlUuid, _>(value.row_id)
            .bind::<Text, _>(&value.place)
            .bind::<Bytea, _>(&value.value)
            .execute(conn)
            .await?;
        Ok(replaced)
    })
    .await
}
