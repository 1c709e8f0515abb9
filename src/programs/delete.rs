//! Deleting a program: first what goes with it, and what it has been calling.

use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use askama::Template;

use super::keys::{Holder, KeyTable};
use super::model::{Called, Program};
use super::pages::{address, find};
use super::queries;
use crate::access::RequestContext;
use crate::audit::Change;
use crate::web::{Confirmation, Error, Form, Layout, SaveError, Segment, Sentence, page, plural};

#[derive(Template)]
#[template(path = "programs/delete.html")]
struct DeletePage {
    layout: Layout,
    confirmation: Confirmation,
    keys: KeyTable,
    called: Vec<Called>,
}

impl DeletePage {
    fn calls_of(&self, called: &Called) -> String {
        plural(called.calls, "call", "calls")
    }
}

async fn delete_page(context: RequestContext, program: Program, status: StatusCode) -> Result<HttpResponse, Error> {
    let mut conn = context.conn().await?;
    let keys = KeyTable::of(&conn, Holder::program(&program), context.now()).await?.without_links();
    let called = queries::called_lately(&mut conn, context.actor.visibility, program.id, context.now()).await?;
    let (name, address) = (&program.name, address(program.id));
    let confirmation = Confirmation {
        title: format!("Delete program “{name}”"),
        crumbs: vec![("/programs".into(), "Programs".into()), (address.clone(), name.clone())],
        step: "Delete",
        question: format!("Are you sure you want to delete “{name}”?"),
        sentences: vec![Sentence::with_link(
            "Its keys go with it: calls with them are refused from then on, and cannot be allowed again. This cannot be undone. The record of its calls is kept. To stop it for a while, make it ",
            (&format!("{address}/edit"), "inactive"),
            " instead.",
        )],
        action: format!("{address}/delete"),
        fields: vec![Confirmation::version(program.version)],
        button: format!("Delete “{name}”"),
        back: (address, "Keep it"),
        changed_by: (status == StatusCode::CONFLICT).then_some(("program", program.updated_by)),
        ..Confirmation::default()
    };
    page(status, &DeletePage { layout: context.layout, confirmation, keys, called })
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
    match queries::delete(&mut Change::new(&mut conn, &context), (&program, seen)).await {
        Ok(()) => Ok(context.see_other("/programs", "The program was deleted")),
        Err(SaveError::Fault(fault)) => Err(fault),
        Err(_) => {
            let program = find(&mut conn, &id).await?;
            drop(conn);
            delete_page(context, program, StatusCode::CONFLICT).await
        }
    }
}
