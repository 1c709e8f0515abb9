//! The sessions' SQL.

use chrono::{DateTime, Utc};
use diesel::dsl::{case_when, exists};
use diesel::prelude::*;
use diesel::sql_types::{Array, Text, Uuid as SqlUuid};
use diesel_async::RunQueryDsl;
use sha2::{Digest, Sha256};
use uuid::Uuid;

use super::browser;
use crate::access::{SessionLimits, SessionRow};
use crate::audit::{Change, Changes, transaction};
use crate::db::schema::{connectors, session_users, sessions, users};
use crate::db::{Conn, in_row};
use crate::web::{CsrfKey, Error};

diesel::define_sql_function! {
    /// The codes of a user's permissions, those of groups included.
    fn effective_permissions(who: SqlUuid) -> Array<Text>;
}

/// A session as it is shown.
#[derive(Queryable, Selectable)]
#[diesel(table_name = sessions)]
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
        .select(Session::as_select())
        .load(conn)
        .await?)
}

/// Ends a session of a user; says whether there still was one.
pub async fn end(change: &mut Change<'_>, (user, username): (Uuid, &str), session: Uuid) -> Result<bool, Error> {
    transaction(change, async |change| {
        let own = sessions::table.filter(sessions::id.eq(session)).filter(sessions::user_id.eq(user));
        let ended: Option<(String, String)> = diesel::delete(own)
            .returning((sessions::user_agent, sessions::address))
            .get_result(change.conn)
            .await
            .optional()?;
        let Some((user_agent, address)) = ended else {
            return Ok(false);
        };
        let words = format!("{} from {address}", browser::in_words(&user_agent));
        change.record("session.revoked", user, username, Changes::none().field("Session", words, "")).await?;
        Ok(true)
    })
    .await
}

/// Ends all sessions of the actor but the current one; gives how many there were.
pub async fn end_others(change: &mut Change<'_>) -> Result<usize, Error> {
    let (user, kept) = change.by.id.zip(change.by.session).ok_or(Error::SignIn)?;
    transaction(change, async |change| {
        let others = sessions::table.filter(sessions::user_id.eq(user)).filter(sessions::id.ne(kept));
        let ended = diesel::delete(others).execute(change.conn).await?;
        if ended > 0 {
            let changes = Changes::none().field("Other sessions", ended.to_string(), "");
            change.record("session.others_revoked", user, &change.by.username, changes).await?;
        }
        Ok(ended)
    })
    .await
}

/// Ends all sessions of a user, as part of a change that its caller records; gives how many there were.
pub async fn end_all(conn: &mut Conn, user: Uuid) -> QueryResult<usize> {
    diesel::delete(sessions::table.filter(sessions::user_id.eq(user))).execute(conn).await
}

/// What the database keeps in place of a session key, and of the CSRF token of its forms.
pub fn session_hash(key: &str) -> Vec<u8> {
    Sha256::digest(key).to_vec()
}

/// The live session of a session key: neither expired nor idle for too long, of an active user. Notes its use `now`,
/// at most once a minute.
pub async fn load(
    conn: &mut Conn,
    key: &str,
    limits: SessionLimits,
    now: DateTime<Utc>,
) -> Result<Option<SessionRow>, Error> {
    let row = sessions::table
        .inner_join(users::table)
        .filter(sessions::id_hash.eq(session_hash(key)))
        .filter(sessions::expires_at.gt(now))
        .filter(sessions::last_seen_at.gt(limits.idle_since(now)))
        .filter(users::active)
        .select((
            sessions::id,
            users::id,
            users::username,
            users::name,
            users::super_admin,
            users::theme,
            users::time_zone,
            users::rows_per_page,
            sessions::last_seen_at,
            sessions::confirmed_at,
            // A super admin passes every check, whatever is granted.
            case_when(users::super_admin, Vec::<String>::new().into_sql::<Array<Text>>())
                .otherwise(effective_permissions(users::id)),
            exists(connectors::table.filter(diesel::dsl::not(connectors::open_to_view))),
        ))
        .first::<SessionRow>(conn)
        .await;
    let row = in_row(&["users"], "of the session", row).optional()?;
    if let Some(session) = row.as_ref().filter(|row| now - row.last_seen_at >= limits.touch_interval()) {
        // An UPDATE: a session that was ended meanwhile stays ended.
        let session = sessions::table.filter(sessions::id.eq(session.id));
        diesel::update(session).set(sessions::last_seen_at.eq(now)).execute(conn).await?;
    }
    Ok(row)
}

/// Notes whose session it is, until `forget_at`: longer than the session lasts.
pub async fn note_user(conn: &mut Conn, key: &str, (user, forget_at): (Uuid, DateTime<Utc>)) -> QueryResult<usize> {
    let token = CsrfKey::of_session(key).token();
    diesel::insert_into(session_users::table)
        .values((
            session_users::id_hash.eq(session_hash(key)),
            session_users::csrf_hash.eq(session_hash(&token)),
            session_users::user_id.eq(user),
            session_users::forget_at.eq(forget_at),
        ))
        .execute(conn)
        .await
}

/// Whether there was a session of this key, which is not alive, within the last days.
pub async fn has_ended(conn: &mut Conn, key: &str, now: DateTime<Utc>) -> Result<bool, Error> {
    let row = session_users::table.find(session_hash(key)).filter(session_users::forget_at.gt(now));
    Ok(diesel::select(exists(row)).get_result(conn).await?)
}

/// The user in whose session a form with this CSRF token was made, which may have ended since.
pub async fn user_of_form(conn: &mut Conn, csrf_token: &str, now: DateTime<Utc>) -> Result<Option<Uuid>, Error> {
    let row = session_users::table
        .filter(session_users::csrf_hash.eq(session_hash(csrf_token)))
        .filter(session_users::forget_at.gt(now))
        .select(session_users::user_id);
    Ok(row.first(conn).await.optional()?)
}

/// Deletes the sessions that are over, and forgets whose sessions they were when forms of them need not be known any
/// more.
pub async fn purge(conn: &mut Conn, limits: SessionLimits, now: DateTime<Utc>) -> Result<usize, Error> {
    diesel::delete(session_users::table.filter(session_users::forget_at.le(now))).execute(conn).await?;
    let over =
        sessions::table.filter(sessions::expires_at.le(now).or(sessions::last_seen_at.le(limits.idle_since(now))));
    Ok(diesel::delete(over).execute(conn).await?)
}
