//! Rows of CSV files (RFC 4180) that spreadsheets read: the only writer of such files.
//!
//! Danger: spreadsheets run a cell that begins like a formula, and which character divides cells
//! depends on the reader's language: a comma, a semicolon or a tab. A reader who divides at semicolons does not honour
//! the quotes of a cell that follows a comma, so a cell can begin, and a row end, in the middle of a text. Wherever one
//! could begin, an apostrophe is put before what would make it a formula, as OWASP advises under “CSV injection”.

use std::borrow::Cow;

/// What begins a formula, in ASCII and in full width.
const FORMULA: [char; 8] = ['=', '+', '-', '@', '＝', '＋', '－', '＠'];

/// Divides cells or rows for some reader. A comma only divides where quotes are honoured.
const SEPARATORS: [char; 4] = [';', '\t', '\r', '\n'];

/// A row of texts with its line end.
pub fn row(cells: &[String]) -> String {
    line(cells.iter().map(|text| cell(text)))
}

/// A row of cells with its line end. Each is one of [`cell`], or a number, which is no formula with its sign either.
pub fn line<'c>(cells: impl Iterator<Item = Cow<'c, str>>) -> String {
    cells.collect::<Vec<_>>().join(",") + "\r\n"
}

/// A text as a cell, between quotes where it needs them.
pub fn cell(text: &str) -> Cow<'_, str> {
    let safe = as_text(text);
    if safe.contains(['"', ',', '\'']) || safe.contains(SEPARATORS) {
        format!("\"{}\"", safe.replace('"', "\"\"")).into()
    } else {
        safe
    }
}

/// The text of a cell without the apostrophes that [`cell`] puts into it.
pub fn text_of(cell: &str) -> String {
    let (mut text, mut ahead) = (Vec::new(), Ahead::Nothing);
    let mut letters = cell.chars().rev().peekable();
    while let Some(letter) = letters.next() {
        let is_put = match letters.peek() {
            None => ahead == Ahead::Formula || text.iter().rfind(|letter| **letter != '\'') == Some(&'\n'),
            Some(before) => SEPARATORS.contains(before) && ahead != Ahead::Text,
        };
        if letter != '\'' || !is_put {
            ahead = ahead.before(letter);
            text.push(letter);
        }
    }
    text.into_iter().rev().collect()
}

/// The text as a spreadsheet shows it and does not run it, however it divides the file.
fn as_text(text: &str) -> Cow<'_, str> {
    let places = places(text);
    if places.is_empty() {
        return text.into();
    }
    let mut safe = String::with_capacity(text.len() + places.len());
    let mut done = 0;
    for place in places.into_iter().rev() {
        safe.push_str(&text[done..place]);
        safe.push('\'');
        done = place;
    }
    safe.push_str(&text[done..]);
    safe.into()
}

/// What a reader who trims cells, or takes them out of quotes, finds from some place on.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Ahead {
    /// Or a tab or line end, which some readers leave out before they look for a formula.
    Formula,
    Text,
    /// Quotes and white space only, so that the quote behind the cell could open another one.
    Nothing,
}

impl Ahead {
    /// What is ahead of the letter before.
    fn before(self, letter: char) -> Ahead {
        match letter {
            '\t' | '\r' => Ahead::Formula,
            _ if FORMULA.contains(&letter) => Ahead::Formula,
            // An apostrophe before a formula could have been put there, so that it gets one of its own.
            letter if letter == '"' || letter == '\'' || letter.is_whitespace() => self,
            _ => Ahead::Text,
        }
    }
}

