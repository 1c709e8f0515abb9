//! The part of a connector's Overview on its endpoints: the first of them, each with its last call and a link to Run.

use std::collections::HashMap;

use askama::Template;
use askama::filters::HtmlSafe;
use chrono::{DateTime, Utc};

use super::model::EndpointId;
use super::queries::{self, ListRow};
use crate::access::{RequestContext, Right};
use crate::calls::{self, LastCall};
use crate::connectors::{Connector, call_path};
use crate::db::Conn;
use crate::web::{Error, plural, relative};

/// The most endpoints that the part shows.
const SHOWN: usize = 10;

/// The first endpoints of a connector.
#[derive(Template)]
#[template(path = "endpoints/part.html")]
pub struct EndpointsPart {
    connector: Connector,
    rows: Vec<ListRow>,
    /// How many there are, with those that are not shown.
    count: usize,
    last_calls: HashMap<EndpointId, LastCall>,
    may_edit: bool,
    may_call: bool,
    now: DateTime<Utc>,
}

impl HtmlSafe for EndpointsPart {}

/// The endpoints of a connector that the person may see.
pub async fn endpoints_part(
    context: &RequestContext,
    conn: &Conn,
    connector: &Connector,
) -> Result<EndpointsPart, Error> {
    let mut rows = queries::list(conn, connector.id).await?;
    let count = rows.len();
    rows.truncate(SHOWN);
    let ids: Vec<EndpointId> = rows.iter().map(|row| row.id).collect();
    let last_calls = if ids.is_empty() { HashMap::new() } else { calls::last_calls(conn, &ids).await? };
    Ok(EndpointsPart {
        may_edit: connector.rights.contains(Right::Edit),
        may_call: connector.rights.contains(Right::Call),
        connector: connector.clone(),
        rows,
        count,
        last_calls,
        now: context.now(),
    })
}

impl EndpointsPart {
    /// The path by which programs call the first endpoint.
    pub fn first_path(&self) -> Option<String> {
        Some(call_path(&self.connector.key, &self.rows.first()?.name))
    }

    fn count_words(&self) -> String {
        plural(i64::try_from(self.count).unwrap_or(i64::MAX), "endpoint", "endpoints")
    }

    fn has_more(&self) -> bool {
        self.count > self.rows.len()
    }

    fn how_long_ago(&self, at: &DateTime<Utc>) -> String {
        relative(at, &self.now)
    }
}
