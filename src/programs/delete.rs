//! Deleting a program: first what goes with it, and what it has been calling.

use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use askama::Template;

use super::keys::{Holder, KeyTable};
use super::model::{Called, Program};
use super::pages::find;
use super::queries;
use crate::access::RequestContext;
use crate::web::{Error, Form, Layout, SaveError, Segment, page, plural};

#[derive(Template)]
#[template(path = "programs/delete.html")]
struct DeletePage {
    layout: Layout,
    program: Program,
    keys: KeyTable,
    called: Vec<Called>,
    /// Somebody has saved the program since the page was opened.
    changed: bool,
}

impl DeletePage {
    fn calls_of(&self, called: &Called) -> String {
        plural(called.calls, "call", "calls")
    }
}

async fn delete_page(context: RequestContext, program: Program, status: StatusCode) -> Result<HttpResponse, Error> {
    let mut conn = context.conn().await?;
    let keys = KeyTable::of(&conn, Holder::program(&program), context.now()).await?;
    let called = queries::called_lately(&mut conn, context.actor.visibility, program.id, context.now()).await?;
    page(
        status,
        &DeletePage {
            layout: context.layout,
            program,
            keys: keys.without_links(),
            called,
            changed: status == StatusCode::CONFLICT,
        },
    )
}

pub async fn confirm_delete(context: RequestContext, Segment(id): Segment) -> Result<HttpResponse, Error> {
    let program = find(&mut *context.conn().await?, &id).await?;
    delete_page(context, program, StatusCode::OK).await
}

pub async fn delete(context: RequestContext, Segment(id): Segment, Form(data): Form) -> Result<HttpResponse, Error> {
    let mut conn = context.conn().await?;
    let program = find(&mut conn, &id).await?;
    let Some(seen) = data.seen_version(program.version) else {
        drop(conn);
        return delete_page(context, program, StatusCode::CONFLICT).await;
    };
    let (by, now) = (&context.actor, context.now());
    match queries::delete(&mut conn, by, now, (&program, seen)).await {
        Ok(()) => Ok(context.see_other("/programs", "The program was deleted")),
        Err(SaveError::Fault(fault)) => Err(fault),
        Err(_) => {
            let program = find(&mut conn, &id).await?;
            drop(conn);
            delete_page(context, program, StatusCode::CONFLICT).await
        }
    }
}
