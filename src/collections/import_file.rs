//! Reads the records of a file one after another: JSON, which is an array of objects or one object after another, or
//! CSV with the names of members in its first line.
//!
//! Rule: one record is in memory at a time, and one that is too long ends the reading.

use std::cell::Cell;
use std::fs::File;
use std::io::{BufRead, BufReader, ErrorKind, Read};
use std::ops::ControlFlow;
use std::rc::Rc;

use serde::de::{Deserializer as _, Error as _, SeqAccess, Visitor};
use serde_json::value::RawValue;

use super::json::{self, MAX_TEXT, RecordData, json_text};
use super::model::Settings;
use super::record_export::MAX_COLUMNS;
use super::schema::RecordSchema;
use crate::web::csv::text_of;

/// A record with the number of bytes read so far, or what is wrong with one or with the file.
pub(super) type Found = Result<(RecordData, u64), String>;

/// Reads the records of a collection from a file.
pub(super) struct RecordReader<'a> {
    pub settings: &'a Settings,
    pub schema: Option<&'a RecordSchema>,
    /// Takes what was found. After a break nothing more is read.
    pub take: &'a mut dyn FnMut(Found) -> ControlFlow<()>,
}

impl RecordReader<'_> {
    /// Reads the whole file.
    pub fn read(&mut self, file: File) -> ControlFlow<()> {
        let mut file = BufReader::with_capacity(64 * 1024, file);
        let start = match file.fill_buf() {
            Ok(start) => start,
            Err(error) => return self.problem(unreadable(&error)),
        };
        if start.starts_with(b"\xff\xfe") || start.starts_with(b"\xfe\xff") {
            return self.problem("The file is in UTF-16. Save it as UTF-8 and import it again");
        }
        let mark = if start.starts_with(b"\xef\xbb\xbf") { 3 } else { 0 };
        let first = start[mark..].iter().find(|byte| !byte.is_ascii_whitespace()).copied();
        let delimiter = delimiter(&start[mark..]);
        file.consume(mark);
        let position = Position::default();
        let file = Limited { file, position: position.clone() };
        match first {
            Some(b'[') => JsonRecords { reader: self, position, number: 0, has_ended: false }.array(file),
            Some(b'{') => JsonRecords { reader: self, position, number: 0, has_ended: false }.objects(file),
            Some(_) => self.rows(csv::ReaderBuilder::new().delimiter(delimiter).from_reader(file), &position),
            None => self.problem("The file is empty"),
        }
    }

    fn problem(&mut self, problem: impl Into<String>) -> ControlFlow<()> {
        (self.take)(Err(problem.into()))
    }

    /// Takes the record of a text, if it fits; `place` says where it stands.
    fn record(&mut self, place: &str, text: &str, bytes: u64) -> ControlFlow<()> {
        let record = match RecordData::parse(text) {
            Ok(record) => record,
            Err(problem) => return self.problem(format!("{place}: {problem}")),
        };
        let problems = self.schema.map_or(Vec::new(), |schema| schema.problems(&record));
        if problems.is_empty() {
            return (self.take)(Ok((record, bytes)));
        }
        problems.into_iter().try_for_each(|problem| {
            let member = if problem.pointer.is_empty() { String::new() } else { format!("{}: ", problem.pointer) };
            self.problem(format!("{place}: {member}{}", problem.message))
        })
    }

    /// Reads CSV.
    fn rows(&mut self, mut csv: csv::Reader<Limited>, position: &Position) -> ControlFlow<()> {
        let names = match csv.headers() {
            Ok(names) => names.clone(),
            Err(error) => return self.problem(csv_problem(error)),
        };
        for (at, name) in names.iter().enumerate() {
            if name.trim().is_empty() {
                return self.problem(format!("Column {} has no name in the first line", at + 1));
            }
            if names.iter().take(at).any(|other| other == name) {
                return self.problem(format!("Two columns have the name “{name}” in the first line"));
            }
            if at == MAX_COLUMNS {
                return self.problem("The first line has more than 1,000 names");
            }
        }
        // Names, and whether their cells are texts.
        let columns: Vec<(String, bool)> = names
            .iter()
            .map(|name| {
                let name = text_of(name);
                let is_text = !self.settings.is_typed(&name);
                (name, is_text)
            })
            .collect();
        let mut row = csv::StringRecord::new();
        loop {
            match csv.read_record(&mut row) {
                Ok(false) => return ControlFlow::Continue(()),
                Ok(true) => {}
                // The rows after it can still be read.
                Err(error)
                    if matches!(error.kind(), csv::ErrorKind::UnequalLengths { .. } | csv::ErrorKind::Utf8 { .. }) =>
                {
                    self.problem(csv_problem(error))?;
                    continue;
                }
                Err(error) => return self.problem(csv_problem(error)),
            }
            let cells = columns.iter().zip(&row).filter(|(_, cell)| !cell.is_empty());
            let members = cells.map(|((name, is_text), cell)| (name.as_str(), json_of(&text_of(cell), *is_text)));
            let text = json::object(members);
            let line = row.position().map_or(0, csv::Position::line);
            self.record(&format!("Line {line}"), &text, position.next_record())?;
        }
    }
}

