//! The records of a collection as a file: JSON or CSV, written while it is read.
//!
//! Rule: a batch is in memory at a time, and no connection is held while the browser takes it. Records are read in the
//! order of their ids, so one that is changed meanwhile is in the file once.

use std::collections::HashMap;

use actix_web::HttpResponse;
use uuid::Uuid;

use super::json::RecordData;
use super::model::Collection;
use super::queries;
use super::record_list::readable;
use super::records;
use crate::access::{RequestContext, Right};
use crate::audit::{Change, Changes};
use crate::connectors::ConnectorId;
use crate::db::{Conn, Db, JOB};
use crate::web::{Download, Error, FormData, Segment, csv};

/// Records that are read at once: no more than 25 MiB.
const BATCH: i64 = 100;

/// The most columns of a CSV file.
pub(super) const MAX_COLUMNS: usize = 1000;

#[derive(Clone, Copy, PartialEq, Eq)]
enum Format {
    Json,
    Csv,
}

impl Format {
    fn parse(code: &str) -> Option<Format> {
        match code {
            "json" => Some(Format::Json),
            "csv" => Some(Format::Csv),
            _ => None,
        }
    }

    /// The extension of the file's name, its media type, what it begins with (for CSV the mark by which spreadsheets
    /// know UTF-8), and its label.
    fn names(self) -> (&'static str, &'static str, &'static str, &'static str) {
        match self {
            Format::Json => ("json", "application/json", "[", "JSON"),
            Format::Csv => ("csv", "text/csv; charset=utf-8", "\u{feff}", "CSV"),
        }
    }
}

pub async fn export(context: RequestContext, Segment(key): Segment, data: FormData) -> Result<HttpResponse, Error> {
    let format = Format::parse(&data.text("format"))
        .ok_or(Error::BadRequest("An export is either JSON or CSV: use the buttons of the page."))?;
    let mut conn = context.conn().await?;
    let collection = queries::find(&conn, &context.actor, &key, Right::View).await?;
    // Counts all records, and looks for the members of each.
    conn.extend(JOB).await?;
    let columns = if format == Format::Csv { columns(&conn, &collection).await? } else { Vec::new() };
    let number = records::count(&conn, collection.connector.id).await?;
    let (extension, media_type, head, label) = format.names();
    let changes = Changes::none().field("Format", "", label).field("Records", "", number.to_string());
    let change = Change::new(&mut conn, &context);
    change.record("records.exported", collection.connector.id, &collection.connector.name, changes).await?;
    // The file has its own, one at a time.
    drop(conn);
    let name = format!("{key}.{extension}");
    let state = Export { db: context.db(), collection: collection.connector.id, format, columns, after: None };
    Download { name, media_type, head }.respond(state, batch).await
}

/// The members that have a column: the properties of the schema, and what else records have.
async fn columns(conn: &Conn, collection: &Collection) -> Result<Vec<String>, Error> {
    let mut columns: Vec<String> = collection.settings.properties().map(str::to_owned).collect();
    for name in records::member_names(conn, collection.connector.id, MAX_COLUMNS + 1).await? {
        if !columns.contains(&name) {
            columns.push(name);
        }
    }
    if columns.len() > MAX_COLUMNS {
        return Err(Error::BadRequest("The records have more than 1,000 different members. Export them as JSON."));
    }
    Ok(columns)
}

/// How far an export has come.
struct Export {
    db: Db,
    collection: ConnectorId,
    format: Format,
    columns: Vec<String>,
    /// The last record that was written.
    after: Option<Uuid>,
}

/// The next records, and how the export goes on.
async fn batch(export: Export) -> Result<(String, Option<Export>), Error> {
    let conn = export.db.get().await?;
    let found = records::after(&conn, export.collection, export.after, BATCH).await?;
    drop(conn);
    let is_first = export.after.is_none();
    let mut text = if is_first && export.format == Format::Csv { csv::row(&export.columns) } else { String::new() };
    for (at, record) in found.iter().enumerate() {
        match export.format {
            Format::Json => {
                text.push_str(if at == 0 && is_first { "\n" } else { ",\n" });
                text.push_str(&record.data);
            }
            Format::Csv => text.push_str(&csv_row(&export.columns, &record.data)?),
        }
    }
    let last = found.last().map(|record| record.id);
    if i64::try_from(found.len()).is_ok_and(|length| length == BATCH) {
        return Ok((text, Some(Export { after: last, ..export })));
    }
    if export.format == Format::Json {
        text.push_str("\n]\n");
    }
    Ok((text, None))
}

/// A text as it is, nothing for null and for what is missing, and other values as JSON.
fn csv_row(columns: &[String], data: &str) -> Result<String, Error> {
    // A record can have as many members as a file has columns.
    let members: HashMap<String, &str> = RecordData::raw_members(data).map_err(Error::internal)?.into_iter().collect();
    let cell = |name: &String| match members.get(name) {
        Some(number) if number.starts_with(|first: char| first == '-' || first.is_ascii_digit()) => (*number).into(),
        Some(raw) => csv::cell(&readable(raw)).into_owned().into(),
        None => "".into(),
    };
    Ok(csv::line(columns.iter().map(cell)))
}
