//! Paging by keyset: a page begins after the last row of the one before, so a deep page costs what the first costs.
//!
//! OFFSET would read and drop every row before the page; here the index finds its first row.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chrono::{DateTime, Datelike, Utc};
use diesel::pg::Pg;
use diesel::prelude::*;
use diesel::query_builder::{BoxedSqlQuery, SqlQuery};
use diesel::sql_types::{Array, BigInt, Nullable, Text, Timestamptz, Uuid as SqlUuid};
use diesel_async::RunQueryDsl;
use futures_util::try_join;
use uuid::Uuid;

use super::Conn;

/// Counting rows stops here: counting on would take longer than the page.
pub const COUNT_LIMIT: i64 = 1000;

/// A row's place in an order: the value it is ordered by, as text, and its id.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Cursor {
    pub value: String,
    pub id: Uuid,
}

impl Cursor {
    /// The cursor as it stands in an address.
    pub fn encode(&self) -> String {
        let mut bytes = self.id.as_bytes().to_vec();
        bytes.extend_from_slice(self.value.as_bytes());
        URL_SAFE_NO_PAD.encode(bytes)
    }

    /// Reads a cursor from an address; anything else than what [`Cursor::encode`] made is none.
    pub fn decode(text: &str) -> Option<Cursor> {
        let bytes = URL_SAFE_NO_PAD.decode(text).ok()?;
        let (id, value) = bytes.split_first_chunk::<16>()?;
        let value = String::from_utf8(value.to_vec()).ok().filter(|value| !value.contains('\0'))?;
        Some(Cursor { value, id: Uuid::from_bytes(*id) })
    }
}

/// What the column of an order holds, and so the value of every place in it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Kind {
    Text,
    Number,
    Time,
}

impl Kind {
    /// The PostgreSQL type that a cursor's text is cast to.
    fn sql_type(self) -> &'static str {
        match self {
            Kind::Text => "text",
            Kind::Number => "bigint",
            Kind::Time => "timestamptz",
        }
    }

    /// Whether PostgreSQL can read the text: addresses are typed and cut, and no fault of the program.
    pub fn reads(self, text: &str) -> bool {
        match self {
            Kind::Text => true,
            Kind::Number => text.parse::<i64>().is_ok(),
            Kind::Time => DateTime::parse_from_rfc3339(text)
                .is_ok_and(|time| time.offset().local_minus_utc() == 0 && time.year() > 0),
        }
    }
}

/// Where a page stands in its order.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Position {
    First,
    After(Cursor),
    Before(Cursor),
    Last,
}

impl Position {
    pub fn cursor(&self) -> Option<&Cursor> {
        match self {
            Position::After(cursor) | Position::Before(cursor) => Some(cursor),
            Position::First | Position::Last => None,
        }
    }

    /// Whether the rows must be read from the end towards the beginning.
    pub fn is_backward(&self) -> bool {
        matches!(self, Position::Before(_) | Position::Last)
    }
}

/// An order of a table with a place in it, as SQL. All parts are the program's own words, never a visitor's.
pub struct Keyset<'a> {
    pub column: &'static str,
    pub kind: Kind,
    pub descending: bool,
    pub position: &'a Position,
}

impl Keyset<'_> {
    /// `ORDER BY` in reading direction, total because it ends in the id.
    pub fn order(&self) -> String {
        let direction = if self.reads_downwards() { "DESC" } else { "ASC" };
        format!("{} {direction}, id {direction}", self.column)
    }

    /// The condition that skips to the place, with the cursor's value and id as binds `first` and `first + 1`.
    pub fn condition(&self, first: usize) -> Option<String> {
        self.position.cursor()?;
        let sign = if self.reads_downwards() { '<' } else { '>' };
        Some(format!("({}, id) {sign} (${first}::{}, ${})", self.column, self.kind.sql_type(), first + 1))
    }

    /// Adds the values of [`Keyset::condition`] to those of a statement.
    pub fn bind<'a>(&self, statement: BoxedSqlQuery<'a, Pg, SqlQuery>) -> BoxedSqlQuery<'a, Pg, SqlQuery> {
        match self.position.cursor() {
            Some(cursor) => statement.bind::<Text, _>(cursor.value.clone()).bind::<SqlUuid, _>(cursor.id),
            None => statement,
        }
    }

    fn reads_downwards(&self) -> bool {
        self.descending != self.position.is_backward()
    }
}

/// One page of rows in display order.
pub struct Slice<T> {
    pub rows: Vec<T>,
    /// There are rows beyond, in the direction of reading.
    pub more: bool,
}

impl<T> Slice<T> {
    /// From one row more than the page holds, in reading direction.
    pub fn new(mut rows: Vec<T>, size: usize, position: &Position) -> Slice<T> {
        let more = rows.len() > size;
        rows.truncate(size);
        if position.is_backward() {
            rows.reverse();
        }
        Slice { rows, more }
    }
}

