//! The pages of the audit log: the list of entries, and one entry with all that is known of it.

use std::collections::HashMap;

use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use askama::Template;
use uuid::Uuid;

use super::AuditEntry;
use super::chain::{self, Anchor};
use super::filter::Filter;
use super::queries;
use super::search::{self, Found};
use crate::access::RequestContext;
use crate::db::keyset::{Cursor, Position};
use crate::web::{Error, ErrorSummary, Errors, Layout, Segment, counted, page};

#[derive(Template)]
#[template(path = "audit/list.html")]
struct ListPage {
    layout: Layout,
    filter: Filter,
    kinds: Vec<String>,
    errors: Errors,
    entries: Vec<AuditEntry>,
    pages: HashMap<Uuid, String>,
    paging: Paging,
    end: Anchor,
    reads_upwards: bool,
    /// The password need not be entered again for an export.
    confirmed: bool,
}

/// Links to other pages.
#[derive(Default)]
struct Paging {
    newest: Option<String>,
    newer: Option<String>,
    older: Option<String>,
    /// Where the search goes on.
    further: Option<String>,
}

impl ListPage {
    fn summary(&self) -> ErrorSummary {
        self.errors.summary()
    }

    /// Whether the log was read; it is not with days that are none.
    fn was_read(&self) -> bool {
        !has_wrong_days(&self.errors)
    }

    /// The days that narrow the log: name, label and what was typed.
    fn days(&self) -> [(&'static str, &'static str, &str); 2] {
        [("from", "First day", &self.filter.from), ("to", "Last day", &self.filter.to)]
    }

    fn caption(&self) -> String {
        counted(self.entries.len(), "entry", "entries")
    }

    fn chips(&self) -> Vec<(String, String)> {
        self.filter.chips(self.entries.first())
    }

    fn cleared(&self) -> String {
        self.filter.cleared().href(None)
    }

    fn object(&self, entry: &AuditEntry) -> Option<&String> {
        self.pages.get(entry.subject_id.as_ref()?)
    }

    /// The page of the actor.
    fn person(&self, entry: &AuditEntry) -> Option<&String> {
        self.pages.get(entry.actor_id.as_ref()?)
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
        Some(search::find(&mut conn, &wanted, &position, filter.size).await?)
    };
    let ids = found.as_ref().map_or(&[][..], |found| &found.ids);
    let entries = queries::entries(&mut conn, ids).await?;
    let ids = entries.iter().flat_map(|entry| [entry.subject_id, entry.actor_id]);
    let ids = ids.flatten().collect();
    let pages = queries::object_pages(&mut conn, &context.actor, ids).await?;
    let end = chain::end(&mut conn).await?;
    let paging = found.map_or_else(Paging::default, |found| Paging::new(&filter, &position, &entries, &found));
    let status = errors.status();
    page(
        status,
        &ListPage {
            confirmed: context.is_confirmed(),
            layout: context.layout,
            filter,
            kinds,
            errors,
            entries,
            pages,
            paging,
            end,
            reads_upwards: position.is_backward(),
        },
    )
}

impl Paging {
    fn new(filter: &Filter, position: &Position, entries: &[AuditEntry], found: &Found) -> Paging {
        let at = |name, cursor: &Cursor| Some(filter.href(Some((name, &cursor.encode()))));
        let next = |name| found.next.as_ref().and_then(|cursor| at(name, cursor));
        let first = entries.first().map(cursor);
        let last = entries.last().map(cursor);
        // Back to where this page was left from, which must exist.
        let back = |entry: Option<Cursor>, name| {
            let cursor = entry.as_ref().or(position.cursor());
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
        Paging { newest: (*position != Position::First).then(|| filter.href(None)), newer, older, further }
    }

    fn any(&self) -> bool {
        self.newest.is_some() || self.newer.is_some() || self.older.is_some()
    }
}

fn cursor(entry: &AuditEntry) -> Cursor {
    Cursor { value: entry.at.to_rfc3339(), id: entry.id }
}

#[derive(Template)]
#[template(path = "audit/show.html")]
struct ShowPage {
    layout: Layout,
    entry: AuditEntry,
    anchor: Option<Anchor>,
    /// The pages of object and person, while there are any.
    pages: HashMap<Uuid, String>,
}

impl ShowPage {
    fn previous_hash(&self) -> String {
        self.entry.link.as_ref().map(|link| chain::hex(&link.previous_hash)).unwrap_or_default()
    }

    /// The entries for the same object.
    fn same_object(&self) -> Option<String> {
        self.entry.subject_id.map(|id| format!("/audit?subject={id}"))
    }

    fn object(&self) -> Option<&String> {
        self.pages.get(self.entry.subject_id.as_ref()?)
    }

    fn person(&self, entry: &AuditEntry) -> Option<&String> {
        self.pages.get(entry.actor_id.as_ref()?)
    }

    /// The entries of the same person, who may have had other names, or of the program of this name.
    fn same_actor(&self) -> String {
        match self.entry.actor_id {
            Some(id) => format!("/audit?actor={id}"),
            None => {
                let name = form_urlencoded::byte_serialize(self.entry.actor_name.as_bytes());
                format!("/audit?person={}", name.collect::<String>())
            }
        }
    }
}

pub async fn show(context: RequestContext, Segment(id): Segment<Uuid>) -> Result<HttpResponse, Error> {
    let mut conn = context.conn().await?;
    let entries = queries::entries(&mut conn, &[id]).await?;
    let entry = entries.into_iter().next().ok_or(Error::NotFound)?;
    let ids = [entry.subject_id, entry.actor_id];
    let ids = ids.into_iter().flatten().collect();
    let pages = queries::object_pages(&mut conn, &context.actor, ids).await?;
    page(StatusCode::OK, &ShowPage { layout: context.layout, anchor: entry.anchor(), entry, pages })
}
