//! Connections kept for the next exchange.
//!
//! Rule: a connection serves one way only (see [`Way`]), and not for long: another address behind
//! the name, or another server at the address, counts after a minute.

use std::collections::HashMap;
use std::hash::RandomState;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Duration;

use tokio::time::{Instant, sleep};

use super::connection::Connection;
use super::failure::Problem;
use super::transport::Transport;
use super::url::HttpUrl;
use super::way::Way;

/// How many idle connections are kept to a server, and in all.
const FOR_EACH_WAY: usize = 64;
const IN_ALL: usize = 512;

/// How long a connection stays idle. Servers close theirs after a minute or more: a connection that is
/// about to be closed is not worth a failed request.
const IDLE: Duration = Duration::from_secs(30);

/// How old a connection may get.
const OLDEST: Duration = Duration::from_secs(60);

/// How often those that are over are looked for.
const SWEEP: Duration = Duration::from_secs(10);

/// The idle connections of one runtime.
#[derive(Default)]
pub(super) struct Pool {
    hasher: RandomState,
    ages: Ages,
    lanes: Mutex<Lanes>,
}

/// How long connections are kept; a test may make it short.
struct Ages {
    idle: Duration,
    oldest: Duration,
}

#[derive(Default)]
struct Lanes {
    by_hash: HashMap<u64, Vec<Lane>>,
    idle: usize,
    is_swept: bool,
}

/// A way and its idle connections, the one used last at the end: those that are not needed grow old.
struct Lane {
    way: Arc<Way>,
    idle: Vec<Idle>,
    used: Instant,
}

struct Idle {
    connection: Connection,
    until: Instant,
}

impl Default for Ages {
    fn default() -> Self {
        Self { idle: IDLE, oldest: OLDEST }
    }
}

impl Pool {
    /// The way of requests to `url`.
    pub(super) fn way(&self, transport: &Transport, url: &HttpUrl) -> Result<Arc<Way>, Problem> {
        let hash = Way::hash(&self.hasher, url);
        let now = Instant::now();
        let mut lanes = self.lock();
        let mut beside = lanes.by_hash.get_mut(&hash).into_iter().flatten();
        if let Some(lane) = beside.find(|lane| lane.way.leads(transport, url)) {
            lane.used = now;
            return Ok(Arc::clone(&lane.way));
        }
        let way = Arc::new(Way::new(transport, url, hash)?);
        lanes.by_hash.entry(hash).or_default().push(Lane { way: Arc::clone(&way), idle: Vec::new(), used: now });
        Ok(way)
    }

    /// An idle connection of this way that is still open, as far as that can be known.
    pub(super) async fn take(&self, way: &Arc<Way>) -> Option<Connection> {
        loop {
            let mut connection = self.pop(way)?;
            if connection.is_ready().await {
                return Some(connection);
            }
        }
    }

    fn pop(&self, way: &Arc<Way>) -> Option<Connection> {
        let now = Instant::now();
        let mut lanes = self.lock();
        let Lanes { by_hash, idle, .. } = &mut *lanes;
        let lane = lane(by_hash, way)?;
        while let Some(kept) = lane.idle.pop() {
            *idle -= 1;
            if kept.is_good(now) {
                return Some(kept.connection);
            }
        }
        None
    }

    /// Keeps a connection after its exchange, for as long as the server and the limits here allow.
    pub(super) fn put(&self, way: &Arc<Way>, connection: Connection, limit: Option<Duration>) {
        let now = Instant::now();
        let idle_time = limit.map_or(self.ages.idle, |limit| limit.min(self.ages.idle));
        let until = (now + idle_time).min(connection.made() + self.ages.oldest);
        if until <= now || connection.is_closed() {
            return;
        }
        let mut lanes = self.lock();
        if lanes.idle >= IN_ALL {
            lanes.sweep(now);
        }
        let Lanes { by_hash, idle, .. } = &mut *lanes;
        let lane = lane(by_hash, way);
        if let Some(lane) = lane
            && *idle < IN_ALL
            && lane.idle.len() < FOR_EACH_WAY
        {
            lane.idle.push(Idle { connection, until });
            *idle += 1;
        }
    }

    /// Has what is over closed from time to time, by a task on the current runtime that ends when
    /// nothing is kept.
    pub(super) fn keep_swept(self: &Arc<Self>) {
        let is_swept = std::mem::replace(&mut self.lock().is_swept, true);
        if !is_swept {
            tokio::spawn(sweep(Arc::downgrade(self)));
        }
    }

