//! What all workers of the process share: the lines in memory, and how each connector's server fares.

use std::collections::HashMap;
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use rand::RngExt as _;

use super::breaker::Breaker;
use super::credential::Held;
use super::gate::Gate;
use super::line::Line;
use crate::authorization::TokenKeeper;
use crate::clock::Clock;
use crate::connectors::ConnectorId;
use crate::db::{Cache, ChangeEvent, ChangeListener};
use crate::vault::Vault;

/// Lines that are kept in memory at most.
const MOST_LINES: usize = 10_000;

/// States that are kept at most before those that nobody uses are dropped.
const MOST_STATES: usize = 20_000;

/// One for the process. Clones share everything.
#[derive(Clone)]
pub struct Switchboard {
    pub(super) lines: Cache<String, Arc<Line>>,
    pub(super) keeper: TokenKeeper,
    pub(super) vault: Vault,
    pub(super) clock: Clock,
    states: Arc<Mutex<HashMap<ConnectorId, Arc<LineState>>>>,
    /// Gives numbers from 0 to 1.
    chance: Arc<dyn Fn() -> f64 + Send + Sync>,
}

/// How calls through a connector fare in this process, whatever its settings are.
pub(super) struct LineState {
    pub connector: ConnectorId,
    pub clock: Clock,
    pub breaker: Breaker,
    /// Held while the breaker's state is stored.
    pub telling: tokio::sync::Mutex<()>,
    /// The token in use.
    pub held: Mutex<Option<Arc<Held>>>,
    /// The oldest version of a token that is not known to be replaced.
    newest: AtomicI64,
    /// Held by whoever asks for a token, so that others need not.
    pub asking: tokio::sync::Mutex<()>,
    gate: Mutex<Arc<Gate>>,
}

impl Switchboard {
    /// Lines that are forgotten when `notices` tells that their connector has changed.
    pub fn new(clock: &Clock, notices: &ChangeListener, vault: &Vault, keeper: &TokenKeeper) -> Switchboard {
        let lines: Cache<String, Arc<Line>> = Cache::new(clock, MOST_LINES);
        let forgetful = lines.clone();
        notices.subscribe(move |change| match change {
            ChangeEvent::Connector(id) => forgetful.forget_where(|line| line.id == id),
            ChangeEvent::Everything => forgetful.clear(),
            ChangeEvent::Keys => {}
        });
        let states: Arc<Mutex<HashMap<ConnectorId, Arc<LineState>>>> = Arc::default();
        let known = Arc::clone(&states);
        // Sooner than the notice of the database: who waits for the renewal has not been told yet.
        keeper.on_replaced(move |connector, version| {
            if let Some(state) = lock(&known).get(&connector) {
                state.newest.fetch_max(version + 1, Ordering::AcqRel);
            }
        });
        Switchboard {
            lines,
            keeper: keeper.clone(),
            vault: vault.clone(),
            clock: clock.clone(),
            states,
            chance: Arc::new(|| rand::rng().random()),
        }
    }

    /// The same, with this in place of chance.
    #[must_use]
    pub fn with_chance(mut self, chance: impl Fn() -> f64 + Send + Sync + 'static) -> Switchboard {
        self.chance = Arc::new(chance);
        self
    }

    pub(super) fn chance(&self) -> f64 {
        (self.chance)()
    }

    pub(super) fn state_of(&self, connector: ConnectorId) -> Arc<LineState> {
        let mut states = lock(&self.states);
        if states.len() >= MOST_STATES {
            states.retain(|_, state| Arc::strong_count(state) > 1);
        }
        let new = || {
            Arc::new(LineState {
                connector,
                clock: self.clock.clone(),
                breaker: Breaker::new(&self.clock),
                telling: tokio::sync::Mutex::default(),
                held: Mutex::default(),
                newest: AtomicI64::new(0),
                asking: tokio::sync::Mutex::default(),
                gate: Mutex::new(Arc::new(Gate::new(None))),
            })
        };
        Arc::clone(states.entry(connector).or_insert_with(new))
    }
}

impl LineState {
    /// The gate of this width. A new width counts for those who come from now on.
    pub fn gate(&self, width: Option<u32>) -> Arc<Gate> {
        let mut gate = lock(&self.gate);
        if !gate.fits(width) {
            *gate = Arc::new(Gate::new(width));
        }
        Arc::clone(&gate)
    }

    /// The version that a token must have at least, if the settings that were read say this one.
    pub fn newest(&self, read: i64) -> i64 {
        read.max(self.newest.load(Ordering::Acquire))
    }

    pub fn held(&self) -> MutexGuard<'_, Option<Arc<Held>>> {
        lock(&self.held)
    }
}

/// A panic elsewhere leaves what is locked whole: each change to it is one step.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
