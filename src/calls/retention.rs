//! How long calls are kept, and the background work that keeps to it.

use chrono::{DateTime, Days, NaiveDate, NaiveTime, Utc};
use diesel::prelude::*;
use diesel_async::RunQueryDsl;

use super::partitions;
use crate::db::Conn;
use crate::db::schema::call_hours;
use crate::web::Error;

/// Days that are made ahead.
const AHEAD: u64 = 3;

/// Counts are kept at least as long as the page that deletes a connector looks back.
const COUNTS_KEPT: u16 = 30;

/// For how many days lines of the call log are kept.
#[derive(Clone, Copy)]
pub struct Retention(pub u16);

impl Retention {
    /// The oldest day of which lines are kept, so that each is there for all of its days.
    pub fn oldest(self, now: DateTime<Utc>) -> NaiveDate {
        oldest(self.0, now)
    }
}

fn oldest(days: u16, now: DateTime<Utc>) -> NaiveDate {
    let today = now.date_naive();
    today.checked_sub_days(Days::new(days.into())).unwrap_or(today)
}

/// Makes the partitions of the days to come, and drops the days whose time is over with what was counted of them.
pub async fn look_after(conn: &mut Conn, retention: Retention, now: DateTime<Utc>) -> Result<(), Error> {
    let today = now.date_naive();
    let days: Vec<NaiveDate> = (0..=AHEAD).filter_map(|ahead| today.checked_add_days(Days::new(ahead))).collect();
    partitions::make(conn, &days).await?;
    partitions::drop_before(conn, retention.oldest(now)).await?;
    let counts = oldest(retention.0.max(COUNTS_KEPT), now).and_time(NaiveTime::MIN).and_utc();
    diesel::delete(call_hours::table.filter(call_hours::hour.lt(counts))).execute(conn).await?;
    Ok(())
}
