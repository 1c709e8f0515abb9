//! The home page on connectors: which need attention, and which were changed last.

use askama::Template;
use chrono::{DateTime, Utc};

use super::Health;
use super::issues::{Issues, issues};
use super::model::ListRow;
use super::queries::{self, COUNT_LIMIT, Changed, Found};
use crate::access::{Permission, RequestContext};
use crate::db::Conn;
use crate::web::{Error, Total};

/// Rows of each list.
const ROWS: usize = 5;

/// The states in which calls fail or soon will, the worst first.
pub(super) const WORST_FIRST: [Health; 4] =
    [Health::NeedsReauthorization, Health::Refused, Health::Failing, Health::Expiring];

/// States that are counted besides: nothing is known to be wrong, and something is to be done.
pub(super) const UNFINISHED: [Health; 2] = [Health::NotAuthorized, Health::NotTested];

/// The part of the home page for people who may see connectors.
#[derive(Template)]
#[template(path = "connectors/attention.html")]
pub struct Attention {
    found: Found,
    issues: Issues,
    now: DateTime<Utc>,
    /// There are data connectors that are kept to certain people.
    is_limited: bool,
    may_create: bool,
    may_edit: bool,
}

impl askama::filters::HtmlSafe for Attention {}

/// Looks at all connectors.
pub async fn attention(context: &RequestContext, conn: &Conn) -> Result<Attention, Error> {
    let found = queries::find_attention(conn, &context.actor, ROWS).await?;
    let issues = issues(conn, &found.ailing).await?;
    Ok(Attention {
        found,
        issues,
        now: context.now(),
        is_limited: context.actor.visibility.is_limited(),
        may_create: context.may(Permission::CreateConnectors),
        may_edit: context.may(Permission::EditConnectors),
    })
}

/// A state, and how many connectors are in it.
struct State {
    health: Health,
    words: String,
}

impl Attention {
    /// What a state means where no server has said anything.
    fn meaning(&self, row: &ListRow) -> &'static str {
        match row.health() {
            Some(Health::NeedsReauthorization) => "It must be authorized again.",
            Some(Health::Expiring) => "Its token ends soon, and no new one can be fetched without a person.",
            Some(Health::Refused) => "The API refuses its credential.",
            _ => "The API could not be reached lately.",
        }
    }

    /// The states that need attention and that there are.
    fn states(&self) -> Vec<State> {
        let state = |health: &Health| {
            let words = self.count(*health)?;
            Some(State { health: *health, words })
        };
        WORST_FIRST.iter().filter_map(state).collect()
    }

    /// How many are in a state; `None` if none is.
    fn count(&self, health: Health) -> Option<String> {
        let code = health.code();
        let count = self.found.counts.iter().find(|row| row.status == code)?;
        Some(Total::bounded(count.n, COUNT_LIMIT).words())
    }

    /// Whether the list shows only some of those that need attention.
    fn has_more(&self) -> bool {
        let codes = WORST_FIRST.map(Health::code);
        let counted = self.found.counts.iter();
        let ailing: i64 = counted.filter(|row| codes.contains(&row.status.as_str())).map(|row| row.n).sum();
        usize::try_from(ailing).is_ok_and(|ailing| ailing > self.found.ailing.len())
    }

    fn unchecked(&self) -> &[ListRow] {
        let rows = &self.found.unchecked;
        &rows[..rows.len().min(ROWS)]
    }

    fn has_more_unchecked(&self) -> bool {
        self.found.unchecked.len() > ROWS
    }

    fn changed(&self) -> &[Changed] {
        &self.found.changed
    }
}
