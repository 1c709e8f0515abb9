//! The partitions of the call log, one for each day of UTC.
//!
//! Rule: partitions come and go under one lock, so that several instances take turns. A new one is made aside and then
//! attached, because making it in its place would lock out whoever reads or writes the log.

use chrono::{Days, NaiveDate};
use diesel::sql_types::{BigInt, Text};
use diesel::{QueryableByName, sql_query};
use diesel_async::{AsyncConnection, RunQueryDsl};

use crate::db::Conn;
use crate::web::Error;

/// Any number, the same in every instance: who holds this lock makes and drops partitions.
const LOCK: i64 = 0x6361_6c6c_5f64_6179;

/// How long a drop waits for readers of the log. Others queue behind it meanwhile.
const PATIENCE: &str = "SET LOCAL lock_timeout = '1s'";

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
pub(super) async fn make(conn: &mut Conn, days: &[NaiveDate]) -> Result<(), Error> {
    let there = existing(conn).await?;
    if days.iter().all(|day| there.contains(day)) {
        return Ok(());
    }
    conn.transaction(async |conn| {
        sql_query("SELECT pg_advisory_xact_lock($1)").bind::<BigInt, _>(LOCK).execute(conn).await?;
        // Somebody else may have made them meanwhile.
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

/// Drops the partitions of the days before `oldest`, each in a moment. One that somebody is reading stays for now.
pub(super) async fn drop_before(conn: &mut Conn, oldest: NaiveDate) -> Result<(), Error> {
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
        sql_query(PATIENCE).execute(conn).await?;
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
