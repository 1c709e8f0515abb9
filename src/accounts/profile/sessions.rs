//! The Sessions tab: where one is signed in, and ending that.

use actix_web::http::StatusCode;
use actix_web::{HttpResponse, web};
use askama::Template;
use uuid::Uuid;

use crate::access::{SignInGuard, Visit};
use crate::accounts::sessions::{self, SessionTable};
use crate::web::{Error, Form, Segment, Shell, page, plural};

/// Where the tab is.
const TAB: &str = "/profile/sessions";

#[derive(Template)]
#[template(path = "accounts/sessions.html")]
struct SessionsPage {
    shell: Shell,
    table: SessionTable,
}

/// Asks before all other sessions are ended.
#[derive(Template)]
#[template(path = "accounts/sign_outs.html")]
struct SignOutsPage {
    shell: Shell,
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

pub async fn show(visit: Visit, guard: web::Data<SignInGuard>) -> Result<HttpResponse, Error> {
    let table = own_table(&visit, &guard).await?;
    let shell = visit.shell;
    page(StatusCode::OK, &SessionsPage { shell, table })
}

pub async fn ask_sign_outs(visit: Visit, guard: web::Data<SignInGuard>) -> Result<HttpResponse, Error> {
    let others = own_table(&visit, &guard).await?.others();
    let shell = visit.shell;
    page(StatusCode::OK, &SignOutsPage { shell, others })
}

async fn own_table(visit: &Visit, guard: &web::Data<SignInGuard>) -> Result<SessionTable, Error> {
    let user = visit.actor.id.ok_or(Error::SignIn)?;
    let mut conn = visit.conn().await?;
    SessionTable::of(visit, guard, &mut conn, user, "/profile".into()).await
}

/// Ends one of the own sessions.
pub async fn end(visit: Visit, Segment(session): Segment, Form(_): Form) -> Result<HttpResponse, Error> {
    let session: Uuid = session.parse().map_err(|_| Error::NotFound)?;
    let by = &visit.actor;
    let user = (by.id.ok_or(Error::SignIn)?, by.username.as_str());
    let mut conn = visit.conn().await?;
    let ended = sessions::end_session(&mut conn, by, visit.now(), user, session).await?;
    Ok(visit.see_other(TAB, SessionTable::outcome(ended)))
}

/// Ends all own sessions but this one.
pub async fn end_others(visit: Visit, guard: web::Data<SignInGuard>, Form(_): Form) -> Result<HttpResponse, Error> {
    let user = visit.actor.id.ok_or(Error::SignIn)?;
    let kept = guard.cookies.token(&visit.req).ok_or(Error::SignIn)?;
    let mut conn = visit.conn().await?;
    let ended = sessions::end_others(&mut conn, &visit.actor, visit.now(), user, &kept).await?;
    let outcome = match ended {
        0 => "There was no other session".into(),
        _ => words(ended, "other session was ended", "other sessions were ended"),
    };
    Ok(visit.see_other(TAB, outcome))
}