/// Where apostrophes belong, the last first: found in one pass from the end.
fn places(text: &str) -> Vec<usize> {
    let mut places = Vec::new();
    let mut ahead = Ahead::Nothing;
    for (at, letter) in text.char_indices().rev() {
        if SEPARATORS.contains(&letter) && ahead != Ahead::Text {
            places.push(at + letter.len_utf8());
        }
        ahead = ahead.before(letter);
    }
    if ahead == Ahead::Formula || text.trim_start_matches('\'').starts_with('\n') {
        places.push(0);
    }
    places
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// How a spreadsheet reads a file: quotes count at the beginning of a cell only, as in Excel and in Python's csv.
    fn read(file: &str, separator: char) -> Vec<String> {
        let (mut cells, mut cell, mut is_quoted, mut is_begun) = (vec![], String::new(), false, false);
        let mut letters = file.chars().peekable();
        while let Some(letter) = letters.next() {
            match letter {
                '"' if is_quoted && letters.peek() == Some(&'"') => {
                    letters.next();
                    cell.push('"');
                }
                '"' if is_quoted => is_quoted = false,
                '"' if !is_begun => (is_quoted, is_begun) = (true, true),
                letter if !is_quoted && (letter == separator || "\r\n".contains(letter)) => {
                    cells.push(std::mem::take(&mut cell));
                    is_begun = false;
                }
                other => {
                    cell.push(other);
                    is_begun = true;
                }
            }
        }
        cells.push(cell);
        cells
    }

    fn is_run(cell: &str) -> bool {
        let inner = cell.trim_start_matches(['"', ' ']);
        inner.starts_with(FORMULA) || inner.starts_with(['\t', '\r'])
    }

    #[test]
    fn no_cell_is_a_formula_wherever_readers_divide() {
        for text in [
            "=1+1",
            "+1",
            "-1",
            "@SUM(A1)",
            " =1",
            "\t=1",
            "\r=1",
            "\n=1",
            "＝1",
            ";=1+1;y",
            "x;=1",
            "x; =1",
            "x;\"=1",
            "x;\"\"=1;\"",
            "x;\"",
            "a\t=1",
            "a\tb\t@c",
            "a\n=1\nb",
            "a\r\n+1",
            "a;;=1",
            ";\t=1",
        ] {
            let rows = [row(&["x".into(), text.into(), text.into()]), row(&[text.into()])];
            let file = rows.concat();
            for separator in [',', ';', '\t'] {
                for cell in read(&file, separator) {
                    assert!(!is_run(&cell), "{text:?} by {separator:?}: {cell:?}");
                }
            }
        }
    }

    proptest! {
        #[test]
        fn whatever_is_written_no_cell_is_a_formula(texts in proptest::collection::vec("[=+@;,\"' \t\r\nx-]{0,12}", 1..6)) {
            let file = [row(&texts), row(&texts)].concat();
            for separator in [',', ';', '\t'] {
                for cell in read(&file, separator) {
                    prop_assert!(!is_run(&cell), "{:?} by {:?}: {:?}", texts, separator, cell);
                }
            }
        }
    }

    proptest! {
        #[test]
        fn a_text_comes_back_from_its_cell(text in "[=+@;,\"' \t\r\nx-]{0,12}") {
            let cell = as_text(&text);
            prop_assert_eq!(text_of(&cell), text.as_str());
        }
    }

    #[test]
    fn an_apostrophe_that_no_cell_needs_stays() {
        for (cell, text) in [("'=1", "=1"), ("'tis", "'tis"), ("a;'=1", "a;=1"), ("a'=1", "a'=1"), ("''=1", "'=1")] {
            assert_eq!(text_of(cell), text, "{cell}");
        }
    }

    #[test]
    fn a_cell_is_quoted_where_it_needs_it_and_ends_where_it_ends() {
        let row = |text: &str| row(&[text.into()]);
        assert_eq!(row("Payroll = ledger"), "Payroll = ledger\r\n");
        assert_eq!(row("a, \"b\""), "\"a, \"\"b\"\"\"\r\n");
        assert_eq!(row("a\",\"b\r\nc"), "\"a\"\",\"\"b\r\nc\"\r\n");
        assert_eq!(row("=HYPERLINK(\"x\")"), "\"'=HYPERLINK(\"\"x\"\")\"\r\n");
        assert_eq!(row(";=1+1;y"), "\";'=1+1;y\"\r\n");
    }
}
