//! Connections that are lent for a limited time, so that a server that hangs keeps nobody waiting.
//!
//! Rule: whoever borrows a connection has it no longer than the pool's limit. Then the connection is closed from
//! outside: what waits for an answer fails at once, and the pool drops what is closed. This also holds when the server
//! is frozen and answers nothing. The server's own `statement_timeout` ends a statement that goes on after that.
//!
//! A future that is dropped in the middle of a statement leaves the answer to the connection, which reads and drops it;
//! in the middle of a transaction it leaves a connection that counts as broken, and the pool drops it.

use std::ops::{Deref, DerefMut};
use std::sync::Arc;
use std::time::Duration;

use deadpool::managed::{Manager, Metrics, Object, RecycleError, RecycleResult};
use diesel::ConnectionError;
use diesel_async::pooled_connection::PoolableConnection;
use diesel_async::{AsyncPgConnection, SimpleAsyncConnection};
use futures_util::StreamExt;
use tokio::sync::watch;
use tokio::time::{Instant, sleep_until};

use super::servers::Servers;
use super::tls::Messages;
use super::{Conn, PATIENCE};

/// A connection whose use can be given an end.
pub(super) struct Limited {
    pub conn: AsyncPgConnection,
    /// When it is closed; `None` while nobody uses it.
    pub until: watch::Sender<Option<Instant>>,
}

/// The server ends a statement so much later than the program gives up: else the two would race, and the connection
/// would sometimes be kept.
const LATER: Duration = Duration::from_millis(500);

impl Limited {
    /// Connects to one of the servers, which ends each statement and each idle transaction soon after `limit`.
    pub async fn open(servers: &Servers, limit: Duration) -> Result<Limited, ConnectionError> {
        let (client, messages) = servers.connect(PATIENCE).await?;
        let (until, ends) = watch::channel(Some(Instant::now() + PATIENCE));
        tokio::spawn(drive(messages, ends));
        let mut conn = AsyncPgConnection::try_from(client).await?;
        let limit = (limit + LATER).as_millis();
        conn.batch_execute(&format!(
            "SET statement_timeout = {limit}; SET idle_in_transaction_session_timeout = {limit}"
        ))
        .await
        .map_err(ConnectionError::CouldntSetupConfiguration)?;
        Ok(Limited { conn, until })
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
pub(super) struct Lender {
    pub servers: Arc<Servers>,
    pub limit: Duration,
}

impl Manager for Lender {
    type Type = Limited;
    type Error = ConnectionError;

    async fn create(&self) -> Result<Limited, ConnectionError> {
        Limited::open(&self.servers, self.limit).await
    }

    async fn recycle(&self, lent: &mut Limited, _: &Metrics) -> RecycleResult<ConnectionError> {
        match lent.conn.is_broken() {
            true => Err(RecycleError::message("it is closed")),
            false => Ok(()),
        }
    }
}

/// A connection lent by the pool.
pub struct Connection(Object<Lender>);

impl Connection {
    pub(super) fn lend(lent: Object<Lender>, until: Instant) -> Connection {
        lent.until.send_replace(Some(until));
        Connection(lent)
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
