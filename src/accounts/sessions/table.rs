//! The table of a user's sessions, with a button that ends each.

use actix_web::web;
use askama::Template;
use askama::filters::HtmlSafe;
use chrono::{DateTime, Utc};
use uuid::Uuid;

use super::queries::{self, Session};
use crate::access::{RequestContext, SignInGuard};
use crate::db::Conn;
use crate::web::{Error, plural, relative};

/// The sessions of one user.
#[derive(Template)]
#[template(path = "accounts/session_table.html")]
pub struct SessionTable {
    /// The address that those of the sessions begin with.
    address: String,
    csrf: String,
    sessions: Vec<Session>,
    /// The session of the reader, which is marked and ended by signing out only.
    own: Option<Uuid>,
    now: DateTime<Utc>,
}

impl HtmlSafe for SessionTable {}

impl SessionTable {
    /// The sessions of `user`, whose addresses begin with `address`.
    pub async fn of(
        context: &RequestContext,
        guard: &web::Data<SignInGuard>,
        conn: &mut Conn,
        user: Uuid,
        address: String,
    ) -> Result<SessionTable, Error> {
        let now = context.now();
        Ok(SessionTable {
            address,
            csrf: context.layout.csrf.clone(),
            sessions: queries::list(conn, user, guard.limits, now).await?,
            own: context.actor.session,
            now,
        })
    }

    pub fn is_empty(&self) -> bool {
        self.sessions.is_empty()
    }

    /// What the next page says after the button was pressed.
    pub fn outcome(ended: bool) -> &'static str {
        if ended { "The session was ended" } else { "The session had ended already" }
    }

    /// How many there are besides the reader's own.
    pub fn others(&self) -> usize {
        let others = self.sessions.iter().filter(|session| !self.is_own(session));
        others.count()
    }

    fn is_own(&self, session: &Session) -> bool {
        self.own == Some(session.id)
    }

    fn caption(&self) -> String {
        let number = i64::try_from(self.sessions.len()).unwrap_or(i64::MAX);
        plural(number, "session", "sessions")
    }

    /// “3 minutes ago”: a session is written to once a minute, so anything less is now.
    fn last_used(&self, session: &Session) -> String {
        let seconds = (self.now - session.last_seen_at).num_seconds();
        match seconds {
            ..60 => "Just now".into(),
            _ => relative(&session.last_seen_at, &self.now),
        }
    }
}