/// The JSON value of a cell. What is no JSON value is a text, which a schema that wants another reports.
fn json_of(cell: &str, is_text: bool) -> String {
    let cell_as_json = match cell.trim() {
        // As spreadsheets write them.
        "TRUE" => "true",
        "FALSE" => "false",
        other => other,
    };
    if !is_text && json::parse_value(cell_as_json).is_ok() { cell_as_json.to_owned() } else { json_text(cell) }
}

/// What divides the cells of the first line: a comma, or the semicolon or tab of other languages' spreadsheets if it
/// has more of them.
fn delimiter(start: &[u8]) -> u8 {
    let (mut counts, mut is_quoted) = ([0; 3], false);
    const DELIMITERS: [u8; 3] = [b',', b';', b'\t'];
    let is_end = |byte: &&u8| matches!(byte, b'\n' | b'\r');
    // The reader skips empty lines.
    for byte in start.iter().skip_while(is_end).take_while(|byte| !is_end(byte)) {
        is_quoted ^= *byte == b'"';
        if let (false, Some(at)) = (is_quoted, DELIMITERS.iter().position(|delimiter| delimiter == byte)) {
            counts[at] += 1;
        }
    }
    let most = (0..3).rev().max_by_key(|at| counts[*at]);
    most.map_or(b',', |at| DELIMITERS[at])
}

fn csv_problem(error: csv::Error) -> String {
    let line = error.position().map_or(1, csv::Position::line);
    match error.into_kind() {
        csv::ErrorKind::Utf8 { .. } => format!("Line {line} is not UTF-8. Save the file as “CSV UTF-8”"),
        csv::ErrorKind::UnequalLengths { expected_len, len, .. } => {
            format!("Line {line}: it has {len} cells, and the first line has {expected_len}")
        }
        csv::ErrorKind::Io(error) => unreadable(&error),
        other => format!("Line {line} cannot be read: {other:?}"),
    }
}

fn unreadable(error: &std::io::Error) -> String {
    if error.kind() == ErrorKind::FileTooLarge {
        return "A record is too long: it can have 256 KiB. A quotation mark or a bracket may be missing".into();
    }
    tracing::warn!(cause = %error, "an imported file could not be read");
    "The file could not be read. Import it again".into()
}

/// How far a file has been read, in bytes: all of it, and since the last record.
#[derive(Clone, Default)]
struct Position {
    all: Rc<Cell<u64>>,
    of_record: Rc<Cell<usize>>,
}

impl Position {
    /// The bytes read so far, with which a record ends.
    fn next_record(&self) -> u64 {
        self.of_record.set(0);
        self.all.get()
    }
}

/// A file whose reading fails in a record that is longer than any can be, because readers hold a record whole.
struct Limited {
    file: BufReader<File>,
    position: Position,
}

