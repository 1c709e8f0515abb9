//! Hearing what other connections and other instances have changed: `NOTIFY connectory_changed`, which triggers send.
//!
//! Rule: what is kept in memory is dropped on a notice. While the connection is lost, so are notices, so after every
//! connection that is new, everything counts as changed; how long anything may be kept without a notice is for
//! [`super::Cache`].
//!
//! Danger: a connection that has silently died brings no notices. So it is asked for a sign of life every
//! [`HEARTBEAT`]. Without one the server may be frozen, or another one has taken over: pools drop the connections that
//! that are not in use ([`ChangeListener::guard`]), so that a request begins with a new one instead of waiting for an old one.

use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use anyhow::Context;
use deadpool::managed::WeakPool;
use futures_util::StreamExt;
use tokio_postgres::{AsyncMessage, Client};
use uuid::Uuid;

use super::pool::ConnectionManager;
use super::servers::{Messages, Servers};
use super::{Db, PATIENCE};

const CHANNEL: &str = "connectory_changed";

/// Between two signs of life, and how long one is waited for.
const HEARTBEAT: Duration = Duration::from_secs(2);

/// Between two tries to connect: the first pause, which doubles up to the longest.
const FIRST_PAUSE: Duration = Duration::from_millis(100);
const LONGEST_PAUSE: Duration = Duration::from_secs(2);

/// What has changed.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum ChangeEvent {
    /// This connector: its settings, secrets, token or endpoints.
    Connector(Uuid),
    /// What calls have shown of this connector.
    Evidence(Uuid),
    /// Some API key, or the rights of its user.
    Keys,
    /// Anything may have changed.
    Everything,
}

type Subscriber = Box<dyn Fn(ChangeEvent) + Send + Sync>;

/// Listens for changes in the database. Clones have the same subscribers.
#[derive(Clone)]
pub struct ChangeListener {
    url: Arc<str>,
    subscribers: Arc<RwLock<Vec<Subscriber>>>,
    guarded: Arc<RwLock<Vec<WeakPool<ConnectionManager>>>>,
}

impl ChangeListener {
    /// A listener on the database at `url`, once [`ChangeListener::run`] runs.
    pub fn new(url: &str) -> ChangeListener {
        ChangeListener { url: url.into(), subscribers: Arc::default(), guarded: Arc::default() }
    }

    /// Calls `hear` at every change from now on; it must be quick.
    pub fn subscribe(&self, hear: impl Fn(ChangeEvent) + Send + Sync + 'static) {
        let mut subscribers = self.subscribers.write().unwrap_or_else(PoisonError::into_inner);
        subscribers.push(Box::new(hear));
    }

    /// Drops the idle connections of this pool whenever the server is no longer heard.
    pub fn guard(&self, db: &Db) {
        let mut guarded = self.guarded.write().unwrap_or_else(PoisonError::into_inner);
        guarded.retain(|pool| pool.upgrade().is_some());
        guarded.push(db.pool.weak());
    }

    fn drop_idle_connections(&self) {
        let guarded = self.guarded.read().unwrap_or_else(PoisonError::into_inner);
        for pool in guarded.iter().filter_map(WeakPool::upgrade) {
            drop(pool.retain(|_, _| false));
        }
    }

    /// Listens until the task is dropped, on a connection of its own.
    pub async fn run(self) {
        let mut pause = FIRST_PAUSE;
        let servers = match Servers::parse(&self.url) {
            Ok(servers) => servers,
            // The pools have read it before.
            Err(error) => return tracing::error!(cause = %error, "changes are not heard"),
        };
        loop {
            let mut heard = false;
            if let Err(error) = self.listen(&servers, &mut heard).await {
                tracing::warn!(cause = format!("{error:#}"), "changes are not heard; connecting again");
            }
            if heard {
                self.drop_idle_connections();
            }
            pause = if heard { FIRST_PAUSE } else { pause };
            tokio::time::sleep(pause).await;
            pause = (pause * 2).min(LONGEST_PAUSE);
        }
    }

    /// Listens until the connection is lost; `heard` is set once it was established.
    async fn listen(&self, servers: &Servers, heard: &mut bool) -> anyhow::Result<()> {
        let (client, messages) = servers.connect(PATIENCE).await?;
        tokio::select! {
            outcome = self.hear(messages) => outcome,
            outcome = self.keep_alive(&client, heard) => outcome,
        }
    }

    /// Reads what comes. This is also what drives the connection.
    async fn hear(&self, mut messages: Messages) -> anyhow::Result<()> {
        while let Some(message) = messages.next().await {
            if let AsyncMessage::Notification(notice) = message?
                && notice.channel() == CHANNEL
            {
                self.publish(parse(notice.payload()));
            }
        }
        anyhow::bail!("the connection was closed")
    }

    async fn keep_alive(&self, client: &Client, heard: &mut bool) -> anyhow::Result<()> {
        // The name tells it from connections that ask.
        let begin = format!("SET application_name = 'connectory notices'; LISTEN {CHANNEL}");
        sign_of_life(client, &begin).await?;
        *heard = true;
        self.publish(ChangeEvent::Everything);
        loop {
            tokio::time::sleep(HEARTBEAT).await;
            sign_of_life(client, "SELECT 1").await?;
        }
    }

    fn publish(&self, change: ChangeEvent) {
        let subscribers = self.subscribers.read().unwrap_or_else(PoisonError::into_inner);
        for notify in subscribers.iter() {
            notify(change);
        }
    }
}

/// Executes statements that a server which is well answers at once.
async fn sign_of_life(client: &Client, statements: &str) -> anyhow::Result<()> {
    tokio::time::timeout(HEARTBEAT, client.batch_execute(statements)).await.context("no sign of life")??;
    Ok(())
}

/// A newer instance may send words that this one does not know: then anything may have changed.
fn parse(payload: &str) -> ChangeEvent {
    match payload.split_once(' ') {
        Some(("connector", id)) => Uuid::parse_str(id).map_or(ChangeEvent::Everything, ChangeEvent::Connector),
        Some(("evidence", id)) => Uuid::parse_str(id).map_or(ChangeEvent::Everything, ChangeEvent::Evidence),
        None if payload == "keys" => ChangeEvent::Keys,
        _ => ChangeEvent::Everything,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_notice_names_what_has_changed() {
        let id = Uuid::from_u128(7);
        assert_eq!(parse(&format!("connector {id}")), ChangeEvent::Connector(id));
        assert_eq!(parse(&format!("evidence {id}")), ChangeEvent::Evidence(id));
        assert_eq!(parse("keys"), ChangeEvent::Keys);
        for unknown in ["", "connector", "connector x", "keys x", "collection 7"] {
            assert_eq!(parse(unknown), ChangeEvent::Everything, "{unknown:?}");
        }
    }
}
