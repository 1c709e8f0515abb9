//! Reminders of what ends: 30 days, 7 days and 1 day ahead, each once.
//!
//! Rule: an end is reported for the smallest number of days that it is within, so of what ends tomorrow there is one
//! message and not three. What lives no longer than those days is not reported: that it ends soon is no news.

use chrono::{DateTime, Utc};
use diesel::sql_query;
use diesel::sql_types::Timestamptz;
use diesel_async::RunQueryDsl;

use crate::db::Conn;
use crate::expirations::all_ends;
use crate::web::Error;

/// Ends the reminders of what has ended, or ends at another time now.
pub(super) async fn end(conn: &mut Conn, now: DateTime<Utc>) -> Result<(), Error> {
    let ends = all_ends();
    sql_query(format!(
        "UPDATE notice_events SET ended_at = $1 WHERE reminder IS NOT NULL AND ended_at IS NULL AND (expires_at <= $1 OR NOT EXISTS (
            SELECT FROM ({ends}) AS ends WHERE ends.kind = reminder AND ends.subject = subject_id AND ends.ends_at = expires_at))"
    ))
    .bind::<Timestamptz, _>(now)
    .execute(conn)
    .await?;
    Ok(())
}

/// Adds the reminders that are due.
pub(super) async fn begin(conn: &mut Conn, now: DateTime<Utc>) -> Result<(), Error> {
    let ends = all_ends();
    sql_query(format!(
        "INSERT INTO notice_events (id, connector_id, health, began_at, expires_at, reminder, subject_id, days, title)
         SELECT gen_random_uuid(), ends.connector_id, 'expiring', $1, ends.ends_at, ends.kind, ends.subject, due.days, ends.label
         FROM ({ends}) AS ends JOIN LATERAL (
            SELECT min(days) AS days FROM unnest(ARRAY[1, 7, 30]) AS days
            WHERE ends.ends_at <= $1 + days * interval '1 day' AND (ends.since IS NULL OR ends.ends_at - ends.since > days * interval '1 day')
         ) AS due ON due.days IS NOT NULL
         WHERE ends.ends_at > $1
         ON CONFLICT DO NOTHING"
    ))
    .bind::<Timestamptz, _>(now)
    .execute(conn)
    .await?;
    Ok(())
}