    /// A panic elsewhere leaves the lists whole: each change to them is one step.
    fn lock(&self) -> MutexGuard<'_, Lanes> {
        self.lanes.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn lane<'a>(by_hash: &'a mut HashMap<u64, Vec<Lane>>, way: &Arc<Way>) -> Option<&'a mut Lane> {
    let beside = by_hash.get_mut(&way.hash)?;
    beside.iter_mut().find(|lane| Arc::ptr_eq(&lane.way, way))
}

async fn sweep(pool: Weak<Pool>) {
    loop {
        sleep(SWEEP).await;
        let Some(pool) = pool.upgrade() else {
            return;
        };
        let mut lanes = pool.lock();
        lanes.sweep(Instant::now());
        if lanes.by_hash.is_empty() {
            lanes.is_swept = false;
            return;
        }
    }
}

impl Lanes {
    /// Drops connections that are over, and ways that nobody has gone for as long as a connection
    /// lives.
    fn sweep(&mut self, now: Instant) {
        let mut left = 0;
        self.by_hash.retain(|_, lanes| {
            lanes.retain_mut(|lane| {
                lane.idle.retain(|idle| idle.is_good(now));
                left += lane.idle.len();
                !lane.idle.is_empty() || now < lane.used + OLDEST
            });
            !lanes.is_empty()
        });
        self.idle = left;
    }
}

impl Idle {
    fn is_good(&self, now: Instant) -> bool {
        now < self.until && !self.connection.is_closed()
    }
}

#[cfg(test)]
mod tests {
    use super::super::url::UrlProblem;
    use super::*;

    const MINUTE: Duration = Duration::from_secs(60);

    fn pool(idle: Duration, oldest: Duration) -> Pool {
        Pool { ages: Ages { idle, oldest }, ..Pool::default() }
    }

    fn way(pool: &Pool, url: &str) -> Result<Arc<Way>, UrlProblem> {
        let way = pool.way(&Transport::default(), &HttpUrl::parse(url)?);
        way.map_err(|_| UrlProblem::Host)
    }

    /// A connection to nobody, and the end that keeps it open.
    async fn connection() -> hyper::Result<(Connection, tokio::io::DuplexStream)> {
        let (here, there) = tokio::io::duplex(64);
        Ok((Connection::over(Box::new(here)).await?, there))
    }

    #[tokio::test]
    async fn a_connection_is_kept_for_its_own_way() -> Result<(), Box<dyn std::error::Error>> {
        let pool = pool(MINUTE, MINUTE);
        let there = way(&pool, "https://a.example/x?y")?;
        assert!(Arc::ptr_eq(&there, &way(&pool, "https://a.example:443/z")?));
        let (kept, _open) = connection().await?;
        pool.put(&there, kept, None);
        for other in ["http://a.example:443", "https://a.example:444", "https://b.example"] {
            assert!(pool.pop(&way(&pool, other)?).is_none(), "{other}");
        }
        assert!(pool.take(&there).await.is_some());
        assert!(pool.take(&there).await.is_none(), "it is taken");
        Ok(())
    }

    #[tokio::test]
    async fn what_is_old_or_closed_is_not_kept() -> Result<(), Box<dyn std::error::Error>> {
        for (idle, oldest, limit) in
            [(Duration::ZERO, MINUTE, None), (MINUTE, Duration::ZERO, None), (MINUTE, MINUTE, Some(Duration::ZERO))]
        {
            let pool = pool(idle, oldest);
            let there = way(&pool, "http://a.example")?;
            let (old, _open) = connection().await?;
            pool.put(&there, old, limit);
            assert!(pool.take(&there).await.is_none());
        }
        let pool = pool(MINUTE, MINUTE);
        let there = way(&pool, "http://a.example")?;
        let (closed, open) = connection().await?;
        pool.put(&there, closed, None);
        drop(open);
        assert!(pool.take(&there).await.is_none());
        Ok(())
    }

    #[tokio::test]
    async fn only_so_many_are_kept_and_a_sweep_forgets() -> Result<(), Box<dyn std::error::Error>> {
        let pool = pool(MINUTE, MINUTE);
        let mut open = Vec::new();
        for host in 0..10 {
            let there = way(&pool, &format!("http://a{host}.example"))?;
            for _ in 0..FOR_EACH_WAY + 3 {
                let (kept, end) = connection().await?;
                pool.put(&there, kept, None);
                open.push(end);
            }
        }
        assert_eq!(pool.lock().idle, IN_ALL);
        let counts = pool.lock().by_hash.values().flatten().map(|lane| lane.idle.len()).max();
        assert_eq!(counts, Some(FOR_EACH_WAY));
        pool.lock().sweep(Instant::now());
        assert_eq!(pool.lock().idle, IN_ALL);
        pool.lock().sweep(Instant::now() + 2 * MINUTE);
        assert_eq!(pool.lock().idle, 0);
        assert!(pool.lock().by_hash.is_empty());
        Ok(())
    }
}
