//! The program's HTTP client: whose connections, and on which runtime.

use std::future::Future;
use std::io;
use std::net::IpAddr;
use std::sync::Arc;

use thiserror::Error;
use tokio::runtime::Handle;
use tokio::task::JoinSet;

use super::failure::{Layer, Problem};
use super::look_up::Resolver;
use super::policy::Policy;
use super::pool::Pool;
use super::trusts::Trusts;

/// The program's HTTP client; clones share their connections.
///
/// A connection is driven by the runtime that opened it, and each of the web server's workers has a
/// runtime of its own. A client from [`Outbound::new`] runs every exchange on the runtime in which it
/// was made: its connections live as long as the program, however busy or finished the worker that
/// asked first. One from [`Outbound::here`] has connections of its own, driven by the worker itself.
#[derive(Clone)]
pub struct Outbound {
    pub(super) common: Arc<Common>,
    pub(super) pool: Arc<Pool>,
    /// Where exchanges run; `None` for the runtime that asks.
    home: Option<Handle>,
}

/// What all clients of the program have in common.
pub(super) struct Common {
    pub(super) policy: Policy,
    pub(super) trusts: Trusts,
    pub(super) resolver: Resolver,
}

/// [`Outbound::new`] was called outside a Tokio runtime.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("the HTTP client needs a Tokio runtime")]
pub struct NoRuntime;

impl Outbound {
    /// A client that keeps to `policy` and runs its exchanges on the current runtime, which must be
    /// the program's main one.
    pub fn new(policy: Policy) -> Result<Self, NoRuntime> {
        Self::with_resolver(policy, Resolver::default())
    }

    /// The same that looks names up in this way, which may block, in place of asking the machine.
    pub fn looking_up(
        policy: Policy,
        ask: impl Fn(&str) -> io::Result<Vec<IpAddr>> + Send + Sync + 'static,
    ) -> Result<Self, NoRuntime> {
        Self::with_resolver(policy, Resolver::asking(ask))
    }

    fn with_resolver(policy: Policy, resolver: Resolver) -> Result<Self, NoRuntime> {
        Ok(Self {
            common: Arc::new(Common { policy, trusts: Trusts::default(), resolver }),
            pool: Arc::default(),
            home: Some(Handle::try_current().map_err(|_| NoRuntime)?),
        })
    }

    /// A client of the same policy with connections of its own, which runs every exchange where it is
    /// asked for. It is for one worker: connections end with the runtime that opened them, so its clones
    /// must stay on that runtime.
    #[must_use]
    pub fn here(&self) -> Self {
        Self { common: Arc::clone(&self.common), pool: Arc::default(), home: None }
    }

    /// Whether exchanges run where they are asked for.
    pub(super) fn is_at_home(&self) -> bool {
        self.home.is_none()
    }

    /// Runs `work` where exchanges run; `None` if that runtime stops. Dropping this future ends the
    /// work.
    pub(super) async fn at_home<T: Send + 'static>(&self, work: impl Future<Output = T> + Send + 'static) -> Option<T> {
        let Some(home) = &self.home else {
            return Some(work.await);
        };
        let mut only = JoinSet::new();
        only.spawn_on(work, home);
        only.join_next().await?.ok()
    }
}

/// The program ends while a request is under way.
pub(super) fn stopping() -> Problem {
    Problem::new(Layer::Connection, "The request was ended because Connectory is stopping.", "Try again in a moment.")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_client_outside_a_runtime_is_an_error() {
        assert_eq!(Outbound::new(Policy::default()).err(), Some(NoRuntime));
    }
}
