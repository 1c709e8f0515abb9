//! The categories' pages.

use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use askama::Template;
use uuid::Uuid;

use super::forms::CategoryForm;
use super::model::{Category, CategoryStatus};
use super::queries;
use crate::access::{Actor, Permission, RequestContext};
use crate::audit::Change;
use crate::web::form::Form;
use crate::web::{
    Confirmation, ConflictPage, Error, FormData, LastSave, Layout, ListQuery, NotPossible, Pages, SaveError, Segment,
    Sentence, page, plural,
};

#[derive(Template)]
#[template(path = "categories/list.html")]
struct ListPage {
    layout: Layout,
    query: ListQuery<Category>,
    rows: Vec<Category>,
    pages: Pages,
    actor: Actor,
}

impl ListPage {
    fn chips(&self) -> Vec<(String, String)> {
        let status = CategoryStatus::parse(self.query.filter("status"));
        self.query.chips("Name has", [("status", status.map(|status| format!("Status is {}", status.label())))])
    }
}

pub async fn list(context: RequestContext) -> Result<HttpResponse, Error> {
    let query = ListQuery::parse("/categories", context.req.query_string(), &["status"]);
    let (rows, pages) = queries::list(&*context.conn().await?, context.actor.visibility, &query).await?;
    page(StatusCode::OK, &ListPage { layout: context.layout, query, rows, pages, actor: context.actor })
}

/// The form page: of a new category, or of a stored one.
#[derive(Template)]
#[template(path = "categories/form.html")]
struct FormPage {
    layout: Layout,
    form: Form<CategoryForm>,
    category: Option<Category>,
    actor: Actor,
}

fn form_page(
    context: RequestContext,
    form: Form<CategoryForm>,
    category: Option<Category>,
) -> Result<HttpResponse, Error> {
    page(form.errors.status(), &FormPage { layout: context.layout, form, category, actor: context.actor })
}

pub async fn new(context: RequestContext) -> Result<HttpResponse, Error> {
    form_page(context, Form::new(CategoryForm::empty()), None)
}

pub async fn create(context: RequestContext, mut form: Form<CategoryForm>) -> Result<HttpResponse, Error> {
    if let Some(new) = form.check(CategoryForm::checked) {
        let mut conn = context.conn().await?;
        let change = &mut Change::new(&mut conn, &context);
        match queries::create(change, form.new_id.0, &new.name, new.status).await {
            // The second press of the same form finds what the first has made.
            Ok(()) | Err(SaveError::Repeated) => {
                return Ok(context.see_other("/categories", "The category was created"));
            }
            Err(SaveError::NameTaken) => form.errors.name_taken("category_name", "category", new.name.as_str()),
            Err(other) => return Err(other.into()),
        }
    }
    form_page(context, form, None)
}

pub async fn edit(context: RequestContext, Segment(id): Segment<Uuid>) -> Result<HttpResponse, Error> {
    let category = queries::find(&mut *context.conn().await?, id).await?;
    let form = CategoryForm::of(&category).map_err(Error::internal)?;
    form_page(context, Form::new(form), Some(category))
}

pub async fn update(
    context: RequestContext,
    Segment(id): Segment<Uuid>,
    mut form: Form<CategoryForm>,
) -> Result<HttpResponse, Error> {
    let mut conn = context.conn().await?;
    let category = queries::find(&mut conn, id).await?;
    let Some(seen) = form.seen_version(category.version) else {
        return conflict(context.layout, category, &form);
    };
    if let Some(new) = form.check(CategoryForm::checked) {
        match queries::update(&mut Change::new(&mut conn, &context), (&category, seen), &new).await {
            Ok(()) => return Ok(context.see_other("/categories", "The category was saved")),
            Err(SaveError::Stale) => return conflict(context.layout, queries::find(&mut conn, id).await?, &form),
            Err(SaveError::NameTaken) => form.errors.name_taken("category_name", "category", new.name.as_str()),
            Err(other) => return Err(other.into()),
        }
    }
    form_page(context, form, Some(category))
}

