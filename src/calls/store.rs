//! Writing calls into the log and counting them by the hour, in one transaction: two statements, however many calls
//! there are.
//!
//! Charts, “last call” and “who used it” read the counts, at the same cost however many calls there were. Besides a row
//! for each hour, connector, endpoint and caller there are totals of each connector, of each caller and of all together.

use std::collections::{BTreeMap, HashSet};
use std::time::Duration;

use chrono::{DateTime, DurationRound, TimeDelta, Utc};
use diesel::pg::Pg;
use diesel::query_builder::{BoxedSqlQuery, SqlQuery};
use diesel::serialize::ToSql;
use diesel::sql_types::{Array, BigInt, HasSqlType, Nullable, SmallInt, Text, Timestamptz, Uuid as SqlUuid};
use diesel::{QueryableByName, sql_query};
use diesel_async::{AsyncConnection, RunQueryDsl};
use uuid::Uuid;

use super::call::clean;
use super::{Call, Outcome};
use crate::db::{Conn, Prepared};
use crate::web::Error;

/// Upper bounds of the classes in which times are counted; above the last one is one more class.
pub(super) const BOUNDS: [Duration; 15] = [
    Duration::from_millis(1),
    Duration::from_millis(2),
    Duration::from_millis(5),
    Duration::from_millis(10),
    Duration::from_millis(20),
    Duration::from_millis(50),
    Duration::from_millis(100),
    Duration::from_millis(200),
    Duration::from_millis(500),
    Duration::from_secs(1),
    Duration::from_secs(2),
    Duration::from_secs(5),
    Duration::from_secs(10),
    Duration::from_secs(30),
    Duration::from_secs(60),
];

/// Classes of times.
pub(super) const CLASSES: usize = BOUNDS.len() + 1;

/// In a total, the id of what it is a total of: all callers, all endpoints, all connectors.
pub(super) const ALL: Uuid = Uuid::nil();

/// What a row counts, in the order of its key. Every instance writes rows in this order, so none waits for one that
/// waits for it.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct HourKey {
    pub connector: Uuid,
    pub hour: DateTime<Utc>,
    pub endpoint: Uuid,
    pub caller: Uuid,
}

/// What is counted of the calls of a row.
pub(super) struct HourCount<'a> {
    pub calls: i64,
    pub errors: i64,
    /// Answered calls by the class of their time: a refusal takes no time that would say something of the API.
    pub latencies: [i64; CLASSES],
    /// The newest of the calls.
    pub last: &'a Call,
}

/// Counts calls by the rows that they belong to.
pub(super) fn count<'a>(calls: impl Iterator<Item = &'a Call>) -> BTreeMap<HourKey, HourCount<'a>> {
    let mut rows = BTreeMap::new();
    for call in calls {
        let hour = call.at.duration_trunc(TimeDelta::hours(1)).unwrap_or(call.at);
        let endpoint = call.endpoint.as_ref().map_or(ALL, |(id, _)| *id);
        let key = |connector, endpoint, caller| HourKey { connector, hour, endpoint, caller };
        for key in [
            key(call.connector, endpoint, call.caller.id),
            key(call.connector, ALL, ALL),
            key(ALL, ALL, call.caller.id),
            key(ALL, ALL, ALL),
        ] {
            rows.entry(key).or_insert_with(|| HourCount::new(call)).add(call);
        }
    }
    rows
}

impl<'a> HourCount<'a> {
    fn new(first: &'a Call) -> HourCount<'a> {
        HourCount { calls: 0, errors: 0, latencies: [0; CLASSES], last: first }
    }

    fn add(&mut self, call: &'a Call) {
        self.calls += 1;
        self.errors += i64::from(call.is_error());
        if call.outcome == Outcome::Answered {
            self.latencies[class(call.total)] += 1;
        }
        if call.at >= self.last.at {
            self.last = call;
        }
    }
}

/// The class of a time.
fn class(time: Duration) -> usize {
    BOUNDS.partition_point(|bound| *bound < time)
}

/// Rows as arrays, one for each column, so that a statement has the same text for any number of rows.
struct Columns {
    names: Vec<&'static str>,
    statement: BoxedSqlQuery<'static, Pg, SqlQuery>,
}

impl Columns {
    fn new() -> Columns {
        Columns { names: Vec::new(), statement: sql_query("").into_boxed() }
    }

