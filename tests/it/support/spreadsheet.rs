//! How spreadsheets read CSV files: divided at commas, semicolons or tabs, by the reader's language.

/// The cells that a spreadsheet would run, or whose beginning it hides, by any of the separators.
pub fn formulas(file: &str) -> Vec<String> {
    let is_run = |cell: &String| {
        let inner = cell.trim_start_matches(['"', ' ']);
        inner.starts_with(['=', '+', '-', '@', '\t', '\r'])
    };
    let separators = [',', ';', '\t'].into_iter();
    let cells = separators.flat_map(|separator| cells(file, separator));
    cells.filter(is_run).collect()
}

/// The cells of a file. Quotes count at the beginning of a cell only, as in Excel and in Python's csv.
fn cells(file: &str, separator: char) -> Vec<String> {
    let (mut cells, mut cell, mut is_quoted) = (vec![], String::new(), false);
    let mut is_new = true;
    let mut letters = file.chars().peekable();
    while let Some(letter) = letters.next() {
        let is_doubled = letter == '"' && is_quoted && letters.peek() == Some(&'"');
        if is_doubled {
            letters.next();
        } else if letter == '"' && (is_quoted || is_new) {
            (is_quoted, is_new) = (!is_quoted, false);
            continue;
        } else if !is_quoted && (letter == separator || letter == '\r' || letter == '\n') {
            cells.push(std::mem::take(&mut cell));
            is_new = true;
            continue;
        }
        cell.push(letter);
        is_new = false;
    }
    cells.push(cell);
    cells
}
