//! Searching the log, along one index from the newest entry on and never further than a bound, and what its filters
//! offer.
//!
//! Rule: the scan's own conditions are all in the index that it follows; those that are not are asked of the rows that
//! it found, and of no more than [`SCAN_LIMIT`] of them. Danger: preparing these statements. A plan without the span
//! in sight opens the partitions of all days.

use chrono::{DateTime, Utc};
use diesel::pg::Pg;
use diesel::query_builder::{BoxedSqlQuery, SqlQuery};
use diesel::sql_types::{BigInt, Nullable, Text, Timestamptz, Uuid as SqlUuid};
use diesel::{OptionalExtension, QueryableByName, sql_query};
use diesel_async::RunQueryDsl;
use futures_util::try_join;
use uuid::Uuid;

use super::CallerKind;
use super::filter::{CallFilter, LogQuery};
use super::row::{COLUMNS, CallPlace, CallRow};
use super::store::ALL;
use crate::access::Visibility;
use crate::db::Conn;
use crate::db::keyset::{COUNT_LIMIT, Cursor, Keyset, Kind, Position, Slice};
use crate::web::{Error, Total};

/// Rows that are scanned for one page.
pub(super) const SCAN_LIMIT: i64 = 5_000;

/// The columns of which rows are asked; the partial indexes have them, too.
const ASKED: &str = "at, id, connector_id, caller_id, outcome, status";

/// The condition of the partial indexes, word for word.
const UNUSUAL: &str = "(outcome <> 'answered' OR status NOT BETWEEN 200 AND 299)";

/// A page of the log.
pub(super) struct Found {
    pub slice: Slice<CallRow>,
    pub total: Total,
    /// Where the scan stopped before the page was full, though there are more rows.
    pub stopped: Option<Cursor>,
}

/// One page of what fits, the newest first.
pub(super) async fn list(conn: &Conn, query: &LogQuery, filter: &CallFilter) -> Result<Found, Error> {
    let size = query.size;
    let scan = filter.asks_rows().then_some(SCAN_LIMIT);
    let (rows, count) = try_join!(page(conn, filter, &query.position, size + 1, scan), count(conn, filter))?;
    let slice = Slice::new(rows, size, &query.position);
    let total = Total::bounded(count.found, COUNT_LIMIT);
    if !filter.asks_rows() || matches!(total, Total::MoreThan(_)) && slice.more {
        return Ok(Found { slice, total, stopped: None });
    }
    let total = match total {
        Total::Exactly(found) if count.scanned.is_cut() => Total::MoreThan(found),
        total => total,
    };
    let from_here = match query.position {
        Position::First => count.scanned,
        _ => scanned(conn, filter, &query.position).await?,
    };
    let goes_on = slice.more || query.position.is_backward();
    let stopped = from_here.end.filter(|_| !goes_on && from_here.is_cut());
    // Above all ids of that moment, so that none is passed over.
    let stopped = stopped.map(|at| Cursor { value: at.to_rfc3339(), id: Uuid::max() });
    Ok(Found { slice, total, stopped })
}

/// The rows after a position, with no limit of the scan: for files.
pub(super) async fn page_of_all(
    conn: &Conn,
    filter: &CallFilter,
    position: &Position,
    rows: usize,
) -> Result<Vec<CallRow>, Error> {
    page(conn, filter, position, rows, None).await
}

/// The rows after a position, in reading direction, among so many that are scanned.
async fn page(
    conn: &Conn,
    filter: &CallFilter,
    position: &Position,
    rows: usize,
    scan: Option<i64>,
) -> Result<Vec<CallRow>, Error> {
    let order = keyset(position).order();
    let asked = filter.condition_of_rows();
    let sql = format!(
        "SELECT page.*, connectors.key AS connector_key, api_keys.prefix AS key_prefix
        FROM (SELECT {COLUMNS} FROM ({}) AS scanned WHERE {asked} ORDER BY {order} LIMIT {rows}) AS page
        LEFT JOIN connectors ON connectors.id = page.connector_id AND connectors.deleted_at IS NULL
        LEFT JOIN api_keys ON api_keys.id = page.api_key_id
        ORDER BY {joined}",
        scan_sql(filter, position, COLUMNS, scan),
        joined = order.replace("at ", "page.at ").replace("id ", "page.id "),
    );
    Ok(bind(sql, filter, position).load(&mut &*conn).await?)
}

