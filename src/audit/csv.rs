//! Lines as a spreadsheet reads them (RFC 4180).
//!
//! Danger: spreadsheets run a cell that begins like a formula, whoever wrote it. Such a cell gets an apostrophe in front, as OWASP
//! advises under “CSV injection”.

use super::AuditLine;
use super::chain::hex;

/// The mark by which spreadsheets know UTF-8, and the headings.
pub(super) const HEAD: &str =
    "\u{feff}Line,Time,Person,Person id,From,Request,Kind,Event,Thing,Thing id,Changes,Hash\r\n";

/// The row of a line.
pub(super) fn row(line: &AuditLine) -> String {
    let id = |id: Option<uuid::Uuid>| id.map_or(String::new(), |id| id.to_string());
    let cells = [
        line.seq.map_or(String::new(), |seq| seq.to_string()),
        line.at.format("%Y-%m-%dT%H:%M:%S%.6fZ").to_string(),
        line.actor_name.clone(),
        id(line.actor_id),
        line.address.clone(),
        line.request_id.clone(),
        line.kind.clone(),
        line.happening(),
        line.subject_name.clone(),
        id(line.subject_id),
        changes(line),
        line.hash.as_deref().map_or(String::new(), hex),
    ];
    let cells: Vec<String> = cells.iter().map(|text| cell(text)).collect();
    cells.join(",") + "\r\n"
}

/// A field a line.
fn changes(line: &AuditLine) -> String {
    let changes = line.changes();
    let words: Vec<String> = changes
        .iter()
        .map(|change| format!("{}: {} → {}", change.field, change.from, change.to))
        .collect();
    words.join("\n")
}

fn cell(text: &str) -> String {
    let is_formula = text
        .trim_start()
        .starts_with(['=', '+', '-', '@', '＝', '＋', '－', '＠'])
        || text.starts_with(['\t', '\r', '\n']);
    let guard = if is_formula { "'" } else { "" };
    format!("\"{guard}{}\"", text.replace('"', "\"\""))
}

#[cfg(test)]
mod tests {
    use super::cell;

    #[test]
    fn no_cell_is_a_formula() {
        for text in [
            "=1+1", "+1", "-1", "@SUM(A1)", " =1", "\t=1", "\r=1", "\n=1", "＝1",
        ] {
            assert!(cell(text).starts_with("\"'"), "{text:?}");
        }
        assert_eq!(cell("Payroll = ledger"), "\"Payroll = ledger\"");
    }

    #[test]
    fn a_cell_ends_where_it_ends() {
        assert_eq!(cell("a\",\"b\r\nc"), "\"a\"\",\"\"b\r\nc\"");
    }
}
