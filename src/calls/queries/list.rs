//! The lines of a list: along one index from the newest on, and never further than a bound.
//!
//! Rule: the walk's own conditions are all in the index that it follows; those that are not are asked of the rows that
//! it found, and of no more than [`WALK`] of them. Danger: keeping these statements prepared. A plan without the span
//! in sight opens the partitions of all days.

use chrono::{DateTime, Utc};
use diesel::pg::Pg;
use diesel::query_builder::{BoxedSqlQuery, SqlQuery};
use diesel::sql_types::{BigInt, Nullable, Text, Timestamptz, Uuid as SqlUuid};
use diesel::{OptionalExtension, QueryableByName, sql_query};
use diesel_async::RunQueryDsl;
use futures_util::try_join;
use uuid::Uuid;

use super::super::filter::{CallFilter, LogQuery};
use super::super::row::{COLUMNS, CallPlace, CallRow};
use crate::access::Visibility;
use crate::db::Conn;
use crate::db::keyset::{COUNT_LIMIT, Cursor, Keyset, Kind, Position, Slice};
use crate::web::{Error, Total};

/// Rows that a page looks through for those that fit.
pub(in super::super) const WALK: i64 = 5_000;

/// The columns of which rows are asked; the partial indexes have them, too.
const ASKED: &str = "at, id, connector_id, caller_id, outcome, status";

/// What is out of the ordinary, word for word as the partial indexes have it.
const UNUSUAL: &str = "(outcome <> 'answered' OR status NOT BETWEEN 200 AND 299)";

/// A page of the log.
pub(in super::super) struct Found {
    pub slice: Slice<CallRow>,
    pub total: Total,
    /// Where the looking stopped before the page was full, though there is more to look through.
    pub stopped: Option<Cursor>,
}

/// One page of what fits, the newest first.
pub(in super::super) async fn list(conn: &Conn, query: &LogQuery, filter: &CallFilter) -> Result<Found, Error> {
    let size = query.size;
    let walk = filter.asks_rows().then_some(WALK);
    let (rows, count) = try_join!(page(conn, filter, &query.position, size + 1, walk), count(conn, filter))?;
    let slice = Slice::new(rows, size, &query.position);
    let total = Total::bounded(count.found, COUNT_LIMIT);
    if !filter.asks_rows() || matches!(total, Total::MoreThan(_)) && slice.more {
        return Ok(Found { slice, total, stopped: None });
    }
    let total = match total {
        Total::Exactly(found) if count.walked.is_cut() => Total::MoreThan(found),
        total => total,
    };
    let from_here = match query.position {
        Position::First => count.walked,
        _ => walked(conn, filter, &query.position).await?,
    };
    let goes_on = slice.more || query.position.is_backward();
    let stopped = from_here.end.filter(|_| !goes_on && from_here.is_cut());
    // Above all ids of that moment, so that none is passed over.
    let stopped = stopped.map(|at| Cursor { value: at.to_rfc3339(), id: Uuid::max() });
    Ok(Found { slice, total, stopped })
}

/// The rows after a place, however far they have to be looked for: for files, where nobody waits for a page.
pub(in super::super) async fn page_of_all(
    conn: &Conn,
    filter: &CallFilter,
    position: &Position,
    rows: usize,
) -> Result<Vec<CallRow>, Error> {
    page(conn, filter, position, rows, None).await
}

/// The rows after a place, in reading direction, among so many that are looked through.
async fn page(
    conn: &Conn,
    filter: &CallFilter,
    position: &Position,
    rows: usize,
    walk: Option<i64>,
) -> Result<Vec<CallRow>, Error> {
    let order = keyset(position).order();
    let asked = filter.condition_of_rows();
    let sql = format!(
        "SELECT page.*, connectors.key AS connector_key, api_keys.prefix AS key_prefix
        FROM (SELECT {COLUMNS} FROM ({}) AS walked WHERE {asked} ORDER BY {order} LIMIT {rows}) AS page
        LEFT JOIN connectors ON connectors.id = page.connector_id AND connectors.deleted_at IS NULL
        LEFT JOIN api_keys ON api_keys.id = page.api_key_id
        ORDER BY {joined}",
        walk_sql(filter, position, COLUMNS, walk),
        joined = order.replace("at ", "page.at ").replace("id ", "page.id "),
    );
    Ok(bind(sql, filter, position).load(&mut &*conn).await?)
}

#[derive(QueryableByName)]
struct Count {
    #[diesel(sql_type = BigInt)]
    found: i64,
    /// How far the walk from the top went; nothing of it where counting stopped before its end.
    #[diesel(embed)]
    walked: Walked,
}

/// How many rows fit, up to where counting stops. The walk is read once, and no further than counting needs it.
async fn count(conn: &Conn, filter: &CallFilter) -> Result<Count, Error> {
    // Where nothing is asked of the rows each of them counts; without a limit the walk would be planned to its end.
    let asks = filter.asks_rows();
    let walk = if asks { WALK } else { COUNT_LIMIT + 1 };
    let sql = format!(
        "WITH walked AS MATERIALIZED ({}), counted AS MATERIALIZED (
            SELECT count(*) AS found FROM (SELECT FROM walked WHERE {} LIMIT {}) AS fitting
        ), ended AS MATERIALIZED (SELECT {asks} AND found <= {COUNT_LIMIT} AS ended, found FROM counted)
        SELECT found, CASE WHEN ended THEN (SELECT count(*) FROM walked) ELSE 0 END AS rows,
            CASE WHEN ended THEN (SELECT min(at) FROM walked) END AS \"end\" FROM ended",
        walk_sql(filter, &Position::First, ASKED, Some(walk)),
        filter.condition_of_rows(),
        COUNT_LIMIT + 1,
    );
    Ok(bind(sql, filter, &Position::First).get_result(&mut &*conn).await?)
}

