//! Another master key and another data key, while everything goes on and wherever it is interrupted.

mod cookie_key;
mod data_folder;
mod data_key;
mod master_key;
mod resealing;

use crate::support::program::{Installation, Outcome};

/// Master keys as an administrator writes them.
fn key(digit: char) -> String {
    String::from(digit).repeat(64)
}

/// Runs `key rotate` and what else is given.
fn rotate(here: &Installation, settings: &[(&str, &str)], options: &[&str]) -> Outcome {
    let arguments: Vec<&str> = ["key", "rotate"].iter().chain(options).copied().collect();
    here.run_with(settings, &arguments, "")
}

/// The one line of an error.
fn complaint(outcome: &Outcome) -> &str {
    assert_eq!(outcome.code, 1, "{}", outcome.out);
    outcome
        .err
        .lines()
        .find_map(|line| line.strip_prefix("connectory: "))
        .unwrap_or_else(|| panic!("no complaint: {}", outcome.err))
}
