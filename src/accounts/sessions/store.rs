//! The sessions in PostgreSQL, as actix-session wants them.
//!
//! Rules: a row is inserted in one place, [`SessionStore::save`], in one transaction with a look at whether the user is
//! still admitted; loading is one query; nothing but `save` makes a row, so a session that was ended stays ended. The
//! state holds nothing between requests: all of it is read from the database each time.

use std::collections::HashMap;

use actix_session::SessionExt;
use actix_session::storage::{LoadError, SaveError, SessionKey, SessionStore, UpdateError};
use actix_web::cookie::time::Duration as CookieDuration;
use actix_web::http::header::USER_AGENT;
use actix_web::{HttpMessage, HttpRequest};
use anyhow::anyhow;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chrono::{DateTime, TimeDelta, Utc};
use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::queries::{has_ended, load, note_user, session_hash};
use crate::access::{self, Actor, SessionLimits, note_place, set_session_error};
use crate::accounts::users::note_sign_in;
use crate::audit::{Change, Changes, transaction};
use crate::clock::Clock;
use crate::db::schema::{sessions, users};
use crate::db::{Conn, Db};
use crate::web::{CsrfKey, Error};

/// Under which name the state holds a session that is to begin.
const NEW: &str = "new";

/// How long it is remembered whose session it was, after the time at which it ends in any case.
const REMEMBERED: TimeDelta = TimeDelta::days(1);

/// The longest `User-Agent` that is kept, in characters.
const LONGEST_USER_AGENT: usize = 300;

/// What a session begins with.
#[derive(Serialize, Deserialize)]
pub enum SessionReason {
    /// A user has signed in, perhaps with a provider.
    SignIn { provider: Option<String> },
    /// The first super admin was created.
    FirstRun,
    /// A new password has ended all sessions, the one before included.
    NewPassword,
}

/// A session that is to begin when the handler has answered.
#[derive(Serialize, Deserialize)]
struct NewSession {
    key: String,
    user: Uuid,
    username: String,
    name: String,
    /// The password hash that must still be the user's; `None` for a sign-in without a password.
    password_hash: Option<String>,
    reason: SessionReason,
    address: String,
    request_id: String,
    user_agent: String,
}

/// Begins a session of a user who has just proved who they are, in place of the one that the browser had. It is saved
/// when the handler has answered, unless the user is not active any more or has another password than the one of this
/// hash.
pub fn begin_session(
    req: &HttpRequest,
    by: &Actor,
    password_hash: Option<&str>,
    reason: SessionReason,
) -> Result<(), Error> {
    let user_agent = req.headers().get(USER_AGENT).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let key = URL_SAFE_NO_PAD.encode(rand::random::<[u8; 32]>());
    // What the answer says to the next page is signed for the new session.
    req.extensions_mut().insert(CsrfKey::of_session(&key));
    let new = NewSession {
        key,
        user: by.id.ok_or(Error::SignIn)?,
        username: by.username.clone(),
        name: by.name.clone(),
        password_hash: password_hash.map(str::to_string),
        reason,
        address: by.address.clone(),
        request_id: by.request_id.clone(),
        user_agent: user_agent.replace('\0', "").chars().take(LONGEST_USER_AGENT).collect(),
    };
    let session = req.get_session();
    session.clear();
    session.renew();
    session.insert(NEW, new).map_err(Error::internal)
}

/// The store of one worker.
#[derive(Clone)]
pub struct DbSessionStore {
    pub db: Db,
    pub clock: Clock,
    pub limits: SessionLimits,
}

type State = HashMap<String, String>;

impl SessionStore for DbSessionStore {
    async fn load(&self, key: &SessionKey) -> Result<Option<State>, LoadError> {
        // actix-session answers an error with an empty 500; the access check answers this one with its page.
        Ok(self.find(key.as_ref()).await.unwrap_or_else(|error| {
            set_session_error(error);
            None
        }))
    }

    async fn save(&self, state: State, _: &CookieDuration) -> Result<SessionKey, SaveError> {
        self.begin(&state).await.map_err(|error| {
            set_session_error(error);
            SaveError::Other(anyhow!("the session was not saved"))
        })
    }

    async fn update(&self, key: SessionKey, state: State, _: &CookieDuration) -> Result<SessionKey, UpdateError> {
        // What the request was to do has been done: at worst the person is asked for the password once more.
        if let Err(error) = self.confirm(key.as_ref(), &state).await {
            tracing::warn!(cause = format!("{:#}", anyhow::Error::from(error)), "an entered password was not noted");
        }
        Ok(key)
    }

    async fn update_ttl(&self, _: &SessionKey, _: &CookieDuration) -> anyhow::Result<()> {
        // Loading notes the last use.
        Ok(())
    }

