//! What is costly to prepare, cached for equal settings.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

/// At most `most` entries, each for at most `oldest`; the one used longest ago makes room.
pub(super) struct Cache<T> {
    /// When each was added, the one used last at the end.
    entries: Mutex<VecDeque<(Instant, Arc<T>)>>,
    most: usize,
    oldest: Duration,
}

impl<T> Cache<T> {
    pub(super) fn new(most: usize, oldest: Duration) -> Self {
        Self { entries: Mutex::default(), most, oldest }
    }

    /// The entry that fits, unless it is too old.
    pub(super) fn find(&self, fits: impl Fn(&T) -> bool) -> Option<Arc<T>> {
        let mut entries = self.lock();
        let found = entries.iter().rposition(|(_, entry)| fits(entry))?;
        let (added, entry) = entries.remove(found).filter(|(added, _)| added.elapsed() < self.oldest)?;
        entries.push_back((added, Arc::clone(&entry)));
        Some(entry)
    }

    pub(super) fn add(&self, entry: T) -> Arc<T> {
        let entry = Arc::new(entry);
        let mut entries = self.lock();
        while entries.len() >= self.most {
            entries.pop_front();
        }
        entries.push_back((Instant::now(), Arc::clone(&entry)));
        entry
    }

    /// A panic elsewhere leaves the list whole: each change to it is one step.
    fn lock(&self) -> MutexGuard<'_, VecDeque<(Instant, Arc<T>)>> {
        self.entries.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_so_many_are_cached_for_a_time_and_the_last_used_stay() {
        let cache = Cache::new(3, Duration::from_secs(60));
        for number in 1..=5 {
            cache.add(number);
            assert!(cache.find(|&other| other == 1).is_some());
        }
        let cached = (1..=5).filter(|number| cache.find(|other| other == number).is_some());
        assert_eq!(cached.collect::<Vec<_>>(), [1, 4, 5]);

        let short = Cache::new(3, Duration::ZERO);
        short.add(1);
        assert!(short.find(|_| true).is_none());
    }
}
