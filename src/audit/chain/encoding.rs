//! What is hashed of an entry: every field behind its length, so that no two entries give the same bytes.
//!
//! Rule: an encoding that has once been used is never changed. Another one gets another number, which stands in each
//! link.

use serde_json::Value;
use sha2::{Digest, Sha256};
use uuid::Uuid;

use super::Anchor;
use crate::audit::Record;
use crate::vault::MacKey;

/// Links of earlier versions: SHA-256, which needs no key.
pub(super) const PLAIN: i16 = 1;
/// Links of now: HMAC-SHA-256, with the user name of who did it.
pub(super) const KEYED: i16 = 2;

/// What the text of each format begins with.
const PLAIN_PURPOSE: &[u8] = b"connectory audit line 1";
const KEYED_PURPOSE: &[u8] = b"connectory audit line 2";

/// Stands before a user name, so that an empty one is not the same as none.
const RECORDED: &[u8] = b"=";

impl Record {
    /// The anchor of this entry behind the one before it.
    pub(super) fn link(&self, previous: &Anchor, key: &MacKey) -> Anchor {
        Anchor { seq: previous.seq + 1, hash: key.authenticate(&self.message(previous, true)) }
    }

    /// The same as earlier versions made it. They recorded no user name.
    pub(super) fn plain_link(&self, previous: &Anchor) -> Anchor {
        Anchor { seq: previous.seq + 1, hash: Sha256::digest(self.message(previous, false)).into() }
    }

    fn message(&self, previous: &Anchor, is_keyed: bool) -> Vec<u8> {
        let mut text = Message::default();
        text.field(if is_keyed { KEYED_PURPOSE } else { PLAIN_PURPOSE });
        text.field(&(previous.seq + 1).to_be_bytes());
        text.field(&previous.hash);
        text.field(self.id.as_bytes());
        text.field(&self.at.timestamp_micros().to_be_bytes());
        text.optional(self.actor_id);
        text.field(self.actor_name.as_bytes());
        if is_keyed {
            let username = self.actor_username.as_ref();
            text.field(&username.map_or(vec![], |name| [RECORDED, name.as_bytes()].concat()));
        }
        text.field(self.address.as_bytes());
        text.field(self.request_id.as_bytes());
        text.field(self.kind.as_bytes());
        text.optional(self.subject_id);
        text.field(self.subject_name.as_bytes());
        let mut changes = String::new();
        canonical(&self.changes, &mut changes);
        text.field(changes.as_bytes());
        text.0
    }
}

/// Bytes that are hashed or authenticated.
#[derive(Default)]
pub(super) struct Message(pub Vec<u8>);

impl Message {
    /// The length, 8 bytes big-endian, and the bytes.
    pub fn field(&mut self, bytes: &[u8]) {
        self.0.extend((bytes.len() as u64).to_be_bytes());
        self.0.extend(bytes);
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
    use chrono::{DateTime, TimeDelta};
    use serde_json::json;

    use super::super::HASH_LEN;
    use super::*;
    use crate::vault::{MasterKey, MasterKeys, Vault};

    /// A key of a data key of its own.
    fn key() -> MacKey {
        let master = "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f";
        let master = MasterKey::parse(master).unwrap();
        let keys = [Vault::create_key(&master, 1).unwrap()];
        let vault = Vault::unlock(&MasterKeys::only(master), &keys).unwrap();
        vault.mac_key(1, "audit").unwrap()
    }

    fn record() -> Record {
        Record {
            id: Uuid::from_u128(1),
            at: DateTime::UNIX_EPOCH + TimeDelta::microseconds(1_795_000_000_123_456),
            actor_id: Some(Uuid::from_u128(2)),
            actor_name: "Ana".into(),
            actor_username: Some("ana".into()),
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
        let anchor = record().plain_link(&Anchor::START);
        assert_eq!(anchor.to_string(), EXPECTED);
    }

    /// Made apart from this program, from what docs/operations.md says of the hash.
    const EXPECTED: &str = "1:5f6b24f7181287dbcc89b3ece672d9e977cfae9dbc09dde6a31ea5f27822d8df";

    #[test]
    fn any_field_that_is_another_gives_another_hash() {
        let key = &key();
        let changes: [fn(&mut Record); 14] = [
            |record| record.id = Uuid::from_u128(9),
            |record| record.at += TimeDelta::microseconds(1),
            |record| record.actor_id = None,
            |record| record.actor_name.push('x'),
            |record| record.actor_username = Some("anax".into()),
            |record| record.actor_username = Some(String::new()),
            |record| record.actor_username = None,
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
        let hash = record().link(&Anchor::START, key).hash;
        for (number, change) in changes.iter().enumerate() {
            let mut other = record();
            change(&mut other);
            assert_ne!(other.link(&Anchor::START, key).hash, hash, "change {number} is not seen");
        }
        let later = Anchor { seq: 1, ..Anchor::START };
        assert_ne!(record().link(&later, key).hash, hash, "the number counts");
        let other = Anchor { hash: [1; HASH_LEN], ..Anchor::START };
        assert_ne!(record().link(&other, key).hash, hash, "the hash before counts");
    }

    #[test]
    fn no_user_name_is_not_an_empty_one_and_another_key_gives_another_link() {
        let without = Record { actor_username: None, ..record() };
        let empty = Record { actor_username: Some(String::new()), ..record() };
        let (key, other) = (key(), key());
        let link = |record: &Record, key: &MacKey| record.link(&Anchor::START, key).hash;
        assert_ne!(link(&without, &key), link(&empty, &key));
        assert_ne!(link(&record(), &key), link(&record(), &other));
        assert_ne!(link(&record(), &key), record().plain_link(&Anchor::START).hash);
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
