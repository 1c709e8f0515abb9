//! Searching the log: one statement that reads a bounded number of entries, with any filters.
//!
//! One condition drives the scan: its index gives its entries in the order of time, one branch for each of its values. The other
//! conditions are checked on these entries, at most [`SCAN_LIMIT`] of them. If the page is not full by then, the result says
//! where to search further. Counting all entries, or sorting all matches, would take seconds once there are millions.

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel::sql_types::Bool;
use diesel_async::RunQueryDsl;
use uuid::Uuid;

use super::queries::{Names, Role};
use crate::db::Conn;
use crate::db::keyset::{Bind, Cursor, Position, bound};
use crate::db::schema::audit_events;
use crate::web::Error;

/// Entries that are read for one page: within a few dozen milliseconds.
const SCAN_LIMIT: usize = 20_000;

/// What matches, with names instead of searches.
#[derive(Clone)]
pub(super) struct Wanted {
    pub subject: Option<Uuid>,
    pub actor: Option<Uuid>,
    pub objects: Option<Names>,
    pub people: Option<Names>,
    pub kinds: Option<Vec<String>>,
    /// From this time on.
    pub from: Option<DateTime<Utc>>,
    /// Before this time.
    pub until: Option<DateTime<Utc>>,
}

/// The entries of a page, by their ids, and where the next page begins in the direction of reading.
pub(super) struct Found {
    pub ids: Vec<Uuid>,
    pub next: Option<Cursor>,
    /// Whether the search has ended before the page was full, and before the end of the log.
    pub cut_short: bool,
}

#[derive(QueryableByName)]
#[diesel(table_name = audit_events)]
struct Place {
    at: DateTime<Utc>,
    id: Uuid,
    #[diesel(sql_type = Bool)]
    is_cut: bool,
}

impl Place {
    fn cursor(&self) -> Cursor {
        Cursor { value: self.at.to_rfc3339(), id: self.id }
    }
}

/// The entries behind a position, at most `size`, in the direction of reading.
pub(super) async fn find(conn: &mut Conn, wanted: &Wanted, position: &Position, size: usize) -> Result<Found, Error> {
    let statement = Statement::new(wanted, position, size);
    let mut places: Vec<Place> = bound(statement.sql, &statement.binds).load(conn).await?;
    let cut = places.iter().position(|place| place.is_cut).map(|at| places.remove(at));
    let is_full = places.len() > size;
    places.truncate(size);
    let next = if is_full { places.last().map(Place::cursor) } else { cut.as_ref().map(Place::cursor) };
    Ok(Found { ids: places.iter().map(|place| place.id).collect(), next, cut_short: !is_full && cut.is_some() })
}

