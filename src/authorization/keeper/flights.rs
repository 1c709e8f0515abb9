//! The renewals that run in this process: one for each version of a connector's token, which all who need it wait for.
//!
//! Rule: a renewal leaves the list when it ends, however it ends. One that stayed after a panic would answer for ever.

use std::collections::HashMap;
use std::future::Future;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

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
pub(super) struct Flights(Arc<Mutex<HashMap<FlightKey, Flight>>>);

impl Flights {
    /// The renewal of this token: the one that runs, or a new one, which goes on when nobody waits for it any more.
    pub(super) fn join<F>(
        &self,
        runtime: &Handle,
        key: FlightKey,
        begin: impl FnOnce() -> F,
    ) -> Flight
    where
        F: Future<Output = Result<(), TokenProblem>> + Send + 'static,
    {
        // Held while the work begins, so that it cannot land before it is in the list.
        let mut running = self.lock();
        if let Some(flight) = running.get(&key) {
            return flight.clone();
        }
        let landing = Landing {
            flights: self.clone(),
            key,
        };
        let renewal = begin();
        let work = runtime.spawn(async move {
            let _landing = landing;
            renewal.await
        });
        let flight = async move { work.await.unwrap_or_else(|_| Err(interrupted())) };
        let flight = flight.boxed().shared();
        running.insert(key, flight.clone());
        flight
    }

    pub(super) fn all(&self) -> Vec<Flight> {
        self.lock().values().cloned().collect()
    }

    /// A panic elsewhere leaves the map whole: each change to it is one step.
    fn lock(&self) -> MutexGuard<'_, HashMap<FlightKey, Flight>> {
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
        let broken = flights.join(&runtime, key, || async { panic!("a fault of the program") });
        assert!(matches!(broken.await, Err(TokenProblem::Fault(_))));
        assert!(flights.all().is_empty());
        let next = flights.join(&runtime, key, || async { Ok(()) });
        assert!(next.await.is_ok());
    }

    #[tokio::test]
    async fn who_wants_the_same_token_replaced_shares_one_renewal() {
        let (flights, runtime) = (Flights::default(), Handle::current());
        let (go, told) = tokio::sync::oneshot::channel::<()>();
        let begin = || async {
            told.await.map_err(|_| interrupted())?;
            Err(TokenProblem::Ended)
        };
        let first = flights.join(&runtime, (Uuid::nil(), 1), begin);
        let second = flights.join(&runtime, (Uuid::nil(), 1), || async { Ok(()) });
        let of_the_next = flights.join(&runtime, (Uuid::nil(), 2), || async { Ok(()) });
        assert!(of_the_next.await.is_ok());
        go.send(()).expect("the renewal waits");
        for flight in [first, second] {
            assert!(matches!(flight.await, Err(TokenProblem::Ended)));
        }
    }
}