#[derive(QueryableByName)]
struct Count {
    #[diesel(sql_type = BigInt)]
    found: i64,
    /// How far the scan from the top went; nothing of it where counting stopped before its end.
    #[diesel(embed)]
    scanned: Scanned,
}

/// How many rows fit, up to where counting stops. The scan is read once, and no further than counting needs it.
async fn count(conn: &Conn, filter: &CallFilter) -> Result<Count, Error> {
    // Where nothing is asked of the rows each of them counts; without a limit the scan would be planned to its end.
    let asks = filter.asks_rows();
    let scan = if asks { SCAN_LIMIT } else { COUNT_LIMIT + 1 };
    let sql = format!(
        "WITH scanned AS MATERIALIZED ({}), counted AS MATERIALIZED (
            SELECT count(*) AS found FROM (SELECT FROM scanned WHERE {} LIMIT {}) AS fitting
        ), ended AS MATERIALIZED (SELECT {asks} AND found <= {COUNT_LIMIT} AS ended, found FROM counted)
        SELECT found, CASE WHEN ended THEN (SELECT count(*) FROM scanned) ELSE 0 END AS rows,
            CASE WHEN ended THEN (SELECT min(at) FROM scanned) END AS \"end\" FROM ended",
        scan_sql(filter, &Position::First, ASKED, Some(scan)),
        filter.condition_of_rows(),
        COUNT_LIMIT + 1,
    );
    Ok(bind(sql, filter, &Position::First).get_result(&mut &*conn).await?)
}

/// How far a scan goes.
#[derive(QueryableByName)]
struct Scanned {
    #[diesel(sql_type = BigInt)]
    rows: i64,
    /// The time of its last row.
    #[diesel(sql_type = Nullable<Timestamptz>)]
    end: Option<DateTime<Utc>>,
}

impl Scanned {
    /// Whether there may be more rows behind its end.
    fn is_cut(&self) -> bool {
        self.rows >= SCAN_LIMIT
    }
}

async fn scanned(conn: &Conn, filter: &CallFilter, position: &Position) -> Result<Scanned, Error> {
    let sql = format!(
        "SELECT count(*) AS rows, min(at) AS \"end\" FROM ({}) AS scanned",
        scan_sql(filter, position, "at", Some(SCAN_LIMIT)),
    );
    Ok(bind(sql, filter, position).get_result(&mut &*conn).await?)
}

/// One entry, if its connector is visible.
pub(super) async fn find(conn: &Conn, visibility: Visibility, place: CallPlace) -> Result<CallRow, Error> {
    let sql = format!(
        "SELECT entry.*, connectors.key AS connector_key, api_keys.prefix AS key_prefix
        FROM (SELECT {COLUMNS} FROM calls WHERE at = $1 AND id = $2{}) AS entry
        LEFT JOIN connectors ON connectors.id = entry.connector_id AND connectors.deleted_at IS NULL
        LEFT JOIN api_keys ON api_keys.id = entry.api_key_id",
        visibility.and_of("connector_id")
    );
    let entry = sql_query(sql).bind::<Timestamptz, _>(place.at).bind::<SqlUuid, _>(place.id);
    entry.get_result(&mut &*conn).await.optional()?.ok_or(Error::NotFound)
}

fn keyset(position: &Position) -> Keyset<'_> {
    Keyset { column: "at", kind: Kind::Time, descending: true, position }
}