impl Read for Limited {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        if self.position.of_record.get() > 2 * MAX_TEXT {
            return Err(ErrorKind::FileTooLarge.into());
        }
        let length = self.file.read(buffer)?;
        self.position.all.set(self.position.all.get() + length as u64);
        self.position.of_record.set(self.position.of_record.get() + length);
        Ok(length)
    }
}

/// Reads JSON.
struct JsonRecords<'r, 'a> {
    reader: &'r mut RecordReader<'a>,
    position: Position,
    /// Of the records so far.
    number: u64,
    /// No more are wanted.
    has_ended: bool,
}

impl JsonRecords<'_, '_> {
    /// `[{…}, {…}]`
    fn array(mut self, file: Limited) -> ControlFlow<()> {
        let mut json = serde_json::Deserializer::from_reader(file);
        let outcome = json.deserialize_seq(&mut self).and_then(|()| json.end());
        match outcome {
            _ if self.has_ended => ControlFlow::Break(()),
            Ok(()) => ControlFlow::Continue(()),
            Err(error) => self.broken(&error),
        }
    }

    /// `{…} {…}`, such as an object in each line.
    fn objects(mut self, file: Limited) -> ControlFlow<()> {
        for object in serde_json::Deserializer::from_reader(file).into_iter::<Box<RawValue>>() {
            match object {
                Ok(raw) => self.record(&raw)?,
                Err(error) => return self.broken(&error),
            }
        }
        ControlFlow::Continue(())
    }

    fn record(&mut self, raw: &RawValue) -> ControlFlow<()> {
        self.number += 1;
        self.reader.record(&format!("Record {}", self.number), raw.get(), self.position.next_record())
    }

    fn broken(&mut self, error: &serde_json::Error) -> ControlFlow<()> {
        match error.io_error_kind() {
            Some(kind) => self.reader.problem(unreadable(&kind.into())),
            None => self.reader.problem(format!("The file is not JSON. {}", json::problem(error))),
        }
    }
}

