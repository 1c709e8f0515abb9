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
use crate::audit::Change;
use crate::db::Conn;
use crate::web::{Confirmation, Error, FormData, Layout, NotPossible, Segment, Sentence, counted, page, relative};

use queries::Session;
pub use queries::{end as end_session, end_all as end_all_sessions, purge as purge_sessions, user_of_form};
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
        counted(self.sessions.len(), "session", "sessions")
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

pub async fn own_sessions(context: RequestContext, guard: web::Data<SignInGuard>) -> Result<HttpResponse, Error> {
    let table = own_table(&context, &guard).await?;
    let layout = context.layout;
    page(StatusCode::OK, &SessionsPage { layout, table })
}

pub async fn ask_sign_outs(context: RequestContext, guard: web::Data<SignInGuard>) -> Result<HttpResponse, Error> {
    let others = own_table(&context, &guard).await?.others();
    let ended = counted(others, "session ends", "sessions end");
    let not_possible = (others == 0).then(|| NotPossible {
        heading: "You have no other session".into(),
        sentences: vec!["You are signed in here and nowhere else.".into()],
        back: "Back to your sessions".into(),
    });
    Confirmation {
        title: "End all other sessions, Your profile".into(),
        crumbs: vec![("/profile".into(), "Your profile".into()), (TAB.into(), "Sessions".into())],
        step: "End all others",
        question: "End all your other sessions?".into(),
        sentences: vec![
            format!(
                "{ended} at once. What is typed into an open form there and not saved is lost. You stay signed in here."
            )
            .into(),
            Sentence::with_link(
                "Your password stays as it is. If another person knows it, ",
                ("/profile/password", "change it"),
                ": that ends the other sessions, too.",
            ),
        ],
        action: "/profile/sign-outs".into(),
        button: "End all other sessions".into(),
        back: (TAB.into(), "Keep things as they are"),
        not_possible,
        ..Confirmation::default()
    }
    .respond(context.layout, StatusCode::OK)
}

async fn own_table(context: &RequestContext, guard: &web::Data<SignInGuard>) -> Result<SessionTable, Error> {
    let user = context.user()?;
    let mut conn = context.conn().await?;
    SessionTable::of(context, guard, &mut conn, user, "/profile".into()).await
}

/// Ends one of the own sessions.
pub async fn end_own_session(
    context: RequestContext,
    Segment(session): Segment<Uuid>,
    _: FormData,
) -> Result<HttpResponse, Error> {
    let user = (context.user()?, context.actor.username.as_str());
    let mut conn = context.conn().await?;
    let ended = queries::end(&mut Change::new(&mut conn, &context), user, session).await?;
    Ok(context.see_other(TAB, SessionTable::outcome(ended)))
}

/// Ends all own sessions but this one.
pub async fn end_own_sessions(context: RequestContext, _: FormData) -> Result<HttpResponse, Error> {
    let mut conn = context.conn().await?;
    let outcome = match queries::end_others(&mut Change::new(&mut conn, &context)).await? {
        0 => "There was no other session".into(),
        ended => counted(ended, "other session was ended", "other sessions were ended"),
    };
    Ok(context.see_other(TAB, outcome))
}
