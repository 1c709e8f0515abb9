//! The pages of imports: sending a file of records, and what has become of it.

use std::time::Duration;

use actix_multipart::MultipartError;
use actix_multipart::form::tempfile::TempFile;
use actix_multipart::form::text::Text;
use actix_multipart::form::{MultipartForm, MultipartFormConfig};
use actix_web::error::PayloadError;
use actix_web::http::StatusCode;
use actix_web::{FromRequest, HttpResponse, web};
use askama::Template;
use chrono::{DateTime, Utc};
use tokio::time::timeout;
use uuid::Uuid;

use super::import_job::{ImportFile, Importer, MAX_PROBLEMS};
use super::import_queries::{self, Import, ImportState};
use super::model::Collection;
use super::queries;
use super::record_pages::address;
use crate::access::{RequestContext, Right};
use crate::audit::Change;
use crate::db::Conn;
use crate::web::form::NewId;
use crate::web::{
    CsrfKey, Error, Errors, FormData, Layout, SaveError, Segment, Segments, beginning, grouped, is_multipart, page,
};

/// The largest file, in bytes.
const MAX_FILE: usize = 256 * 1024 * 1024;

/// How long a file may take to arrive.
const ARRIVAL: Duration = Duration::from_secs(600);

/// The most characters of a file's name that are stored.
const MAX_NAME: usize = 200;

const NO_FILE: &str = "Choose a file";

/// The form as it arrives.
#[derive(MultipartForm)]
struct Upload {
    csrf: Text<String>,
    new_id: Text<Uuid>,
    file: TempFile,
}

/// How large a form with a file may be.
pub fn upload_limits() -> MultipartFormConfig {
    MultipartFormConfig::default().total_limit(MAX_FILE)
}

/// The form of a new import, and earlier ones.
#[derive(Template)]
#[template(path = "collections/import.html")]
struct FormPage {
    layout: Layout,
    collection: Collection,
    form: FileForm,
    imports: Vec<Import>,
    now: DateTime<Utc>,
}

/// A form as templates take it.
#[derive(Default)]
struct FileForm {
    new_id: NewId,
    errors: Errors,
}

impl FormPage {
    fn hint(&self) -> &'static str {
        if self.collection.settings.schema_text().is_empty() {
            "JSON or CSV in UTF-8, up to 256 MiB. The first line of a CSV file has the names of the members, and every value of it is a text, because the collection has no schema."
        } else {
            "JSON or CSV in UTF-8, up to 256 MiB. The first line of a CSV file has the names of the members. What the schema does not know is a text."
        }
    }
}

async fn form_page(context: RequestContext, key: &str, errors: Errors) -> Result<HttpResponse, Error> {
    let conn = context.conn().await?;
    let collection = queries::find(&conn, &context.actor, key, Right::Call).await?;
    let imports = import_queries::list(&conn, collection.connector.id).await?;
    let (now, status) = (context.now(), errors.status());
    page(
        status,
        &FormPage {
            layout: context.layout,
            collection,
            form: FileForm { errors, ..FileForm::default() },
            imports,
            now,
        },
    )
}

pub async fn new(context: RequestContext, Segment(key): Segment) -> Result<HttpResponse, Error> {
    form_page(context, &key, Errors::default()).await
}

pub async fn create(
    context: RequestContext,
    Segment(key): Segment,
    importer: web::Data<Importer>,
    body: web::Payload,
) -> Result<HttpResponse, Error> {
    // Without the right nothing is read, and while it is read no connection is held.
    queries::find(&*context.conn().await?, &context.actor, &key, Right::Call).await?;
    let mut body = body.into_inner();
    if !is_multipart(&context.req) {
        // It has a CSRF token, but no file.
        FormData::from_request(&context.req, &mut body).await?;
        return refused(context, &key, NO_FILE).await;
    }
    let slot = importer.slot()?;
    let upload = MultipartForm::<Upload>::from_request(&context.req, &mut body);
    let upload = match timeout(ARRIVAL, upload).await {
        Err(_) => return Err(Error::BadRequest("The file took too long to arrive.")),
        Ok(Ok(upload)) => upload.into_inner(),
        Ok(Err(error)) => return refused(context, &key, upload_problem(error)?).await,
    };
    CsrfKey::check(&context.req, &upload.csrf)?;
    let name = upload.file.file_name.unwrap_or_default();
    if name.is_empty() {
        return refused(context, &key, NO_FILE).await;
    }
    let file = ImportFile {
        file: upload.file.file.reopen().map_err(Error::internal)?,
        name: beginning(&name, MAX_NAME),
        size: upload.file.size.try_into().map_err(Error::internal)?,
        slot,
    };
    let mut conn = context.conn().await?;
    // As it is now: a file can take minutes.
    let collection = queries::find(&conn, &context.actor, &key, Right::Call).await?;
    let id = upload.new_id.into_inner();
    match importer.start(&mut Change::new(&mut conn, &context), (id, collection), file).await {
        // The second press of the same form finds what the first has begun.
        Ok(()) | Err(SaveError::Repeated) => Ok(context.go(&format!("/collections/{key}/imports/{id}"))),
        Err(other) => Err(other.into()),
    }
}

