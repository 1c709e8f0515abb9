//! What the list says of a connector beside its health: what went wrong, and where it is repaired.

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel_async::RunQueryDsl;

use super::model::ListRow;
use super::{ConnectorId, Health};
use crate::db::Conn;
use crate::db::schema::renewals;
use crate::web::{Error, relative};

/// The most of a server's own words that a row shows, in characters; the Authorization tab has them all.
const LONGEST_WORDS: usize = 100;

/// Why the last tries to renew a connector's token have failed.
#[derive(Queryable)]
pub(super) struct Issue {
    connector: ConnectorId,
    pub message: String,
    server_words: String,
    is_final: bool,
    next_attempt_at: Option<DateTime<Utc>>,
}

/// The issues of some rows.
pub(super) struct Issues(Vec<Issue>);

impl Issues {
    pub fn of(&self, row: &ListRow) -> Option<&Issue> {
        self.0.iter().find(|issue| issue.connector == row.id)
    }
}

impl Issue {
    /// The server's own words, cut with an ellipsis; `None` where it said nothing.
    pub fn said(&self) -> Option<String> {
        let words = &self.server_words;
        let mut letters = words.char_indices().skip(LONGEST_WORDS);
        match letters.next() {
            Some((end, _)) => Some(format!("{}…", words[..end].trim_end())),
            None => Some(words.clone()).filter(|words| !words.is_empty()),
        }
    }

    /// “in 5 minutes”; `None` where only a person can bring on the next try.
    pub fn next_try(&self, now: &DateTime<Utc>) -> Option<String> {
        let next = self.next_attempt_at.as_ref()?;
        (!self.is_final && next > now).then(|| relative(next, now))
    }
}

/// The issues of these rows. Where nothing has failed, nothing is asked.
pub(super) async fn issues(conn: &Conn, rows: &[ListRow]) -> Result<Issues, Error> {
    let failed = |row: &&ListRow| matches!(row.health(), Some(Health::Failing | Health::NeedsReauthorization));
    let failed: Vec<ConnectorId> = rows.iter().filter(failed).map(|row| row.id).collect();
    if failed.is_empty() {
        return Ok(Issues(Vec::new()));
    }
    let issues = renewals::table
        .filter(renewals::connector_id.eq_any(failed))
        .filter(renewals::failures.gt(0))
        .select((
            renewals::connector_id,
            renewals::message,
            renewals::server_words,
            renewals::is_final,
            renewals::next_attempt_at,
        ))
        .load(&mut &*conn)
        .await?;
    Ok(Issues(issues))
}
