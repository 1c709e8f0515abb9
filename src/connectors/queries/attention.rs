//! The home page's SQL: each statement reads a bounded number of rows from an index, however many connectors there are.

use diesel::pg::Pg;
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Text, Uuid as SqlUuid};
use diesel_async::RunQueryDsl;
use futures_util::try_join;

use super::list::columns;
use crate::access::Actor;
use crate::connectors::Health;
use crate::connectors::attention::{UNFINISHED, WORST_FIRST};
use crate::connectors::model::ListRow;
use crate::db::{Conn, Prepared};
use crate::web::Error;

/// Up to which number connectors of a state are counted.
pub const COUNT_LIMIT: i64 = 1000;

/// What the home page shows of connectors.
pub struct Found {
    /// Connectors of all states; where the person does not see all, 1 stands for any number.
    pub total: i64,
    pub ailing: Vec<ListRow>,
    pub counts: Vec<Count>,
    pub unchecked: Vec<ListRow>,
    pub changed: Vec<Changed>,
}

/// How many connectors are in a state, counted to one more than [`COUNT_LIMIT`].
#[derive(QueryableByName)]
pub struct Count {
    #[diesel(sql_type = Text)]
    pub status: String,
    #[diesel(sql_type = BigInt)]
    pub n: i64,
}

/// A connector that was changed lately.
#[derive(QueryableByName)]
#[diesel(table_name = crate::db::schema::connectors)]
pub struct Changed {
    pub key: String,
    pub label: String,
    pub updated_at: chrono::DateTime<chrono::Utc>,
    pub updated_by: String,
}

/// At most `rows` of each list, and one more of the unchecked, which are not counted.
pub async fn find(conn: &Conn, by: &Actor, rows: usize) -> Result<Found, Error> {
    let (total, ailing, counts, unchecked, changed) = try_join!(
        total(conn, by),
        ailing(conn, by, rows),
        counts(conn, by),
        unchecked(conn, by, rows + 1),
        changed(conn, by, rows),
    )?;
    Ok(Found { total, ailing, counts, unchecked, changed })
}

/// Whether there is any is all that this is asked for where the person does not see all.
async fn total(conn: &Conn, by: &Actor) -> Result<i64, Error> {
    let sql = match by.visibility.condition("connectors") {
        None => "SELECT total AS n FROM connector_total".into(),
        Some(seen) => format!(
            "SELECT count(*) AS n FROM (SELECT FROM connectors WHERE deleted_at IS NULL AND {seen} LIMIT 1) AS first"
        ),
    };
    let numbers: Vec<Number> = load(conn, by, sql).await?;
    Ok(numbers.into_iter().next().map_or(0, |number| number.n))
}

#[derive(QueryableByName)]
struct Number {
    #[diesel(sql_type = BigInt)]
    n: i64,
}

async fn ailing(conn: &Conn, by: &Actor, rows: usize) -> Result<Vec<ListRow>, Error> {
    let seen = by.visibility.and("connectors");
    let of_state = |(rank, health): (usize, &Health)| {
        let status = health.code();
        format!(
            "(SELECT {rank} AS rank, * FROM connectors WHERE deleted_at IS NULL AND status = '{status}'{seen} ORDER BY id LIMIT {rows})"
        )
    };
    let states: Vec<String> = WORST_FIRST.iter().enumerate().map(of_state).collect();
    let sql = format!(
        "SELECT {} FROM ({}) AS connectors ORDER BY rank, id LIMIT {rows}",
        columns(by, "$1"),
        states.join(" UNION ALL ")
    );
    load(conn, by, sql).await
}

/// The rows of a statement in which the person may be $1. One that names them in its text is not worth keeping.
async fn load<T>(conn: &Conn, by: &Actor, sql: String) -> Result<Vec<T>, Error>
where
    T: QueryableByName<Pg> + Send + 'static,
{
    let statement = diesel::sql_query(sql).bind::<SqlUuid, _>(by.id.unwrap_or_default());
    if by.visibility.is_limited() {
        Ok(statement.load(&mut &*conn).await?)
    } else {
        Ok(Prepared(statement).load(&mut &*conn).await?)
    }
}

async fn counts(conn: &Conn, by: &Actor) -> Result<Vec<Count>, Error> {
    let seen = by.visibility.and("connectors");
    let counted = WORST_FIRST.iter().chain(&UNFINISHED);
    let of_state = |health: &Health| {
        let status = health.code();
        format!(
            "(SELECT status FROM connectors WHERE deleted_at IS NULL AND status = '{status}'{seen} LIMIT {})",
            COUNT_LIMIT + 1
        )
    };
    let states: Vec<String> = counted.map(of_state).collect();
    let sql = format!("SELECT status, count(*) AS n FROM ({}) AS counted GROUP BY status", states.join(" UNION ALL "));
    load(conn, by, sql).await
}

async fn unchecked(conn: &Conn, by: &Actor, rows: usize) -> Result<Vec<ListRow>, Error> {
    let sql = format!(
        "SELECT {} FROM connectors WHERE deleted_at IS NULL AND NOT verify_certificates{} ORDER BY id LIMIT {rows}",
        columns(by, "$1"),
        by.visibility.and("connectors"),
    );
    load(conn, by, sql).await
}

/// The rows that were changed last and are looked through for those that the person sees.
const LOOKED_THROUGH: i64 = 3000;

async fn changed(conn: &Conn, by: &Actor, rows: usize) -> Result<Vec<Changed>, Error> {
    let newest = "SELECT * FROM connectors WHERE deleted_at IS NULL ORDER BY updated_at DESC, id DESC";
    let seen = match by.visibility.condition("connectors") {
        None => format!("({newest} LIMIT {rows}) AS connectors"),
        Some(seen) => format!("({newest} LIMIT {LOOKED_THROUGH}) AS connectors WHERE {seen}"),
    };
    let sql =
        format!("SELECT key, label, updated_at, updated_by FROM {seen} ORDER BY updated_at DESC, id DESC LIMIT {rows}");
    load(conn, by, sql).await
}
