//! The last call and the calls of the last 7 days of the connectors on a page, from the counts by hour.

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use diesel::sql_query;
use diesel::sql_types::{Array, Timestamptz, Uuid as SqlUuid};
use diesel_async::RunQueryDsl;

use crate::connectors::ConnectorId;
use crate::connectors::recent_calls::RecentCalls;
use crate::db::{Conn, Prepared};
use crate::web::Error;

/// The totals of a connector, as the index of the totals knows them.
const TOTALS: &str =
    "FROM call_hours WHERE connector_id = wanted.id AND caller_id = '00000000-0000-0000-0000-000000000000'";

/// What was called, by connector: connectors without a counted call are missing. Reads at most the hours of 7 days for
/// each.
pub async fn recent_calls(
    conn: &Conn,
    connectors: Vec<ConnectorId>,
    now: DateTime<Utc>,
) -> Result<HashMap<ConnectorId, RecentCalls>, Error> {
    let statement = sql_query(format!(
        "SELECT wanted.id AS connector_id, last.at AS last_at, week.calls, week.errors
        FROM unnest($1) AS wanted (id)
        CROSS JOIN LATERAL (SELECT last_at AS at {TOTALS} ORDER BY hour DESC LIMIT 1) AS last
        CROSS JOIN LATERAL (
            SELECT array_agg(coalesce(day.calls, 0) ORDER BY ago DESC) AS calls, array_agg(coalesce(day.errors, 0) ORDER BY ago DESC) AS errors
            FROM generate_series(0, 6) AS ago LEFT JOIN (
                SELECT floor(extract(epoch FROM $2 - hour) / 86400)::integer AS ago, sum(calls)::bigint AS calls, sum(errors)::bigint AS errors
                {TOTALS} AND hour > $2 - interval '7 days' GROUP BY 1
            ) AS day USING (ago)
        ) AS week"
    ))
    .bind::<Array<SqlUuid>, _>(connectors)
    .bind::<Timestamptz, _>(now);
    let rows: Vec<RecentCalls> = Prepared(statement).load(&mut &*conn).await?;
    Ok(rows.into_iter().map(|row| (row.connector_id, row)).collect())
}
