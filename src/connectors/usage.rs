//! The table of who has used a connector lately: on the page that asks before deleting, and on the Overview.

use askama::Template;
use askama::filters::HtmlSafe;
use chrono::{DateTime, Utc};

use super::ConnectorId;
use super::queries::{self, Usage};
use crate::db::Conn;
use crate::web::{Error, plural};

/// Programs and people that have called in the last 30 days, most calls first.
#[derive(Template)]
#[template(path = "connectors/usage.html")]
pub struct UsageTable {
    usage: Usage,
}

impl HtmlSafe for UsageTable {}

/// The table of those `most` callers who have used the connector most in the 30 days before `now`.
pub async fn usage_table(
    conn: &Conn,
    connector: ConnectorId,
    most: i64,
    now: DateTime<Utc>,
) -> Result<UsageTable, Error> {
    Ok(UsageTable { usage: queries::usage(conn, connector, most, now).await? })
}

impl UsageTable {
    pub fn is_empty(&self) -> bool {
        self.usage.users.is_empty()
    }

    /// “3 callers, 1,204 calls in the last 30 days”
    fn words(&self) -> String {
        let Usage { callers, calls, .. } = self.usage;
        format!("{}, {} in the last 30 days", plural(callers, "caller", "callers"), plural(calls, "call", "calls"))
    }

    /// Those that are not shown.
    fn more_callers(&self) -> Option<String> {
        let shown = i64::try_from(self.usage.users.len()).unwrap_or(i64::MAX);
        let more = self.usage.callers - shown;
        (more > 0).then(|| plural(more, "other caller", "other callers"))
    }
}
