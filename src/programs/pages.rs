//! The programs' pages: the list, one program, creating, editing and deleting.

use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use askama::Template;
use uuid::Uuid;

use super::forms::ProgramForm;
use super::keys::{Holder, KeyTable};
use super::model::{Called, Program, ProgramRow, ProgramStatus};
use super::queries::{self, Saved};
use crate::access::RequestContext;
use crate::audit::Change;
use crate::web::form::Form;
use crate::web::{
    Confirmation, ConflictPage, Error, FormData, LastSave, Layout, ListQuery, Pages, SaveError, Segment, Sentence, page,
};

#[derive(Template)]
#[template(path = "programs/list.html")]
struct ListPage {
    layout: Layout,
    query: ListQuery<ProgramRow>,
    rows: Vec<ProgramRow>,
    pages: Pages,
}

impl ListPage {
    fn chips(&self) -> Vec<(String, String)> {
        let status = ProgramStatus::parse(self.query.filter("status"));
        self.query.chips("Has", [("status", status.map(|status| format!("Status is {}", status.label())))])
    }
}

pub async fn list(context: RequestContext) -> Result<HttpResponse, Error> {
    let query = ListQuery::parse("/programs", context.req.query_string(), &["status"]);
    let (rows, pages) = queries::list(&*context.conn().await?, &query, context.now()).await?;
    page(StatusCode::OK, &ListPage { layout: context.layout, query, rows, pages })
}

#[derive(Template)]
#[template(path = "programs/show.html")]
struct ShowPage {
    layout: Layout,
    program: Program,
    keys: KeyTable,
}

pub async fn show(context: RequestContext, Segment(id): Segment<Uuid>) -> Result<HttpResponse, Error> {
    let mut conn = context.conn().await?;
    let program = queries::find(&mut conn, id).await?;
    let keys = KeyTable::of(&conn, Holder::program(&program), context.now()).await?;
    page(StatusCode::OK, &ShowPage { layout: context.layout, program, keys })
}

/// The form page: of a new program, or of a stored one.
#[derive(Template)]
#[template(path = "programs/form.html")]
struct FormPage {
    layout: Layout,
    form: Form<ProgramForm>,
    program: Option<Program>,
}

impl FormPage {
    fn heading(&self) -> String {
        match &self.program {
            Some(program) => format!("Edit program “{}”", program.name),
            None => "Create program".into(),
        }
    }

    fn address(&self) -> String {
        self.program.as_ref().map_or("/programs".into(), Program::address)
    }
}

fn form_page(
    context: RequestContext,
    form: Form<ProgramForm>,
    program: Option<Program>,
) -> Result<HttpResponse, Error> {
    page(form.errors.status(), &FormPage { layout: context.layout, form, program })
}

pub async fn new(context: RequestContext) -> Result<HttpResponse, Error> {
    form_page(context, Form::new(ProgramForm::empty()), None)
}

pub async fn create(context: RequestContext, mut form: Form<ProgramForm>) -> Result<HttpResponse, Error> {
    if let Some(new) = form.check(ProgramForm::checked) {
        let (mut conn, id) = (context.conn().await?, form.new_id.0);
        match queries::save(&mut Change::new(&mut conn, &context), id, None, &new).await {
            // The second press of the same form finds what the first has made.
            Ok(_) | Err(SaveError::Repeated) => {
                let outcome = "The program was created. Now create a key for it.";
                return Ok(context.see_other(&format!("/programs/{id}"), outcome));
            }
            Err(SaveError::Fault(fault)) => return Err(fault),
            Err(_) => form.errors.name_taken("program_name", "program", new.name.as_str()),
        }
    }
    form_page(context, form, None)
}

pub async fn edit(context: RequestContext, Segment(id): Segment<Uuid>) -> Result<HttpResponse, Error> {
    let program = queries::find(&mut *context.conn().await?, id).await?;
    form_page(context, Form::new(ProgramForm::of(&program)), Some(program))
}

/// Why an inactive program is not made active.
const EXCEEDS: &str = "Leave it inactive: keys of this program can call a data connector that is open to certain people only, and you are not among those who may call it";