fn conflict(layout: Layout, theirs: Category, mine: &Form<CategoryForm>) -> Result<HttpResponse, Error> {
    let status = theirs.status().map_err(Error::internal)?.label();
    let address = format!("/categories/{}", theirs.id);
    let saved = LastSave { by: &theirs.updated_by, at: Some(theirs.updated_at), version: theirs.version };
    ConflictPage::new(layout, &theirs.name, &address, saved)
        .back(format!("{address}/edit"))
        .fields(mine.data.carried())
        .difference("Name", &theirs.name, mine.category_name.trim())
        .difference("Status", status, CategoryStatus::parse(&mine.status).map_or("", CategoryStatus::label))
        .respond()
}

async fn delete_page(context: RequestContext, category: Category, status: StatusCode) -> Result<HttpResponse, Error> {
    let trashed = queries::trashed_connectors(&mut *context.conn().await?, category.id).await?;
    let (name, address) = (&category.name, format!("/categories/{}", category.id));
    let keeps = why_kept(&category, trashed, context.actor.visibility.is_limited());
    let not_possible = (!keeps.is_empty()).then(|| NotPossible {
        heading: format!("“{name}” cannot be deleted"),
        sentences: keeps,
        back: "Back to categories".into(),
    });
    Confirmation {
        title: format!("Delete category “{name}”"),
        question: format!("Are you sure you want to delete “{name}”?"),
        sentences: vec!["No data connector has this category. This cannot be undone.".into()],
        action: format!("{address}/delete"),
        button: format!("Delete “{name}”"),
        back: ("/categories".into(), "Keep it"),
        not_possible,
        ..Confirmation::about(("/categories", "Categories"), (&format!("{address}/edit"), name), "Delete")
    }
    .respond(context.layout, status)
}

/// Why a category is not deleted; empty if it can be.
fn why_kept(category: &Category, trashed: i64, sees_some: bool) -> Vec<Sentence> {
    let counted = |number| plural(number, "data connector", "data connectors");
    let has = |number| if number == 1 { "has" } else { "have" };
    let mut why = Vec::new();
    if category.is_built_in() {
        why.push("It is built in: Connectory itself gives it to data connectors.".into());
    }
    let number = category.connectors;
    if number > 0 {
        let them = if number == 1 { "it" } else { "them" };
        let rest = format!(
            " {} this category. Give {them} another one first.{}",
            has(number),
            if sees_some { " You may not see all of them: ask a super admin if none is listed." } else { "" }
        );
        let href = format!("/connectors?category={}", category.id);
        why.push(Sentence::with_link("", (&href, &counted(number)), rest));
    }
    if trashed > 0 {
        let rest = format!(" {} this category. The category can be deleted once the trash is emptied.", has(trashed));
        why.push(Sentence::with_link(format!("{} ", counted(trashed)), ("/connectors/trash", "in the trash"), rest));
    }
    why
}

pub async fn confirm_delete(context: RequestContext, Segment(id): Segment<Uuid>) -> Result<HttpResponse, Error> {
    let category = queries::find(&mut *context.conn().await?, id).await?;
    delete_page(context, category, StatusCode::OK).await
}

pub async fn delete(context: RequestContext, Segment(id): Segment<Uuid>, _: FormData) -> Result<HttpResponse, Error> {
    let mut conn = context.conn().await?;
    let category = queries::find(&mut conn, id).await?;
    let deleted = queries::delete(&mut Change::new(&mut conn, &context), &category).await;
    // The page takes one of its own.
    drop(conn);
    match deleted {
        Ok(()) => Ok(context.see_other("/categories", "The category was deleted")),
        Err(SaveError::InUse) => delete_page(context, category, StatusCode::CONFLICT).await,
        Err(other) => Err(other.into()),
    }
}
