//! The renewals that run in this process: one for each version of a connector's token, which all who need it wait for.
//!
//! Rule: a renewal leaves the list when it ends, however it ends. One that stayed after a panic would answer for ever.

use std::collections::HashMap;
use std::future::Future;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};
use std::time::{Duration, Instant};

use futures_util::future::{BoxFuture, FutureExt, Shared};
use tokio::runtime::Handle;

use super::{TokenProblem, interrupted};
use crate::connectors::ConnectorId;

/// A renewal in progress; every clone gets its outcome.
pub(super) type Flight = Shared<BoxFuture<'static, Result<(), TokenProblem>>>;

/// What is renewed: who joins wants another token than this version.
pub(super) type FlightKey = (ConnectorId, i64);

/// The list. Clones share it.
#[derive(Clone, Default)]
pub(super) struct Flights(Arc<Mutex<HashMap<FlightKey, Running>>>);

#[derive(Clone)]
struct Running {
    flight: Flight,
    elsewhere: Elsewhere,
}

/// Is told that the token of this version and those before it are replaced.
type Hearer = Box<dyn Fn(ConnectorId, i64) + Send + Sync>;

/// Those who are told of replaced tokens.
#[derive(Default)]
pub(super) struct Hearers(RwLock<Vec<Hearer>>);

impl Hearers {
    pub fn add(&self, hear: Hearer) {
        let mut hearers = self.0.write().unwrap_or_else(PoisonError::into_inner);
        hearers.push(hear);
    }

    pub fn tell(&self, connector: ConnectorId, version: i64) {
        let hearers = self.0.read().unwrap_or_else(PoisonError::into_inner);
        hearers.iter().for_each(|hear| hear(connector, version));
    }
}

/// A renewal that runs.
#[derive(Clone, Copy, Debug)]
pub struct Renewal {
    /// Another instance asks.
    pub is_elsewhere: bool,
    /// When it is worth trying again.
    pub retry_after: Duration,
}

/// Set while another instance renews: when this one will have taken over, if the other one has died.
#[derive(Clone, Default)]
pub(super) struct Elsewhere(Arc<Mutex<Option<Instant>>>);

impl Elsewhere {
    pub fn set(&self, until: Option<Duration>) {
        let mut elsewhere = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        *elsewhere = until.map(|until| Instant::now() + until);
    }

    fn left(&self) -> Option<Duration> {
        let elsewhere = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        elsewhere.map(|until| until.saturating_duration_since(Instant::now()))
    }
}

impl Flights {
    /// The renewal of this token: the one that runs, or a new one, which goes on when nobody waits for it any more.
    pub(super) fn join<F>(&self, runtime: &Handle, key: FlightKey, begin: impl FnOnce(Elsewhere) -> F) -> Flight
    where
        F: Future<Output = Result<(), TokenProblem>> + Send + 'static,
    {
        // Held while the work begins, so that it cannot land before it is in the list.
        let mut running = self.lock();
        if let Some(running) = running.get(&key) {
            return running.flight.clone();
        }
        let elsewhere = Elsewhere::default();
        let landing = Landing { flights: self.clone(), key };
        let renewal = begin(elsewhere.clone());
        let work = runtime.spawn(async move {
            let _landing = landing;
            renewal.await
        });
        let flight = async move { work.await.unwrap_or_else(|_| Err(interrupted())) };
        let flight = flight.boxed().shared();
        let beginning = Running { flight: flight.clone(), elsewhere };
        running.insert(key, beginning);
        flight
    }

    pub(super) fn all(&self) -> Vec<Flight> {
        let running = self.lock();
        running.values().map(|one| one.flight.clone()).collect()
    }

    /// The renewal of this connector's token, if one runs.
    pub(super) fn renewal(&self, connector: ConnectorId) -> Option<Renewal> {
        let running = self.lock();
        let mut own = running.iter().filter(|((of, _), _)| *of == connector);
        let left = own.next()?.1.elsewhere.left();
        // Whole seconds, as headers have them.
        let second = Duration::from_secs(1);
        let rounded = |left: Duration| Duration::from_secs(left.as_secs()) + second;
        Some(Renewal { is_elsewhere: left.is_some(), retry_after: left.map_or(second * 5, rounded) })
    }

    /// A panic elsewhere leaves the map whole: each change to it is one step.
    fn lock(&self) -> MutexGuard<'_, HashMap<FlightKey, Running>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Takes the renewal out of the list when dropped; who comes later begins another.
struct Landing {
    flights: Flights,
    key: FlightKey,
}

impl Drop for Landing {
    fn drop(&mut self) {
        self.flights.lock().remove(&self.key);
    }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    #[tokio::test]
    async fn a_renewal_that_panics_is_not_joined_for_ever() {
        let (flights, runtime) = (Flights::default(), Handle::current());
        let key = (Uuid::nil(), 1);
        let broken = flights.join(&runtime, key, |_| async { panic!("a fault of the program") });
        assert!(matches!(broken.await, Err(TokenProblem::Fault(_))));
        assert!(flights.all().is_empty());
        let next = flights.join(&runtime, key, |_| async { Ok(()) });
        assert!(next.await.is_ok());
    }

    #[tokio::test]
    async fn who_wants_the_same_token_replaced_shares_one_renewal() {
        let (flights, runtime) = (Flights::default(), Handle::current());
        let (go, told) = tokio::sync::oneshot::channel::<()>();
        let begin = |_| async {
            told.await.map_err(|_| interrupted())?;
            Err(TokenProblem::Ended)
        };
        let first = flights.join(&runtime, (Uuid::nil(), 1), begin);
        let second = flights.join(&runtime, (Uuid::nil(), 1), |_| async { Ok(()) });
        let of_the_next = flights.join(&runtime, (Uuid::nil(), 2), |_| async { Ok(()) });
        assert!(of_the_next.await.is_ok());
        go.send(()).expect("the renewal waits");
        for flight in [first, second] {
            assert!(matches!(flight.await, Err(TokenProblem::Ended)));
        }
    }
}