async fn refused(context: RequestContext, key: &str, problem: &str) -> Result<HttpResponse, Error> {
    let mut errors = Errors::default();
    errors.add("file", problem);
    form_page(context, key, errors).await
}

/// What is wrong with a file that did not arrive.
fn upload_problem(error: actix_web::Error) -> Result<&'static str, Error> {
    match error.as_error::<MultipartError>() {
        Some(MultipartError::Payload(PayloadError::Overflow)) => Ok("The file must be 256 MiB or less. Divide it"),
        Some(MultipartError::MissingField(field)) if field == "file" => Ok(NO_FILE),
        Some(MultipartError::Field { .. }) => Err(Error::internal(anyhow::anyhow!("{error}"))),
        Some(MultipartError::Payload(_) | MultipartError::Incomplete) => {
            Err(Error::BadRequest("The form did not arrive whole."))
        }
        // What is no such form has no CSRF token either.
        _ => Err(Error::StaleForm),
    }
}

/// An import, running or ended.
#[derive(Template)]
#[template(path = "collections/import_state.html")]
struct ImportPage {
    layout: Layout,
    collection: Collection,
    import: Import,
    now: DateTime<Utc>,
}

impl ImportPage {
    fn is_running(&self) -> bool {
        self.import.state == ImportState::Running && !self.import.is_interrupted(self.now)
    }

    /// How it stands, in a sentence.
    fn sentence(&self) -> String {
        let records = grouped(self.import.records_read);
        match self.import.state {
            ImportState::Done if self.import.records_read == 1 => "1 record was imported.".into(),
            ImportState::Done => format!("{records} records were imported."),
            ImportState::Failed => "Nothing was imported.".into(),
            ImportState::Cancelled => "The import was cancelled. Nothing was imported.".into(),
            ImportState::Running if self.import.is_interrupted(self.now) => {
                "The import was interrupted because Connectory was stopped. Nothing was imported.".into()
            }
            ImportState::Running if self.import.is_cancelled => "The import is being cancelled.".into(),
            ImportState::Running if self.import.bytes_read == 0 => "The import has not begun yet.".into(),
            ImportState::Running => format!("{records} records have been read, {} % of the file.", self.percent()),
        }
    }

    /// Whether only the first problems are listed.
    fn has_more_problems(&self) -> bool {
        self.import.problems.len() >= MAX_PROBLEMS
    }

    fn state(&self) -> &'static str {
        if self.import.is_interrupted(self.now) { "Interrupted" } else { self.import.state.label() }
    }

    fn percent(&self) -> i64 {
        (self.import.bytes_read * 100).checked_div(self.import.size).unwrap_or(0).min(100)
    }
}

async fn load(context: &RequestContext, conn: &Conn, [key, id]: &[String; 2]) -> Result<(Collection, Import), Error> {
    let collection = queries::find(conn, &context.actor, key, Right::Call).await?;
    let id = id.parse().map_err(|_| Error::NotFound)?;
    let import = import_queries::find(conn, collection.connector.id, id).await?;
    Ok((collection, import))
}

pub async fn show(context: RequestContext, Segments(path): Segments<2>) -> Result<HttpResponse, Error> {
    let (collection, import) = load(&context, &*context.conn().await?, &path).await?;
    let now = context.now();
    page(StatusCode::OK, &ImportPage { layout: context.layout, collection, import, now })
}

pub async fn cancel(context: RequestContext, Segments(path): Segments<2>, _: FormData) -> Result<HttpResponse, Error> {
    let mut conn = context.conn().await?;
    let (collection, import) = load(&context, &conn, &path).await?;
    import_queries::cancel(&mut Change::new(&mut conn, &context), &collection, &import).await?;
    Ok(context.go(&format!("{}/imports/{}", address(&collection), import.id)))
}
