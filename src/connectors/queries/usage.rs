//! Who has used a connector lately.

use chrono::{DateTime, TimeDelta, Utc};
use diesel::prelude::*;
use diesel::sql_query;
use diesel::sql_types::{BigInt, Text, Timestamptz, Uuid as SqlUuid};
use diesel_async::RunQueryDsl;

use crate::connectors::ConnectorId;
use crate::db::Conn;
use crate::web::{Error, grouped};

/// How far back one looks.
const LATELY: TimeDelta = TimeDelta::days(30);

/// Who has used a connector in the last 30 days.
pub struct Usage {
    /// Most calls first.
    pub users: Vec<User>,
    pub callers: i64,
    pub calls: i64,
}

/// A program or person that has called.
#[derive(QueryableByName)]
pub struct User {
    #[diesel(sql_type = Text)]
    caller_kind: String,
    #[diesel(sql_type = Text)]
    pub name: String,
    #[diesel(sql_type = BigInt)]
    calls: i64,
    #[diesel(sql_type = Timestamptz)]
    pub last_at: DateTime<Utc>,
    #[diesel(sql_type = BigInt)]
    all_callers: i64,
    #[diesel(sql_type = BigInt)]
    all_calls: i64,
}

impl User {
    pub fn kind(&self) -> &'static str {
        match self.caller_kind.as_str() {
            "user" => "Person",
            _ => "Program",
        }
    }

    pub fn calls_words(&self) -> String {
        grouped(self.calls)
    }
}

/// The `most` callers who have used the connector most in the 30 days before `now`. Rows of the nil UUID are totals.
pub async fn usage(conn: &Conn, connector: ConnectorId, most: i64, now: DateTime<Utc>) -> Result<Usage, Error> {
    let sql = format!(
        "SELECT caller_kind, (array_agg(caller_name ORDER BY last_at DESC))[1] AS name, sum(calls)::bigint AS calls,
            max(last_at) AS last_at, count(*) OVER () AS all_callers, (sum(sum(calls)) OVER ())::bigint AS all_calls
        FROM call_hours
        WHERE connector_id = $1 AND hour >= $2 AND caller_id <> '00000000-0000-0000-0000-000000000000'
        GROUP BY caller_kind, caller_id ORDER BY 3 DESC, 2, caller_id LIMIT {most}"
    );
    let users: Vec<User> =
        sql_query(sql).bind::<SqlUuid, _>(connector).bind::<Timestamptz, _>(now - LATELY).load(&mut &*conn).await?;
    let totals = |of: fn(&User) -> i64| users.as_slice().first().map_or(0, of);
    Ok(Usage { callers: totals(|user| user.all_callers), calls: totals(|user| user.all_calls), users })
}
