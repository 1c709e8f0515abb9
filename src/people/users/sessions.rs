//! Where a user is signed in, for whoever manages users; ending one session. All at once: [`super::sign_out`].

use actix_web::http::StatusCode;
use actix_web::{HttpResponse, web};
use askama::Template;
use uuid::Uuid;

use super::model::{User, guard};
use super::queries;
use crate::access::{SignInGuard, Visit};
use crate::accounts::SessionTable;
use crate::web::{Error, Form, Segment, Segments, Shell, page};

#[derive(Template)]
#[template(path = "people/sessions.html")]
struct SessionsPage {
    shell: Shell,
    user: User,
    table: SessionTable,
}

pub async fn sessions(
    visit: Visit,
    sign_in: web::Data<SignInGuard>,
    Segment(id): Segment,
) -> Result<HttpResponse, Error> {
    let mut conn = visit.conn().await?;
    let user = queries::find(&mut conn, &id).await?;
    guard(&visit.actor, &user)?;
    let table = SessionTable::of(&visit, &sign_in, &mut conn, user.id(), user.address()).await?;
    let shell = visit.shell;
    page(StatusCode::OK, &SessionsPage { shell, user, table })
}

pub async fn end_session(
    visit: Visit,
    Segments([id, session]): Segments<2>,
    Form(_): Form,
) -> Result<HttpResponse, Error> {
    let session: Uuid = session.parse().map_err(|_| Error::NotFound)?;
    let mut conn = visit.conn().await?;
    let user = queries::find(&mut conn, &id).await?;
    let (by, now) = (&visit.actor, visit.now());
    let ended = queries::end_session(&mut conn, by, now, user.id(), session).await?;
    let back = format!("{}/sessions", user.address());
    Ok(visit.see_other(&back, SessionTable::outcome(ended)))
}
