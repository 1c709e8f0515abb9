//! The page of a collection: the list of its records.

use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use askama::Template;

use super::json::{RecordData, json_text, scalar};
use super::model::Collection;
use super::queries;
use super::records::Record;
use super::selection::Selection;
use crate::access::{RequestContext, Right};
use crate::db::keyset::Select;
use crate::web::{Column, Error, Layout, ListQuery, Pages, Row, Segment, SelectOption, beginning, page};

/// The most characters of a value that the list shows.
const SHOWN: usize = 80;

const FILTERS: [&str; 3] = ["member", "comparison", "value"];

impl Row for Record {
    const NOUN: [&'static str; 2] = ["record", "records"];
    const COLUMNS: &'static [Column<Record>] = &[
        Column::time("created", "Created", "created_at", |row| row.created_at),
        Column::time("modified", "Modified", "updated_at", |row| row.updated_at),
        Column::text("value", "Value", "sort_key", |row: &Record| &row.sort_key).called(["ascending", "descending"]),
    ];

    fn id(&self) -> uuid::Uuid {
        self.id
    }
}

#[derive(Template)]
#[template(path = "collections/records.html")]
struct ListPage {
    layout: Layout,
    collection: Collection,
    query: ListQuery<Record>,
    rows: Vec<ListRow>,
    pages: Pages,
}

/// A record, with what the list shows of it: a cell for each member of the collection.
struct ListRow {
    record: Record,
    cells: Vec<String>,
}

impl ListPage {
    fn may(&self, right: Right) -> bool {
        self.collection.connector.rights.contains(right)
    }

    /// The member that was chosen.
    fn member(&self) -> &str {
        chosen(&self.collection, &self.query)
    }

    fn members(&self) -> Vec<SelectOption> {
        let members = self.collection.settings.members.iter();
        members.map(|member| SelectOption::new(member, member)).collect()
    }

    fn orders(&self) -> Vec<SelectOption> {
        let orders = [
            ("created", "Created, oldest first"),
            ("-created", "Created, newest first"),
            ("modified", "Modified, oldest first"),
            ("-modified", "Modified, newest first"),
            ("value", "Chosen member, ascending"),
            ("-value", "Chosen member, descending"),
        ];
        orders.map(|(code, label)| SelectOption::new(code, label)).into()
    }

    fn comparisons(&self) -> [SelectOption; 2] {
        [SelectOption::new("equal", "Is"), SelectOption::new("beginning", "Begins with")]
    }

    fn order_words(&self) -> String {
        match self.member() {
            "" => self.query.order_words(),
            member => self.query.order_words().replacen("value", &format!("“{member}”"), 1),
        }
    }

    /// The filter in words.
    fn filter_words(&self) -> String {
        let comparison = if self.query.filter("comparison") == "beginning" { "begins with" } else { "is" };
        match self.query.filter("value") {
            "" => format!("Sorted by {}", self.member()),
            value => format!("{} {comparison} “{value}”", self.member()),
        }
    }

    /// The headings of the values.
    fn headings(&self) -> Vec<&str> {
        let members = &self.collection.settings.members;
        if members.is_empty() { vec!["Contents"] } else { members.iter().map(String::as_str).collect() }
    }
}

pub async fn list(context: RequestContext, Segment(key): Segment) -> Result<HttpResponse, Error> {
    let conn = context.conn().await?;
    let collection = queries::find(&conn, &context.actor, &key, Right::View).await?;
    let query = read(&collection, context.req.query_string());
    let selection = selection(&collection, &query);
    let (rows, binds) = selection.select(collection.connector.id);
    let select = Select { rows: &rows, counted: &selection.counted(), binds: &binds, ..Select::default() };
    let (records, pages) = query.fetch(&conn, select).await?;
    drop(conn);
    let rows = records.into_iter().map(|record| list_row(&collection, record)).collect::<Result<_, _>>()?;
    page(StatusCode::OK, &ListPage { layout: context.layout, collection, query, rows, pages })
}

/// Reads the address. With a member the records are in its order, without one in that of a time: there are no other
/// indexes.
fn read(collection: &Collection, typed: &str) -> ListQuery<Record> {
    let parse = |query: &str| ListQuery::parse(super::record_pages::address(collection), query, &FILTERS);
    let query = parse(typed);
    let by_value = !chosen(collection, &query).is_empty();
    if by_value == (query.column.code == "value") {
        return query;
    }
    let dropped = ["sort", "after", "before", "place", "page"];
    let pairs = form_urlencoded::parse(typed.as_bytes()).filter(|(name, _)| !dropped.contains(&&**name));
    let sort = match (by_value, query.descending) {
        (false, _) => "created",
        (true, false) => "value",
        (true, true) => "-value",
    };
    let mut allowed = form_urlencoded::Serializer::new(String::new());
    parse(&allowed.extend_pairs(pairs).append_pair("sort", sort).finish())
}

/// The member by which records are filtered and sorted; empty if there is none.
fn chosen<'q>(collection: &Collection, query: &'q ListQuery<Record>) -> &'q str {
    let member = query.filter("member");
    if collection.settings.members.iter().any(|known| known == member) { member } else { "" }
}

fn selection(collection: &Collection, query: &ListQuery<Record>) -> Selection {
    let (member, value) = (chosen(collection, query).to_owned(), query.filter("value"));
    match (member.is_empty(), value, query.filter("comparison")) {
        (true, ..) => Selection::All,
        (false, "", _) => Selection::By(member),
        (false, text, "beginning") => Selection::Beginning { member, text: text.to_owned() },
        (false, typed, _) => {
            // No record has this value: arrays and objects are not compared.
            let scalar = if collection.settings.is_text(&member) { None } else { scalar(typed) };
            Selection::Equal { member, value: scalar.unwrap_or_else(|| json_text(typed)) }
        }
    }
}

fn list_row(collection: &Collection, record: Record) -> Result<ListRow, Error> {
    let members = &collection.settings.members;
    let cells = if members.is_empty() {
        vec![beginning(&record.data, SHOWN)]
    } else {
        let values = RecordData::raw_members(&record.data).map_err(Error::internal)?;
        let value = |member: &String| {
            values.iter().find(|(name, _)| name == member).map(|(_, raw)| beginning(&readable(raw), SHOWN))
        };
        members.iter().map(|member| value(member).unwrap_or_default()).collect()
    };
    Ok(ListRow { record, cells })
}

/// A value as people read it: a text without its quotes, and nothing for null.
pub(super) fn readable(raw: &str) -> String {
    match raw.as_bytes().first() {
        Some(b'"') => serde_json::from_str(raw).unwrap_or_else(|_| raw.to_owned()),
        Some(b'n') => String::new(),
        _ => raw.to_owned(),
    }
}
