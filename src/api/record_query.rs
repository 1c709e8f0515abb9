//! The query of a list of records: which records, in which order, and from where on.
//!
//! Rule: what is not known is refused. A filter that is misspelled and ignored would give all records.

use super::problem::{MALFORMED, Problem};
use crate::collections::Selection;
use crate::collections::records::Record;
use crate::collections::scalar;
use crate::db::keyset::{Cursor, Keyset, Kind, Position};

/// Records on a page unless the query says how many, and at most.
const LIMIT: usize = 25;
const MAX_LIMIT: usize = 100;

/// The longest beginning of a text, in characters: no more of it is in the index.
const MAX_PREFIX: usize = 200;

/// What a query asks for.
pub(super) struct RecordQuery {
    pub selection: Selection,
    pub limit: usize,
    column: &'static str,
    kind: Kind,
    descending: bool,
    position: Position,
    /// The order as the query says it. It is in cursors, which do not fit another order.
    sort: String,
    /// The parameters without the cursor.
    rest: String,
}

/// The parameters as they are typed.
#[derive(Default)]
struct Typed {
    limit: Option<String>,
    after: Option<String>,
    sort: Option<String>,
    /// The only filter.
    selection: Option<Selection>,
    rest: String,
}

impl RecordQuery {
    /// Reads a query for a collection with these members to sort and filter by.
    pub fn parse(query: &str, members: &[String]) -> Result<RecordQuery, Problem> {
        let typed = Typed::read(query, members)?;
        let filtered = typed.selection.as_ref().and_then(Selection::member);
        let sort = typed.sort.as_deref().or(filtered).unwrap_or("created").to_owned();
        let (name, descending) = match sort.strip_prefix('-') {
            Some(name) if !members.contains(&sort) => (name, true),
            _ => (sort.as_str(), false),
        };
        let (selection, column, kind) = match (typed.selection, name) {
            (Some(selection), name) if selection.member() == Some(name) => (selection, "sort_key", Kind::Text),
            (Some(_), _) => return Err(malformed("Filtered records are sorted by the member of the filter.".into())),
            (None, "created") => (Selection::All, "created_at", Kind::Time),
            (None, "modified") => (Selection::All, "updated_at", Kind::Time),
            (None, name) if members.iter().any(|member| member == name) => {
                (Selection::By(name.to_owned()), "sort_key", Kind::Text)
            }
            _ => {
                return Err(malformed(format!(
                    "“sort” is created, modified or {}, with a minus sign before it for descending order.",
                    listed(members)
                )));
            }
        };
        let position = typed.after.map_or(Ok(Position::First), |after| {
            position(&after, &sort, kind).ok_or_else(|| {
                malformed("“after” is not one that came in “next” of a list with the same order.".into())
            })
        })?;
        let limit = typed.limit.map_or(Ok(LIMIT), |limit| {
            let limit = limit.parse().ok().filter(|limit| (1..=MAX_LIMIT).contains(limit));
            limit.ok_or_else(|| malformed(format!("“limit” is a number from 1 to {MAX_LIMIT}.")))
        })?;
        Ok(RecordQuery { selection, limit, column, kind, descending, position, sort, rest: typed.rest })
    }

    pub fn keyset(&self) -> Keyset<'_> {
        Keyset { column: self.column, kind: self.kind, descending: self.descending, position: &self.position }
    }

    /// The query of the page after the one that ends with this record.
    pub fn next(&self, last: &Record) -> String {
        let value = match self.column {
            "created_at" => last.created_at.to_rfc3339(),
            "updated_at" => last.updated_at.to_rfc3339(),
            _ => last.sort_key.clone(),
        };
        let after = Cursor { value: format!("{} {value}", self.sort), id: last.id }.encode();
        form_urlencoded::Serializer::new(self.rest.clone()).append_pair("after", &after).finish()
    }
}

impl Typed {
    fn read(query: &str, members: &[String]) -> Result<Typed, Problem> {
        let mut typed = Typed::default();
        let mut rest = form_urlencoded::Serializer::new(String::new());
        for (name, value) in form_urlencoded::parse(query.as_bytes()) {
            if value.contains('\0') {
                return Err(malformed("A value has the character U+0000.".into()));
            }
            let value = value.into_owned();
            let is_repeated = match &*name {
                "limit" => typed.limit.replace(value.clone()).is_some(),
                "after" => typed.after.replace(value.clone()).is_some(),
                "sort" => typed.sort.replace(value.clone()).is_some(),
                name => typed.selection.replace(selection(name, &value, members)?).is_some(),
            };
            if is_repeated {
                return Err(malformed("A list has one filter at most, and every other parameter once.".into()));
            }
            if name != "after" {
                rest.append_pair(&name, &value);
            }
        }
        typed.rest = rest.finish();
        Ok(typed)
    }
}

/// The records that a parameter of this name leaves.
fn selection(name: &str, value: &str, members: &[String]) -> Result<Selection, Problem> {
    let of_member = |prefix: &str| name.strip_prefix(prefix).filter(|name| members.iter().any(|member| member == name));
    if let Some(member) = of_member("filter.") {
        let value = scalar(value)
            .ok_or_else(|| malformed("A filter is a JSON text, number, true, false or null, or a bare text.".into()))?;
        return Ok(Selection::Equal { member: member.to_owned(), value });
    }
    if let Some(member) = of_member("prefix.") {
        if value.chars().count() > MAX_PREFIX {
            return Err(malformed(format!("A prefix has at most {MAX_PREFIX} characters.")));
        }
        return Ok(Selection::Beginning { member: member.to_owned(), text: value.to_owned() });
    }
    Err(malformed(format!(
        "The query has a parameter that does not exist. There are limit, after, sort, and filter.… and prefix.… with {}.",
        listed(members)
    )))
}

fn position(after: &str, sort: &str, kind: Kind) -> Option<Position> {
    let Cursor { value, id } = Cursor::decode(after)?;
    let value = value.strip_prefix(sort)?.strip_prefix(' ')?.to_owned();
    kind.reads(&value).then_some(Position::After(Cursor { value, id }))
}

/// The members by which this collection can be sorted and filtered, for a sentence.
fn listed(members: &[String]) -> String {
    if members.is_empty() {
        return "a member that the collection names for it; it names none".into();
    }
    let names: Vec<String> = members.iter().map(|member| format!("“{member}”")).collect();
    format!("one of the members {}", names.join(", "))
}

fn malformed(detail: String) -> Problem {
    MALFORMED.because(detail).into()
}
