//! Sessions in the database: found by the hash of the visitor's token, ended by deleting the row.
//!
//! One query brings the person and what they may do, so a changed permission counts on the next request.

use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use diesel::dsl::{case_when, exists};
use diesel::prelude::*;
use diesel::sql_types::{Array, Text, Uuid as SqlUuid};
use diesel_async::RunQueryDsl;
use uuid::Uuid;

use super::{PermissionSet, Visibility, sign_in_alarms, sign_in_places};
use crate::db::Conn;
use crate::db::schema::{connectors, sessions, users};
use crate::web::{Error, VisitorToken};

diesel::define_sql_function! {
    /// The codes of a user's permissions, those of groups included.
    fn effective_permissions(who: SqlUuid) -> Array<Text>;
}

/// The last use of a session is written at most this often, so that reading pages costs no writes; more often where
/// sessions end after less than ten minutes.
const LONGEST_TOUCH: TimeDelta = TimeDelta::minutes(1);

/// When a session ends by itself.
#[derive(Clone, Copy)]
pub struct SessionLimits {
    /// Without a request for so long, and up to a tenth of it or a minute longer: its last use is not written each
    /// time.
    pub idle: Duration,
    /// After so long in any case.
    pub lifetime: Duration,
}

impl SessionLimits {
    /// Sessions whose last use that was written is at this time or before are over. A later use may not have been
    /// written, so that one is counted too: a session never ends before its idle time is over.
    pub fn idle_since(self, now: DateTime<Utc>) -> DateTime<Utc> {
        TimeDelta::from_std(self.idle)
            .ok()
            .and_then(|idle| now.checked_sub_signed(idle + self.touch_interval()))
            .unwrap_or(DateTime::UNIX_EPOCH)
    }

    /// A use so long after the one that was written is written.
    fn touch_interval(self) -> TimeDelta {
        TimeDelta::from_std(self.idle / 10).map_or(LONGEST_TOUCH, |tenth| tenth.min(LONGEST_TOUCH))
    }
}

/// A session that begins.
pub struct NewSession<'a> {
    pub user: Uuid,
    pub address: &'a str,
    pub user_agent: &'a str,
}

/// The person of a live session.
#[derive(Queryable)]
pub(super) struct SessionRow {
    pub user_id: Uuid,
    pub username: String,
    pub name: String,
    pub super_admin: bool,
    pub theme: String,
    pub time_zone: String,
    pub last_seen_at: DateTime<Utc>,
    pub confirmed_at: Option<DateTime<Utc>>,
    permissions: Vec<String>,
    /// Whether there are connectors that not everybody sees who may see any.
    some_closed: bool,
}

impl SessionRow {
    pub fn permissions(&self) -> PermissionSet {
        PermissionSet::from_codes(self.permissions.iter().map(String::as_str))
    }

    /// While every connector is open, lists need not ask.
    pub fn visibility(&self) -> Visibility {
        if self.super_admin || !self.some_closed { Visibility::All } else { Visibility::Of(self.user_id) }
    }
}

/// The live session of a token: neither expired nor idle for too long, of an active user.
pub(super) async fn find(
    conn: &mut Conn,
    token: &VisitorToken,
    limits: SessionLimits,
    now: DateTime<Utc>,
) -> Result<Option<SessionRow>, Error> {
    let row = sessions::table
        .inner_join(users::table)
        .filter(sessions::id_hash.eq(token.hash().to_vec()))
        .filter(sessions::expires_at.gt(now))
        .filter(sessions::last_seen_at.gt(limits.idle_since(now)))
        .filter(users::active)
        .select((
            users::id,
            users::username,
            users::name,
            users::super_admin,
            users::theme,
            users::time_zone,
            sessions::last_seen_at,
            sessions::confirmed_at,
            // A super admin passes every check, whatever is granted.
            case_when(users::super_admin, Vec::<String>::new().into_sql::<Array<Text>>())
                .otherwise(effective_permissions(users::id)),
            exists(connectors::table.filter(diesel::dsl::not(connectors::open_to_view))),
        ))
        .first::<SessionRow>(conn)
        .await
        .optional()?;
    Ok(row)
}

/// Notes that the session is in use `now`, unless `last_seen` is young enough. An UPDATE: a session ended meanwhile
/// stays ended.
pub(super) async fn touch(
    conn: &mut Conn,
    token: &VisitorToken,
    limits: SessionLimits,
    (last_seen, now): (DateTime<Utc>, DateTime<Utc>),
) -> Result<(), Error> {
    if now - last_seen < limits.touch_interval() {
        return Ok(());
    }
    let session = sessions::table.filter(sessions::id_hash.eq(token.hash().to_vec()));
    diesel::update(session).set(sessions::last_seen_at.eq(now)).execute(conn).await?;
    Ok(())
}

/// Begins a session under a new token, which the caller gives to the browser, and notes from where.
pub async fn start_session(
    conn: &mut Conn,
    new: NewSession<'_>,
    limits: SessionLimits,
    now: DateTime<Utc>,
) -> Result<VisitorToken, Error> {
    let token = VisitorToken::random();
    let expires = now + TimeDelta::from_std(limits.lifetime).unwrap_or(TimeDelta::MAX);
    diesel::insert_into(sessions::table)
        .values((
            sessions::id_hash.eq(token.hash().to_vec()),
            sessions::user_id.eq(new.user),
            sessions::address.eq(new.address),
            sessions::user_agent.eq(new.user_agent.replace('\0', "").chars().take(300).collect::<String>()),
            sessions::created_at.eq(now),
            sessions::last_seen_at.eq(now),
            sessions::expires_at.eq(expires),
        ))
        .execute(conn)
        .await?;
    sign_in_places::note_place(conn, new.user, new.address, now).await?;
    Ok(token)
}

/// Ends the session of a token, if it has one.
pub async fn end_session(conn: &mut Conn, token: &VisitorToken) -> Result<(), Error> {
    diesel::delete(sessions::table.filter(sessions::id_hash.eq(token.hash().to_vec()))).execute(conn).await?;
    Ok(())
}

/// Deletes the rows of sessions that are over, and forgets from where people came in long ago and what they need not be
/// told of.
pub async fn purge_sessions(conn: &mut Conn, limits: SessionLimits, now: DateTime<Utc>) -> Result<usize, Error> {
    sign_in_places::purge(conn, now).await?;
    sign_in_alarms::purge(conn, now).await?;
    let over =
        sessions::table.filter(sessions::expires_at.le(now).or(sessions::last_seen_at.le(limits.idle_since(now))));
    Ok(diesel::delete(over).execute(conn).await?)
}
