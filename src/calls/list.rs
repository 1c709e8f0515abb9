//! The pages of the log, of all calls and of a connector's, and the same calls as a CSV file.

use actix_web::HttpResponse;
use actix_web::web::Data;
use askama::Template;
use chrono::{NaiveTime, TimeDelta};
use futures_util::try_join;

use super::chart::{Charts, steps};
use super::filter::{CLASSES, CallFilter, ERRORS, FILTERS, LogQuery, PERIODS, Span, USUAL, is_typed, period};
use super::queries::{self, Choice, Choices, SCAN_LIMIT};
use super::row::{self, CallRow};
use super::{Outcome, Retention, totals};
use crate::access::RequestContext;
use crate::connectors::{self, ConnectorHead, ConnectorId, Tab};
use crate::db::Db;
use crate::db::keyset::Position;
use crate::web::{
    Download, Error, ErrorSummary, Errors, Layout, ListQuery, Pages, Row, Segment, SelectOption, Zone, csv, grouped,
    page, plural,
};

/// Rows of a chunk, and of a file at most.
const CHUNK: usize = 1_000;
const MAX_ROWS: usize = 100_000;

const CSV_HEAD: &str = "time,connector,endpoint,kind,caller,caller kind,key,address,method,target,outcome,status,problem,detail,attempts,\
    queue ms,connect ms,first byte ms,total ms,sent bytes,received bytes,request id\r\n";

/// The log of all calls.
#[derive(Template)]
#[template(path = "calls/list.html")]
struct ListPage {
    layout: Layout,
    log: Log,
}

/// The log of a connector.
#[derive(Template)]
#[template(path = "calls/tab.html")]
struct TabPage {
    layout: Layout,
    head: ConnectorHead,
    log: Log,
}

/// What both show.
#[derive(Template)]
#[template(path = "calls/log.html")]
struct Log {
    query: LogQuery,
    errors: Errors,
    filters: Filters,
    found: Option<Entries>,
    retention: Retention,
    /// No call was ever counted.
    unused: bool,
    /// Shown on the page of all calls.
    names_connectors: bool,
}

impl askama::filters::HtmlSafe for Log {}

/// The calls of the page with paging and charts.
struct Entries {
    rows: Vec<CallRow>,
    pages: Pages,
    charts: Charts,
    /// The address for searching further back, and the time back to which was searched.
    further: Option<(String, String)>,
}

/// What can be chosen.
struct Filters {
    /// The connector whose tab this is.
    fixed: Option<ConnectorId>,
    choices: Choices,
}

pub async fn list(context: RequestContext, retention: Data<Retention>) -> Result<HttpResponse, Error> {
    let log = Log::read(&context, **retention, "/calls".into(), None).await?;
    let status = log.errors.status();
    page(status, &ListPage { layout: context.layout, log })
}

pub async fn of_connector(
    context: RequestContext,
    Segment(key): Segment,
    retention: Data<Retention>,
) -> Result<HttpResponse, Error> {
    let connector = connectors::find_visible(&*context.conn().await?, &context.actor, &key).await?;
    let path = format!("/connectors/{}/activity", connector.key);
    let log = Log::read(&context, **retention, path, Some(connector.id)).await?;
    let (head, status) = (ConnectorHead::new(&connector, Tab::Activity, &context.actor), log.errors.status());
    page(status, &TabPage { layout: context.layout, head, log })
}

impl Log {
    async fn read(
        context: &RequestContext,
        retention: Retention,
        path: String,
        connector: Option<ConnectorId>,
    ) -> Result<Log, Error> {
        let query: LogQuery = ListQuery::parse(path, context.req.query_string(), &FILTERS);
        let (filter, errors) = CallFilter::read(&query, connector, context.actor.visibility, context.now());
        let conn = context.conn().await?;
        let (choices, unused, found) = if errors.any() {
            (queries::choices(&conn, &filter).await?, false, None)
        } else {
            let whole = Span {
                from: filter.span.from.max(retention.oldest(context.now()).and_time(NaiveTime::MIN).and_utc()),
                to: filter.span.to.min(context.now() + TimeDelta::seconds(1)),
            };
            let (whole, step) = steps(whole);
            let (choices, unused, found, sums) = try_join!(
                queries::choices(&conn, &filter),
                totals::is_empty(&conn, connector),
                queries::list(&conn, &query, &filter),
                totals::sums(&conn, &filter, whole, step),
            )?;
            let wider = filter.errors_only || filter.outcome.is_some() || filter.class.is_some();
            let charts = Charts::new(whole, step, sums, wider);
            let pages = Pages::new(&query, &found.slice, found.total);
            let further = found.stopped.map(|place| (query.after(&place), place.value));
            let further = further.map(|(href, at)| (href, stamp_of(&at)));
            (choices, unused, Some(Entries { rows: found.slice.rows, pages, charts, further }))
        };
        Ok(Log {
            query,
            errors,
            filters: Filters { fixed: connector, choices },
            found,
            retention,
            unused,
            names_connectors: connector.is_none(),
        })
    }

