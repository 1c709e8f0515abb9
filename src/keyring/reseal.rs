//! Sealing every value anew with the data key that seals now, while everything goes on.
//!
//! Rule: a value is replaced only if it is still the one that was read, each in a transaction of its own. Whoever
//! stores another one meanwhile wins, and no save waits for more than one row. The value itself is another writing of
//! the same secret: nobody's version moves.

use diesel::prelude::*;
use diesel::sql_types::{Array, Bytea, Nullable, Text, Uuid as SqlUuid};
use diesel_async::{AsyncConnection, RunQueryDsl, SimpleAsyncConnection};
use uuid::Uuid;

use super::sealed::{SEALED, SealedColumn};
use crate::db::Conn;
use crate::vault::{AssociatedData, Vault};
use crate::web::Error;

/// Values that are read at once.
const BATCH: usize = 100;

/// What came of it.
#[derive(Default, Debug, PartialEq, Eq)]
pub struct Resealed {
    pub values: usize,
    /// Somebody has stored another one meanwhile.
    pub overtaken: usize,
    /// Values that do not open, by table, row and column: altered, or moved from elsewhere. They are left as they are.
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

/// Goes once through all sealed values that another key has sealed.
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

/// Values behind a place that another key than the sealing one has sealed.
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
    let anew = vault.seal(place, &secret).map_err(Error::internal)?;
    match replace(conn, sealed, value, anew).await? {
        0 => outcome.overtaken += 1,
        _ => outcome.values += 1,
    }
    Ok(())
}

async fn replace(conn: &mut Conn, sealed: &SealedColumn, value: &Value, anew: Vec<u8>) -> Result<usize, Error> {
    let SealedColumn { table, column, row: id, place: name, bound_to: _ } = sealed;
    let sql = format!("UPDATE {table} SET {column} = $1 WHERE {id} = $2 AND {name}::text = $3 AND {column} = $4");
    conn.transaction(async |conn| {
        // The trigger of tokens is told that this is no new token. What is lost with a crash is done again.
        conn.batch_execute("SET LOCAL connectory.resealing = 'yes'; SET LOCAL synchronous_commit = off").await?;
        let replaced = diesel::sql_query(sql)
            .bind::<Bytea, _>(anew)
            .bind::<SqlUuid, _>(value.row_id)
            .bind::<Text, _>(&value.place)
            .bind::<Bytea, _>(&value.value)
            .execute(conn)
            .await?;
        Ok(replaced)
    })
    .await
}
