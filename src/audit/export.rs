//! The log as a file: what the filters leave, the newest first, written while it is read.
//!
//! Rule: a batch is in memory at a time, and no connection is held while the browser takes it. An export is a change by
//! whoever asks for it, since it takes the log out of the house: a form, and a line of its own.

use actix_web::HttpResponse;
use actix_web::http::header::{CACHE_CONTROL, CONTENT_DISPOSITION, CONTENT_TYPE};
use actix_web::web::Bytes;
use chrono::{DateTime, Utc};
use futures_util::stream::{self, Stream};
use serde_json::json;

use super::chain::hex;
use super::filter::Filter;
use super::queries::{self, Wanted};
use super::{AuditLine, Changes, Event, csv, record};
use crate::access::RequestContext;
use crate::db::Db;
use crate::db::keyset::Position;
use crate::web::{Error, Errors, Form};

/// Lines that are read at once.
const BATCH: usize = 500;

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

    /// The end of the file's name, its media type, and what people call it.
    fn words(self) -> (&'static str, &'static str, &'static str) {
        match self {
            Format::Csv => ("csv", "text/csv; charset=utf-8", "CSV"),
            Format::JsonLines => ("jsonl", "application/jsonl; charset=utf-8", "JSON Lines"),
        }
    }

    fn head(self) -> &'static str {
        match self {
            Format::Csv => csv::HEAD,
            Format::JsonLines => "",
        }
    }

    fn line(self, line: &AuditLine) -> String {
        match self {
            Format::Csv => csv::row(line),
            Format::JsonLines => json_line(line),
        }
    }
}

pub async fn create(context: RequestContext, Form(data): Form) -> Result<HttpResponse, Error> {
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
    // Lines that are written meanwhile, such as that of the export, are not part of it.
    wanted.until = Some(wanted.until.map_or(now, |until| until.min(now)));
    let (end, media_type, words) = format.words();
    let event = Event {
        kind: "audit_log.exported",
        subject_id: None,
        subject_name: "Audit log",
        changes: asked(&filter, words),
    };
    record(&conn, &context.actor, now, event).await?;
    let name = format!("connectory-audit-{}.{end}", now.format("%Y-%m-%d-%H%M%S"));
    Ok(HttpResponse::Ok()
        .insert_header((CONTENT_TYPE, media_type))
        .insert_header((CACHE_CONTROL, "no-store"))
        .insert_header((CONTENT_DISPOSITION, format!("attachment; filename=\"{name}\"")))
        .streaming(lines(context.db(), wanted, format)))
}

/// What was asked for, for the export's own line.
fn asked(filter: &Filter, format: &str) -> Changes {
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

/// Where an export stands.
enum Stand {
    Begin,
    At(Position),
    Done,
}

/// The file, batch by batch. If reading fails, it breaks off, so that half of it is not taken for the whole.
fn lines(db: Db, wanted: Wanted, format: Format) -> impl Stream<Item = Result<Bytes, Error>> {
    stream::try_unfold((db, wanted, Stand::Begin), move |(db, wanted, stand)| async move {
        let position = match stand {
            Stand::Begin => {
                let head = Bytes::from(format.head());
                return Ok(Some((head, (db, wanted, Stand::At(Position::First)))));
            }
            Stand::At(position) => position,
            Stand::Done => return Ok(None),
        };
        let (text, next) = batch(&db, &wanted, &position, format).await.inspect_err(|error| {
            tracing::warn!(cause = format!("{error:?}"), "an export of the audit log broke off");
        })?;
        let stand = next.map_or(Stand::Done, Stand::At);
        Ok(Some((Bytes::from(text), (db, wanted, stand))))
    })
}

async fn batch(
    db: &Db,
    wanted: &Wanted,
    position: &Position,
    format: Format,
) -> Result<(String, Option<Position>), Error> {
    let mut conn = db.get().await?;
    let found = queries::find(&mut conn, wanted, position, BATCH).await?;
    let lines = queries::lines(&mut conn, &found.ids).await?;
    let text = lines.iter().map(|line| format.line(line)).collect();
    Ok((text, found.next.map(Position::After)))
}

/// A line with all that its hash is made of.
fn json_line(line: &AuditLine) -> String {
    let time = |at: DateTime<Utc>| at.format("%Y-%m-%dT%H:%M:%S%.6fZ").to_string();
    let mut text = json!({
        "seq": line.seq,
        "previous_hash": line.previous_hash.as_deref().map(hex),
        "hash": line.hash.as_deref().map(hex),
        "format": line.format,
        "data_key": line.data_key,
        "id": line.id,
        "at": time(line.at),
        "actor_id": line.actor_id,
        "actor_name": line.actor_name,
        "actor_username": line.actor_username,
        "address": line.address,
        "request_id": line.request_id,
        "kind": line.kind,
        "subject_id": line.subject_id,
        "subject_name": line.subject_name,
        "changes": line.changes,
    })
    .to_string();
    text.push('\n');
    text
}
