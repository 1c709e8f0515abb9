//! The categories' pages.

use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use askama::Template;

use super::forms::CategoryForm;
use super::model::{Category, CategoryId, CategoryStatus};
use super::queries;
use crate::access::{Permission, RequestContext};
use crate::db::keyset::{Cursor, Kind, Slice};
use crate::web::{
    Column, ConflictPage, Difference, Error, Form, FormData, Layout, ListQuery, Option_, Pages, SaveError, Segment,
    SelectField, date_time, page, plural,
};

/// The columns of the list.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum CategoryColumn {
    Name,
    Status,
    Connectors,
    Modified,
    Created,
}

impl Column for CategoryColumn {
    const ALL: &'static [CategoryColumn] = &[
        CategoryColumn::Name,
        CategoryColumn::Status,
        CategoryColumn::Connectors,
        CategoryColumn::Modified,
        CategoryColumn::Created,
    ];

    fn code(self) -> &'static str {
        match self {
            CategoryColumn::Name => "name",
            CategoryColumn::Status => "status",
            CategoryColumn::Connectors => "connectors",
            CategoryColumn::Modified => "modified",
            CategoryColumn::Created => "created",
        }
    }

    fn label(self) -> &'static str {
        match self {
            CategoryColumn::Name => "Name",
            CategoryColumn::Status => "Status",
            CategoryColumn::Connectors => "Data connectors",
            CategoryColumn::Modified => "Modified",
            CategoryColumn::Created => "Created",
        }
    }

    fn orders(self) -> [&'static str; 2] {
        match self {
            CategoryColumn::Name | CategoryColumn::Status => ["A to Z", "Z to A"],
            CategoryColumn::Connectors => ["fewest first", "most first"],
            CategoryColumn::Modified | CategoryColumn::Created => ["oldest first", "newest first"],
        }
    }

    fn kind(self) -> Kind {
        self.sql().1
    }
}

impl CategoryColumn {
    /// The database column and what it holds.
    pub fn sql(self) -> (&'static str, Kind) {
        match self {
            CategoryColumn::Name => ("name", Kind::Text),
            CategoryColumn::Status => ("status", Kind::Text),
            CategoryColumn::Connectors => ("connectors", Kind::Number),
            CategoryColumn::Modified => ("updated_at", Kind::Time),
            CategoryColumn::Created => ("created_at", Kind::Time),
        }
    }

    fn place(self, row: &Category) -> Cursor {
        let value = match self {
            CategoryColumn::Name => row.name.clone(),
            CategoryColumn::Status => row.status.clone(),
            CategoryColumn::Connectors => row.connectors.to_string(),
            CategoryColumn::Modified => row.updated_at.to_rfc3339(),
            CategoryColumn::Created => row.created_at.to_rfc3339(),
        };
        Cursor { value, id: row.id }
    }
}

#[derive(Template)]
#[template(path = "categories/list.html")]
struct ListPage {
    layout: Layout,
    query: ListQuery<CategoryColumn>,
    rows: Vec<Category>,
    pages: Pages,
    may_create: bool,
    may_edit: bool,
    may_delete: bool,
}

impl ListPage {
    fn status_filter(&self) -> SelectField {
        let any = [Option_::new("", "Any status")];
        let options = any
            .into_iter()
            .chain(CategoryStatus::ALL.map(|status| Option_::new(status.code(), status.label())))
            .collect();
        SelectField::new("status", "Status", options, self.query.filter("status"))
    }

    fn connectors_of(&self, row: &Category) -> String {
        plural(row.connectors, "connector", "connectors")
    }

    fn status_name(&self) -> Option<&'static str> {
        CategoryStatus::parse(self.query.filter("status")).map(CategoryStatus::label)
    }
}

pub async fn list(context: RequestContext) -> Result<HttpResponse, Error> {
    let query = ListQuery::parse("/categories", context.req.query_string(), &["status"]);
    let mut conn = context.conn().await?;
    let (slice, total) = queries::list(&mut conn, context.actor.visibility, &query).await?;
    let pages = Pages::new(&query, ["category", "categories"], &slice, total, |row| query.column.place(row));
    let Slice { rows, .. } = slice;
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
    form: CategoryForm,
    category: Option<Category>,
    may_delete: bool,
}

