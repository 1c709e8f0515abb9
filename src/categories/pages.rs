//! The categories' pages.

use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use askama::Template;

use super::forms::CategoryForm;
use super::model::{Category, CategoryId, CategoryStatus};
use super::queries;
use crate::access::{Permission, RequestContext};
use crate::name::Name;
use crate::web::form::Form;
use crate::web::{
    ConflictPage, Difference, Error, FormData, Layout, ListQuery, Pages, SaveError, Segment, date_time, page, plural,
};

#[derive(Template)]
#[template(path = "categories/list.html")]
struct ListPage {
    layout: Layout,
    query: ListQuery<Category>,
    rows: Vec<Category>,
    pages: Pages,
    may_create: bool,
    may_edit: bool,
    may_delete: bool,
}

impl ListPage {
    fn connectors_of(&self, row: &Category) -> String {
        plural(row.connectors, "connector", "connectors")
    }

    fn status_name(&self) -> Option<&'static str> {
        CategoryStatus::parse(self.query.filter("status")).map(CategoryStatus::label)
    }
}

pub async fn list(context: RequestContext) -> Result<HttpResponse, Error> {
    let query = ListQuery::parse("/categories", context.req.query_string(), &["status"]);
    let (rows, pages) = queries::list(&*context.conn().await?, context.actor.visibility, &query).await?;
    let may = |permission| context.may(permission);
    let (may_create, may_edit, may_delete) =
        (may(Permission::CreateCategories), may(Permission::EditCategories), may(Permission::DeleteCategories));
    page(StatusCode::OK, &ListPage { layout: context.layout, query, rows, pages, may_create, may_edit, may_delete })
}

/// The form page: of a new category, or of a stored one.
#[derive(Template)]
#[template(path = "categories/form.html")]
struct FormPage {
    layout: Layout,
    form: Form<CategoryForm>,
    category: Option<Category>,
    may_delete: bool,
}

impl FormPage {
    fn heading(&self) -> String {
        self.category.as_ref().map_or("Create category".into(), |category| format!("Edit category “{}”", category.name))
    }
}

fn form_page(
    context: RequestContext,
    form: Form<CategoryForm>,
    category: Option<Category>,
) -> Result<HttpResponse, Error> {
    let is_deletable = category.as_ref().is_some_and(|category| !category.is_built_in());
    let may_delete = is_deletable && context.may(Permission::DeleteCategories);
    page(form.errors.status(), &FormPage { layout: context.layout, form, category, may_delete })
}

pub async fn new(context: RequestContext) -> Result<HttpResponse, Error> {
    form_page(context, Form::new(CategoryForm::empty()), None)
}

pub async fn create(context: RequestContext, mut form: Form<CategoryForm>) -> Result<HttpResponse, Error> {
    if let Some(new) = form.check(CategoryForm::checked) {
        let mut conn = context.conn().await?;
        match queries::create(&mut conn, &context.actor, context.now(), form.new_id.0, &new.name, new.status).await {
            // The second press of the same form finds what the first has made.
            Ok(()) | Err(SaveError::Repeated) => {
                return Ok(context.see_other("/categories", "The category was created"));
            }
            Err(SaveError::Fault(fault)) => return Err(fault),
            Err(_) => form.errors.add("category_name", name_taken(&new.name)),
        }
    }
    form_page(context, form, None)
}

pub async fn edit(context: RequestContext, Segment(id): Segment) -> Result<HttpResponse, Error> {
    let category = find(&mut *context.conn().await?, &id).await?;
    let form = CategoryForm::of(&category).map_err(Error::internal)?;
    form_page(context, Form::new(form), Some(category))
}

pub async fn update(
    context: RequestContext,
    Segment(id): Segment,
    mut form: Form<CategoryForm>,
) -> Result<HttpResponse, Error> {
    let mut conn = context.conn().await?;
    let category = find(&mut conn, &id).await?;
    let Some(seen) = form.seen_version(category.version) else {
        return conflict(context.layout, category, &form);
    };
    if let Some(new) = form.check(CategoryForm::checked) {
        match queries::update(&mut conn, &context.actor, context.now(), (&category, seen), &new).await {
            Ok(()) => return Ok(context.see_other("/categories", "The category was saved")),
            Err(SaveError::Fault(fault)) => return Err(fault),
            Err(SaveError::Stale) => return conflict(context.layout, find(&mut conn, &id).await?, &form),
            Err(_) => form.errors.add("category_name", name_taken(&new.name)),
        }
    }
    form_page(context, form, Some(category))
}

fn name_taken(name: &Name) -> String {
    format!("A category named “{}” already exists", name.as_str())
}

fn conflict(layout: Layout, theirs: Category, mine: &Form<CategoryForm>) -> Result<HttpResponse, Error> {
    let status = |code: &str| CategoryStatus::parse(code).map_or("", CategoryStatus::label).to_string();
    let address = format!("/categories/{}", theirs.id);
    ConflictPage {
        layout,
        action: address.clone(),
        back: format!("{address}/edit"),
        saved_by: theirs.updated_by.clone(),
        saved_at: date_time(&theirs.updated_at),
        version: theirs.version,
        fields: ConflictPage::fields_of(&mine.data),
        differences: vec![
            Difference { label: "Name".into(), theirs: theirs.name.clone(), mine: mine.category_name.trim().into() },
            Difference {
                label: "Status".into(),
                theirs: theirs.status().map_err(Error::internal)?.label().into(),
                mine: status(&mine.status),
            },
        ],
        subject: theirs.name,
        lost_secrets: false,
    }
    .respond()
}

#[derive(Template)]
#[template(path = "categories/delete.html")]
struct DeletePage {
    layout: Layout,
    category: Category,
    trashed: i64,
    /// Some of its connectors may not be open to the person.
    sees_some: bool,
}

impl DeletePage {
    fn is_deletable(&self) -> bool {
        !self.category.is_built_in() && self.category.connectors == 0 && self.trashed == 0
    }

    fn connectors(&self) -> String {
        plural(self.category.connectors, "data connector", "data connectors")
    }

    fn trashed(&self) -> String {
        plural(self.trashed, "data connector", "data connectors")
    }
}

async fn delete_page(context: RequestContext, category: Category, status: StatusCode) -> Result<HttpResponse, Error> {
    let sees_some = context.actor.visibility.is_limited();
    let trashed = queries::trashed_connectors(&mut *context.conn().await?, category.id).await?;
    page(status, &DeletePage { layout: context.layout, category, trashed, sees_some })
}

pub async fn confirm_delete(context: RequestContext, Segment(id): Segment) -> Result<HttpResponse, Error> {
    let category = find(&mut *context.conn().await?, &id).await?;
    delete_page(context, category, StatusCode::OK).await
}

pub async fn delete(context: RequestContext, Segment(id): Segment, _: FormData) -> Result<HttpResponse, Error> {
    let mut conn = context.conn().await?;
    let category = find(&mut conn, &id).await?;
    let deleted = queries::delete(&mut conn, &context.actor, context.now(), &category).await;
    // The page takes one of its own.
    drop(conn);
    match deleted {
        Ok(()) => Ok(context.see_other("/categories", "The category was deleted")),
        Err(SaveError::Fault(fault)) => Err(fault),
        Err(_) => delete_page(context, category, StatusCode::CONFLICT).await,
    }
}

/// The category of an address; anything that is no id is nothing.
async fn find(conn: &mut crate::db::Conn, id: &str) -> Result<Category, Error> {
    queries::find(conn, id.parse::<CategoryId>().map_err(|_| Error::NotFound)?).await
}