    fn summary(&self) -> ErrorSummary {
        self.errors.summary()
    }

    /// What the title begins with.
    fn title_start(&self) -> &'static str {
        if self.errors.any() { "Error: " } else { "" }
    }

    /// “ (page 2)”
    fn title_end(&self) -> String {
        self.found.as_ref().map(|found| found.pages.title_words()).unwrap_or_default()
    }

    fn retention_label(&self) -> String {
        plural(self.retention.0.into(), "day", "days")
    }

    fn scan_limit(&self) -> String {
        grouped(SCAN_LIMIT)
    }

    fn period_label(&self) -> String {
        if is_typed(&self.query) { "this time".into() } else { format!("the {}", period(&self.query).1.to_lowercase()) }
    }

    /// Whether anything but the span of time narrows the log.
    fn is_narrowed(&self) -> bool {
        ["connector", "caller", "endpoint", "outcome", "status"].iter().any(|name| !self.query.filter(name).is_empty())
    }

    /// The address of the same calls as a file.
    fn csv_href(&self) -> String {
        let href = match self.filters.fixed {
            Some(connector) => self.query.with_filter("connector", &connector.to_string()),
            None => self.query.without_filter(""),
        };
        href.replacen(self.query.path(), "/calls.csv", 1)
    }

    /// The calls of one caller within the same time.
    fn caller_href(&self, row: &CallRow) -> String {
        self.query.with_filter("caller", &row.caller_id.to_string())
    }

    /// The same calls of a longer time.
    fn longest_href(&self) -> Option<String> {
        let (longest, ..) = PERIODS[PERIODS.len() - 1];
        let (chosen, ..) = period(&self.query);
        (chosen != longest && !is_typed(&self.query)).then(|| self.query.with_filter("period", longest))
    }

    fn periods(&self) -> Vec<SelectOption> {
        PERIODS.iter().map(|(code, label, _)| SelectOption::new(*code, *label)).collect()
    }

    fn period_code(&self) -> &'static str {
        period(&self.query).0
    }

    /// The label of a field for a time, with the zone in which it is read.
    fn in_zone(&self, label: &str) -> String {
        format!("{label} ({})", Zone::of_reader().label())
    }

    /// The filters by what can be chosen, in their order.
    fn choice_filters(&self) -> Vec<Filter> {
        let of =
            |choices: &[Choice]| choices.iter().map(|one| SelectOption::new(one.id.to_string(), one.title())).collect();
        let choices = &self.filters.choices;
        let mut filters = Vec::new();
        if self.filters.fixed.is_none() {
            filters.push(self.filter("connector", "Connector", of(&choices.connectors)));
        }
        filters.push(self.filter("caller", "Caller", of(&choices.callers)));
        if !choices.endpoints.is_empty() || !self.query.filter("endpoint").is_empty() {
            filters.push(self.filter("endpoint", "Endpoint", of(&choices.endpoints)));
        }
        let outcomes = Outcome::ALL.map(|outcome| SelectOption::new(outcome.code(), outcome.label()));
        let outcomes = [SelectOption::new(ERRORS, "All errors")].into_iter().chain(outcomes).collect();
        filters.push(self.filter("outcome", "Outcome", outcomes));
        let classes = CLASSES.map(|(code, label, _)| SelectOption::new(code, label));
        filters.push(self.filter("status", "Status", classes.into()));
        filters
    }

    fn filter(&self, name: &'static str, label: &'static str, mut options: Vec<SelectOption>) -> Filter {
        let noun = label.to_lowercase();
        let chosen = self.query.filter(name);
        // One that is not offered any more stays chosen.
        if !chosen.is_empty() && options.iter().all(|option| option.code() != chosen) {
            options.push(SelectOption::new(chosen, format!("Unknown {noun}")));
        }
        Filter { name, label, any: format!("Any {noun}"), options }
    }

    /// The filters in use, each with its label and the address without it.
    fn chips(&self) -> Vec<(String, String)> {
        let query = &self.query;
        let chosen = |name: &str| Some(query.filter(name)).filter(|value| !value.is_empty());
        let mut chips = Vec::new();
        if is_typed(query) {
            chips.extend(chosen("from").map(|from| ("from", format!("From {from}"))));
            chips.extend(chosen("to").map(|to| ("to", format!("To {to}"))));
        } else if chosen("period").is_some_and(|code| code != USUAL) {
            chips.push(("period", period(query).1.to_string()));
        }
        for filter in self.choice_filters() {
            let option =
                chosen(filter.name).and_then(|code| filter.options.iter().find(|option| option.code() == code));
            chips.extend(option.map(|option| (filter.name, filter.chip(option))));
        }
        chips.into_iter().map(|(name, label)| (label, query.without_filter(name))).collect()
    }
}

