//! The token refreshes in flight in this process: one for each version of a connector's token, shared by all who wait.
//!
//! Rule: a refresh leaves the list when it ends, however it ends. One that stayed after a panic would answer for ever.

use std::collections::HashMap;
use std::future::Future;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};
use std::time::{Duration, Instant};

use futures_util::future::{BoxFuture, FutureExt, Shared};
use tokio::runtime::Handle;

use super::{TokenProblem, interrupted};
use crate::connectors::ConnectorId;

/// A refresh in flight; every clone gets its outcome.
pub(super) type Refresh = Shared<BoxFuture<'static, Result<(), TokenProblem>>>;

/// The connector and the version of the token that is to be replaced.
pub(super) type RefreshKey = (ConnectorId, i64);

/// The refreshes in flight. Clones share them.
#[derive(Clone, Default)]
pub(super) struct InFlight(Arc<Mutex<HashMap<RefreshKey, Running>>>);

#[derive(Clone)]
struct Running {
    refresh: Refresh,
    other_instance: OtherInstance,
}

/// Called with a connector and the version up to which its tokens were replaced.
type Listener = Box<dyn Fn(ConnectorId, i64) + Send + Sync>;

/// The listeners to replaced tokens.
#[derive(Default)]
pub(super) struct Listeners(RwLock<Vec<Listener>>);

impl Listeners {
    pub fn add(&self, listener: Listener) {
        let mut listeners = self.0.write().unwrap_or_else(PoisonError::into_inner);
        listeners.push(listener);
    }

    pub fn notify(&self, connector: ConnectorId, version: i64) {
        let listeners = self.0.read().unwrap_or_else(PoisonError::into_inner);
        listeners.iter().for_each(|listener| listener(connector, version));
    }
}

/// A refresh that runs.
#[derive(Clone, Copy, Debug)]
pub struct Renewal {
    /// Another instance sends the request.
    pub is_elsewhere: bool,
    /// How long to wait before trying again.
    pub retry_after: Duration,
}

/// Set while another instance refreshes: when this one will have taken over, if the other one has died.
#[derive(Clone, Default)]
pub(super) struct OtherInstance(Arc<Mutex<Option<Instant>>>);

impl OtherInstance {
    pub fn set(&self, until: Option<Duration>) {
        let mut expected = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        *expected = until.map(|until| Instant::now() + until);
    }

    fn left(&self) -> Option<Duration> {
        let expected = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        expected.map(|until| until.saturating_duration_since(Instant::now()))
    }
}

impl InFlight {
    /// The refresh of this token: the one that runs, or a new one, which goes on when its waiters have gone.
    pub(super) fn join<F>(&self, runtime: &Handle, key: RefreshKey, start: impl FnOnce(OtherInstance) -> F) -> Refresh
    where
        F: Future<Output = Result<(), TokenProblem>> + Send + 'static,
    {
        // Locked while the work starts, so that it cannot end before it is in the list.
        let mut running = self.lock();
        if let Some(running) = running.get(&key) {
            return running.refresh.clone();
        }
        let other_instance = OtherInstance::default();
        let entry = RemoveOnDrop { in_flight: self.clone(), key };
        let work = start(other_instance.clone());
        let work = runtime.spawn(async move {
            let _entry = entry;
            work.await
        });
        let refresh = async move { work.await.unwrap_or_else(|_| Err(interrupted())) };
        let refresh = refresh.boxed().shared();
        running.insert(key, Running { refresh: refresh.clone(), other_instance });
        refresh
    }

    pub(super) fn all(&self) -> Vec<Refresh> {
        let running = self.lock();
        running.values().map(|one| one.refresh.clone()).collect()
    }

    /// The refresh of this connector's token, if one runs.
    pub(super) fn renewal(&self, connector: ConnectorId) -> Option<Renewal> {
        let running = self.lock();
        let mut own = running.iter().filter(|((of, _), _)| *of == connector);
        let left = own.next()?.1.other_instance.left();
        // Whole seconds, as headers have them.
        let second = Duration::from_secs(1);
        let rounded = |left: Duration| Duration::from_secs(left.as_secs()) + second;
        Some(Renewal { is_elsewhere: left.is_some(), retry_after: left.map_or(second * 5, rounded) })
    }

    /// A panic elsewhere leaves the map whole: each change to it is one step.
    fn lock(&self) -> MutexGuard<'_, HashMap<RefreshKey, Running>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Takes the refresh out of the list when dropped; who comes later starts another.
struct RemoveOnDrop {
    in_flight: InFlight,
    key: RefreshKey,
}

impl Drop for RemoveOnDrop {
    fn drop(&mut self) {
        self.in_flight.lock().remove(&self.key);
    }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    #[tokio::test]
    async fn a_refresh_that_panics_is_not_joined_for_ever() {
        let (in_flight, runtime) = (InFlight::default(), Handle::current());
        let key = (Uuid::nil(), 1);
        let broken = in_flight.join(&runtime, key, |_| async { panic!("a fault of the program") });
        assert!(matches!(broken.await, Err(TokenProblem::Fault(_))));
        assert!(in_flight.all().is_empty());
        let next = in_flight.join(&runtime, key, |_| async { Ok(()) });
        assert!(next.await.is_ok());
    }

    #[tokio::test]
    async fn requests_to_replace_the_same_token_share_one_refresh() {
        let (in_flight, runtime) = (InFlight::default(), Handle::current());
        let (go, started) = tokio::sync::oneshot::channel::<()>();
        let start = |_| async {
            started.await.map_err(|_| interrupted())?;
            Err(TokenProblem::Ended)
        };
        let first = in_flight.join(&runtime, (Uuid::nil(), 1), start);
        let second = in_flight.join(&runtime, (Uuid::nil(), 1), |_| async { Ok(()) });
        let of_the_next = in_flight.join(&runtime, (Uuid::nil(), 2), |_| async { Ok(()) });
        assert!(of_the_next.await.is_ok());
        go.send(()).expect("the refresh waits");
        for refresh in [first, second] {
            assert!(matches!(refresh.await, Err(TokenProblem::Ended)));
        }
    }
}