impl FormPage {
    fn heading(&self) -> String {
        self.category.as_ref().map_or("Create category".into(), |category| format!("Edit category “{}”", category.name))
    }
}

pub async fn new(context: RequestContext) -> Result<HttpResponse, Error> {
    page(
        StatusCode::OK,
        &FormPage { layout: context.layout, form: CategoryForm::empty(), category: None, may_delete: false },
    )
}

pub async fn create(context: RequestContext, Form(data): Form) -> Result<HttpResponse, Error> {
    let mut form = CategoryForm::read(&data);
    if let Some(checked) = form.check() {
        let mut conn = context.conn().await?;
        let stored =
            queries::create(&mut conn, &context.actor, context.now(), form.new_id, &checked.name, checked.status).await;
        match stored {
            Ok(()) => return Ok(context.see_other("/categories", "The category was created")),
            // The second press of the same form finds what the first has made.
            Err(SaveError::Repeated) => {
                return Ok(context.see_other("/categories", "The category was created"));
            }
            Err(SaveError::Fault(fault)) => return Err(fault),
            Err(_) => form.name_taken(),
        }
    }
    page(
        StatusCode::UNPROCESSABLE_ENTITY,
        &FormPage { layout: context.layout, form, category: None, may_delete: false },
    )
}

pub async fn edit(context: RequestContext, Segment(id): Segment) -> Result<HttpResponse, Error> {
    let mut conn = context.conn().await?;
    let category = find(&mut conn, &id).await?;
    let may_delete = context.may(Permission::DeleteCategories) && !category.is_built_in();
    page(
        StatusCode::OK,
        &FormPage {
            layout: context.layout,
            form: CategoryForm::of(&category).map_err(Error::internal)?,
            category: Some(category),
            may_delete,
        },
    )
}

pub async fn update(context: RequestContext, Segment(id): Segment, Form(data): Form) -> Result<HttpResponse, Error> {
    let mut conn = context.conn().await?;
    let category = find(&mut conn, &id).await?;
    let mut form = CategoryForm::read(&data);
    let Some(seen) = data.seen_version(category.version) else {
        return conflict(context.layout, category, &data, &form);
    };
    if let Some(checked) = form.check() {
        let (by, now) = (&context.actor, context.now());
        match queries::update(&mut conn, by, now, (&category, seen), &checked).await {
            Ok(()) => return Ok(context.see_other("/categories", "The category was saved")),
            Err(SaveError::Fault(fault)) => return Err(fault),
            Err(SaveError::Stale) => {
                return conflict(context.layout, find(&mut conn, &id).await?, &data, &form);
            }
            Err(_) => form.name_taken(),
        }
    }
    let may_delete = context.may(Permission::DeleteCategories) && !category.is_built_in();
    page(
        StatusCode::UNPROCESSABLE_ENTITY,
        &FormPage { layout: context.layout, form, category: Some(category), may_delete },
    )
}

fn conflict(layout: Layout, theirs: Category, data: &FormData, mine: &CategoryForm) -> Result<HttpResponse, Error> {
    let status = |code: &str| CategoryStatus::parse(code).map_or("", CategoryStatus::label).to_string();
    let address = format!("/categories/{}", theirs.id);
    ConflictPage {
        layout,
        action: address.clone(),
        back: format!("{address}/edit"),
        saved_by: theirs.updated_by.clone(),
        saved_at: date_time(&theirs.updated_at),
        version: theirs.version,
        fields: ConflictPage::fields_of(data),
        differences: vec![
            Difference { label: "Name".into(), theirs: theirs.name.clone(), mine: mine.typed_name() },
            Difference {
                label: "Status".into(),
                theirs: theirs.status().map_err(Error::internal)?.label().into(),
                mine: status(&data.text("status")),
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

pub async fn delete(context: RequestContext, Segment(id): Segment, Form(_): Form) -> Result<HttpResponse, Error> {
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
