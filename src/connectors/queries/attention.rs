//! The home page's SQL: each statement reads a bounded number of rows from an index, however many connectors there are.

use diesel::prelude::*;
use diesel::sql_types::{BigInt, Text};
use diesel_async::RunQueryDsl;
use futures_util::try_join;

use super::super::Health;
use super::super::attention::WORST_FIRST;
use super::super::model::ListRow;
use super::list::COLUMNS;
use crate::db::schema::{connector_total, connectors};
use crate::db::{Conn, Kept};
use crate::web::Error;

/// Up to which number connectors of a state are counted.
pub(in super::super) const COUNT_LIMIT: i64 = 1000;

/// What the home page shows of connectors.
pub(in super::super) struct Found {
    /// Connectors of all states.
    pub total: i64,
    pub ailing: Vec<ListRow>,
    pub counts: Vec<Count>,
    pub unchecked: Vec<ListRow>,
    pub changed: Vec<Changed>,
}

/// How many connectors are in a state, counted to one more than [`COUNT_LIMIT`].
#[derive(QueryableByName)]
pub(in super::super) struct Count {
    #[diesel(sql_type = Text)]
    pub status: String,
    #[diesel(sql_type = BigInt)]
    pub n: i64,
}

/// A connector that somebody has changed.
#[derive(Queryable)]
pub(in super::super) struct Changed {
    pub key: String,
    pub label: String,
    pub updated_at: chrono::DateTime<chrono::Utc>,
    pub updated_by: String,
}

/// At most `rows` of each list, and one more of the unchecked, which are not counted.
pub(in super::super) async fn find(conn: &Conn, rows: usize) -> Result<Found, Error> {
    let (total, ailing, counts, unchecked, changed) = try_join!(
        total(conn),
        ailing(conn, rows),
        counts(conn),
        unchecked(conn, rows + 1),
        changed(conn, rows),
    )?;
    Ok(Found {
        total,
        ailing,
        counts,
        unchecked,
        changed,
    })
}

async fn total(conn: &Conn) -> Result<i64, Error> {
    let total = connector_total::table.select(connector_total::total);
    Ok(total.first(&mut &*conn).await?)
}

async fn ailing(conn: &Conn, rows: usize) -> Result<Vec<ListRow>, Error> {
    let of_state = |(rank, health): (usize, &Health)| {
        let status = health.code();
        format!(
            "(SELECT {rank} AS rank, * FROM connectors WHERE deleted_at IS NULL AND status = '{status}' ORDER BY id LIMIT {rows})"
        )
    };
    let states: Vec<String> = WORST_FIRST.iter().enumerate().map(of_state).collect();
    let sql = format!(
        "SELECT {COLUMNS} FROM ({}) AS connectors ORDER BY rank, id LIMIT {rows}",
        states.join(" UNION ALL ")
    );
    Ok(Kept(diesel::sql_query(sql)).load(&mut &*conn).await?)
}

async fn counts(conn: &Conn) -> Result<Vec<Count>, Error> {
    let counted = WORST_FIRST.iter().chain([&Health::NotAuthorized]);
    let of_state = |health: &Health| {
        let status = health.code();
        format!(
            "(SELECT status FROM connectors WHERE deleted_at IS NULL AND status = '{status}' LIMIT {})",
            COUNT_LIMIT + 1
        )
    };
    let states: Vec<String> = counted.map(of_state).collect();
    let sql = format!(
        "SELECT status, count(*) AS n FROM ({}) AS counted GROUP BY status",
        states.join(" UNION ALL ")
    );
    Ok(Kept(diesel::sql_query(sql)).load(&mut &*conn).await?)
}

async fn unchecked(conn: &Conn, rows: usize) -> Result<Vec<ListRow>, Error> {
    let sql = format!(
        "SELECT {COLUMNS} FROM connectors WHERE deleted_at IS NULL AND NOT verify_certificates ORDER BY id LIMIT {rows}"
    );
    Ok(Kept(diesel::sql_query(sql)).load(&mut &*conn).await?)
}

async fn changed(conn: &Conn, rows: usize) -> Result<Vec<Changed>, Error> {
    let newest = connectors::table
        .filter(connectors::deleted_at.is_null())
        .order((connectors::updated_at.desc(), connectors::id.desc()))
        .limit(i64::try_from(rows).unwrap_or(i64::MAX))
        .select((
            connectors::key,
            connectors::label,
            connectors::updated_at,
            connectors::updated_by,
        ));
    Ok(newest.load(&mut &*conn).await?)
}
