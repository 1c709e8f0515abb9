//! What the tests stand on: a site, its database, people, and a browser that reads pages.

use connectory::access::{Rights, Subject};
use uuid::Uuid;

pub mod apache;
mod app;
pub mod authorization_server;
pub mod aws_api;
mod browser;
mod collections;
mod database;
mod form;
pub mod forward_proxy;
pub mod hostile;
pub mod identity_provider;
pub mod nginx;
pub mod oauth_server;
pub mod openssl;
mod page;
mod people;
pub mod program;
mod raw;
mod sealed;
pub mod smtp_server;
mod spreadsheet;
pub mod upstream;
pub mod web_server;

pub use app::{METRICS_TOKEN, TestApp};
pub use browser::{Browser, CSRF_COOKIE, SESSION_COOKIE};
pub use form::FormFill;
pub use page::{Page, words};
pub use people::PASSWORD;
pub use sealed::{in_use, issued};
pub use spreadsheet::formulas;

/// A connector of which everything is open to everybody, as keys are asked whether they open it.
pub fn open_to_all(connector: Uuid) -> Subject {
    Subject { connector, open: Rights::ALL }
}

/// The texts of a list of owned ones, for comparing with literals.
pub fn strs(texts: &[String]) -> Vec<&str> {
    texts.iter().map(String::as_str).collect()
}
