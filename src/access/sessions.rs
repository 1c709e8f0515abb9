//! The session of a request, with its user and effective permissions as they are now.
//!
//! actix-session loads and saves sessions through a store (`accounts::DbSessionStore`). What the store passes to the
//! access check stands here: the session, and errors, which actix-session would answer with an empty 500.

use std::cell::Cell;
use std::time::Duration;

use actix_web::HttpMessage;
use actix_web::HttpResponse;
use actix_web::body::BoxBody;
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::middleware::Next;
use chrono::{DateTime, TimeDelta, Utc};
use diesel::Queryable;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::{PermissionSet, Visibility};
use crate::web::{Error, Theme};

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
    pub fn touch_interval(self) -> TimeDelta {
        TimeDelta::from_std(self.idle / 10).map_or(LONGEST_TOUCH, |tenth| tenth.min(LONGEST_TOUCH))
    }
}

/// Under which names the state of actix-session holds what is known of a request's session.
pub const SESSION: &str = "session";
pub const CSRF_KEY: &str = "csrf_key";
/// That the request's session has ended.
pub const ENDED: &str = "ended";
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
    rows_per_page: Option<i16>,
    pub last_seen_at: DateTime<Utc>,
    pub confirmed_at: Option<DateTime<Utc>>,
    permissions: Vec<String>,
    /// Whether there are connectors that not everybody sees who may see any.
    some_closed: bool,
}

impl SessionRow {
    pub fn permissions(&self) -> PermissionSet {
        PermissionSet::effective_by_codes(self.permissions.iter().map(String::as_str))
    }

    /// The rows per page that the person has chosen.
    pub fn rows_per_page(&self) -> Option<usize> {
        self.rows_per_page.and_then(|rows| usize::try_from(rows).ok())
    }

    /// While every connector is open, lists need not ask.
    pub fn visibility(&self) -> Visibility {
        if self.super_admin || !self.some_closed { Visibility::All } else { Visibility::Of(self.user_id) }
    }
}
