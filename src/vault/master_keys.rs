//! The master key of now, with those that it follows or that will follow it.
//!
//! Rule: one wraps, all of them unwrap. So a program that has both keys of a rotation starts before it, in its midst
//! and after it.

use super::master_key::MasterKey;

/// At least one master key.
pub struct MasterKeys {
    current: MasterKey,
    others: Vec<MasterKey>,
}

impl MasterKeys {
    /// The current key, and others that only unwrap.
    #[must_use]
    pub fn new(current: MasterKey, others: Vec<MasterKey>) -> Self {
        Self { current, others }
    }

    /// A single key, as it is at all times but those of a rotation.
    #[must_use]
    pub fn only(current: MasterKey) -> Self {
        Self::new(current, Vec::new())
    }

    /// The key that wraps.
    #[must_use]
    pub fn current(&self) -> &MasterKey {
        &self.current
    }

    /// Makes `current` the key that wraps; the one of before still unwraps.
    #[must_use]
    pub fn succeeded_by(self, current: MasterKey) -> Self {
        let mut others = self.others;
        others.push(self.current);
        Self { current, others }
    }

    /// The key that wraps, taken out.
    #[must_use]
    pub fn into_current(self) -> MasterKey {
        self.current
    }

    pub(super) fn find(&self, id: &str) -> Option<&MasterKey> {
        self.iter().find(|key| key.id() == id)
    }

    /// The ids of all keys in words: “a”, “a or b”.
    pub(super) fn ids(&self) -> String {
        let ids: Vec<&str> = self.iter().map(MasterKey::id).collect();
        ids.join(" or ")
    }

    fn iter(&self) -> impl Iterator<Item = &MasterKey> {
        std::iter::once(&self.current).chain(&self.others)
    }
}
