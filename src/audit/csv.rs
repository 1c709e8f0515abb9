//! Lines as a spreadsheet reads them.

use super::AuditLine;
use super::chain::hex;
use crate::web::csv;

/// The mark by which spreadsheets know UTF-8, and the headings.
pub(super) const HEAD: &str =
    "\u{feff}Line,Time,Person,Person id,From,Request,Kind,Event,Thing,Thing id,Changes,Hash,User name\r\n";

/// The row of a line.
pub(super) fn row(line: &AuditLine) -> String {
    let id = |id: Option<uuid::Uuid>| id.map_or(String::new(), |id| id.to_string());
    let cells = [
        line.seq.map_or(String::new(), |seq| seq.to_string()),
        line.at.format("%Y-%m-%dT%H:%M:%S%.6fZ").to_string(),
        line.attribution(),
        id(line.actor_id),
        line.address.clone(),
        line.request_id.clone(),
        line.kind.clone(),
        line.happening(),
        line.subject_name.clone(),
        id(line.subject_id),
        changes(line),
        line.hash.as_deref().map_or(String::new(), hex),
        line.actor_username.clone().unwrap_or_default(),
    ];
    csv::row(&cells)
}

/// A field a line.
fn changes(line: &AuditLine) -> String {
    let changes = line.changes();
    let words: Vec<String> =
        changes.iter().map(|change| format!("{}: {} → {}", change.field, change.from, change.to)).collect();
    words.join("\n")
}