    /// Adds a column.
    fn column<T: Send + 'static, V>(mut self, name: &'static str, values: Vec<V>) -> Columns
    where
        Pg: HasSqlType<Array<T>>,
        Vec<V>: ToSql<Array<T>, Pg> + Send + 'static,
    {
        self.names.push(name);
        self.statement = self.statement.bind::<Array<T>, _>(values);
        self
    }

    /// The names of the columns, and the rows as a table with these columns.
    fn parts(&self) -> (String, String) {
        let names = self.names.join(", ");
        let arrays: Vec<String> = (1..=self.names.len()).map(|number| format!("${number}")).collect();
        let rows = format!("unnest({}) AS new ({names})", arrays.join(", "));
        (names, rows)
    }

    fn statement(self, sql: &str) -> Prepared<BoxedSqlQuery<'static, Pg, SqlQuery>> {
        Prepared(self.statement.sql(sql))
    }
}

#[derive(QueryableByName)]
struct Stored {
    #[diesel(sql_type = SqlUuid)]
    id: Uuid,
}

/// Stores all of `calls` or none; those that are stored already are neither stored nor counted again.
pub(super) async fn store(conn: &mut Conn, calls: &[Call]) -> Result<(), Error> {
    if calls.is_empty() {
        return Ok(());
    }
    conn.transaction(async |conn| {
        let stored = insert_calls(conn, calls).await?;
        let new: HashSet<Uuid> = stored.iter().map(|row| row.id).collect();
        let rows = count(calls.iter().filter(|call| new.contains(&call.id)));
        add_counts(conn, &rows.into_iter().collect::<Vec<_>>()).await
    })
    .await
}

async fn insert_calls(conn: &mut Conn, calls: &[Call]) -> Result<Vec<Stored>, Error> {
    let texts = |text: for<'a> fn(&'a Call) -> &'a str| -> Vec<String> {
        calls.iter().map(|call| clean(text(call)).into_owned()).collect()
    };
    let micros = |time: fn(&Call) -> Duration| -> Vec<i64> {
        calls.iter().map(|call| i64::try_from(time(call).as_micros()).unwrap_or(i64::MAX)).collect()
    };
    let bytes = |size: fn(&Call) -> u64| -> Vec<i64> {
        calls.iter().map(|call| i64::try_from(size(call)).unwrap_or(i64::MAX)).collect()
    };
    let ids = |id: fn(&Call) -> Uuid| -> Vec<Uuid> { calls.iter().map(id).collect() };
    let optional = |id: fn(&Call) -> Option<Uuid>| -> Vec<Option<Uuid>> { calls.iter().map(id).collect() };
    let attempts = calls.iter().map(|call| i16::try_from(call.attempts).unwrap_or(i16::MAX)).collect();
    let columns = Columns::new()
        .column::<SqlUuid, _>("id", ids(|call| call.id))
        .column::<Timestamptz, DateTime<Utc>>("at", calls.iter().map(|call| call.at).collect())
        .column::<Text, _>("kind", texts(|call| call.kind.code()))
        .column::<SqlUuid, _>("connector_id", ids(|call| call.connector))
        .column::<Text, _>("connector_name", texts(|call| &call.connector_name))
        .column::<Nullable<SqlUuid>, _>("endpoint_id", optional(|call| call.endpoint.as_ref().map(|(id, _)| *id)))
        .column::<Text, _>("endpoint_name", texts(|call| call.endpoint.as_ref().map_or("", |(_, name)| name)))
        .column::<Text, _>("caller_kind", texts(|call| call.caller.kind.code()))
        .column::<SqlUuid, _>("caller_id", ids(|call| call.caller.id))
        .column::<Text, _>("caller_name", texts(|call| &call.caller.name))
        .column::<Nullable<SqlUuid>, _>("api_key_id", optional(|call| call.caller.api_key))
        .column::<Text, _>("address", texts(|call| &call.address))
        .column::<Text, _>("method", texts(|call| call.method))
        .column::<Text, _>("target", texts(|call| call.target.as_str()))
        .column::<Text, _>("outcome", texts(|call| call.outcome.code()))
        .column::<Nullable<SmallInt>, _>("status", calls.iter().map(status).collect())
        .column::<Text, _>("problem", texts(|call| call.problem))
        .column::<Text, _>("detail", texts(|call| &call.detail))
        .column::<SmallInt, i16>("attempts", attempts)
        .column::<BigInt, _>("queue_us", micros(|call| call.queue))
        .column::<BigInt, _>("connect_us", micros(|call| call.connect))
        .column::<BigInt, _>("first_byte_us", micros(|call| call.first_byte))
        .column::<BigInt, _>("total_us", micros(|call| call.total))
        .column::<BigInt, _>("sent_bytes", bytes(|call| call.sent))
        .column::<BigInt, _>("received_bytes", bytes(|call| call.received))
        .column::<Text, _>("request_id", texts(|call| &call.request_id));
    let (names, rows) = columns.parts();
    // A call is stored already if the connection broke after its transaction was committed.
    let sql =
        format!("INSERT INTO calls ({names}) SELECT {names} FROM {rows} ON CONFLICT (at, id) DO NOTHING RETURNING id");
    Ok(columns.statement(&sql).load(conn).await?)
}

