//! The columns of the list of programs.

use super::model::ProgramRow;
use crate::db::keyset::{Cursor, Kind};
use crate::web::Column;

#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum ProgramColumn {
    Name,
    Status,
    Keys,
    LastUsed,
    Modified,
}

use ProgramColumn::{Keys, LastUsed, Modified, Name, Status};

impl Column for ProgramColumn {
    const ALL: &'static [ProgramColumn] = &[Name, Status, Keys, LastUsed, Modified];

    fn code(self) -> &'static str {
        match self {
            Name => "name",
            Status => "status",
            Keys => "keys",
            LastUsed => "used",
            Modified => "modified",
        }
    }

    fn label(self) -> &'static str {
        match self {
            Name => "Name",
            Status => "Status",
            Keys => "Keys",
            LastUsed => "Last used",
            Modified => "Modified",
        }
    }

    fn orders(self) -> [&'static str; 2] {
        match self {
            Name | Status => ["A to Z", "Z to A"],
            Keys => ["fewest first", "most first"],
            LastUsed | Modified => ["oldest first", "newest first"],
        }
    }

    fn kind(self) -> Kind {
        self.sql().1
    }
}

impl ProgramColumn {
    /// The column of the list's query and what it holds.
    pub fn sql(self) -> (&'static str, Kind) {
        match self {
            Name => ("name", Kind::Text),
            Status => ("status", Kind::Text),
            Keys => ("keys", Kind::Number),
            LastUsed => ("last_used", Kind::Time),
            Modified => ("updated_at", Kind::Time),
        }
    }

    pub fn place(self, row: &ProgramRow) -> Cursor {
        let value = match self {
            Name => row.name.clone(),
            Status => row.status.clone(),
            Keys => row.keys.to_string(),
            LastUsed => row.last_used.to_rfc3339(),
            Modified => row.updated_at.to_rfc3339(),
        };
        Cursor { value, id: row.id }
    }
}