/// A value of a statement that is written as text.
pub enum Bind {
    Text(String),
    Texts(Vec<String>),
    Id(Option<Uuid>),
    Ids(Vec<Uuid>),
    Time(DateTime<Utc>),
}

impl From<&str> for Bind {
    fn from(text: &str) -> Bind {
        Bind::Text(text.into())
    }
}

/// A statement with its values, `$1` first.
pub fn bound<'a>(sql: String, binds: &[Bind]) -> BoxedSqlQuery<'a, Pg, SqlQuery> {
    binds.iter().fold(diesel::sql_query(sql).into_boxed::<Pg>(), |statement, bind| match bind {
        Bind::Text(text) => statement.bind::<Text, _>(text.clone()),
        Bind::Texts(texts) => statement.bind::<Array<Text>, _>(texts.clone()),
        Bind::Id(id) => statement.bind::<Nullable<SqlUuid>, _>(*id),
        Bind::Ids(ids) => statement.bind::<Array<SqlUuid>, _>(ids.clone()),
        Bind::Time(time) => statement.bind::<Timestamptz, _>(*time),
    })
}

/// Every row of a list, in no order.
#[derive(Default)]
pub struct Select<'a> {
    /// Common table expressions that `rows` names; empty if there are none.
    pub with: &'a str,
    /// A SELECT whose columns are those of the row and of its order, with an `id`.
    pub rows: &'a str,
    /// A SELECT of as many rows that is easier to count; empty if there is none.
    pub counted: &'a str,
    pub binds: &'a [Bind],
}

#[derive(QueryableByName)]
struct Count {
    #[diesel(sql_type = BigInt)]
    n: i64,
}

impl Select<'_> {
    /// At most `limit` rows in an order.
    pub fn query<'q>(&self, keyset: &Keyset<'_>, limit: usize) -> BoxedSqlQuery<'q, Pg, SqlQuery> {
        let Select { with, rows, binds, .. } = self;
        let skip = keyset.condition(binds.len() + 1).map_or(String::new(), |condition| format!(" WHERE {condition}"));
        let sql = format!("{with} SELECT * FROM ({rows}) AS rows{skip} ORDER BY {} LIMIT {limit}", keyset.order());
        keyset.bind(bound(sql, binds))
    }

    /// One page of the rows in an order, and how many rows there are: counted to one more than [`COUNT_LIMIT`].
    pub async fn page<R>(&self, conn: &Conn, keyset: &Keyset<'_>, size: usize) -> QueryResult<(Slice<R>, i64)>
    where
        R: QueryableByName<Pg> + Send + 'static,
    {
        let Select { with, rows, counted, binds } = self;
        let page = self.query(keyset, size + 1);
        let counted = if counted.is_empty() { rows } else { counted };
        let count = format!(
            "{with} SELECT count(*) AS n FROM (SELECT FROM ({counted}) AS rows LIMIT {}) AS counted",
            COUNT_LIMIT + 1
        );
        let count = bound(count, binds);
        let (mut one, mut other) = (conn, conn);
        let (rows, count) = try_join!(page.load::<R>(&mut one), count.get_result::<Count>(&mut other))?;
        Ok((Slice::new(rows, size, keyset.position), count.n))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cursor_survives_the_address_and_rubbish_is_none() {
        let cursor = Cursor { value: "Ärzte & Co".into(), id: Uuid::from_u128(7) };
        assert_eq!(Cursor::decode(&cursor.encode()), Some(cursor));
        for rubbish in ["", "x", "!!!!", "AAAA"] {
            assert_eq!(Cursor::decode(rubbish), None);
        }
    }

    #[test]
    fn a_place_fits_what_its_column_holds() {
        let time = DateTime::UNIX_EPOCH.to_rfc3339();
        assert!(Kind::Text.reads("any") && Kind::Number.reads("-7") && Kind::Time.reads(&time));
        for rubbish in ["", "evil", "7 OR 1", "99999999999999999999"] {
            assert!(!Kind::Number.reads(rubbish), "{rubbish}");
        }
        for rubbish in ["", "evil", "infinity", "0000-01-01T00:00:00Z", "2026-01-01T00:00:00+23:00"] {
            assert!(!Kind::Time.reads(rubbish), "{rubbish}");
        }
    }

    #[test]
    fn the_page_before_is_read_backwards() {
        let position = Position::Before(Cursor { value: "m".into(), id: Uuid::nil() });
        let keyset = Keyset { column: "label", kind: Kind::Text, descending: false, position: &position };
        assert_eq!(keyset.order(), "label DESC, id DESC");
        assert_eq!(keyset.condition(3).unwrap(), "(label, id) < ($3::text, $4)");
        let slice = Slice::new(vec!["l", "k", "j"], 2, &position);
        assert_eq!((slice.rows, slice.more), (vec!["k", "l"], true));
    }
}
