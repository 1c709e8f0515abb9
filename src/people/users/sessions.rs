//! Where a user is signed in, for whoever manages users; ending one session. All at once: [`super::sign_out`].

use actix_web::http::StatusCode;
use actix_web::{HttpResponse, web};
use askama::Template;
use uuid::Uuid;

use super::model::{User, guard};
use super::queries;
use crate::access::{RequestContext, SignInGuard};
use crate::accounts::SessionTable;
use crate::web::{Error, Form, Layout, Segment, Segments, page};

#[derive(Template)]
#[template(path = "people/sessions.html")]
struct SessionsPage {
    layout: Layout,
    user: User,
    table: SessionTable,
}

pub async fn sessions(
    context: RequestContext,
    sign_in: web::Data<SignInGuard>,
    Segment(id): Segment,
) -> Result<HttpResponse, Error> {
    let mut conn = context.conn().await?;
    let user = queries::find(&mut conn, &id).await?;
    guard(&context.actor, &user)?;
    let table = SessionTable::of(&context, &sign_in, &mut conn, user.id(), user.address()).await?;
    let layout = context.layout;
    page(StatusCode::OK, &SessionsPage { layout, user, table })
}

pub async fn end_session(
    context: RequestContext,
    Segments([id, session]): Segments<2>,
    Form(_): Form,
) -> Result<HttpResponse, Error> {
    let session: Uuid = session.parse().map_err(|_| Error::NotFound)?;
    let mut conn = context.conn().await?;
    let user = queries::find(&mut conn, &id).await?;
    let (by, now) = (&context.actor, context.now());
    let ended = queries::end_session(&mut conn, by, now, user.id(), session).await?;
    let back = format!("{}/sessions", user.address());
    Ok(context.see_other(&back, SessionTable::outcome(ended)))
}
