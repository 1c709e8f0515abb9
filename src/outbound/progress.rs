//! How far a streamed body has got, told from the task that writes it to the one that waits for the
//! answer.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

/// Where the body of a request is.
pub(super) struct Progress(Mutex<State>);

#[derive(Clone, Copy)]
pub(super) struct State {
    pub(super) is_finished: bool,
    /// Whether the next piece is what is waited for, and not the server that is to take the last one.
    pub(super) is_waiting: bool,
    /// When something last moved.
    pub(super) since: Instant,
}

impl Default for Progress {
    fn default() -> Self {
        Self(Mutex::new(State { is_finished: false, is_waiting: false, since: Instant::now() }))
    }
}

impl Progress {
    /// The caller has no piece ready.
    pub(super) fn wait(&self) {
        self.change(|state| {
            if !state.is_waiting {
                state.is_waiting = true;
                state.since = Instant::now();
            }
        });
    }

    /// A piece was taken.
    pub(super) fn advance(&self) {
        self.change(|state| {
            state.is_waiting = false;
            state.since = Instant::now();
        });
    }

    /// The last piece was taken.
    pub(super) fn finish(&self) {
        self.change(|state| {
            state.is_finished = true;
            state.since = Instant::now();
        });
    }

    pub(super) fn state(&self) -> State {
        let state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        *state
    }

    fn change(&self, change: impl FnOnce(&mut State)) {
        change(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner));
    }
}

impl State {
    /// When waiting for the answer's head ends, as far as is known now.
    pub(super) fn deadline(self, total: Duration, idle: Duration) -> Instant {
        self.since + if self.is_finished { total } else { idle }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn time_counts_from_the_last_movement() {
        let (total, idle) = (Duration::from_secs(30), Duration::from_secs(5));
        let progress = Progress::default();
        let start = progress.state();
        assert_eq!(start.deadline(total, idle), start.since + idle);
        progress.wait();
        let waiting = progress.state();
        assert!(waiting.is_waiting && waiting.since >= start.since);
        progress.wait();
        let again = progress.state();
        assert_eq!(again.since, waiting.since, "asking again is no movement");
        progress.advance();
        assert!(!progress.state().is_waiting);
        progress.finish();
        let end = progress.state();
        assert!(end.is_finished);
        assert_eq!(end.deadline(total, idle), end.since + total);
    }
}
