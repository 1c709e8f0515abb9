//! How many calls there were lately.

use chrono::{DateTime, TimeDelta, Utc};
use diesel::dsl::sql;
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Bool};
use diesel_async::RunQueryDsl;

use super::super::hours::ALL;
use crate::access::Visibility;
use crate::db::Conn;
use crate::db::schema::call_hours;
use crate::web::Error;

/// Calls and errors among them, of this hour and the 23 before. Where not all connectors are seen, the totals of those
/// that are are added up.
pub(in super::super) async fn last_day(
    conn: &Conn,
    visibility: Visibility,
    now: DateTime<Utc>,
) -> Result<(i64, i64), Error> {
    let of = match visibility {
        Visibility::All => format!("connector_id = '{ALL}' AND endpoint_id = '{ALL}'"),
        Visibility::Of(_) => format!("connector_id <> '{ALL}'{}", visibility.and_of("connector_id")),
    };
    let hours = call_hours::table
        .filter(sql::<Bool>(&of))
        .filter(call_hours::caller_id.eq(ALL))
        .filter(call_hours::hour.gt(now - TimeDelta::days(1)))
        .select((sql::<BigInt>("coalesce(sum(calls), 0)::bigint"), sql::<BigInt>("coalesce(sum(errors), 0)::bigint")));
    Ok(hours.first(&mut &*conn).await?)
}