fn status(call: &Call) -> Option<i16> {
    call.status.and_then(|status| i16::try_from(status).ok())
}

async fn add_counts(conn: &mut Conn, rows: &[(HourKey, HourCount<'_>)]) -> Result<(), Error> {
    let ids = |id: fn(&HourKey) -> Uuid| -> Vec<Uuid> { rows.iter().map(|(key, _)| id(key)).collect() };
    let numbers =
        |number: fn(&HourCount<'_>) -> i64| -> Vec<i64> { rows.iter().map(|(_, count)| number(count)).collect() };
    let of_caller = |text: for<'a> fn(&'a Call) -> &'a str| -> Vec<String> {
        let text = |(key, count): &(HourKey, HourCount<'_>)| {
            if key.caller == ALL { String::new() } else { clean(text(count.last)).into_owned() }
        };
        rows.iter().map(text).collect()
    };
    let columns = Columns::new()
        .column::<Timestamptz, DateTime<Utc>>("hour", rows.iter().map(|(key, _)| key.hour).collect())
        .column::<SqlUuid, _>("connector_id", ids(|key| key.connector))
        .column::<SqlUuid, _>("endpoint_id", ids(|key| key.endpoint))
        .column::<SqlUuid, _>("caller_id", ids(|key| key.caller))
        .column::<Text, _>("caller_kind", of_caller(|call| call.caller.kind.code()))
        .column::<Text, _>("caller_name", of_caller(|call| &call.caller.name))
        .column::<BigInt, _>("calls", numbers(|count| count.calls))
        .column::<BigInt, _>("errors", numbers(|count| count.errors))
        .column::<Text, _>("latencies", rows.iter().map(|(_, count)| array_text(&count.latencies)).collect())
        .column::<Timestamptz, DateTime<Utc>>("last_at", rows.iter().map(|(_, count)| count.last.at).collect())
        .column::<Nullable<SmallInt>, _>("last_status", rows.iter().map(|(_, count)| status(count.last)).collect())
        .column::<Text, String>("last_problem", rows.iter().map(|(_, count)| count.last.problem.into()).collect());
    let (names, rows) = columns.parts();
    // `unnest` flattens an array of arrays, so these travel as text.
    let values = names.replace("latencies", "latencies::bigint[]");
    let sql = format!(
        "INSERT INTO call_hours AS kept ({names}) SELECT {values} FROM {rows}
        ON CONFLICT ON CONSTRAINT call_hours_pkey DO UPDATE SET
            calls = kept.calls + excluded.calls,
            errors = kept.errors + excluded.errors,
            latencies = (SELECT array_agg(coalesce(old, 0) + coalesce(more, 0) ORDER BY place)
                FROM unnest(kept.latencies, excluded.latencies) WITH ORDINALITY AS classes (old, more, place)),
            caller_name = CASE WHEN excluded.last_at >= kept.last_at THEN excluded.caller_name ELSE kept.caller_name END,
            last_status = CASE WHEN excluded.last_at >= kept.last_at THEN excluded.last_status ELSE kept.last_status END,
            last_problem = CASE WHEN excluded.last_at >= kept.last_at THEN excluded.last_problem ELSE kept.last_problem END,
            last_at = greatest(excluded.last_at, kept.last_at)"
    );
    columns.statement(&sql).execute(conn).await?;
    Ok(())
}

/// `{1,0,2}`
fn array_text(numbers: &[i64]) -> String {
    let numbers: Vec<String> = numbers.iter().map(i64::to_string).collect();
    format!("{{{}}}", numbers.join(","))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_is_counted_under_the_first_bound_that_it_does_not_exceed() {
        let millis = Duration::from_millis;
        for (time, bound) in
            [(millis(0), 0), (millis(1), 0), (millis(3), 2), (millis(60_000), 14), (millis(60_001), 15)]
        {
            assert_eq!(class(time), bound, "{time:?}");
        }
        assert!(BOUNDS.is_sorted());
    }
}