pub async fn update(
    context: RequestContext,
    Segment(id): Segment<Uuid>,
    mut form: Form<ProgramForm>,
) -> Result<HttpResponse, Error> {
    let mut conn = context.conn().await?;
    let program = queries::find(&mut conn, id).await?;
    let Some(seen) = form.seen_version(program.version) else {
        return conflict(context.layout, &program, &form);
    };
    if let Some(new) = form.check(ProgramForm::checked) {
        match queries::save(&mut Change::new(&mut conn, &context), id, Some((&program, seen)), &new).await {
            Ok(Saved::Done) => return Ok(context.see_other(&program.address(), "The program was saved")),
            Ok(Saved::Exceeds) => form.errors.add("status", EXCEEDS),
            Err(SaveError::Fault(fault)) => return Err(fault),
            Err(SaveError::Stale) => return conflict(context.layout, &queries::find(&mut conn, id).await?, &form),
            Err(_) => form.errors.name_taken("program_name", "program", new.name.as_str()),
        }
    }
    form_page(context, form, Some(program))
}

fn conflict(layout: Layout, theirs: &Program, mine: &Form<ProgramForm>) -> Result<HttpResponse, Error> {
    let saved = LastSave { by: &theirs.updated_by, at: Some(theirs.updated_at), version: theirs.version };
    let status = ProgramStatus::parse(&mine.status).map_or("", ProgramStatus::label);
    ConflictPage::new(layout, &theirs.name, &theirs.address(), saved)
        .back(format!("{}/edit", theirs.address()))
        .fields(mine.data.carried())
        .difference("Name", &theirs.name, mine.program_name.trim())
        .difference("Description", &theirs.description, mine.description.trim())
        .difference("Status", theirs.status().label(), status)
        .respond()
}

/// The question before a program is deleted, with what it has been calling and its keys.
#[derive(Template)]
#[template(path = "programs/delete.html")]
struct DeletePage {
    layout: Layout,
    confirmation: Confirmation,
    keys: KeyTable,
    called: Vec<Called>,
}

async fn delete_page(context: RequestContext, program: Program, status: StatusCode) -> Result<HttpResponse, Error> {
    let mut conn = context.conn().await?;
    let keys = KeyTable::of(&conn, Holder::program(&program), context.now()).await?.without_links();
    let called = queries::called_lately(&mut conn, context.actor.visibility, program.id, context.now()).await?;
    let (name, address) = (&program.name, program.address());
    let confirmation = Confirmation {
        title: format!("Delete program “{name}”"),
        crumbs: vec![("/programs".into(), "Programs".into()), (address.clone(), name.clone())],
        step: "Delete",
        question: format!("Are you sure you want to delete “{name}”?"),
        sentences: vec![Sentence::with_link(
            "Its keys are deleted with it: calls with them are refused from then on, and cannot be allowed again. This cannot be undone. The record of its calls is kept. To stop it for a while, make it ",
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

pub async fn confirm_delete(context: RequestContext, Segment(id): Segment<Uuid>) -> Result<HttpResponse, Error> {
    let program = queries::find(&mut *context.conn().await?, id).await?;
    delete_page(context, program, StatusCode::OK).await
}

pub async fn delete(
    context: RequestContext,
    Segment(id): Segment<Uuid>,
    data: FormData,
) -> Result<HttpResponse, Error> {
    let mut conn = context.conn().await?;
    let program = queries::find(&mut conn, id).await?;
    let deleted = match data.seen_version(program.version) {
        Some(seen) => queries::delete(&mut Change::new(&mut conn, &context), (&program, seen)).await,
        None => Err(SaveError::Stale),
    };
    match deleted {
        Ok(()) => Ok(context.see_other("/programs", "The program was deleted")),
        Err(SaveError::Fault(fault)) => Err(fault),
        Err(_) => {
            let program = queries::find(&mut conn, id).await?;
            // The page takes a connection of its own.
            drop(conn);
            delete_page(context, program, StatusCode::CONFLICT).await
        }
    }
}
