//! The page of the audit log: who did what, when and from where.

use std::collections::HashMap;

use actix_web::HttpResponse;
use askama::Template;
use uuid::Uuid;

use super::AuditLine;
use super::chain::{self, Anchor};
use super::filter::{Filter, event_options, period_options, size_options};
use super::queries::{self, Found};
use crate::access::{RequestContext, password_again};
use crate::db::keyset::{Cursor, Position};
use crate::web::{Error, ErrorSummary, Errors, Layout, SelectField, TextField, page, plural};

#[derive(Template)]
#[template(path = "audit/list.html")]
struct ListPage {
    layout: Layout,
    filter: Filter,
    kinds: Vec<String>,
    errors: Errors,
    lines: Vec<AuditLine>,
    things: HashMap<Uuid, String>,
    ways: Ways,
    end: Anchor,
    reads_upwards: bool,
    /// The own password need not be entered again for an export.
    confirmed: bool,
}

/// The ways to other pages.
#[derive(Default)]
struct Ways {
    newest: Option<String>,
    newer: Option<String>,
    older: Option<String>,
    /// Where looking goes on, and up to when all has been looked at.
    further: Option<String>,
}

impl ListPage {
    fn summary(&self) -> ErrorSummary {
        self.errors.summary()
    }

    /// Whether the log was read: days that are none leave nothing to read.
    fn was_read(&self) -> bool {
        !has_wrong_days(&self.errors)
    }

    fn password_field(&self) -> Option<TextField> {
        (!self.confirmed).then(|| password_again(&Errors::default()))
    }

    fn event_filter(&self) -> SelectField {
        SelectField::new("event", "Event", event_options(&self.kinds), self.filter.event.as_str())
    }

    fn period_filter(&self) -> SelectField {
        SelectField::new("period", "Time", period_options(), self.filter.period.as_str())
    }

    fn size_filter(&self) -> SelectField {
        SelectField::new("size", "Lines a page", size_options(), self.filter.size.to_string())
    }

    /// The days that narrow the log: name, label and what was typed.
    fn days(&self) -> [(&'static str, &'static str, &str); 2] {
        [("from", "First day", &self.filter.from), ("to", "Last day", &self.filter.to)]
    }

    fn caption(&self) -> String {
        let number = i64::try_from(self.lines.len()).unwrap_or(i64::MAX);
        plural(number, "line", "lines")
    }

    fn reads_upwards(&self) -> bool {
        self.reads_upwards
    }

    fn chips(&self) -> Vec<(String, String)> {
        self.filter.chips(self.lines.first())
    }

    fn cleared(&self) -> String {
        self.filter.cleared().href(None)
    }

    fn thing(&self, line: &AuditLine) -> Option<&String> {
        self.things.get(line.subject_id.as_ref()?)
    }

    /// The page of whoever did it.
    fn person(&self, line: &AuditLine) -> Option<&String> {
        self.things.get(line.actor_id.as_ref()?)
    }
}

fn has_wrong_days(errors: &Errors) -> bool {
    ["from", "to"].iter().any(|day| errors.get(day).is_some())
}

pub async fn list(context: RequestContext) -> Result<HttpResponse, Error> {
    let (filter, position) = Filter::of_query(context.req.query_string());
    let mut errors = Errors::default();
    let mut conn = context.conn().await?;
    let kinds = queries::kinds(&mut conn).await?;
    let wanted = filter.wanted(&mut conn, context.now(), &kinds, &mut errors).await?;
    let found = if has_wrong_days(&errors) {
        None
    } else {
        Some(queries::find(&mut conn, &wanted, &position, filter.size).await?)
    };
    let ids = found.as_ref().map_or(&[][..], |found| &found.ids);
    let lines = queries::lines(&mut conn, ids).await?;
    let ids = lines.iter().flat_map(|line| [line.subject_id, line.actor_id]);
    let ids = ids.flatten().collect();
    let things = queries::thing_links(&mut conn, &context.actor, ids).await?;
    let end = chain::end(&mut conn).await?;
    let ways = found.map_or_else(Ways::default, |found| Ways::new(&filter, &position, &lines, &found));
    let status = errors.status();
    page(
        status,
        &ListPage {
            confirmed: context.is_confirmed(),
            layout: context.layout,
            filter,
            kinds,
            errors,
            lines,
            things,
            ways,
            end,
            reads_upwards: position.is_backward(),
        },
    )
}

impl Ways {
    fn new(filter: &Filter, position: &Position, lines: &[AuditLine], found: &Found) -> Ways {
        let at = |name, cursor: &Cursor| Some(filter.href(Some((name, &cursor.encode()))));
        let next = |name| found.next.as_ref().and_then(|cursor| at(name, cursor));
        let first = lines.first().map(place);
        let last = lines.last().map(place);
        // Back to where this page was left from, which must exist.
        let back = |line: Option<Cursor>, name| {
            let cursor = line.as_ref().or(position.cursor());
            cursor.and_then(|cursor| at(name, cursor))
        };
        let (mut newer, mut older) = match position {
            Position::First | Position::Last => (None, next("after")),
            Position::After(_) => (back(first, "before"), next("after")),
            Position::Before(_) => (next("before"), back(last, "after")),
        };
        let further = match (found.cut_short, position.is_backward()) {
            (false, _) => None,
            (true, false) => older.take(),
            (true, true) => newer.take(),
        };
        Ways { newest: (*position != Position::First).then(|| filter.href(None)), newer, older, further }
    }

    fn any(&self) -> bool {
        self.newest.is_some() || self.newer.is_some() || self.older.is_some()
    }
}

fn place(line: &AuditLine) -> Cursor {
    Cursor { value: line.at.to_rfc3339(), id: line.id }
}
