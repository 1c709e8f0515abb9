//! Pooled connections with a time limit, so that a server that hangs does not block requests.
//!
//! Rule: a connection is in use no longer than the pool's limit. Then it is closed from
//! outside: what waits for an answer fails at once, and the pool drops what is closed. This also holds when the server
//! is frozen and answers nothing. The server's own `statement_timeout` ends a statement that goes on after that.
//!
//! A future that is dropped in the middle of a statement leaves the answer to the connection, which reads and drops it;
//! in the middle of a transaction it leaves a connection that counts as broken, and the pool drops it.

use std::ops::{Deref, DerefMut};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use deadpool::managed::{Manager, Metrics, Object, RecycleError, RecycleResult, WeakPool};
use diesel::{ConnectionError, QueryResult};
use diesel_async::pooled_connection::PoolableConnection;
use diesel_async::{AsyncPgConnection, SimpleAsyncConnection};
use futures_util::StreamExt;
use tokio::sync::watch;
use tokio::time::{Instant, sleep_until};

use super::servers::{Messages, Servers};
use super::{Conn, Db, PATIENCE};

/// A connection whose use can be given an end.
pub struct TimedConnection {
    pub conn: AsyncPgConnection,
    /// When it is closed; `None` while it is idle.
    pub until: watch::Sender<Option<Instant>>,
    /// Whether the server ends statements later than the pool's limit.
    is_extended: bool,
}

/// The server ends a statement so much later than the program gives up: else the two would race, and the connection
/// would sometimes be kept.
const LATER: Duration = Duration::from_millis(500);

impl TimedConnection {
    /// Connects to one of the servers, which ends each statement and each idle transaction soon after `limit`.
    pub async fn open(servers: &Servers, limit: Duration) -> Result<TimedConnection, ConnectionError> {
        let (client, messages) = servers.connect(PATIENCE).await?;
        let (until, ends) = watch::channel(Some(Instant::now() + PATIENCE));
        tokio::spawn(drive(messages, ends));
        let conn = AsyncPgConnection::try_from(client).await?;
        let mut opened = TimedConnection { conn, until, is_extended: false };
        opened.set_limit(limit).await.map_err(ConnectionError::CouldntSetupConfiguration)?;
        Ok(opened)
    }

    async fn set_limit(&mut self, limit: Duration) -> QueryResult<()> {
        let limit = (limit + LATER).as_millis();
        let sql = format!("SET statement_timeout = {limit}; SET idle_in_transaction_session_timeout = {limit}");
        self.conn.batch_execute(&sql).await
    }
}

/// Reads what the server sends, until the connection is closed, is no longer wanted or has been used for too long.
async fn drive(mut messages: Messages, mut ends: watch::Receiver<Option<Instant>>) {
    loop {
        let end = *ends.borrow_and_update();
        let expired = async {
            match end {
                Some(end) => sleep_until(end).await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            message = messages.next() => match message {
                Some(Ok(_)) => {}
                Some(Err(error)) => {
                    return tracing::debug!(cause = %error, "a database connection has ended");
                }
                None => return,
            },
            changed = ends.changed() => if changed.is_err() {
                return;
            },
            () = expired => {
                return tracing::warn!("a database connection was closed: its use took too long");
            }
        }
    }
}

/// Makes connections for a pool, and drops those that are closed or in a transaction.
pub struct ConnectionManager {
    pub servers: Arc<Servers>,
    pub limit: Duration,
}

impl Manager for ConnectionManager {
    type Type = TimedConnection;
    type Error = ConnectionError;

    async fn create(&self) -> Result<TimedConnection, ConnectionError> {
        // Boxed, because it is rare: every future that uses the pool would have room for it three times.
        Box::pin(TimedConnection::open(&self.servers, self.limit)).await
    }

    async fn recycle(&self, lent: &mut TimedConnection, _: &Metrics) -> RecycleResult<ConnectionError> {
        if lent.conn.is_broken() {
            return Err(RecycleError::message("it is closed"));
        }
        if lent.is_extended {
            lent.set_limit(self.limit).await.map_err(|error| RecycleError::message(error.to_string()))?;
            lent.is_extended = false;
        }
        Ok(())
    }
}

/// A connection lent by the pool.
pub struct Connection(Object<ConnectionManager>);

impl Connection {
    pub fn until(lent: Object<ConnectionManager>, until: Instant) -> Connection {
        lent.until.send_replace(Some(until));
        Connection(lent)
    }

    /// Gives it another limit, from now on and until it is given back, for a statement that reads all rows of a table.
    pub async fn extend(&mut self, limit: Duration) -> QueryResult<()> {
        self.0.until.send_replace(Some(Instant::now() + limit));
        self.0.is_extended = true;
        self.0.set_limit(limit).await
    }
}

impl Drop for Connection {
    fn drop(&mut self) {
        self.0.until.send_replace(None);
    }
}

impl Deref for Connection {
    type Target = Conn;

    fn deref(&self) -> &Conn {
        &self.0.conn
    }
}

impl DerefMut for Connection {
    fn deref_mut(&mut self) -> &mut Conn {
        &mut self.0.conn
    }
}

/// How a pool is used at a moment.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct PoolUse {
    /// Connections in use.
    pub in_use: usize,
    /// Connections that are open, in use or not.
    pub open: usize,
    /// Connections that may be open.
    pub most: usize,
    /// Requests that wait for one.
    pub waiting: usize,
}

/// The pools of a process that are still there, for their numbers: asking takes no connection. Clones share them.
#[derive(Clone, Default)]
pub struct Pools(Arc<Mutex<Vec<WeakPool<ConnectionManager>>>>);

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
