//! Rows of a name and a value that can be added and removed. The buttons that do so submit the whole form without saving
//! it, so that nothing typed is lost.

use serde::de::IgnoredAny;
use serde::{Deserialize, Deserializer};

use super::model::{PartKind, Row, RowKind};
use crate::web::{FormData, secret_warning_of};

pub(super) const MAX_ROWS: usize = 50;

/// The rows of one kind as they were typed.
#[derive(Default)]
pub(super) struct Rows {
    pub list: Vec<Row>,
    /// The index of the row that was just added. It gets the focus, not its first field, where a second press of Enter
    /// would save the form.
    added: Option<usize>,
    /// The index of the row that was just removed.
    pub removed: Option<usize>,
}

/// A form has no field of this name; see [`Rows::read`].
impl<'de> Deserialize<'de> for Rows {
    fn deserialize<D: Deserializer<'de>>(sent: D) -> Result<Rows, D::Error> {
        IgnoredAny::deserialize(sent).map(|_| Rows::default())
    }
}

impl Rows {
    pub fn of(list: Vec<Row>) -> Rows {
        Rows { list, ..Rows::default() }
    }

    /// Reads the rows 1, 2, 3 …
    pub fn read(kind: RowKind, data: &FormData) -> Rows {
        let row = |index: usize| {
            let name = data.get(&kind.field(&index, "name"))?;
            Some(Row {
                name: name.trim().into(),
                value: data.text(&kind.field(&index, "value")),
                required: data.ticked(&kind.field(&index, "required")),
                is_file: data.get(&kind.field(&index, "kind")) == Some(PartKind::File.code()),
                file_name: data.trimmed(&kind.field(&index, "file_name")),
                content_type: data.trimmed(&kind.field(&index, "content_type")),
            })
        };
        Rows::of((0..).map_while(row).collect())
    }

    /// Adds an empty row, up to the maximum.
    pub fn add(&mut self) {
        if !self.is_full() {
            self.added = Some(self.list.len());
            self.list.push(Row::default());
        }
    }

    pub fn remove(&mut self, index: usize) {
        if index < self.list.len() {
            self.list.remove(index);
            self.removed = Some(index);
        }
    }

    /// The rows that are not empty, with their indexes.
    pub fn filled(&self) -> impl Iterator<Item = (usize, &Row)> {
        self.list.iter().enumerate().filter(|(_, row)| !row.name.is_empty() || !row.value.trim().is_empty())
    }

    pub fn is_full(&self) -> bool {
        self.list.len() >= MAX_ROWS
    }

    pub fn is_added(&self, index: &usize) -> bool {
        self.added == Some(*index)
    }
}

impl Row {
    /// A warning if the value looks like a secret; may be empty.
    pub(super) fn warning(&self) -> String {
        secret_warning_of(&self.name, &self.value).unwrap_or_default()
    }
}
