//! What lists say of a connector besides its health: what went wrong, or what shows that it works.

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel_async::RunQueryDsl;

use super::evidence::Evidence;
use super::model::ListRow;
use super::{ConnectorId, Health};
use crate::db::Conn;
use crate::db::schema::{breakers, evidence, renewals};
use crate::web::{Error, relative};

/// The most of a server's own words that a row shows, in characters; the Authorization tab has them all.
const LONGEST_WORDS: usize = 100;

/// What went wrong with a connector.
#[derive(Queryable)]
pub(super) struct Issue {
    connector: ConnectorId,
    pub message: String,
    server_words: String,
    /// When it is tried again by itself.
    next_attempt_at: Option<DateTime<Utc>>,
}

/// What is known of some rows besides their health.
#[derive(Default)]
pub(super) struct Issues {
    renewals: Vec<Issue>,
    breakers: Vec<Issue>,
    evidence: Vec<(ConnectorId, Evidence)>,
}

impl Issues {
    /// What went wrong, where the row's health is a bad one.
    pub fn of(&self, row: &ListRow) -> Option<Issue> {
        let of_row = |issues: &[Issue]| issues.iter().find(|issue| issue.connector == row.id).map(Issue::copy);
        match row.health()? {
            Health::NeedsReauthorization => of_row(&self.renewals),
            Health::Failing => {
                of_row(&self.renewals).or_else(|| of_row(&self.breakers)).or_else(|| self.of_api(row.id))
            }
            Health::Refused => self.of_api(row.id),
            _ => None,
        }
    }

    fn of_api(&self, connector: ConnectorId) -> Option<Issue> {
        let known = self.evidence_of(connector)?;
        let (message, server_words) = (known.message.clone(), known.server_words.clone());
        Some(Issue { connector, message, server_words, next_attempt_at: None })
    }

    fn evidence_of(&self, connector: ConnectorId) -> Option<&Evidence> {
        self.evidence.iter().find(|(id, _)| *id == connector).map(|(_, known)| known)
    }

    /// What shows that a healthy connector works.
    pub fn proof(&self, row: &ListRow, now: &DateTime<Utc>) -> Option<String> {
        let is_healthy = row.health() == Some(Health::Healthy);
        self.evidence_of(row.id).filter(|_| is_healthy)?.proof(now)
    }
}

impl Evidence {
    /// “last call 2 minutes ago”, “token issued 3 hours ago”: the newest of what shows that a connector works.
    pub fn proof(&self, now: &DateTime<Utc>) -> Option<String> {
        match (self.taken_at, self.issued_at) {
            (Some(taken), _) => Some(format!("last call {}", relative(&taken, now))),
            (None, Some(issued)) => Some(format!("token issued {}", relative(&issued, now))),
            (None, None) => None,
        }
    }
}

impl Issue {
    fn copy(&self) -> Issue {
        let (message, server_words) = (self.message.clone(), self.server_words.clone());
        Issue { message, server_words, ..*self }
    }

    /// The server's own words, cut with an ellipsis; `None` where it said nothing.
    pub fn said(&self) -> Option<String> {
        let words = &self.server_words;
        let mut letters = words.char_indices().skip(LONGEST_WORDS);
        match letters.next() {
            Some((end, _)) => Some(format!("{}…", words[..end].trim_end())),
            None => Some(words.clone()).filter(|words| !words.is_empty()),
        }
    }

    /// “in 5 minutes”; `None` where no further attempt follows by itself.
    pub fn next_try(&self, now: &DateTime<Utc>) -> Option<String> {
        let next = self.next_attempt_at.as_ref()?;
        (next > now).then(|| relative(next, now))
    }
}

/// What is known of these rows, in as many statements as there are kinds of news.
pub(super) async fn issues(conn: &Conn, rows: &[ListRow]) -> Result<Issues, Error> {
    let of_health = |wanted: &[Health]| -> Vec<ConnectorId> {
        let is_wanted = |row: &&ListRow| row.health().is_some_and(|health| wanted.contains(&health));
        rows.iter().filter(is_wanted).map(|row| row.id).collect()
    };
    let shown = of_health(&[Health::Healthy, Health::Failing, Health::Refused]);
    let failed = of_health(&[Health::Failing, Health::NeedsReauthorization]);
    let mut issues = Issues::default();
    if !shown.is_empty() {
        issues.evidence = evidence::table
            .filter(evidence::connector_id.eq_any(shown))
            .select((evidence::connector_id, Evidence::as_select()))
            .load(&mut &*conn)
            .await?;
    }
    if !failed.is_empty() {
        issues.renewals = renewal_issues(conn, &failed).await?;
        issues.breakers = breakers::table
            .filter(breakers::connector_id.eq_any(failed))
            .select((
                breakers::connector_id,
                breakers::message,
                diesel::dsl::sql::<diesel::sql_types::Text>("''"),
                breakers::open_until.nullable(),
            ))
            .load(&mut &*conn)
            .await?;
    }
    Ok(issues)
}

async fn renewal_issues(conn: &Conn, failed: &[ConnectorId]) -> Result<Vec<Issue>, Error> {
    let next = diesel::dsl::case_when(renewals::is_final, None::<DateTime<Utc>>).otherwise(renewals::next_attempt_at);
    Ok(renewals::table
        .filter(renewals::connector_id.eq_any(failed))
        .filter(renewals::failures.gt(0))
        .select((renewals::connector_id, renewals::message, renewals::server_words, next))
        .load(&mut &*conn)
        .await?)
}
