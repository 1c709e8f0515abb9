//! The part of a connector's Overview on its calls: the last one, and charts of the last 7 days.

use std::ops::Deref;

use askama::Template;
use askama::filters::HtmlSafe;
use chrono::{DateTime, TimeDelta, Utc};
use futures_util::try_join;

use super::chart::{Charts, steps};
use super::filter::{CallFilter, Span};
use super::row::CallRow;
use super::totals;
use crate::connectors::ConnectorId;
use crate::db::Conn;
use crate::web::{Error, relative};

/// The last call of a connector, and its calls of the last 7 days.
#[derive(Template)]
#[template(path = "calls/week.html")]
pub struct Week {
    key: String,
    last: Option<CallRow>,
    charts: Charts,
    now: DateTime<Utc>,
}

impl HtmlSafe for Week {}

impl Deref for Week {
    type Target = Charts;

    fn deref(&self) -> &Charts {
        &self.charts
    }
}

/// Reads the calls of a connector that the person may see.
pub async fn week(conn: &Conn, (connector, key): (ConnectorId, &str), now: DateTime<Utc>) -> Result<Week, Error> {
    let (span, step) = steps(Span { from: now - TimeDelta::days(7), to: now + TimeDelta::seconds(1) });
    let filter = CallFilter::of_connector(connector, span);
    let (last, sums) = try_join!(totals::newest_call(conn, connector), totals::sums(conn, &filter, span, step))?;
    Ok(Week { key: key.into(), last, charts: Charts::new(span, step, sums, false), now })
}

impl Week {
    /// “3 minutes ago”
    fn how_long_ago(&self, call: &CallRow) -> String {
        relative(&call.at, &self.now)
    }
}
