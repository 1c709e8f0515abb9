//! Connectors: the list, creating, the Details tab, duplicating, the trash, and what is recorded of it all.

mod creating;
mod details;
mod keys;
mod list;
mod owner;
mod record;
mod rows_read;
mod trash;

/// What stands in an error summary that has one line.
fn error(field: &str, message: &str) -> Vec<(String, String)> {
    vec![(field.to_string(), message.to_string())]
}