/// A filter by what can be chosen.
struct Filter {
    name: &'static str,
    label: &'static str,
    /// The choice of all.
    any: String,
    options: Vec<SelectOption>,
}

impl Filter {
    /// “Outcome is failed”
    fn chip(&self, option: &SelectOption) -> String {
        match self.name {
            "outcome" if option.code() == ERRORS => option.label().to_string(),
            "outcome" => format!("Outcome is {}", option.label().to_lowercase()),
            "status" => format!("Status is {}", option.code()),
            _ => format!("{} is {}", self.label, option.label()),
        }
    }
}

/// The time of a cursor as text.
fn stamp_of(time: &str) -> String {
    chrono::DateTime::parse_from_rfc3339(time).map_or(String::new(), |time| row::stamp(&time.to_utc()))
}

/// How far the file has come.
struct Progress {
    db: Db,
    filter: CallFilter,
    position: Position,
    rows: usize,
}

pub async fn download(context: RequestContext, db: Data<Db>) -> Result<HttpResponse, Error> {
    let query: LogQuery = ListQuery::parse("/calls.csv", context.req.query_string(), &FILTERS);
    let (filter, errors) = CallFilter::read(&query, None, context.actor.visibility, context.now());
    if errors.any() {
        return Err(Error::BadRequest("From and To must be days or times such as 2026-11-22 or 2026-11-22 14:30."));
    }
    let name = context.now().format("calls-%Y-%m-%d.csv").to_string();
    let progress = Progress { db: Db::clone(&db), filter, position: Position::First, rows: 0 };
    Download { name, media_type: "text/csv; charset=utf-8; header=present", head: CSV_HEAD }
        .respond(progress, next_chunk)
        .await
}

/// The next rows, and how the file goes on.
async fn next_chunk(mut progress: Progress) -> Result<(String, Option<Progress>), Error> {
    let size = CHUNK.min(MAX_ROWS - progress.rows);
    let conn = progress.db.get().await?;
    let mut rows = queries::page_of_all(&conn, &progress.filter, &progress.position, size + 1).await?;
    drop(conn);
    let more = rows.len() > size;
    rows.truncate(size);
    progress.rows += rows.len();
    let mut chunk: String = rows.iter().map(csv_row).collect();
    let Some(last) = rows.last().filter(|_| more) else {
        return Ok((chunk, None));
    };
    if progress.rows == MAX_ROWS {
        let cut_short = format!("Only the newest {MAX_ROWS} calls are in this file; filter by time for those before.");
        chunk.push_str(&csv::row(&[cut_short]));
        return Ok((chunk, None));
    }
    progress.position = Position::After(CallRow::COLUMNS[0].cursor(last));
    Ok((chunk, Some(progress)))
}

fn csv_row(row: &CallRow) -> String {
    let millis = |micros: i64| format!("{:.3}", micros as f64 / 1e3);
    let cells = [
        row.at.format("%Y-%m-%dT%H:%M:%S%.6fZ").to_string(),
        row.connector_name.clone(),
        row.endpoint_name.clone(),
        row.kind().map_or("", |kind| kind.code()).to_string(),
        row.caller_name.clone(),
        row.caller_kind().to_lowercase(),
        row.key_prefix.clone().unwrap_or_default(),
        row.address.clone(),
        row.method.clone(),
        row.target.clone(),
        row.outcome.clone(),
        row.status.map_or(String::new(), |status| status.to_string()),
        row.problem.clone(),
        row.detail.clone(),
        row.attempts.to_string(),
        millis(row.queue_us),
        millis(row.connect_us),
        millis(row.first_byte_us),
        millis(row.total_us),
        row.sent_bytes.to_string(),
        row.received_bytes.to_string(),
        row.request_id.clone(),
    ];
    csv::row(&cells)
}
