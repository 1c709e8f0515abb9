//! Figures of calls from the counts by hour: for charts, for the home page, and the last call of each endpoint.

use std::collections::HashMap;

use askama::Template;
use chrono::{DateTime, TimeDelta, Utc};
use diesel::dsl::{exists, select, sql};
use diesel::pg::Pg;
use diesel::prelude::*;
use diesel::sql_query;
use diesel::sql_types::{Array, BigInt, Bool, Timestamptz, Uuid as SqlUuid};
use diesel_async::RunQueryDsl;
use uuid::Uuid;

use super::filter::{CallFilter, Span};
use super::row::{COLUMNS, CallPlace, CallRow, CallStatus};
use super::store::{ALL, CLASSES};
use crate::access::Visibility;
use crate::connectors::ConnectorId;
use crate::db::Conn;
use crate::db::schema::{call_hours, calls};
use crate::web::{Error, plural};

/// The calls of a step of time.
#[derive(QueryableByName)]
pub(super) struct Sum {
    #[diesel(sql_type = Timestamptz)]
    pub start: DateTime<Utc>,
    #[diesel(sql_type = BigInt)]
    pub calls: i64,
    #[diesel(sql_type = BigInt)]
    pub errors: i64,
    #[diesel(sql_type = Array<BigInt>)]
    pub latencies: Vec<i64>,
}

/// What fits connector, endpoint and caller of the filter in the hours of `span`, summed up by steps from its beginning
/// on. Steps without calls are left out.
pub(super) async fn sums(conn: &Conn, filter: &CallFilter, span: Span, step: TimeDelta) -> Result<Vec<Sum>, Error> {
    let (condition, ids) = rows_of(filter);
    let seen = filter.visibility.and_of("connector_id");
    // An id that cannot be read fits nothing; here it would stand for all.
    if [filter.connector, filter.caller, filter.endpoint].contains(&Some(ALL)) {
        return Ok(Vec::new());
    }
    let classes: Vec<String> = (1..=CLASSES).map(|class| format!("sum(latencies[{class}])::bigint")).collect();
    let sql = format!(
        "SELECT date_bin($3 * interval '1 second', hour, $1) AS start, sum(calls)::bigint AS calls, sum(errors)::bigint AS errors,
            ARRAY[{}] AS latencies
        FROM call_hours WHERE hour >= $1 AND hour < $2 AND {condition}{seen} GROUP BY 1 ORDER BY 1",
        classes.join(", ")
    );
    let statement = sql_query(sql)
        .into_boxed::<Pg>()
        .bind::<Timestamptz, _>(span.from)
        .bind::<Timestamptz, _>(span.to)
        .bind::<BigInt, _>(step.num_seconds());
    let statement = ids.into_iter().fold(statement, |statement, id| statement.bind::<SqlUuid, _>(id));
    Ok(statement.load(&mut &*conn).await?)
}

/// The rows that fit: totals where there are any, else the single ones.
fn rows_of(filter: &CallFilter) -> (String, Vec<Uuid>) {
    // Written out, because the index of the totals knows them by this very condition.
    let totals = format!("connector_id = $4 AND caller_id = '{ALL}'");
    let single = [("connector_id", filter.connector), ("caller_id", filter.caller), ("endpoint_id", filter.endpoint)];
    let is_limited = filter.visibility.is_limited();
    match (filter.connector, filter.caller, filter.endpoint) {
        // The totals of all count what is not seen, so those of each connector are added up.
        (None, None, None) if is_limited => (format!("connector_id <> '{ALL}' AND caller_id = '{ALL}'"), Vec::new()),
        (None, Some(caller), None) if is_limited => {
            (format!("connector_id <> '{ALL}' AND caller_id = $4"), vec![caller])
        }
        (connector, None, None) => (totals, vec![connector.unwrap_or(ALL)]),
        (None, Some(caller), None) => {
            let totals = format!("connector_id = '{ALL}' AND endpoint_id = '{ALL}' AND caller_id = $4");
            (totals, vec![caller])
        }
        _ => {
            let given: Vec<(&str, Uuid)> = single.iter().filter_map(|(column, id)| Some((*column, (*id)?))).collect();
            let conditions: Vec<String> =
                given.iter().zip(4..).map(|((column, _), bind)| format!("{column} = ${bind}")).collect();
            let single = format!("caller_id <> '{ALL}' AND {}", conditions.join(" AND "));
            (single, given.into_iter().map(|(_, id)| id).collect())
        }
    }
}

