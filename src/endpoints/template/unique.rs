//! Whether no object of a JSON text has two members of one name: servers disagree on which of them counts.

use std::collections::HashSet;
use std::fmt;

use serde::de::{Deserialize, Deserializer, Error as _, MapAccess, SeqAccess, Visitor};

/// Why not.
pub(super) enum NotUnique {
    Twice(String),
    TooDeep,
}

/// In front of the name in the error, which no error of the parser begins with.
const MARK: &str = "\u{1}";

pub(super) fn check(text: &str) -> Result<(), NotUnique> {
    match serde_json::from_str::<Unique>(text) {
        Ok(Unique) => Ok(()),
        Err(error) => {
            let words = error.to_string();
            let Some(name) = words.strip_prefix(MARK) else {
                // The text was rendered from JSON and is JSON: only its depth can be too much.
                return Err(NotUnique::TooDeep);
            };
            let name = name.rsplit_once(" at line ").map_or(name, |(name, _)| name);
            Err(NotUnique::Twice(name.to_string()))
        }
    }
}

/// Any JSON value without a name that comes twice.
struct Unique;

impl<'de> Deserialize<'de> for Unique {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Unique, D::Error> {
        deserializer.deserialize_any(UniqueVisitor)
    }
}

struct UniqueVisitor;

impl<'de> Visitor<'de> for UniqueVisitor {
    type Value = Unique;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    fn visit_bool<E>(self, _: bool) -> Result<Unique, E> {
        Ok(Unique)
    }

    fn visit_i64<E>(self, _: i64) -> Result<Unique, E> {
        Ok(Unique)
    }

    fn visit_u64<E>(self, _: u64) -> Result<Unique, E> {
        Ok(Unique)
    }

    fn visit_f64<E>(self, _: f64) -> Result<Unique, E> {
        Ok(Unique)
    }

    fn visit_str<E>(self, _: &str) -> Result<Unique, E> {
        Ok(Unique)
    }

    fn visit_unit<E>(self) -> Result<Unique, E> {
        Ok(Unique)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Unique, A::Error> {
        while items.next_element::<Unique>()?.is_some() {}
        Ok(Unique)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Unique, A::Error> {
        let mut seen = HashSet::new();
        while let Some(name) = members.next_key::<String>()? {
            if seen.contains(&name) {
                return Err(A::Error::custom(format!("{MARK}{name}")));
            }
            seen.insert(name);
            members.next_value::<Unique>()?;
        }
        Ok(Unique)
    }
}
