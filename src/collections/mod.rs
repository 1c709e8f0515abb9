//! Collections: named sets of JSON records. Programs use them through a REST API, and through the data connector that
//! each collection has.
//!
//! Rule: a collection is a connector with records (`connectors.is_collection`). Its name, description, rights and place
//! in the trash are the connector's, so that both are created, renamed, trashed and restored as one. Who may view the
//! connector reads the records; who may call it changes them; who may edit it changes name, schema and members.

mod connector;
mod forms;
mod import_file;
mod import_job;
pub mod import_pages;
mod import_queries;
mod json;
mod model;
mod pages;
mod queries;
mod record_export;
mod record_form;
mod record_list;
pub mod record_pages;
pub mod records;
mod schema;
mod selection;

pub use import_job::Importer;
pub use json::{JsonProblem, MAX_RECORD, MAX_TEXT, RecordData, scalar};
pub use model::{Collection, MAX_MEMBERS, NewCollection, RecordSettings, records_path};
pub use pages::{create, edit, list, new, update};
pub use queries::{create as insert, find, find_and_hold};
pub use record_export::export;
pub use record_list::list as list_records;
pub use records::purge_records;
pub use schema::{FieldKind, RecordField, RecordProblem, RecordSchema, SchemaProblem};
pub use selection::Selection;
