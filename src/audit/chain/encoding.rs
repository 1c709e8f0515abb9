//! What is hashed of a line: every field behind its length, so that no two lines give the same bytes.
//!
//! Rule: an encoding that has once been used is never changed. Another one gets another number, which stands in each link.

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use serde_json::Value;
use sha2::{Digest, Sha256};
use uuid::Uuid;

use super::anchor::{Anchor, HASH_LEN};
use crate::db::schema::audit_events;

/// The number of this encoding.
pub(super) const FORMAT: i16 = 1;

/// What every hashed text begins with.
const PURPOSE: &[u8] = b"connectory audit line 1";

/// A line with all that is stored of it.
#[derive(Clone, Queryable, Selectable)]
#[diesel(table_name = audit_events)]
pub(super) struct Record {
    pub id: Uuid,
    pub at: DateTime<Utc>,
    pub actor_id: Option<Uuid>,
    pub actor_name: String,
    pub address: String,
    pub request_id: String,
    pub kind: String,
    pub subject_id: Option<Uuid>,
    pub subject_name: String,
    pub changes: Value,
}

impl Record {
    /// The anchor of this line behind the one before it.
    pub fn link(&self, previous: &Anchor) -> Anchor {
        let seq = previous.seq + 1;
        Anchor {
            seq,
            hash: self.hash(seq, &previous.hash),
        }
    }

    fn hash(&self, seq: i64, previous: &[u8]) -> [u8; HASH_LEN] {
        let mut text = Hashed(Sha256::new());
        text.field(PURPOSE);
        text.field(&seq.to_be_bytes());
        text.field(previous);
        text.field(self.id.as_bytes());
        text.field(&self.at.timestamp_micros().to_be_bytes());
        text.optional(self.actor_id);
        text.field(self.actor_name.as_bytes());
        text.field(self.address.as_bytes());
        text.field(self.request_id.as_bytes());
        text.field(self.kind.as_bytes());
        text.optional(self.subject_id);
        text.field(self.subject_name.as_bytes());
        let mut changes = String::new();
        canonical(&self.changes, &mut changes);
        text.field(changes.as_bytes());
        text.0.finalize().into()
    }
}

struct Hashed(Sha256);

impl Hashed {
    /// The length, 8 bytes big-endian, and the bytes.
    fn field(&mut self, bytes: &[u8]) {
        self.0.update((bytes.len() as u64).to_be_bytes());
        self.0.update(bytes);
    }

    /// Sixteen bytes, or none.
    fn optional(&mut self, id: Option<Uuid>) {
        self.field(id.as_ref().map_or(&[], |id| id.as_bytes()));
    }
}

/// JSON without white space, the members of objects in the order of their names' bytes.
fn canonical(value: &Value, out: &mut String) {
    match value {
        Value::Array(items) => {
            out.push('[');
            for (at, item) in items.iter().enumerate() {
                if at > 0 {
                    out.push(',');
                }
                canonical(item, out);
            }
            out.push(']');
        }
        Value::Object(members) => {
            let mut members: Vec<_> = members.iter().collect();
            members.sort_by_key(|(name, _)| *name);
            out.push('{');
            for (at, (name, value)) in members.into_iter().enumerate() {
                if at > 0 {
                    out.push(',');
                }
                out.push_str(&Value::from(name.as_str()).to_string());
                out.push(':');
                canonical(value, out);
            }
            out.push('}');
        }
        scalar => out.push_str(&scalar.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use chrono::TimeDelta;
    use serde_json::json;

    use super::*;

    fn record() -> Record {
        Record {
            id: Uuid::from_u128(1),
            at: DateTime::UNIX_EPOCH + TimeDelta::microseconds(1_795_000_000_123_456),
            actor_id: Some(Uuid::from_u128(2)),
            actor_name: "Ana".into(),
            address: "192.0.2.7".into(),
            request_id: "r".into(),
            kind: "connector.saved".into(),
            subject_id: None,
            subject_name: "Payroll".into(),
            changes: json!([{ "to": "ü\"", "field": "Name", "from": "" }]),
        }
    }

    #[test]
    fn the_encoding_never_changes() {
        let anchor = record().link(&Anchor::START);
        assert_eq!(anchor.to_string(), EXPECTED);
    }

    /// Made apart from this program, from what docs/operations.md says of the hash.
    const EXPECTED: &str = "1:5f6b24f7181287dbcc89b3ece672d9e977cfae9dbc09dde6a31ea5f27822d8df";

    #[test]
    fn any_field_that_is_another_gives_another_hash() {
        let changes: [fn(&mut Record); 11] = [
            |record| record.id = Uuid::from_u128(9),
            |record| record.at += TimeDelta::microseconds(1),
            |record| record.actor_id = None,
            |record| record.actor_name.push('x'),
            |record| record.address.push('x'),
            |record| record.request_id.push('x'),
            |record| record.kind.push('x'),
            |record| record.subject_id = Some(Uuid::nil()),
            |record| record.subject_name.clear(),
            |record| record.changes = json!([]),
            |record| {
                // The same letters, divided otherwise.
                (record.actor_name, record.address) = ("Ana1".into(), "92.0.2.7".into());
            },
        ];
        let hash = record().link(&Anchor::START).hash;
        for (number, change) in changes.iter().enumerate() {
            let mut other = record();
            change(&mut other);
            assert_ne!(
                other.link(&Anchor::START).hash,
                hash,
                "change {number} is not seen"
            );
        }
        let later = Anchor {
            seq: 1,
            ..Anchor::START
        };
        assert_ne!(record().link(&later).hash, hash, "the number counts");
        let other = Anchor {
            hash: [1; HASH_LEN],
            ..Anchor::START
        };
        assert_ne!(record().link(&other).hash, hash, "the hash before counts");
    }

    #[test]
    fn the_order_of_members_does_not_count_and_that_of_items_does() {
        let text = |value: Value| {
            let mut out = String::new();
            canonical(&value, &mut out);
            out
        };
        assert_eq!(
            text(json!({ "b": [1, null, true], "a": { "d": "\n", "c": 2 } })),
            r#"{"a":{"c":2,"d":"\n"},"b":[1,null,true]}"#
        );
        assert_ne!(text(json!([1, 2])), text(json!([2, 1])));
    }
}
