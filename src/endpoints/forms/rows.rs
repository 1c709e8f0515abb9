//! Rows of a name and a value that can be added and removed.

use askama::Template;
use askama::filters::HtmlSafe;

use crate::endpoints::model::{Row, RowKind};
use crate::web::{Check, Errors, FormData, TextField, secret_warning_of};

pub(super) const MAX_ROWS: usize = 50;

/// The rows of one kind as they were typed.
#[derive(Template)]
#[template(path = "endpoints/rows.html")]
pub(in crate::endpoints) struct Rows {
    kind: RowKind,
    rows: Vec<Row>,
    errors: Errors,
    /// The index of the row that was just added. It gets the focus, not its first field, where a second press of Enter
    /// would save the form.
    added: Option<usize>,
    /// The index of the row that was just removed.
    removed: Option<usize>,
    /// The form's action, to which the buttons add a fragment.
    action: String,
}

impl HtmlSafe for Rows {}

impl Rows {
    pub fn empty(kind: RowKind) -> Rows {
        Rows::of(kind, Vec::new())
    }

    pub fn of(kind: RowKind, rows: Vec<Row>) -> Rows {
        Rows { kind, rows, errors: Errors::default(), added: None, removed: None, action: String::new() }
    }

    /// Reads the rows 1, 2, 3 …
    pub fn read(kind: RowKind, data: &FormData) -> Rows {
        let code = kind.code();
        let row = |number: usize| {
            let is_sent = data.get(&format!("{code}_{number}_name")).is_some();
            is_sent.then(|| Row {
                name: data.trimmed(&format!("{code}_{number}_name")),
                value: data.text(&format!("{code}_{number}_value")),
                required: data.ticked(&format!("{code}_{number}_required")),
            })
        };
        Rows::of(kind, (1..).map_while(row).collect())
    }

    /// Adds an empty row, up to the maximum.
    pub fn add(&mut self) {
        if self.rows.len() < MAX_ROWS {
            self.added = Some(self.rows.len());
            self.rows.push(Row::default());
        }
    }

    pub fn remove(&mut self, index: usize) {
        if index < self.rows.len() {
            self.rows.remove(index);
            self.removed = Some(index);
        }
    }

    pub fn send_to(&mut self, action: &str) {
        self.action = action.to_string();
    }

    /// The rows that are not empty, with their indexes.
    pub fn filled(&self) -> Vec<(usize, Row)> {
        let rows = self.rows.iter().cloned().enumerate();
        rows.filter(|(_, row)| !row.name.is_empty() || !row.value.trim().is_empty()).collect()
    }

    pub fn show_errors(&mut self, errors: &Errors) {
        self.errors = errors.clone();
    }

    /// The id of a row's field.
    fn id(&self, index: usize, field: &str) -> String {
        format!("{}_{}_{field}", self.kind.code(), index + 1)
    }

    /// Where the form is sent to add a row, with the fragment of the new row.
    fn address_of_new(&self) -> String {
        format!("{}#{}-{}", self.action, self.kind.code(), self.rows.len() + 1)
    }

    fn is_full(&self) -> bool {
        self.rows.len() >= MAX_ROWS
    }

    fn is_added(&self, index: &usize) -> bool {
        self.added == Some(*index)
    }

    fn name_field(&self, index: &usize) -> TextField {
        let name = self.rows.get(*index).map_or("", |row| row.name.as_str());
        TextField::new(&self.id(*index, "name"), "Key", name).errors(&self.errors)
    }

    fn value_field(&self, index: &usize) -> TextField {
        let row = self.rows.get(*index).cloned().unwrap_or_default();
        TextField::new(&self.id(*index, "value"), "Default value", &row.value)
            .warning(secret_warning_of(&row.name, &row.value))
            .errors(&self.errors)
    }

    fn required_field(&self, index: &usize) -> Check {
        let required = self.rows.get(*index).is_some_and(|row| row.required);
        Check::new(self.id(*index, "required"), "Required", required)
    }
}
