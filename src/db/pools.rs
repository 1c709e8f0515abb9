//! The pools of a process, looked at from any of its threads. Looking at one takes no connection of it.

use std::sync::{Arc, Mutex, PoisonError};

use deadpool::managed::WeakPool;

use super::Db;
use super::lending::Lender;

/// How a pool is used at a moment.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct PoolUse {
    /// Connections that somebody works with.
    pub in_use: usize,
    /// Connections that are open, in use or not.
    pub open: usize,
    /// Connections that may be open.
    pub most: usize,
    /// Who waits for one.
    pub waiting: usize,
}

/// The pools that were added and are still there. Clones share them.
#[derive(Clone, Default)]
pub struct Pools(Arc<Mutex<Vec<WeakPool<Lender>>>>);

impl Pools {
    /// Adds a pool, which goes when its owner drops it.
    pub fn add(&self, db: &Db) {
        let mut pools = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        pools.retain(|pool| pool.upgrade().is_some());
        pools.push(db.pool.weak());
    }

    /// How each is used now, in the order in which they were added.
    pub fn uses(&self) -> Vec<PoolUse> {
        let pools = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let pools = pools.iter().filter_map(WeakPool::upgrade);
        pools
            .map(|pool| {
                let status = pool.status();
                PoolUse {
                    in_use: status.size.saturating_sub(status.available),
                    open: status.size,
                    most: status.max_size,
                    waiting: status.waiting,
                }
            })
            .collect()
    }
}
