//! Accounts at which so many tries came from addresses that their people never came from that strangers are slowed down
//! there.
//!
//! Rule: the person is told on the home page. Familiar addresses are not held up, so nobody is locked out by it.

use chrono::{DateTime, TimeDelta, Utc};
use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use uuid::Uuid;

use crate::db::Conn;
use crate::db::schema::{sign_in_alarms, users};
use crate::web::Error;

/// So long the person is told of it.
const TOLD: TimeDelta = TimeDelta::days(7);

/// Notes it of the account with this user name, if there is one.
pub(super) async fn note(conn: &mut Conn, username: &str, now: DateTime<Utc>) -> Result<(), Error> {
    let account = users::table.filter(users::username_key.eq(crate::name::key(username)));
    let user: Option<Uuid> = account.select(users::id).first(conn).await.optional()?;
    let Some(user) = user else {
        return Ok(());
    };
    diesel::insert_into(sign_in_alarms::table)
        .values((sign_in_alarms::user_id.eq(user), sign_in_alarms::last_at.eq(now)))
        .on_conflict(sign_in_alarms::user_id)
        .do_update()
        .set(sign_in_alarms::last_at.eq(now))
        .execute(conn)
        .await?;
    Ok(())
}

/// When strangers were last slowed down at this person's account, within the last week.
pub async fn sign_in_alarm(
    conn: &Conn,
    user: Option<Uuid>,
    now: DateTime<Utc>,
) -> Result<Option<DateTime<Utc>>, Error> {
    let alarm = sign_in_alarms::table
        .filter(sign_in_alarms::user_id.nullable().eq(user))
        .filter(sign_in_alarms::last_at.gt(now - TOLD))
        .select(sign_in_alarms::last_at);
    Ok(alarm.first(&mut &*conn).await.optional()?)
}

/// Forgets what nobody is told of any more.
pub(super) async fn purge(conn: &mut Conn, now: DateTime<Utc>) -> Result<usize, Error> {
    let over = sign_in_alarms::table.filter(sign_in_alarms::last_at.le(now - TOLD));
    Ok(diesel::delete(over).execute(conn).await?)
}