/// Whether no call was ever counted: of a connector, or at all.
pub(super) async fn is_empty(conn: &Conn, connector: Option<ConnectorId>) -> Result<bool, Error> {
    let totals = call_hours::table
        .filter(call_hours::connector_id.eq(connector.unwrap_or(ALL)))
        // Written out, because the index of the totals knows them by this very condition.
        .filter(sql::<Bool>(&format!("caller_id = '{ALL}'")));
    Ok(!select(exists(totals)).get_result::<bool>(&mut &*conn).await?)
}

/// The part of the home page for people who may see the call log.
#[derive(Template)]
#[template(path = "calls/last_day.html")]
pub struct LastDay {
    calls: i64,
    errors: i64,
}

impl askama::filters::HtmlSafe for LastDay {}

/// Counts the calls and errors of this hour and the 23 before. Where not all connectors are visible, the totals of those
/// that are are added up.
pub async fn last_day(conn: &Conn, visibility: Visibility, now: DateTime<Utc>) -> Result<LastDay, Error> {
    let of = match visibility {
        Visibility::All => format!("connector_id = '{ALL}' AND endpoint_id = '{ALL}'"),
        Visibility::Of(_) => format!("connector_id <> '{ALL}'{}", visibility.and_of("connector_id")),
    };
    let hours = call_hours::table
        .filter(sql::<Bool>(&of))
        .filter(call_hours::caller_id.eq(ALL))
        .filter(call_hours::hour.gt(now - TimeDelta::days(1)))
        .select((sql::<BigInt>("coalesce(sum(calls), 0)::bigint"), sql::<BigInt>("coalesce(sum(errors), 0)::bigint")));
    let (calls, errors) = hours.first(&mut &*conn).await?;
    Ok(LastDay { calls, errors })
}

impl LastDay {
    /// “1,204 calls”.
    fn calls_words(&self) -> String {
        plural(self.calls, "call", "calls")
    }

    fn errors_words(&self) -> String {
        plural(self.errors, "error", "errors")
    }
}

/// When an endpoint was called last, and the outcome.
#[derive(QueryableByName)]
#[diesel(table_name = calls)]
pub struct LastCall {
    #[diesel(sql_type = SqlUuid)]
    endpoint_id: Uuid,
    id: Uuid,
    pub at: DateTime<Utc>,
    outcome: String,
    status: Option<i16>,
}

impl LastCall {
    /// For `calls/tag.html`.
    pub fn status(&self) -> CallStatus {
        CallStatus::read(&self.outcome, self.status)
    }

    /// The page of the call, for people with View Activity.
    pub fn href(&self) -> String {
        format!("/calls/{}", CallPlace { at: self.at, id: self.id })
    }
}

/// The last calls of these endpoints, by endpoint: one index look-up for each, whatever the number of calls. Endpoints
/// that were not called within the retention are missing.
pub async fn last_calls(conn: &Conn, endpoints: &[Uuid]) -> Result<HashMap<Uuid, LastCall>, Error> {
    let last: Vec<LastCall> = sql_query(
        "SELECT last.* FROM unnest($1) AS wanted (endpoint) CROSS JOIN LATERAL (
            SELECT endpoint_id, id, at, outcome, status FROM calls
            WHERE calls.endpoint_id = endpoint ORDER BY at DESC, calls.id DESC LIMIT 1
        ) AS last",
    )
    .bind::<Array<SqlUuid>, _>(endpoints)
    .load(&mut &*conn)
    .await?;
    Ok(last.into_iter().map(|call| (call.endpoint_id, call)).collect())
}

/// The newest call through a connector.
pub(super) async fn newest_call(conn: &Conn, connector: ConnectorId) -> Result<Option<CallRow>, Error> {
    let sql = format!(
        "SELECT {COLUMNS}, NULL AS connector_key, NULL AS key_prefix FROM calls
        WHERE connector_id = $1 ORDER BY at DESC, id DESC LIMIT 1"
    );
    Ok(sql_query(sql).bind::<SqlUuid, _>(connector).get_result(&mut &*conn).await.optional()?)
}
