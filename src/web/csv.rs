//! Cells of files for spreadsheets (RFC 4180).
//!
//! Danger: spreadsheets run a cell that begins like a formula, whoever wrote it. Such a cell gets an apostrophe in front, as OWASP
//! advises under “CSV injection”.

use std::borrow::Cow;

/// The text as a spreadsheet shows it and does not run it.
pub fn as_text(text: &str) -> Cow<'_, str> {
    let is_formula = text
        .trim_start()
        .starts_with(['=', '+', '-', '@', '＝', '＋', '－', '＠'])
        || text.starts_with(['\t', '\r', '\n']);
    if is_formula {
        format!("'{text}").into()
    } else {
        text.into()
    }
}

/// A cell between quotes.
pub fn quoted(text: &str) -> String {
    format!("\"{}\"", as_text(text).replace('"', "\"\""))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_cell_is_a_formula() {
        for text in [
            "=1+1", "+1", "-1", "@SUM(A1)", " =1", "\t=1", "\r=1", "\n=1", "＝1",
        ] {
            assert!(quoted(text).starts_with("\"'"), "{text:?}");
        }
        assert_eq!(quoted("Payroll = ledger"), "\"Payroll = ledger\"");
    }

    #[test]
    fn a_cell_ends_where_it_ends() {
        assert_eq!(quoted("a\",\"b\r\nc"), "\"a\"\",\"\"b\r\nc\"");
    }
}
