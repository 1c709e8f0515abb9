//! Sums for charts, from the calls counted by hour: their cost does not follow the number of calls.

use chrono::{DateTime, TimeDelta, Utc};
use diesel::pg::Pg;
use diesel::sql_types::{Array, BigInt, Bool, Timestamptz, Uuid as SqlUuid};
use diesel::{QueryableByName, sql_query};
use diesel_async::RunQueryDsl;
use uuid::Uuid;

use super::super::filter::{CallFilter, Span};
use super::super::hours::{ALL, CLASSES};
use crate::connectors::ConnectorId;
use crate::db::Conn;
use crate::web::Error;

/// The calls of a step of time.
#[derive(QueryableByName)]
pub(in super::super) struct Sum {
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
pub(in super::super) async fn sums(
    conn: &Conn,
    filter: &CallFilter,
    span: Span,
    step: TimeDelta,
) -> Result<Vec<Sum>, Error> {
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

#[derive(QueryableByName)]
struct Answer {
    #[diesel(sql_type = Bool)]
    yes: bool,
}

/// Whether no call was ever counted: of a connector, or at all.
pub(in super::super) async fn is_empty(conn: &Conn, connector: Option<ConnectorId>) -> Result<bool, Error> {
    let any =
        format!("SELECT NOT EXISTS (SELECT FROM call_hours WHERE connector_id = $1 AND caller_id = '{ALL}') AS yes");
    let answer: Answer = sql_query(any).bind::<SqlUuid, _>(connector.unwrap_or(ALL)).get_result(&mut &*conn).await?;
    Ok(answer.yes)
}
