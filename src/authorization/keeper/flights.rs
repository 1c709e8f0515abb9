//! The renewals that run in this process: one for each connector, which all who need it wait for.

use std::collections::HashMap;
use std::future::Future;
use std::sync::{Mutex, MutexGuard, PoisonError};

use futures_util::future::{BoxFuture, FutureExt, Shared};
use tokio::runtime::Handle;

use super::{TokenProblem, stopping};
use crate::connectors::ConnectorId;

/// A renewal in progress; every clone gets its outcome.
pub(super) type Flight = Shared<BoxFuture<'static, Result<(), TokenProblem>>>;

#[derive(Default)]
pub(super) struct Flights(Mutex<HashMap<ConnectorId, Flight>>);

impl Flights {
    /// The connector's renewal: the one that runs, or a new one, which goes on when nobody waits for it any more.
    pub(super) fn join<F>(
        &self,
        runtime: &Handle,
        connector: ConnectorId,
        begin: impl FnOnce() -> F,
    ) -> Flight
    where
        F: Future<Output = Result<(), TokenProblem>> + Send + 'static,
    {
        // Held while the work begins, so that it cannot land before it is in the list.
        let mut running = self.lock();
        if let Some(flight) = running.get(&connector) {
            return flight.clone();
        }
        let work = runtime.spawn(begin());
        let flight = async move { work.await.unwrap_or_else(|_| Err(stopping())) };
        let flight = flight.boxed().shared();
        running.insert(connector, flight.clone());
        flight
    }

    /// Ends the connector's renewal; who comes later begins another.
    pub(super) fn land(&self, connector: ConnectorId) {
        self.lock().remove(&connector);
    }

    pub(super) fn all(&self) -> Vec<Flight> {
        self.lock().values().cloned().collect()
    }

    /// A panic elsewhere leaves the map whole: each change to it is one step.
    fn lock(&self) -> MutexGuard<'_, HashMap<ConnectorId, Flight>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
