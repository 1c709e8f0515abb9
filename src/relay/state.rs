//! What all workers of the process share: the snapshots in memory, and the state of each connector.

use std::collections::HashMap;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::circuit_breaker::CircuitBreaker;
use super::concurrency_limit::ConcurrencyLimit;
use super::credential::CachedToken;
use super::snapshot::ConnectorSnapshot;
use crate::authorization::{SignerMemory, TokenKeeper};
use crate::clock::Clock;
use crate::connectors::ConnectorId;
use crate::db::{Cache, ChangeEvent, ChangeListener};
use crate::vault::Vault;

/// Snapshots in the cache at most.
const MAX_SNAPSHOTS: usize = 10_000;

/// States in memory before unused ones are dropped.
const MAX_STATES: usize = 20_000;

/// One for the process. Clones share everything.
#[derive(Clone)]
pub struct RelayState {
    pub(super) snapshots: Cache<String, Arc<ConnectorSnapshot>>,
    pub(super) keeper: TokenKeeper,
    pub(super) vault: Vault,
    pub(super) clock: Clock,
    states: Arc<Mutex<HashMap<ConnectorId, Arc<ConnectorState>>>>,
}

/// What this process knows of a connector, independent of its settings.
pub(super) struct ConnectorState {
    pub connector: ConnectorId,
    pub clock: Clock,
    pub breaker: CircuitBreaker,
    /// Locked while the breaker's state is stored.
    pub storing: tokio::sync::Mutex<()>,
    pub token: Mutex<Option<Arc<CachedToken>>>,
    /// The lowest version of a token that is not known to be replaced.
    min_version: AtomicI64,
    /// How the API wants requests signed; independent of user and password.
    pub signer_memory: SignerMemory,
    /// Locked by the call that asks for a token, so that others need not.
    pub renewing: tokio::sync::Mutex<()>,
    limit: Mutex<Arc<ConcurrencyLimit>>,
    /// The second in which the API was quoted last.
    quoted: AtomicU64,
}

impl RelayState {
    /// `changes` drops snapshots from the cache when their connector has changed.
    pub fn new(clock: &Clock, changes: &ChangeListener, vault: &Vault, keeper: &TokenKeeper) -> RelayState {
        let snapshots: Cache<String, Arc<ConnectorSnapshot>> = Cache::new(clock, MAX_SNAPSHOTS);
        let cache = snapshots.clone();
        changes.subscribe(move |change| match change {
            ChangeEvent::Connector(id) => cache.forget_where(|connector| connector.id == id),
            ChangeEvent::Everything => cache.clear(),
            ChangeEvent::Keys | ChangeEvent::Evidence(_) => {}
        });
        let states: Arc<Mutex<HashMap<ConnectorId, Arc<ConnectorState>>>> = Arc::default();
        let known = Arc::clone(&states);
        // Earlier than the database's notification: calls that wait for the renewal are still waiting.
        keeper.on_replaced(move |connector, version| {
            if let Some(state) = lock(&known).get(&connector) {
                state.min_version.fetch_max(version + 1, Ordering::AcqRel);
            }
        });
        RelayState { snapshots, keeper: keeper.clone(), vault: vault.clone(), clock: clock.clone(), states }
    }

    pub(super) fn state_of(&self, connector: ConnectorId) -> Arc<ConnectorState> {
        let mut states = lock(&self.states);
        if states.len() >= MAX_STATES {
            states.retain(|_, state| Arc::strong_count(state) > 1);
        }
        let new = || {
            Arc::new(ConnectorState {
                connector,
                clock: self.clock.clone(),
                breaker: CircuitBreaker::new(&self.clock),
                storing: tokio::sync::Mutex::default(),
                token: Mutex::default(),
                min_version: AtomicI64::new(0),
                signer_memory: SignerMemory::default(),
                renewing: tokio::sync::Mutex::default(),
                limit: Mutex::new(Arc::new(ConcurrencyLimit::new(None))),
                quoted: AtomicU64::new(0),
            })
        };
        Arc::clone(states.entry(connector).or_insert_with(new))
    }
}

impl ConnectorState {
    /// The limit of this size. A new size counts for calls that begin from now on.
    pub fn limit(&self, size: Option<u32>) -> Arc<ConcurrencyLimit> {
        let mut limit = lock(&self.limit);
        if !limit.has_size(size) {
            *limit = Arc::new(ConcurrencyLimit::new(size));
        }
        Arc::clone(&limit)
    }

    /// Whether the API's words about a failure are to be read, which is once a second.
    pub fn may_quote(&self) -> bool {
        let second = self.clock.steady().as_secs() + 1;
        self.quoted.swap(second, Ordering::Relaxed) != second
    }

    /// The version that a token must have at least, if the snapshot has read this one.
    pub fn min_version(&self, read: i64) -> i64 {
        read.max(self.min_version.load(Ordering::Acquire))
    }

    pub fn token(&self) -> MutexGuard<'_, Option<Arc<CachedToken>>> {
        lock(&self.token)
    }
}

/// A panic elsewhere leaves the locked value consistent: each change to it is one step.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