/// The scan: binds $1 and $2 are the span, then come the ids of the filter, then the cursor.
fn scan_sql(filter: &CallFilter, position: &Position, columns: &str, limit: Option<i64>) -> String {
    let keyset = keyset(position);
    let lead = filter.lead().map_or(String::new(), |(column, _)| format!(" AND {column} = $3"));
    let unusual = if filter.is_unusual() { format!(" AND {UNUSUAL}") } else { String::new() };
    let limit = limit.map_or(String::new(), |limit| format!(" LIMIT {limit}"));
    let place = keyset.condition(6).map_or(String::new(), |place| format!(" AND {place}"));
    format!(
        "SELECT {columns} FROM calls WHERE at >= $1 AND at < $2{lead}{unusual}{place} ORDER BY {}{limit}",
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
    /// The id that leads the scan's index: an endpoint has the fewest calls, then a caller.
    fn lead(&self) -> Option<(&'static str, Uuid)> {
        let endpoint = self.endpoint.map(|id| ("endpoint_id", id));
        let caller = || self.caller.map(|id| ("caller_id", id));
        let connector = || self.connector.map(|id| ("connector_id", id));
        endpoint.or_else(caller).or_else(connector)
    }

    /// What is asked of the rows that the scan finds, and of no index.
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
        conditions.join(" AND ") + self.visibility.and_of("connector_id").as_str()
    }

    /// Whether anything is asked of the rows.
    fn asks_rows(&self) -> bool {
        self.condition_of_rows() != "true"
    }
}

/// Choices of one filter at most.
const MAX_CHOICES: i64 = 500;

/// One choice of a filter.
#[derive(QueryableByName)]
pub(super) struct Choice {
    #[diesel(sql_type = SqlUuid)]
    pub id: Uuid,
    #[diesel(sql_type = Text)]
    pub label: String,
    #[diesel(sql_type = Text)]
    kind: String,
}

impl Choice {
    /// `Month-end report (program)`
    pub fn title(&self) -> String {
        match CallerKind::parse(&self.kind) {
            Some(kind) => format!("{} ({})", self.label, kind.label().to_lowercase()),
            None => self.label.clone(),
        }
    }
}

/// The choices of all filters.
pub(super) struct Choices {
    pub connectors: Vec<Choice>,
    pub callers: Vec<Choice>,
    /// Of the connector that is chosen.
    pub endpoints: Vec<Choice>,
}

/// The choices for a log of a connector, or of all. Connectors that are not visible are not offered, nor callers of such
/// connectors alone.
pub(super) async fn choices(conn: &Conn, filter: &CallFilter) -> Result<Choices, Error> {
    let connectors = format!(
        "{} SELECT used.id, label, '' AS kind FROM used JOIN connectors ON connectors.id = used.id ORDER BY label, used.id",
        distinct("connector_id", &filter.visibility.and_of("ids.id"))
    );
    let called = match filter.reader.is_limited() {
        true => format!(
            " AND EXISTS (SELECT FROM call_hours WHERE caller_id = ids.id AND connector_id <> '{ALL}'{})",
            filter.reader.and_of("call_hours.connector_id")
        ),
        false => String::new(),
    };
    let callers = format!(
        "{} SELECT used.id, caller_name AS label, caller_kind AS kind FROM used, LATERAL
            (SELECT caller_name, caller_kind FROM call_hours WHERE caller_id = used.id ORDER BY hour DESC LIMIT 1) AS newest
        ORDER BY label, used.id",
        distinct("caller_id", &called)
    );
    let visible = filter.visibility.and_of("connector_id");
    let endpoints = format!(
        "SELECT id, name AS label, '' AS kind FROM endpoints WHERE connector_id = $1{visible} ORDER BY name_key LIMIT {MAX_CHOICES}"
    );
    let (connectors, callers, endpoints) = try_join!(load(conn, connectors), load(conn, callers), async {
        let of = sql_query(endpoints).bind::<SqlUuid, _>(filter.connector.unwrap_or(ALL));
        Ok(of.load(&mut &*conn).await?)
    })?;
    Ok(Choices { connectors, callers, endpoints })
}

/// The table `used` of the different ids in a column of the counts, as far as `condition` allows. An index of millions of
/// rows has few ids in it: each is found by asking for the next one.
fn distinct(column: &str, condition: &str) -> String {
    let next =
        |after: &str| format!("(SELECT {column} FROM call_hours WHERE {column} > {after} ORDER BY {column} LIMIT 1)");
    format!(
        "WITH RECURSIVE ids AS (
            SELECT {} AS id UNION ALL SELECT {} FROM ids WHERE id IS NOT NULL
        ), used AS (SELECT id FROM ids WHERE id IS NOT NULL{condition} LIMIT {MAX_CHOICES})",
        next(&format!("'{ALL}'")),
        next("ids.id")
    )
}

async fn load(conn: &Conn, sql: String) -> Result<Vec<Choice>, Error> {
    Ok(sql_query(sql).load(&mut &*conn).await?)
}
