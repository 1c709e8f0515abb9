//! What the home page says of calls.

use askama::Template;
use chrono::{DateTime, Utc};

use super::queries;
use crate::access::Visibility;
use crate::db::Conn;
use crate::web::{Error, plural};

/// The part of the home page for whoever may see the call log.
#[derive(Template)]
#[template(path = "calls/last_day.html")]
pub struct LastDay {
    calls: i64,
    errors: i64,
}

impl askama::filters::HtmlSafe for LastDay {}

/// Counts the calls of the last day, through the connectors that somebody sees.
pub async fn last_day(conn: &Conn, visibility: Visibility, now: DateTime<Utc>) -> Result<LastDay, Error> {
    let (calls, errors) = queries::last_day(conn, visibility, now).await?;
    Ok(LastDay { calls, errors })
}

impl LastDay {
    /// “1,204 calls”.
    fn calls_words(&self) -> String {
        plural(self.calls, "call", "calls")
    }

    fn errors_words(&self) -> String {
        plural(self.errors, "error", "errors")
    }
}
