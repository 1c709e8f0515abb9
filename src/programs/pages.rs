//! A program's pages: creating, showing, editing.

use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use askama::Template;

use super::form::ProgramForm;
use super::keys::{Holder, KeyTable};
use super::model::{Program, ProgramId, status_word};
use super::queries::{self, Saved};
use crate::access::RequestContext;
use crate::audit::Change;
use crate::db::Conn;
use crate::web::{ConflictPage, Error, Form, FormData, LastSave, Layout, SaveError, Segment, page};

/// The form page: of a new program, or of a stored one.
#[derive(Template)]
#[template(path = "programs/form.html")]
struct FormPage {
    layout: Layout,
    form: ProgramForm,
    program: Option<Program>,
}

impl FormPage {
    fn heading(&self) -> String {
        match &self.program {
            Some(program) => format!("Edit program “{}”", program.name),
            None => "Create program".into(),
        }
    }

    fn back(&self) -> String {
        match &self.program {
            Some(program) => address(program.id),
            None => "/programs".into(),
        }
    }
}

fn form_page(
    context: RequestContext,
    status: StatusCode,
    form: ProgramForm,
    program: Option<Program>,
) -> Result<HttpResponse, Error> {
    let layout = context.layout;
    page(status, &FormPage { layout, form, program })
}

/// Where a program's page is.
pub(super) fn address(id: ProgramId) -> String {
    format!("/programs/{id}")
}

/// The program of an address; anything that is no id is nothing.
pub(super) async fn find(conn: &mut Conn, id: &str) -> Result<Program, Error> {
    queries::find(conn, id.parse().map_err(|_| Error::NotFound)?).await
}

pub async fn new(context: RequestContext) -> Result<HttpResponse, Error> {
    form_page(context, StatusCode::OK, ProgramForm::empty(), None)
}

pub async fn create(context: RequestContext, Form(data): Form) -> Result<HttpResponse, Error> {
    let mut form = ProgramForm::read(&data);
    if let Some(checked) = form.check() {
        let mut conn = context.conn().await?;
        match queries::create(&mut Change::new(&mut conn, &context), form.new_id, &checked).await {
            // The second press of the same form finds what the first has made.
            Ok(()) | Err(SaveError::Repeated) => {
                let outcome = "The program was created. Now create a key for it.";
                return Ok(context.see_other(&address(form.new_id), outcome));
            }
            Err(SaveError::Fault(fault)) => return Err(fault),
            Err(_) => form.name_taken(),
        }
    }
    form_page(context, StatusCode::UNPROCESSABLE_ENTITY, form, None)
}

#[derive(Template)]
#[template(path = "programs/show.html")]
struct ShowPage {
    layout: Layout,
    program: Program,
    keys: KeyTable,
}

pub async fn show(context: RequestContext, Segment(id): Segment) -> Result<HttpResponse, Error> {
    let mut conn = context.conn().await?;
    let program = find(&mut conn, &id).await?;
    let keys = KeyTable::of(&conn, Holder::program(&program), context.now()).await?;
    page(StatusCode::OK, &ShowPage { layout: context.layout, program, keys })
}

pub async fn edit(context: RequestContext, Segment(id): Segment) -> Result<HttpResponse, Error> {
    let program = find(&mut *context.conn().await?, &id).await?;
    let form = ProgramForm::of(&program);
    form_page(context, StatusCode::OK, form, Some(program))
}

pub async fn update(context: RequestContext, Segment(id): Segment, Form(data): Form) -> Result<HttpResponse, Error> {
    let mut conn = context.conn().await?;
    let program = find(&mut conn, &id).await?;
    let mut form = ProgramForm::read(&data);
    let Some(seen) = data.seen_version(program.version) else {
        return conflict(context.layout, program, &data, &form);
    };
    if let Some(checked) = form.check() {
        match queries::update(&mut Change::new(&mut conn, &context), (&program, seen), &checked).await {
            Ok(Saved::Done) => {
                return Ok(context.see_other(&address(program.id), "The program was saved"));
            }
            Ok(Saved::LeadsBeyond) => form.leads_beyond(),
            Err(SaveError::Fault(fault)) => return Err(fault),
            Err(SaveError::Stale) => {
                return conflict(context.layout, find(&mut conn, &id).await?, &data, &form);
            }
            Err(_) => form.name_taken(),
        }
    }
    form_page(context, StatusCode::UNPROCESSABLE_ENTITY, form, Some(program))
}

fn conflict(layout: Layout, theirs: Program, data: &FormData, mine: &ProgramForm) -> Result<HttpResponse, Error> {
    let address = address(theirs.id);
    let saved = LastSave { by: &theirs.updated_by, at: Some(theirs.updated_at), version: theirs.version };
    ConflictPage::new(layout, &theirs.name, &address, saved)
        .back(format!("{address}/edit"))
        .fields(data.carried())
        .difference("Name", &theirs.name, mine.typed_name())
        .difference("Description", &theirs.description, mine.description())
        .difference("Status", status_word(theirs.active), mine.status_word())
        .respond()
}
