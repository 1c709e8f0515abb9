//! The log as a file: what matches the filters, the newest first, written while it is read.
//!
//! Rule: a batch is in memory at a time, and no connection is held while the browser takes it. An export copies the log
//! out of Connectory, so it is a form with a password and has an entry of its own.

use actix_web::HttpResponse;
use chrono::{DateTime, Utc};
use serde_json::json;

use super::chain::hex;
use super::filter::Filter;
use super::queries;
use super::search::{self, Wanted};
use super::{AuditEntry, Change, Changes};
use crate::access::RequestContext;
use crate::db::Db;
use crate::db::keyset::Position;
use crate::web::{Download, Error, Errors, FormData, csv};

/// Entries that are read at once.
const BATCH: usize = 500;

/// The mark by which spreadsheets know UTF-8, and the headings.
const CSV_HEAD: &str =
    "\u{feff}Line,Time,Person,Person id,From,Request,Kind,Event,Thing,Thing id,Changes,Hash,User name\r\n";

#[derive(Clone, Copy, PartialEq, Eq)]
enum Format {
    Csv,
    JsonLines,
}

impl Format {
    fn parse(code: &str) -> Option<Format> {
        match code {
            "csv" => Some(Format::Csv),
            "jsonl" => Some(Format::JsonLines),
            _ => None,
        }
    }

    /// The extension of the file's name, its media type, and its label.
    fn names(self) -> (&'static str, &'static str, &'static str) {
        match self {
            Format::Csv => ("csv", "text/csv; charset=utf-8", "CSV"),
            Format::JsonLines => ("jsonl", "application/jsonl; charset=utf-8", "JSON Lines"),
        }
    }

    fn head(self) -> &'static str {
        match self {
            Format::Csv => CSV_HEAD,
            Format::JsonLines => "",
        }
    }

    fn row(self, entry: &AuditEntry) -> String {
        match self {
            Format::Csv => csv_row(entry),
            Format::JsonLines => json_line(entry),
        }
    }
}

pub async fn create(context: RequestContext, data: FormData) -> Result<HttpResponse, Error> {
    let format = Format::parse(&data.text("format"))
        .ok_or(Error::BadRequest("An export is either CSV or JSON Lines: use the buttons of the page."))?;
    let filter = Filter::read(|name| data.text(name));
    let now = context.now();
    let mut errors = Errors::default();
    let mut conn = context.conn().await?;
    let kinds = queries::kinds(&mut conn).await?;
    let mut wanted = filter.wanted(&mut conn, now, &kinds, &mut errors).await?;
    if errors.any() {
        return Err(Error::BadRequest("The days of the export are none."));
    }
    // Entries that are written meanwhile, such as that of the export, are not part of it.
    wanted.until = Some(wanted.until.map_or(now, |until| until.min(now)));
    let (extension, media_type, label) = format.names();
    let change = Change::new(&mut conn, &context);
    change.record("audit_log.exported", None, "Audit log", requested(&filter, label)).await?;
    // The file has its own, one at a time.
    drop(conn);
    let name = format!("connectory-audit-{}.{extension}", now.format("%Y-%m-%d-%H%M%S"));
    let state = Export { db: context.db(), wanted, format, position: Position::First };
    Download { name, media_type, head: format.head() }.respond(state, batch).await
}

/// What was requested, for the export's own entry.
fn requested(filter: &Filter, format: &str) -> Changes {
    let named = filter.pairs().into_iter();
    named.fold(Changes::none().field("Format", "", format), |changes, (name, value)| {
        let label = match name {
            "person" => "Person",
            "thing" => "Thing",
            "subject" => "Thing id",
            "actor" => "Person id",
            "event" => "Event",
            "period" => "Time",
            "from" => "First day",
            _ => "Last day",
        };
        changes.field(label, "", value)
    })
}

/// How far an export has come.
struct Export {
    db: Db,
    wanted: Wanted,
    format: Format,
    position: Position,
}

/// The next entries, and how the export goes on.
async fn batch(export: Export) -> Result<(String, Option<Export>), Error> {
    let mut conn = export.db.get().await?;
    let found = search::find(&mut conn, &export.wanted, &export.position, BATCH).await?;
    let entries = queries::entries(&mut conn, &found.ids).await?;
    drop(conn);
    let text = entries.iter().map(|entry| export.format.row(entry)).collect();
    Ok((text, found.next.map(|next| Export { position: Position::After(next), ..export })))
}

/// An entry with all that its hash is made of.
fn json_line(entry: &AuditEntry) -> String {
    let link = entry.link.as_ref();
    let time = |at: DateTime<Utc>| at.format("%Y-%m-%dT%H:%M:%S%.6fZ").to_string();
    let mut text = json!({
        "seq": link.map(|link| link.seq),
        "previous_hash": link.map(|link| hex(&link.previous_hash)),
        "hash": link.map(|link| hex(&link.hash)),
        "format": link.map(|link| link.format),
        "data_key": link.and_then(|link| link.data_key),
        "id": entry.id,
        "at": time(entry.at),
        "actor_id": entry.actor_id,
        "actor_name": entry.actor_name,
        "actor_username": entry.actor_username,
        "address": entry.address,
        "request_id": entry.request_id,
        "kind": entry.kind,
        "subject_id": entry.subject_id,
        "subject_name": entry.subject_name,
        "changes": entry.changes,
    })
    .to_string();
    text.push('\n');
    text
}

fn csv_row(entry: &AuditEntry) -> String {
    let link = entry.link.as_ref();
    let id = |id: Option<uuid::Uuid>| id.map_or(String::new(), |id| id.to_string());
    let cells = [
        link.map_or(String::new(), |link| link.seq.to_string()),
        entry.at.format("%Y-%m-%dT%H:%M:%S%.6fZ").to_string(),
        entry.attribution(),
        id(entry.actor_id),
        entry.address.clone(),
        entry.request_id.clone(),
        entry.kind.clone(),
        entry.label(),
        entry.subject_name.clone(),
        id(entry.subject_id),
        changed_fields(entry),
        link.map_or(String::new(), |link| hex(&link.hash)),
        entry.actor_username.clone().unwrap_or_default(),
    ];
    csv::row(&cells)
}

/// Each field on a line of its own.
fn changed_fields(entry: &AuditEntry) -> String {
    let changes = entry.changes();
    let words: Vec<String> =
        changes.iter().map(|change| format!("{}: {} → {}", change.field, change.from, change.to)).collect();
    words.join("\n")
}
