//! Writing lines, and counting them, in one transaction: two statements, however many lines there are.

use std::collections::HashSet;
use std::time::Duration;

use chrono::{DateTime, Utc};
use diesel::pg::Pg;
use diesel::sql_types::{Array, BigInt, Nullable, SmallInt, Text, Timestamptz, Uuid as SqlUuid};
use diesel::{QueryableByName, sql_query};
use diesel_async::{AsyncConnection, RunQueryDsl};
use uuid::Uuid;

use super::super::Call;
use super::super::call::clean;
use super::super::hours::{HourCount, HourKey, count};
use crate::db::{Conn, Prepared};
use crate::web::Error;

/// A line that has been stored already, by a transaction of which nobody heard the end, is left out.
const INSERT_LINES: &str = "INSERT INTO calls (id, at, kind, connector_id, connector_name, endpoint_id, endpoint_name,
    caller_kind, caller_id, caller_name, api_key_id, address, method, target, outcome, status, problem, detail, attempts,
    queue_us, connect_us, first_byte_us, total_us, sent_bytes, received_bytes, request_id)
SELECT * FROM unnest($1::uuid[], $2::timestamptz[], $3::text[], $4::uuid[], $5::text[], $6::uuid[], $7::text[],
    $8::text[], $9::uuid[], $10::text[], $11::uuid[], $12::text[], $13::text[], $14::text[], $15::text[], $16::smallint[],
    $17::text[], $18::text[], $19::smallint[], $20::bigint[], $21::bigint[], $22::bigint[], $23::bigint[], $24::bigint[],
    $25::bigint[], $26::text[])
ON CONFLICT (at, id) DO NOTHING RETURNING id";

/// Arrays of arrays lose their shape in `unnest`, so the classes of times travel as text.
const ADD_COUNTS: &str = "INSERT INTO call_hours AS kept (hour, connector_id, endpoint_id, caller_id, caller_kind,
    caller_name, calls, errors, latencies, last_at, last_status, last_problem)
SELECT hour, connector_id, endpoint_id, caller_id, caller_kind, caller_name, calls, errors, latencies::bigint[], last_at,
    last_status, last_problem
FROM unnest($1::timestamptz[], $2::uuid[], $3::uuid[], $4::uuid[], $5::text[], $6::text[], $7::bigint[], $8::bigint[],
    $9::text[], $10::timestamptz[], $11::smallint[], $12::text[])
    AS new (hour, connector_id, endpoint_id, caller_id, caller_kind, caller_name, calls, errors, latencies, last_at,
    last_status, last_problem)
ON CONFLICT ON CONSTRAINT call_hours_pkey DO UPDATE SET
    calls = kept.calls + excluded.calls,
    errors = kept.errors + excluded.errors,
    latencies = (SELECT array_agg(coalesce(old, 0) + coalesce(more, 0) ORDER BY place)
        FROM unnest(kept.latencies, excluded.latencies) WITH ORDINALITY AS classes (old, more, place)),
    caller_name = CASE WHEN excluded.last_at >= kept.last_at THEN excluded.caller_name ELSE kept.caller_name END,
    last_status = CASE WHEN excluded.last_at >= kept.last_at THEN excluded.last_status ELSE kept.last_status END,
    last_problem = CASE WHEN excluded.last_at >= kept.last_at THEN excluded.last_problem ELSE kept.last_problem END,
    last_at = greatest(excluded.last_at, kept.last_at)";

#[derive(QueryableByName)]
struct Stored {
    #[diesel(sql_type = SqlUuid)]
    id: Uuid,
}

/// Stores all of `calls` or none; those that are stored already are neither stored nor counted again.
pub(in super::super) async fn store(conn: &mut Conn, calls: &[Call]) -> Result<(), Error> {
    if calls.is_empty() {
        return Ok(());
    }
    conn.transaction(async |conn| {
        let stored = insert_lines(conn, calls).await?;
        let rows: Vec<(HourKey, HourCount<'_>)> = if stored.len() == calls.len() {
            count(calls.iter()).into_iter().collect()
        } else {
            let new: HashSet<Uuid> = stored.iter().map(|row| row.id).collect();
            count(calls.iter().filter(|call| new.contains(&call.id))).into_iter().collect()
        };
        add_counts(conn, &rows).await
    })
    .await
}

