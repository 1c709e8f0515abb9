//! What a program is.

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Nullable, Text, Timestamptz};
use uuid::Uuid;

use crate::db::schema::programs;
use crate::db::text_enum;
use crate::name::{Name, NameProblem};
use crate::web::{Column, Row};

/// The longest name of a program, in characters.
const LONGEST_NAME: usize = 100;

pub(super) type ProgramId = Uuid;

/// A program's name: rule of names, at most 100 characters.
pub(super) fn parse_name(typed: &str) -> Result<Name, NameProblem> {
    Name::parse(typed, LONGEST_NAME)
}

text_enum! {
    /// Whether a program may call.
    pub enum ProgramStatus {
        Active = "active", "Active";
        Inactive = "inactive", "Inactive";
    }
}

impl ProgramStatus {
    pub fn of(active: bool) -> ProgramStatus {
        if active { ProgramStatus::Active } else { ProgramStatus::Inactive }
    }
}

/// What a form has made of a program.
pub(super) struct CheckedProgram {
    pub name: Name,
    pub description: String,
    pub status: ProgramStatus,
}

impl CheckedProgram {
    pub fn is_active(&self) -> bool {
        self.status == ProgramStatus::Active
    }
}

/// A program as it is stored.
#[derive(Queryable, Selectable)]
#[diesel(table_name = programs)]
pub struct Program {
    pub id: ProgramId,
    pub name: String,
    pub description: String,
    pub active: bool,
    pub version: i32,
    pub created_at: DateTime<Utc>,
    pub created_by: String,
    pub updated_at: DateTime<Utc>,
    pub updated_by: String,
}

impl Program {
    pub fn status(&self) -> ProgramStatus {
        ProgramStatus::of(self.active)
    }

    /// Where its page is.
    pub fn address(&self) -> String {
        format!("/programs/{}", self.id)
    }
}

/// A program as the list shows it.
#[derive(QueryableByName)]
#[diesel(table_name = programs)]
pub(super) struct ProgramRow {
    pub id: ProgramId,
    pub name: String,
    #[diesel(sql_type = Text)]
    pub status: ProgramStatus,
    /// Keys that are neither revoked nor expired.
    #[diesel(sql_type = BigInt)]
    pub keys: i64,
    /// The beginning of 1970 if no key was ever used.
    #[diesel(sql_type = Timestamptz)]
    pub last_used: DateTime<Utc>,
    pub updated_at: DateTime<Utc>,
}

impl Row for ProgramRow {
    const NOUN: [&'static str; 2] = ["program", "programs"];
    const COLUMNS: &'static [Column<ProgramRow>] = &[
        Column::text("name", "Name", "name", |row| &row.name),
        Column::text("status", "Status", "status", |row| row.status.code()),
        Column::number("keys", "Keys", "keys", |row| row.keys),
        Column::time("used", "Last used", "last_used", |row| row.last_used),
        Column::time("modified", "Modified", "updated_at", |row| row.updated_at),
    ];

    fn id(&self) -> ProgramId {
        self.id
    }
}

impl ProgramRow {
    pub fn last_used(&self) -> Option<&DateTime<Utc>> {
        (self.last_used > DateTime::UNIX_EPOCH).then_some(&self.last_used)
    }
}

/// A data connector that a program called lately.
#[derive(QueryableByName)]
pub(super) struct Called {
    /// Its name, if it still exists.
    #[diesel(sql_type = Nullable<Text>)]
    pub label: Option<String>,
    #[diesel(sql_type = BigInt)]
    pub calls: i64,
    #[diesel(sql_type = Timestamptz)]
    pub last_at: DateTime<Utc>,
}
