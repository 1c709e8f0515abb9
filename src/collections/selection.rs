//! Which records a list has, as SQL.
//!
//! Danger: a list that is neither in the order of an index nor narrowed by one reads the whole collection, so there is
//! none. But among values that sort alike, such as texts that differ in case only, an equal one is searched record by
//! record.

use crate::connectors::ConnectorId;
use crate::db::keyset::Bind;

/// Which records of a collection, and by what they are ordered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Selection {
    /// All, by a time.
    All,
    /// By the value of this member.
    By(String),
    /// Those whose member is equal to this JSON value.
    Equal { member: String, value: String },
    /// Those whose member is a text that begins with this, without regard to case.
    Beginning { member: String, text: String },
}

/// The columns of a record, but for its id.
pub(super) const COLUMNS: &str =
    "r.data::text AS data, r.version, r.created_at, r.created_by, r.updated_at, r.updated_by";

/// Whether a member begins with the third bind.
const BEGINNING: &str = "m.sort_key >= record_sort_key(to_jsonb($3::text)) AND m.sort_key < record_sort_key(to_jsonb($3::text)) || chr(1114111)";

impl Selection {
    /// The member by whose values the records are in order.
    pub fn member(&self) -> Option<&str> {
        match self {
            Selection::All => None,
            Selection::By(member) | Selection::Equal { member, .. } | Selection::Beginning { member, .. } => {
                Some(member)
            }
        }
    }

    /// The SELECT of all rows, with the collection as the first bind. Where it is not [`Selection::All`], only the
    /// column `sort_key` has an index.
    pub fn select(&self, collection: ConnectorId) -> (String, Vec<Bind>) {
        // OFFSET keeps the planner from reading all records first, which it takes for cheap where many are equal.
        let by_member = |condition: &str| {
            format!(
                "SELECT m.record_id AS id, {COLUMNS}, m.sort_key FROM record_members m
                CROSS JOIN LATERAL (SELECT * FROM records WHERE collection_id = m.collection_id AND id = m.record_id OFFSET 0) r
                WHERE m.collection_id = $1 AND m.member = $2{condition}"
            )
        };
        let id = Bind::Id(Some(collection));
        match self {
            Selection::All => {
                (format!("SELECT r.id, {COLUMNS}, '' AS sort_key FROM records r WHERE r.collection_id = $1"), vec![id])
            }
            Selection::By(member) => (by_member(""), vec![id, member.as_str().into()]),
            Selection::Equal { member, value } => (
                by_member(" AND m.sort_key = record_sort_key($3::jsonb) AND r.data -> $2 = $3::jsonb"),
                vec![id, member.as_str().into(), value.as_str().into()],
            ),
            Selection::Beginning { member, text } => {
                (by_member(&format!(" AND {BEGINNING}")), vec![id, member.as_str().into(), text.as_str().into()])
            }
        }
    }

    /// A SELECT of as many rows with the same binds, which reads no records; empty if there is none.
    pub fn counted(&self) -> String {
        let of_member = "SELECT FROM record_members m WHERE m.collection_id = $1 AND m.member = $2";
        match self {
            Selection::By(_) => of_member.to_owned(),
            Selection::Beginning { .. } => format!("{of_member} AND {BEGINNING}"),
            // What sorts alike need not be equal.
            Selection::All | Selection::Equal { .. } => String::new(),
        }
    }
}