/// How far a walk goes.
#[derive(QueryableByName)]
struct Walked {
    #[diesel(sql_type = BigInt)]
    rows: i64,
    /// Where its last row stands.
    #[diesel(sql_type = Nullable<Timestamptz>)]
    end: Option<DateTime<Utc>>,
}

impl Walked {
    /// Whether there may be more rows behind its end.
    fn is_cut(&self) -> bool {
        self.rows >= WALK
    }
}

async fn walked(conn: &Conn, filter: &CallFilter, position: &Position) -> Result<Walked, Error> {
    let sql = format!(
        "SELECT count(*) AS rows, min(at) AS \"end\" FROM ({}) AS walked",
        walk_sql(filter, position, "at", Some(WALK)),
    );
    Ok(bind(sql, filter, position).get_result(&mut &*conn).await?)
}

/// One line, if it is of a connector that somebody sees.
pub(in super::super) async fn find(conn: &Conn, visibility: Visibility, place: CallPlace) -> Result<CallRow, Error> {
    let sql = format!(
        "SELECT line.*, connectors.key AS connector_key, api_keys.prefix AS key_prefix
        FROM (SELECT {COLUMNS} FROM calls WHERE at = $1 AND id = $2{}) AS line
        LEFT JOIN connectors ON connectors.id = line.connector_id AND connectors.deleted_at IS NULL
        LEFT JOIN api_keys ON api_keys.id = line.api_key_id",
        visibility.and_of("connector_id")
    );
    let line = sql_query(sql).bind::<Timestamptz, _>(place.at).bind::<SqlUuid, _>(place.id);
    line.get_result(&mut &*conn).await.optional()?.ok_or(Error::NotFound)
}

fn keyset(position: &Position) -> Keyset<'_> {
    Keyset { column: "at", kind: Kind::Time, descending: true, position }
}

/// The walk: binds $1 and $2 are the span, then come the ids of the filter, then the place.
fn walk_sql(filter: &CallFilter, position: &Position, columns: &str, most: Option<i64>) -> String {
    let keyset = keyset(position);
    let lead = filter.lead().map_or(String::new(), |(column, _)| format!(" AND {column} = $3"));
    let unusual = if filter.is_unusual() { format!(" AND {UNUSUAL}") } else { String::new() };
    let most = most.map_or(String::new(), |most| format!(" LIMIT {most}"));
    let place = keyset.condition(6).map_or(String::new(), |place| format!(" AND {place}"));
    format!(
        "SELECT {columns} FROM calls WHERE at >= $1 AND at < $2{lead}{unusual}{place} ORDER BY {}{most}",
        keyset.order()
    )
}

fn bind<'a>(sql: String, filter: &CallFilter, position: &Position) -> BoxedSqlQuery<'a, Pg, SqlQuery> {
    let none = Uuid::nil();
    let statement = sql_query(sql)
        .into_boxed::<Pg>()
        .bind::<Timestamptz, _>(filter.span.from)
        .bind::<Timestamptz, _>(filter.span.to)
        .bind::<SqlUuid, _>(filter.lead().map_or(none, |(_, id)| id))
        .bind::<SqlUuid, _>(filter.connector.unwrap_or(none))
        .bind::<SqlUuid, _>(filter.caller.unwrap_or(none));
    match position.cursor() {
        Some(cursor) => statement.bind::<Text, _>(cursor.value.clone()).bind::<SqlUuid, _>(cursor.id),
        None => statement,
    }
}

impl CallFilter {
    /// The id that leads the walk's index: an endpoint has the fewest calls, then a caller.
    fn lead(&self) -> Option<(&'static str, Uuid)> {
        let endpoint = self.endpoint.map(|id| ("endpoint_id", id));
        let caller = || self.caller.map(|id| ("caller_id", id));
        let connector = || self.connector.map(|id| ("connector_id", id));
        endpoint.or_else(caller).or_else(connector)
    }

    /// What is asked of the rows that the walk finds, and of no index.
    fn condition_of_rows(&self) -> String {
        let lead = self.lead().map_or("", |(column, _)| column);
        let mut conditions = vec!["true".to_string()];
        if self.connector.is_some() && lead != "connector_id" {
            conditions.push("connector_id = $4".into());
        }
        if self.caller.is_some() && lead != "caller_id" {
            conditions.push("caller_id = $5".into());
        }
        if self.errors_only {
            conditions.push("(outcome <> 'answered' OR status >= 400)".into());
        }
        if let Some(outcome) = self.outcome {
            conditions.push(format!("outcome = '{}'", outcome.code()));
        }
        if let Some(first) = self.class {
            conditions.push(format!("status BETWEEN {first} AND {}", first + 99));
        }
        conditions.join(" AND ") + &self.visibility.and_of("connector_id")
    }

    /// Whether anything is asked of the rows.
    fn asks_rows(&self) -> bool {
        self.condition_of_rows() != "true"
    }
}
