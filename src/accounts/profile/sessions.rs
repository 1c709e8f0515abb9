//! The Sessions tab: where one is signed in, and ending that.

use actix_web::http::StatusCode;
use actix_web::{HttpResponse, web};
use askama::Template;
use uuid::Uuid;

use crate::access::{RequestContext, SignInGuard};
use crate::accounts::sessions::{self, SessionTable};
use crate::web::{Error, Form, Layout, Segment, page, plural};

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

pub async fn show(context: RequestContext, guard: web::Data<SignInGuard>) -> Result<HttpResponse, Error> {
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
pub async fn end(context: RequestContext, Segment(session): Segment, Form(_): Form) -> Result<HttpResponse, Error> {
    let session: Uuid = session.parse().map_err(|_| Error::NotFound)?;
    let by = &context.actor;
    let user = (by.id.ok_or(Error::SignIn)?, by.username.as_str());
    let mut conn = context.conn().await?;
    let ended = sessions::end_session(&mut conn, by, context.now(), user, session).await?;
    Ok(context.see_other(TAB, SessionTable::outcome(ended)))
}

/// Ends all own sessions but this one.
pub async fn end_others(context: RequestContext, Form(_): Form) -> Result<HttpResponse, Error> {
    let mut conn = context.conn().await?;
    let ended = sessions::end_others(&mut conn, &context.actor, context.now()).await?;
    let outcome = match ended {
        0 => "There was no other session".into(),
        _ => words(ended, "other session was ended", "other sessions were ended"),
    };
    Ok(context.see_other(TAB, outcome))
}
