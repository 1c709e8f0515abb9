//! The sessions' SQL.

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel_async::{AsyncConnection, RunQueryDsl};
use uuid::Uuid;

use super::browser;
use crate::access::{Actor, SessionLimits};
use crate::audit::{self, Changes, Event};
use crate::db::Conn;
use crate::db::schema::sessions;
use crate::web::Error;

/// A session as it is shown.
#[derive(Queryable)]
pub struct Session {
    pub id: Uuid,
    pub address: String,
    user_agent: String,
    pub created_at: DateTime<Utc>,
    pub last_seen_at: DateTime<Utc>,
}

impl Session {
    pub fn browser(&self) -> String {
        browser::in_words(&self.user_agent)
    }
}

/// The sessions of a user that are not over, the one used last first.
pub async fn list(
    conn: &mut Conn,
    user: Uuid,
    limits: SessionLimits,
    now: DateTime<Utc>,
) -> Result<Vec<Session>, Error> {
    Ok(sessions::table
        .filter(sessions::user_id.eq(user))
        .filter(sessions::expires_at.gt(now))
        .filter(sessions::last_seen_at.gt(limits.idle_since(now)))
        .order((sessions::last_seen_at.desc(), sessions::id))
        .select((sessions::id, sessions::address, sessions::user_agent, sessions::created_at, sessions::last_seen_at))
        .load(conn)
        .await?)
}

/// Ends a session of a user; says whether there still was one.
pub async fn end(
    conn: &mut Conn,
    by: &Actor,
    now: DateTime<Utc>,
    (user, username): (Uuid, &str),
    session: Uuid,
) -> Result<bool, Error> {
    conn.transaction(async |conn| {
        let own = sessions::table.filter(sessions::id.eq(session)).filter(sessions::user_id.eq(user));
        let ended: Option<(String, String)> = diesel::delete(own)
            .returning((sessions::user_agent, sessions::address))
            .get_result(conn)
            .await
            .optional()?;
        let Some((user_agent, address)) = ended else {
            return Ok(false);
        };
        let words = format!("{} from {address}", browser::in_words(&user_agent));
        let event = Event {
            kind: "session.revoked",
            subject_id: Some(user),
            subject_name: username,
            changes: Changes::none().field("Session", words, ""),
        };
        audit::record(conn, by, now, event).await?;
        Ok(true)
    })
    .await
}

/// Ends all sessions of the actor but the current one; gives how many there were.
pub async fn end_others(conn: &mut Conn, by: &Actor, now: DateTime<Utc>) -> Result<usize, Error> {
    let (user, kept) = by.id.zip(by.session).ok_or(Error::SignIn)?;
    conn.transaction(async |conn| {
        let others = sessions::table.filter(sessions::user_id.eq(user)).filter(sessions::id.ne(kept));
        let ended = diesel::delete(others).execute(conn).await?;
        if ended == 0 {
            return Ok(0);
        }
        let event = Event {
            kind: "session.others_revoked",
            subject_id: Some(user),
            subject_name: &by.username,
            changes: Changes::none().field("Other sessions", ended.to_string(), ""),
        };
        audit::record(conn, by, now, event).await?;
        Ok(ended)
    })
    .await
}