/// A condition on a column, which is a constant of the program.
enum Condition {
    /// The column has one of the values.
    OneOf(&'static str, Bind, usize),
    /// The column's name fits all patterns.
    Fits(&'static str, Role, Vec<String>),
}

struct Statement {
    sql: String,
    binds: Vec<Bind>,
}

impl Statement {
    fn new(wanted: &Wanted, position: &Position, size: usize) -> Statement {
        let mut conditions = conditions(wanted);
        let leads = conditions.iter().position(|condition| matches!(condition, Condition::OneOf(..)));
        let leading = leads.map(|at| conditions.remove(at));
        let mut statement = Statement { sql: String::new(), binds: Vec::new() };
        let (branches, lead, count) = statement.lead(leading);
        let place = statement.times(wanted, position);
        let rest: String =
            conditions.into_iter().map(|condition| format!(" AND {}", statement.condition(condition))).collect();
        let rows = size + 1;
        let scan = if rest.is_empty() { rows } else { rows.max(SCAN_LIMIT / count.max(1)) };
        // The direction of reading, the other one, and the comparison for “not beyond”.
        let (on, back, within) = if position.is_backward() { ("ASC", "DESC", "<=") } else { ("DESC", "ASC", ">=") };
        statement.sql = format!(
            "WITH scanned AS MATERIALIZED (
                SELECT branch.number, entry.* FROM {branches} CROSS JOIN LATERAL (
                    SELECT id, at, actor_id, actor_name, kind, subject_name FROM audit_events
                    WHERE {lead}{place} ORDER BY at {on}, id {on} LIMIT {scan}
                ) AS entry
            ), ends AS MATERIALIZED (
                SELECT DISTINCT ON (number) at, id, count(*) OVER (PARTITION BY number) AS read FROM scanned ORDER BY number, at {back}, id {back}
            ), cut AS MATERIALIZED (
                SELECT at, id FROM ends WHERE read = {scan} ORDER BY at {on}, id {on} LIMIT 1
            )
            (SELECT at, id, false AS is_cut FROM scanned
             WHERE (NOT EXISTS (SELECT FROM cut) OR (at, id) {within} (SELECT at, id FROM cut)){rest}
             ORDER BY at {on}, id {on} LIMIT {rows})
            UNION ALL
            SELECT at, id, true FROM cut",
        );
        statement
    }

    /// Where the branches come from, what each has, and how many there are.
    fn lead(&mut self, leading: Option<Condition>) -> (String, String, usize) {
        match leading {
            Some(Condition::OneOf(column, values, count)) => {
                let bind = self.bind(values);
                (
                    format!("unnest(${bind}) WITH ORDINALITY AS branch (value, number)"),
                    format!("{column} = branch.value"),
                    count,
                )
            }
            _ => ("(SELECT 1 AS number) AS branch".into(), "true".into(), 1),
        }
    }

    /// The condition on time.
    fn times(&mut self, wanted: &Wanted, position: &Position) -> String {
        let mut sql = String::new();
        if let Some(from) = wanted.from {
            sql += &format!(" AND at >= ${}", self.bind(Bind::Time(from)));
        }
        if let Some(until) = wanted.until {
            sql += &format!(" AND at < ${}", self.bind(Bind::Time(until)));
        }
        let cursor = position.cursor().and_then(|cursor| {
            let at = DateTime::parse_from_rfc3339(&cursor.value).ok()?;
            Some((at.to_utc(), cursor.id))
        });
        if let Some((at, id)) = cursor {
            let sign = if position.is_backward() { '>' } else { '<' };
            let (at, id) = (self.bind(Bind::Time(at)), self.bind(Bind::Id(Some(id))));
            sql += &format!(" AND (at, id) {sign} (${at}, ${id})");
        }
        sql
    }

    fn condition(&mut self, condition: Condition) -> String {
        match condition {
            Condition::OneOf(column, values, _) => {
                format!("{column} = ANY(${})", self.bind(values))
            }
            Condition::Fits(column, role, patterns) => format!(
                "EXISTS (SELECT FROM audit_names WHERE role = '{}' AND name = {column} AND search_text LIKE ALL (${}))",
                role.code(),
                self.bind(Bind::Texts(patterns))
            ),
        }
    }

    fn bind(&mut self, bind: Bind) -> usize {
        self.binds.push(bind);
        self.binds.len()
    }
}

/// The conditions, the most selective first.
fn conditions(wanted: &Wanted) -> Vec<Condition> {
    let id = |column, id: Option<Uuid>| id.map(|id| Condition::OneOf(column, Bind::Ids(vec![id]), 1));
    let texts = |column, all: &[String]| Condition::OneOf(column, Bind::Texts(all.to_vec()), all.len());
    let names = |column, role, names: &Option<Names>| match names {
        Some(Names::Few(few)) => Some(texts(column, few)),
        Some(Names::Many(patterns)) => Some(Condition::Fits(column, role, patterns.clone())),
        None => None,
    };
    let conditions = [
        id("subject_id", wanted.subject),
        id("actor_id", wanted.actor),
        names("subject_name", Role::Subject, &wanted.objects),
        names("actor_name", Role::Actor, &wanted.people),
        wanted.kinds.as_ref().map(|kinds| texts("kind", kinds)),
    ];
    conditions.into_iter().flatten().collect()
}
