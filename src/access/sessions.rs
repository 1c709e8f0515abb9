//! Live sessions: one query reads session, user and effective permissions, so a changed permission counts on the next
//! request.
//!
//! actix-session loads and saves them through a store (`accounts::SessionStore`). What the store leaves with the
//! request stands here, for the access check: the session, and errors, which actix-session would answer with an empty
//! 500.

use std::cell::Cell;
use std::time::Duration;

use actix_web::HttpMessage;
use actix_web::HttpResponse;
use actix_web::body::BoxBody;
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::middleware::Next;
use chrono::{DateTime, TimeDelta, Utc};
use diesel::dsl::{case_when, exists};
use diesel::prelude::*;
use diesel::sql_types::{Array, Text, Uuid as SqlUuid};
use diesel_async::RunQueryDsl;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use uuid::Uuid;

use super::{PermissionSet, Visibility, sign_in_guard};
use crate::db::schema::{connectors, sessions, users};
use crate::db::{Conn, in_row};
use crate::web::{Error, Theme};

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

/// Under which names the state of actix-session holds what is known of a request's session.
pub const SESSION: &str = "session";
pub const CSRF_KEY: &str = "csrf_key";
/// When the own password was entered again in this request.
pub const CONFIRMED_AT: &str = "confirmed_at";

tokio::task_local! {
    /// Why the session of this task's request could not be loaded or saved.
    static SESSION_ERROR: Cell<Option<Error>>;
}

/// Leaves an error of the session store with the request.
pub fn set_session_error(error: Error) {
    // Outside of a request there is no answer.
    _ = SESSION_ERROR.try_with(|slot| slot.set(Some(error)));
}

/// The error that loading the session of this request has met, for the access check.
pub fn take_session_error() -> Option<Error> {
    SESSION_ERROR.try_with(Cell::take).ok().flatten()
}

/// The answer to a sign-in whose session was refused when it was saved, because the user was shut out meanwhile. A
/// handler leaves it with the request; without one the browser is sent to the sign-in page.
pub struct RefusedSignIn(pub HttpResponse);

/// The layer around actix-session: an error of the store is answered with its page instead of an empty 500.
pub async fn session_errors(req: ServiceRequest, next: Next<BoxBody>) -> Result<ServiceResponse, actix_web::Error> {
    let request = req.request().clone();
    let (outcome, error) = SESSION_ERROR
        .scope(Cell::default(), async {
            let outcome = next.call(req).await;
            (outcome, take_session_error())
        })
        .await;
    let Err(unknown) = outcome else {
        return outcome;
    };
    let error = error.unwrap_or_else(|| Error::internal(anyhow::anyhow!("the session layer failed: {unknown}")));
    let refused = request.extensions_mut().remove::<RefusedSignIn>();
    let response = match (&error, refused) {
        (Error::SignIn, Some(RefusedSignIn(page))) => page,
        _ => HttpResponse::from_error(error),
    };
    Ok(ServiceResponse::new(request, response))
}

/// The session of a request, with its user.
#[derive(Queryable, Serialize, Deserialize)]
pub struct SessionRow {
    pub id: Uuid,
    pub user_id: Uuid,
    pub username: String,
    pub name: String,
    pub super_admin: bool,
    pub theme: Theme,
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

/// What the database keeps in place of a session key.
pub fn session_hash(key: &str) -> Vec<u8> {
    Sha256::digest(key).to_vec()
}

/// The live session of a session key: neither expired nor idle for too long, of an active user. Notes its use `now`,
/// at most once a minute.
pub async fn load_session(
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

/// Deletes the rows of sessions that are over, of old places and of old alarms.
pub async fn purge_sessions(conn: &mut Conn, limits: SessionLimits, now: DateTime<Utc>) -> Result<usize, Error> {
    sign_in_guard::purge_places(conn, now).await?;
    sign_in_guard::purge_alarms(conn, now).await?;
    let over =
        sessions::table.filter(sessions::expires_at.le(now).or(sessions::last_seen_at.le(limits.idle_since(now))));
    Ok(diesel::delete(over).execute(conn).await?)
}