async fn insert_lines(conn: &mut Conn, calls: &[Call]) -> Result<Vec<Stored>, Error> {
    let texts = |text: for<'a> fn(&'a Call) -> &'a str| -> Vec<String> {
        calls.iter().map(|call| clean(text(call)).into_owned()).collect()
    };
    let micros = |time: fn(&Call) -> Duration| -> Vec<i64> {
        calls.iter().map(|call| i64::try_from(time(call).as_micros()).unwrap_or(i64::MAX)).collect()
    };
    let bytes = |size: fn(&Call) -> u64| -> Vec<i64> {
        calls.iter().map(|call| i64::try_from(size(call)).unwrap_or(i64::MAX)).collect()
    };
    let of = |id: fn(&Call) -> Uuid| -> Vec<Uuid> { calls.iter().map(id).collect() };
    let maybe = |id: fn(&Call) -> Option<Uuid>| -> Vec<Option<Uuid>> { calls.iter().map(id).collect() };
    let statement = sql_query(INSERT_LINES)
        .into_boxed::<Pg>()
        .bind::<Array<SqlUuid>, _>(of(|call| call.id))
        .bind::<Array<Timestamptz>, _>(calls.iter().map(|call| call.at).collect::<Vec<DateTime<Utc>>>())
        .bind::<Array<Text>, _>(texts(|call| call.kind.code()))
        .bind::<Array<SqlUuid>, _>(of(|call| call.connector))
        .bind::<Array<Text>, _>(texts(|call| &call.connector_name))
        .bind::<Array<Nullable<SqlUuid>>, _>(maybe(|call| call.endpoint.as_ref().map(|(id, _)| *id)))
        .bind::<Array<Text>, _>(texts(|call| call.endpoint.as_ref().map_or("", |(_, name)| name)))
        .bind::<Array<Text>, _>(texts(|call| call.caller.kind.code()))
        .bind::<Array<SqlUuid>, _>(of(|call| call.caller.id))
        .bind::<Array<Text>, _>(texts(|call| &call.caller.name))
        .bind::<Array<Nullable<SqlUuid>>, _>(maybe(|call| call.caller.api_key))
        .bind::<Array<Text>, _>(texts(|call| &call.address))
        .bind::<Array<Text>, _>(texts(|call| call.method))
        .bind::<Array<Text>, _>(texts(|call| call.target.as_str()))
        .bind::<Array<Text>, _>(texts(|call| call.outcome.code()))
        .bind::<Array<Nullable<SmallInt>>, _>(calls.iter().map(status).collect::<Vec<Option<i16>>>())
        .bind::<Array<Text>, _>(texts(|call| call.problem))
        .bind::<Array<Text>, _>(texts(|call| &call.detail))
        .bind::<Array<SmallInt>, _>(
            calls.iter().map(|call| i16::try_from(call.attempts).unwrap_or(i16::MAX)).collect::<Vec<i16>>(),
        )
        .bind::<Array<BigInt>, _>(micros(|call| call.queue))
        .bind::<Array<BigInt>, _>(micros(|call| call.connect))
        .bind::<Array<BigInt>, _>(micros(|call| call.first_byte))
        .bind::<Array<BigInt>, _>(micros(|call| call.total))
        .bind::<Array<BigInt>, _>(bytes(|call| call.sent))
        .bind::<Array<BigInt>, _>(bytes(|call| call.received))
        .bind::<Array<Text>, _>(texts(|call| &call.request_id));
    Ok(Prepared(statement).load(conn).await?)
}

fn status(call: &Call) -> Option<i16> {
    call.status.and_then(|status| i16::try_from(status).ok())
}

async fn add_counts(conn: &mut Conn, rows: &[(HourKey, HourCount<'_>)]) -> Result<(), Error> {
    fn each<'a, T>(
        rows: &'a [(HourKey, HourCount<'_>)],
        value: impl Fn(&'a HourKey, &'a HourCount<'_>) -> T,
    ) -> Vec<T> {
        rows.iter().map(|(key, count)| value(key, count)).collect()
    }
    let of_caller = |key: &HourKey, text: &str| {
        if key.caller.is_nil() { String::new() } else { clean(text).into_owned() }
    };
    let statement = sql_query(ADD_COUNTS)
        .into_boxed::<Pg>()
        .bind::<Array<Timestamptz>, _>(each(rows, |key, _| key.hour))
        .bind::<Array<SqlUuid>, _>(each(rows, |key, _| key.connector))
        .bind::<Array<SqlUuid>, _>(each(rows, |key, _| key.endpoint))
        .bind::<Array<SqlUuid>, _>(each(rows, |key, _| key.caller))
        .bind::<Array<Text>, _>(each(rows, |key, count| of_caller(key, count.last.caller.kind.code())))
        .bind::<Array<Text>, _>(each(rows, |key, count| of_caller(key, &count.last.caller.name)))
        .bind::<Array<BigInt>, _>(each(rows, |_, count| count.calls))
        .bind::<Array<BigInt>, _>(each(rows, |_, count| count.errors))
        .bind::<Array<Text>, _>(each(rows, |_, count| array_text(&count.latencies)))
        .bind::<Array<Timestamptz>, _>(each(rows, |_, count| count.last.at))
        .bind::<Array<Nullable<SmallInt>>, _>(each(rows, |_, count| status(count.last)))
        .bind::<Array<Text>, _>(each(rows, |_, count| count.last.problem.to_string()));
    Prepared(statement).execute(conn).await?;
    Ok(())
}

/// `{1,0,2}`
fn array_text(numbers: &[i64]) -> String {
    let numbers: Vec<String> = numbers.iter().map(i64::to_string).collect();
    format!("{{{}}}", numbers.join(","))
}
