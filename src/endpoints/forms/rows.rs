//! Rows of a name and a value that can be added and removed: each a fieldset with a number.

use askama::Template;
use askama::filters::HtmlSafe;

use super::super::model::Row;
use crate::web::{Check, Errors, FormData, TextField, secret_warning_of};

/// The most rows of a group.
pub(super) const MOST: usize = 50;

/// What the rows are.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum RowGroup {
    Parameter,
    Header,
    FormField,
}

impl RowGroup {
    pub const ALL: [RowGroup; 3] = [RowGroup::Parameter, RowGroup::Header, RowGroup::FormField];

    /// What the names of its fields begin with.
    pub fn code(self) -> &'static str {
        match self {
            RowGroup::Parameter => "parameter",
            RowGroup::Header => "header",
            RowGroup::FormField => "field",
        }
    }

    /// One of them, within a sentence.
    pub fn word(self) -> &'static str {
        match self {
            RowGroup::Parameter => "parameter",
            RowGroup::Header => "header",
            RowGroup::FormField => "form field",
        }
    }

    /// The same at the beginning of one.
    pub fn label(self) -> &'static str {
        match self {
            RowGroup::Parameter => "Parameter",
            RowGroup::Header => "Header",
            RowGroup::FormField => "Form field",
        }
    }
}

/// The rows of a group as they were typed.
#[derive(Template)]
#[template(path = "endpoints/rows.html")]
pub(in crate::endpoints) struct Rows {
    group: RowGroup,
    rows: Vec<Row>,
    errors: Errors,
    /// The row that was just added, from 0. The page goes on there: at the row and not in its first field, where a
    /// second press of Enter would save the form.
    added: Option<usize>,
    /// The row that was just removed, from 0, which the page says there.
    removed: Option<usize>,
    /// Where the form is sent. The buttons add where on the page to go on, which browsers do without scripts.
    action: String,
}

impl HtmlSafe for Rows {}

impl Rows {
    pub fn empty(group: RowGroup) -> Rows {
        Rows::of(group, Vec::new())
    }

    pub fn of(group: RowGroup, rows: Vec<Row>) -> Rows {
        Rows { group, rows, errors: Errors::default(), added: None, removed: None, action: String::new() }
    }

    /// Reads the rows 1, 2, 3 … as far as there are any.
    pub fn read(group: RowGroup, data: &FormData) -> Rows {
        let code = group.code();
        let row = |number: usize| {
            let is_there = data.get(&format!("{code}_{number}_name")).is_some();
            is_there.then(|| Row {
                name: data.trimmed(&format!("{code}_{number}_name")),
                value: data.text(&format!("{code}_{number}_value")),
                required: data.ticked(&format!("{code}_{number}_required")),
            })
        };
        Rows::of(group, (1..).map_while(row).collect())
    }

    /// Adds an empty row, unless there are enough.
    pub fn add(&mut self) {
        if self.rows.len() < MOST {
            self.added = Some(self.rows.len());
            self.rows.push(Row::default());
        }
    }

    /// Removes a row, if it is there.
    pub fn remove(&mut self, index: usize) {
        if index < self.rows.len() {
            self.rows.remove(index);
            self.removed = Some(index);
        }
    }

    pub fn send_to(&mut self, action: &str) {
        self.action = action.to_string();
    }

    /// The rows in which something was typed, with their numbers from 0.
    pub fn filled(&self) -> Vec<(usize, Row)> {
        let rows = self.rows.iter().cloned().enumerate();
        rows.filter(|(_, row)| !row.name.is_empty() || !row.value.trim().is_empty()).collect()
    }

    /// Shows the messages that the form has for its fields.
    pub fn show_errors(&mut self, errors: &Errors) {
        self.errors = errors.clone();
    }

    /// The id of a row's field.
    fn id(&self, index: usize, field: &str) -> String {
        format!("{}_{}_{field}", self.group.code(), index + 1)
    }

    /// Where the page goes on after a row was added.
    fn place_of_new(&self) -> String {
        format!("{}#{}-{}", self.action, self.group.code(), self.rows.len() + 1)
    }

    fn is_full(&self) -> bool {
        self.rows.len() >= MOST
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