impl<'de> Visitor<'de> for &mut JsonRecords<'_, '_> {
    type Value = ();

    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("an array of records")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<(), A::Error> {
        while let Some(raw) = items.next_element::<Box<RawValue>>()? {
            if self.record(&raw).is_break() {
                self.has_ended = true;
                return Err(A::Error::custom("no more records are wanted"));
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::io::{Seek, Write};

    use super::*;

    const SCHEMA: &str = r#"{"properties": {"name": {"type": "string"}, "pages": {"type": "integer"}, "lent": {"type": "boolean"},
        "tags": {"type": "array"}, "note": {"type": ["string", "null"]}}}"#;

    /// The records of a file and its problems, with and without the schema.
    fn read(bytes: &[u8], schema: Option<&str>) -> (Vec<String>, Vec<String>) {
        let mut file = tempfile();
        file.write_all(bytes).and_then(|()| file.rewind()).expect("a file");
        let schema = schema.map(|schema| RecordSchema::parse(schema).expect("a schema"));
        let settings = Settings::with_schema(schema.as_ref());
        let (mut records, mut problems) = (vec![], vec![]);
        let mut take = |found: Found| {
            match found {
                Ok((record, _)) => records.push(record.text),
                Err(problem) => problems.push(problem),
            }
            ControlFlow::Continue(())
        };
        _ = RecordReader { settings: &settings, schema: schema.as_ref(), take: &mut take }.read(file);
        (records, problems)
    }

    fn records(text: &str) -> Vec<String> {
        let (records, problems) = read(text.as_bytes(), Some(SCHEMA));
        assert!(problems.is_empty(), "{text}: {problems:?}");
        records
    }

    fn problems(bytes: impl AsRef<[u8]>) -> Vec<String> {
        read(bytes.as_ref(), Some(SCHEMA)).1
    }

    #[test]
    fn json_is_an_array_or_one_object_after_another() {
        let expected = [r#"{"a": 1.50}"#, "{}"];
        for text in [r#" [{"a": 1.50}, {}]"#, "{\"a\": 1.50}\n{}\n", "\u{feff}[{\"a\": 1.50},{}]\n"] {
            assert_eq!(records(text), expected, "{text}");
        }
        assert!(records("[]").is_empty());
    }

    #[test]
    fn cells_have_the_types_of_the_schema() {
        let row = "name,pages,lent,tags,note,other\n01,12,TRUE,\"[1, \"\"x\"\"]\",7,8\n";
        let expected = r#"{"name":"01","pages":12,"lent":true,"tags":[1, "x"],"note":"7","other":"8"}"#;
        assert_eq!(records(row), [expected]);
        assert_eq!(records(&row.replace(",", ";").replace("[1;", "[1,")), [expected]);
        assert_eq!(records("name\tpages\r\na\t\r\n"), [r#"{"name":"a"}"#]);
        assert_eq!(records("\r\n\nname;pages\na;\n"), [r#"{"name":"a"}"#]);
        assert_eq!(records("name\n\"'=1+1\"\n"), [r#"{"name":"=1+1"}"#]);
        assert_eq!(read(b"pages\n12\n", None).0, [r#"{"pages":"12"}"#]);
    }

    #[test]
    fn a_problem_has_its_place_and_the_others_are_found_too() {
        assert_eq!(problems("name,pages\na,1,2\nb,many\nc,1\n")[0], "Line 2: it has 3 cells, and the first line has 2");
        let found = problems("name,pages\na,1,2\nb,many\nc,1\n");
        assert!(found.len() == 2 && found[1].starts_with("Line 3: /pages: "), "{found:?}");
        let found = problems(r#"[{"pages": 1}, {"pages": "x"}, 7, {"a": 1, "a": 2}]"#);
        assert!(
            found[0].starts_with("Record 2: /pages: ") && found[1].starts_with("Record 3: A record must be"),
            "{found:?}"
        );
        assert!(found[2].contains("stands twice"), "{found:?}");
        assert_eq!(problems("[{}, {]"), ["The file is not JSON. Line 1, column 7: key must be a string"]);
        assert_eq!(problems("name,,pages\n"), ["Column 2 has no name in the first line"]);
        assert_eq!(problems("a,b,a\n"), ["Two columns have the name “a” in the first line"]);
        assert_eq!(problems(b"name\n\xe4\nb\n"), ["Line 2 is not UTF-8. Save the file as “CSV UTF-8”"]);
        assert_eq!(problems(b"\xff\xfen\0"), ["The file is in UTF-16. Save it as UTF-8 and import it again"]);
        for empty in ["", " \n", "\u{feff}"] {
            assert_eq!(problems(empty), ["The file is empty"]);
        }
    }

    #[test]
    fn a_record_without_end_is_not_held_in_memory() {
        for start in ["[{\"a\": \"", "{\"a\":", "a,b\n1,\""] {
            let found = problems(start.to_owned() + &"x1 ".repeat(MAX_TEXT));
            assert_eq!(found.len(), 1);
            assert!(
                found[0].starts_with("A record is too long") || found[0].starts_with("The file is not JSON"),
                "{found:?}"
            );
        }
        let deep = "[".repeat(1_000_000);
        assert_eq!(problems(&deep).len(), 1);
    }

    #[test]
    fn after_a_break_nothing_is_read() {
        for text in ["[{},{},{]", "{}{}{]", "a\n1\n2\n\"", "[1,2,{]"] {
            let mut file = tempfile();
            file.write_all(text.as_bytes()).and_then(|()| file.rewind()).expect("a file");
            let mut number = 0;
            let mut take = |_: Found| {
                number += 1;
                ControlFlow::Break(())
            };
            let settings = Settings::with_schema(None);
            let end = RecordReader { settings: &settings, schema: None, take: &mut take }.read(file);
            assert_eq!((end, number), (ControlFlow::Break(()), 1), "{text}");
        }
    }

    fn tempfile() -> File {
        ::tempfile::tempfile().expect("a file")
    }
}
