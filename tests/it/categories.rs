//! Categories: the list, the form, deleting, and what connectors have to do with them.

mod counts;
mod creating;
mod deleting;
mod editing;
mod list;

use crate::support::Page;

/// The built-in ones, in every list.
const BUILT_IN: [&str; 2] = ["Generated Built in", "Uncategorized Built in"];

fn error(field: &str, message: &str) -> Vec<(String, String)> {
    vec![(field.to_string(), message.to_string())]
}

/// The names of the list's rows without the built-in ones.
fn names(page: &Page) -> Vec<String> {
    page.row_heads().into_iter().filter(|name| !BUILT_IN.contains(&name.as_str())).collect()
}