    async fn delete(&self, key: &SessionKey) -> anyhow::Result<()> {
        self.end(key.as_ref()).await.map_err(|error| {
            set_session_error(error);
            anyhow!("the session was not ended")
        })
    }
}

impl DbSessionStore {
    async fn find(&self, key: &str) -> Result<Option<State>, Error> {
        let mut conn = self.db.get().await?;
        let Some(row) = load(&mut conn, key, self.limits, self.clock.now()).await? else {
            // What is typed in a form of it is kept until the user has signed in again.
            let has_ended = has_ended(&mut conn, key, self.clock.now()).await?;
            return Ok(has_ended.then(|| HashMap::from([(access::ENDED.into(), "true".into())])));
        };
        let session = serde_json::to_string(&row).map_err(Error::internal)?;
        let csrf_key = serde_json::to_string(&CsrfKey::of_session(key)).map_err(Error::internal)?;
        Ok(Some(HashMap::from([(access::SESSION.into(), session), (access::CSRF_KEY.into(), csrf_key)])))
    }

    async fn begin(&self, state: &State) -> Result<SessionKey, Error> {
        let new = state.get(NEW).ok_or_else(|| Error::internal(anyhow!("a session without a user")))?;
        let new: NewSession = serde_json::from_str(new).map_err(Error::internal)?;
        let (now, limits) = (self.clock.now(), self.limits);
        let mut conn = self.db.get().await?;
        let change = &mut Change { conn: &mut conn, by: &new.actor(), now };
        transaction(change, async |change| {
            if !new.is_still_admitted(change.conn).await? {
                return Err(Error::SignIn);
            }
            new.insert(change, limits).await
        })
        .await?;
        SessionKey::try_from(new.key).map_err(Error::internal)
    }

    /// An UPDATE: a session that was ended meanwhile stays ended.
    async fn confirm(&self, key: &str, state: &State) -> Result<(), Error> {
        let Some(at) = state.get(access::CONFIRMED_AT) else {
            return Ok(());
        };
        let at: DateTime<Utc> = serde_json::from_str(at).map_err(Error::internal)?;
        diesel::update(sessions::table.filter(sessions::id_hash.eq(session_hash(key))))
            .set(sessions::confirmed_at.eq(at))
            .execute(&mut *self.db.get().await?)
            .await?;
        Ok(())
    }

    async fn end(&self, key: &str) -> Result<(), Error> {
        let session = sessions::table.filter(sessions::id_hash.eq(session_hash(key)));
        diesel::delete(session).execute(&mut *self.db.get().await?).await?;
        Ok(())
    }
}

impl NewSession {
    /// Whether the user is still active and has the password that was checked. The lock keeps both until the
    /// transaction ends.
    async fn is_still_admitted(&self, conn: &mut Conn) -> Result<bool, Error> {
        let row = users::table.find(self.user).filter(users::active).select(users::password_hash);
        let stored: Option<Option<String>> = row.for_no_key_update().first(conn).await.optional()?;
        Ok(stored.is_some_and(|stored| self.password_hash.is_none() || stored == self.password_hash))
    }

    /// The person who signs in.
    fn actor(&self) -> Actor {
        Actor {
            id: Some(self.user),
            username: self.username.clone(),
            name: self.name.clone(),
            ..Actor::unknown(self.address.clone(), self.request_id.clone())
        }
    }

    /// Inserts the session, and notes the sign-in and where it came from.
    async fn insert(&self, change: &mut Change<'_>, limits: SessionLimits) -> Result<(), Error> {
        let now = change.now;
        let lifetime = TimeDelta::from_std(limits.lifetime).unwrap_or(TimeDelta::MAX);
        diesel::insert_into(sessions::table)
            .values((
                sessions::id_hash.eq(session_hash(&self.key)),
                sessions::user_id.eq(self.user),
                sessions::address.eq(&self.address),
                sessions::user_agent.eq(&self.user_agent),
                sessions::created_at.eq(now),
                sessions::last_seen_at.eq(now),
                sessions::expires_at.eq(now + lifetime),
            ))
            .execute(change.conn)
            .await?;
        note_user(change.conn, &self.key, (self.user, now + lifetime + REMEMBERED)).await?;
        note_place(change.conn, self.user, &self.address, now).await?;
        if !matches!(self.reason, SessionReason::NewPassword) {
            note_sign_in(change.conn, self.user, now).await?;
        }
        let SessionReason::SignIn { provider } = &self.reason else {
            return Ok(());
        };
        let changes = match provider {
            Some(provider) => Changes::none().field("Signed in with", "", provider),
            None => Changes::none(),
        };
        change.record("session.started", self.user, &self.username, changes).await
    }
}
