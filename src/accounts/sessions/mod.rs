//! The sessions of a user: their store, their table and ending them; on the own profile and on the page of a user
//! alike.
//!
//! Rule: a session is named by its id, never by the hash of its key. Ending one that has ended is no error: it is what
//! was wanted.

mod browser;
mod queries;
mod store;

use actix_web::http::StatusCode;
use actix_web::{HttpResponse, web};
use askama::Template;
use askama::filters::HtmlSafe;
use chrono::{DateTime, Utc};
use uuid::Uuid;

use crate::access::{RequestContext, SignInGuard};
use crate::db::Conn;
use crate::web::{Error, Form, Layout, Segment, page, plural, relative};

use queries::Session;
pub use queries::end as end_session;
pub use store::{DbSessionStore, SessionReason, begin_session};

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

/// Where the tab is.
const TAB: &str = "/profile/sessions";

#[derive(Template)]
#[template(path = "accounts/sessions.html")]
struct SessionsPage {
    layout: Layout,
    table: SessionTable,
}

/// Asks before all other sessions are ended.
#[derive(Template)]
#[template(path = "accounts/sign_outs.html")]
struct SignOutsPage {
    layout: Layout,
    others: usize,
}

impl SignOutsPage {
    fn consequence(&self) -> String {
        words(self.others, "session ends", "sessions end")
    }
}

fn words(number: usize, one: &str, many: &str) -> String {
    plural(i64::try_from(number).unwrap_or(i64::MAX), one, many)
}

pub async fn own_sessions(context: RequestContext, guard: web::Data<SignInGuard>) -> Result<HttpResponse, Error> {
    let table = own_table(&context, &guard).await?;
    let layout = context.layout;
    page(StatusCode::OK, &SessionsPage { layout, table })
}

pub async fn ask_sign_outs(context: RequestContext, guard: web::Data<SignInGuard>) -> Result<HttpResponse, Error> {
    let others = own_table(&context, &guard).await?.others();
    let layout = context.layout;
    page(StatusCode::OK, &SignOutsPage { layout, others })
}

async fn own_table(context: &RequestContext, guard: &web::Data<SignInGuard>) -> Result<SessionTable, Error> {
    let user = context.actor.id.ok_or(Error::SignIn)?;
    let mut conn = context.conn().await?;
    SessionTable::of(context, guard, &mut conn, user, "/profile".into()).await
}

/// Ends one of the own sessions.
pub async fn end_own_session(
    context: RequestContext,
    Segment(session): Segment,
    Form(_): Form,
) -> Result<HttpResponse, Error> {
    let session: Uuid = session.parse().map_err(|_| Error::NotFound)?;
    let by = &context.actor;
    let user = (by.id.ok_or(Error::SignIn)?, by.username.as_str());
    let mut conn = context.conn().await?;
    let ended = queries::end(&mut conn, by, context.now(), user, session).await?;
    Ok(context.see_other(TAB, SessionTable::outcome(ended)))
}

/// Ends all own sessions but this one.
pub async fn end_own_sessions(context: RequestContext, Form(_): Form) -> Result<HttpResponse, Error> {
    let mut conn = context.conn().await?;
    let ended = queries::end_others(&mut conn, &context.actor, context.now()).await?;
    let outcome = match ended {
        0 => "There was no other session".into(),
        _ => words(ended, "other session was ended", "other sessions were ended"),
    };
    Ok(context.see_other(TAB, outcome))
}
