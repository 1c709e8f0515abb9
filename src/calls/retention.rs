//! How long calls are kept: partitions of the call log, one for each day of UTC, and the background work that makes and
//! drops them.
//!
//! Rule: partitions come and go under one lock, so that several instances take turns. A new one is made as a table and
//! then attached, because making it in place would lock out reads and writes of the log.

use chrono::{DateTime, Days, NaiveDate, NaiveTime, Utc};
use diesel::prelude::*;
use diesel::sql_query;
use diesel::sql_types::{BigInt, Text};
use diesel_async::{AsyncConnection, RunQueryDsl};

use crate::connectors;
use crate::db::Conn;
use crate::db::schema::call_hours;
use crate::web::Error;

/// Days whose partitions are made ahead.
const AHEAD: u64 = 3;

/// Counts are kept at least as long as the page that deletes a connector looks back.
const COUNTS_KEPT: u16 = 30;

/// The advisory lock, the same in every instance, under which partitions are made and dropped.
const LOCK: i64 = 0x6361_6c6c_5f64_6179;

/// How long a drop waits for readers of the log. Others queue behind it meanwhile.
const LOCK_TIMEOUT: &str = "SET LOCAL lock_timeout = '1s'";

/// For how many days entries of the call log are kept.
#[derive(Clone, Copy)]
pub struct Retention(pub u16);

impl Retention {
    /// The oldest day of which entries are kept, so that each is there for all of its days.
    pub fn oldest(self, now: DateTime<Utc>) -> NaiveDate {
        oldest(self.0, now)
    }
}

fn oldest(days: u16, now: DateTime<Utc>) -> NaiveDate {
    let today = now.date_naive();
    today.checked_sub_days(Days::new(days.into())).unwrap_or(today)
}

/// Makes the partitions of the days to come, and drops the days that have expired with what was counted of them.
pub async fn look_after(conn: &mut Conn, retention: Retention, now: DateTime<Utc>) -> Result<(), Error> {
    let today = now.date_naive();
    let days: Vec<NaiveDate> = (0..=AHEAD).filter_map(|ahead| today.checked_add_days(Days::new(ahead))).collect();
    make_partitions(conn, &days).await?;
    drop_before(conn, retention.oldest(now)).await?;
    let counts = oldest(retention.0.max(COUNTS_KEPT), now).and_time(NaiveTime::MIN).and_utc();
    connectors::keep_called(conn, counts).await?;
    diesel::delete(call_hours::table.filter(call_hours::hour.lt(counts))).execute(conn).await?;
    Ok(())
}

#[derive(QueryableByName)]
struct Partition {
    #[diesel(sql_type = Text)]
    name: String,
}

/// The name of a day's partition.
fn name(day: NaiveDate) -> String {
    day.format("calls_%Y%m%d").to_string()
}

fn day(name: &str) -> Option<NaiveDate> {
    NaiveDate::parse_from_str(name, "calls_%Y%m%d").ok()
}

/// Makes the partitions of `days` where they are missing.
pub(super) async fn make_partitions(conn: &mut Conn, days: &[NaiveDate]) -> Result<(), Error> {
    let there = existing(conn).await?;
    if days.iter().all(|day| there.contains(day)) {
        return Ok(());
    }
    conn.transaction(async |conn| {
        sql_query("SELECT pg_advisory_xact_lock($1)").bind::<BigInt, _>(LOCK).execute(conn).await?;
        // Another instance may have made them meanwhile.
        let there = existing(conn).await?;
        for day in days.iter().filter(|day| !there.contains(day)) {
            create(conn, *day).await?;
        }
        Ok(())
    })
    .await
}

async fn create(conn: &mut Conn, day: NaiveDate) -> Result<(), Error> {
    let (name, next) = (name(day), day + Days::new(1));
    let table = format!("CREATE TABLE {name} (LIKE calls INCLUDING DEFAULTS INCLUDING CONSTRAINTS)");
    sql_query(table).execute(conn).await?;
    let attach =
        format!("ALTER TABLE calls ATTACH PARTITION {name} FOR VALUES FROM ('{day} 00:00+00') TO ('{next} 00:00+00')");
    sql_query(attach).execute(conn).await?;
    Ok(())
}

/// Drops the partitions of the days before `oldest`, each in a moment. One that is being read stays for now.
async fn drop_before(conn: &mut Conn, oldest: NaiveDate) -> Result<(), Error> {
    let mut days = existing(conn).await?;
    days.retain(|day| *day < oldest);
    for day in days {
        match drop_one(conn, day).await {
            Err(Error::Internal(cause)) if format!("{cause:#}").contains("lock timeout") => {
                tracing::info!(%day, "a day of the call log is being read, and is dropped later");
            }
            outcome => outcome?,
        }
    }
    Ok(())
}

async fn drop_one(conn: &mut Conn, day: NaiveDate) -> Result<(), Error> {
    conn.transaction(async |conn| {
        sql_query(LOCK_TIMEOUT).execute(conn).await?;
        sql_query("SELECT pg_advisory_xact_lock($1)").bind::<BigInt, _>(LOCK).execute(conn).await?;
        sql_query(format!("DROP TABLE IF EXISTS {}", name(day))).execute(conn).await?;
        Ok(())
    })
    .await
}

/// The days that have a partition.
async fn existing(conn: &mut Conn) -> Result<Vec<NaiveDate>, Error> {
    let partitions: Vec<Partition> = sql_query(
        "SELECT relname::text AS name FROM pg_inherits JOIN pg_class ON pg_class.oid = inhrelid WHERE inhparent = 'calls'::regclass",
    )
    .load(conn)
    .await?;
    Ok(partitions.iter().filter_map(|partition| day(&partition.name)).collect())
}
