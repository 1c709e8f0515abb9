//! Name look-up, by the machine's own resolver: names of the intranet and of `/etc/hosts` count as everywhere on the
//! machine.
//!
//! Rule: connections are made to nothing but the addresses found here, once these are judged, so no
//! second look-up can lead elsewhere (DNS rebinding).
//!
//! Danger: `getaddrinfo` blocks its thread, for many seconds when a name server is silent, and cannot be stopped. So
//! look-ups have threads of their own, few, and a queue that ends; nothing else of the program waits behind them. One
//! name that is asked for by many is looked up once.

use std::collections::HashMap;
use std::fmt;
use std::io;
use std::net::{IpAddr, ToSocketAddrs};
use std::sync::{Arc, Mutex, PoisonError};

use futures_util::FutureExt;
use futures_util::future::{BoxFuture, Shared, WeakShared};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, oneshot};

/// Names that are looked up at once, each on a thread.
const AT_ONCE: usize = 32;

/// Names that are looked up or wait for it; further ones are refused.
const IN_ALL: usize = 8 * AT_ONCE;

/// A name that could not be looked up.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct LookupError {
    pub(super) name: String,
    pub(super) why: Why,
}

/// Why there is no address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Why {
    /// There is no such name.
    NotFound,
    /// The name servers gave no answer.
    NoAnswer,
    /// Too many other names are being looked up.
    Busy,
}

type Outcome = Result<Arc<[IpAddr]>, Why>;
type Lookup = Shared<BoxFuture<'static, Outcome>>;
type Ask = Arc<dyn Fn(&str) -> io::Result<Vec<IpAddr>> + Send + Sync>;

/// Looks names up. One for the process.
pub(super) struct Resolver {
    ask: Ask,
    threads: Arc<Semaphore>,
    queue: Arc<Semaphore>,
    /// The look-ups that are running, as long as a caller waits for them.
    under_way: Mutex<HashMap<String, WeakShared<BoxFuture<'static, Outcome>>>>,
}

impl Default for Resolver {
    fn default() -> Self {
        Self::asking(|name| Ok((name, 0).to_socket_addrs()?.map(|found| found.ip()).collect()))
    }
}

impl Resolver {
    /// A resolver that asks `ask`, which may block.
    pub(super) fn asking(ask: impl Fn(&str) -> io::Result<Vec<IpAddr>> + Send + Sync + 'static) -> Self {
        Self {
            ask: Arc::new(ask),
            threads: Arc::new(Semaphore::new(AT_ONCE)),
            queue: Arc::new(Semaphore::new(IN_ALL)),
            under_way: Mutex::default(),
        }
    }

    /// The addresses of a name, at least one; none of them is judged yet. The caller limits the time.
    pub(super) async fn look_up(&self, name: &str) -> Result<Arc<[IpAddr]>, LookupError> {
        let failed = |why| LookupError { name: name.to_owned(), why };
        let look_up = self.join(name).map_err(failed)?;
        look_up.await.map_err(failed)
    }

    /// The running look-up of a name, or a new one.
    fn join(&self, name: &str) -> Result<Lookup, Why> {
        let mut under_way = self.under_way.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(look_up) = under_way.get(name).and_then(WeakShared::upgrade) {
            return Ok(look_up);
        }
        let place = Arc::clone(&self.queue).try_acquire_owned();
        let place = place.map_err(|_| Why::Busy)?;
        let look_up = run(Arc::clone(&self.ask), name.to_owned(), Arc::clone(&self.threads), place);
        let look_up = look_up.boxed().shared();
        under_way.retain(|_, others| others.upgrade().is_some());
        under_way.extend(look_up.downgrade().map(|weak| (name.to_owned(), weak)));
        Ok(look_up)
    }
}

/// Waits for a thread and asks on it. The thread keeps its permit and its place in the queue until it ends, also when
/// no request waits for it any more.
async fn run(ask: Ask, name: String, threads: Arc<Semaphore>, place: OwnedSemaphorePermit) -> Outcome {
    let thread = threads.acquire_owned().await.map_err(|_| Why::Busy)?;
    let (give, found) = oneshot::channel();
    let work = move || {
        let found = ask(&name);
        drop((thread, place));
        // The request may have ended.
        _ = give.send(found);
    };
    std::thread::Builder::new().name("name look-up".into()).spawn(work).map_err(|_| Why::Busy)?;
    match found.await {
        Ok(Ok(found)) if !found.is_empty() => Ok(found.into()),
        Ok(Ok(_)) => Err(Why::NotFound),
        // The only trace that getaddrinfo's EAI_AGAIN leaves is its text.
        Ok(Err(error)) if error.to_string().contains("Temporary failure") => Err(Why::NoAnswer),
        Ok(Err(_)) => Err(Why::NotFound),
        Err(_) => Err(Why::NoAnswer),
    }
}

impl LookupError {
    /// The sentence that begins with `whose`: "The name", "The proxy's name".
    pub(super) fn words(&self, whose: &str) -> String {
        let name = &self.name;
        match self.why {
            Why::NoAnswer => format!("{whose} “{name}” could not be looked up just now."),
            Why::NotFound => format!("{whose} “{name}” was not found."),
            Why::Busy => {
                format!("{whose} “{name}” could not be looked up, because too many other names wait for an answer.")
            }
        }
    }
}

impl fmt::Debug for Resolver {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Resolver")
    }
}

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;
    use std::sync::Barrier;
    use std::sync::atomic::{AtomicUsize, Ordering};

    use futures_util::future::join_all;

    use super::*;

    const HERE: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);

    #[tokio::test]
    async fn names_are_looked_up_by_few_threads_and_further_ones_are_refused_at_once() {
        let (running, most) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
        let barrier = Arc::new(Barrier::new(AT_ONCE + 1));
        let seen = (Arc::clone(&running), Arc::clone(&most), Arc::clone(&barrier));
        let resolver = Resolver::asking(move |name| {
            let (running, most, barrier) = &seen;
            most.fetch_max(running.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
            if name.starts_with("hung") {
                barrier.wait();
            }
            running.fetch_sub(1, Ordering::SeqCst);
            Ok(vec![HERE])
        });
        let names: Vec<String> = (0..AT_ONCE)
            .map(|number| format!("hung{number}"))
            .chain((AT_ONCE..IN_ALL).map(|number| format!("waiting{number}")))
            .collect();
        let mut look_ups: Vec<_> = names.iter().map(|name| Box::pin(resolver.look_up(name))).collect();
        for look_up in &mut look_ups {
            assert!(futures_util::poll!(look_up).is_pending());
        }
        let refused = resolver.look_up("one.too.many").await.expect_err("refused");
        assert_eq!(refused.why, Why::Busy);
        let mut joined = Box::pin(resolver.look_up("hung0"));
        assert!(futures_util::poll!(&mut joined).is_pending());
        barrier.wait();
        let found = join_all(look_ups).await;
        assert!(found.iter().all(Result::is_ok));
        assert!(joined.await.is_ok());
        assert!(most.load(Ordering::SeqCst) <= AT_ONCE, "{most:?}");
    }

    #[tokio::test]
    async fn a_name_that_many_ask_for_is_looked_up_once() {
        let asked = Arc::new(AtomicUsize::new(0));
        let count = Arc::clone(&asked);
        let resolver = Resolver::asking(move |_| {
            count.fetch_add(1, Ordering::SeqCst);
            Ok(vec![HERE])
        });
        let found = join_all((0..600).map(|_| resolver.look_up("api.example"))).await;
        assert!(found.iter().all(|found| found.as_deref() == Ok(&[HERE])));
        assert!(asked.load(Ordering::SeqCst) < 600);
        let before = asked.load(Ordering::SeqCst);
        assert!(resolver.look_up("api.example").await.is_ok());
        assert_eq!(asked.load(Ordering::SeqCst), before + 1, "nothing is kept");
    }

    #[tokio::test]
    async fn whoever_gives_up_holds_neither_a_place_nor_the_others() {
        let barrier = Arc::new(Barrier::new(2));
        let hung = Arc::clone(&barrier);
        let resolver = Resolver::asking(move |_| {
            hung.wait();
            Ok(vec![HERE])
        });
        let mut first = Box::pin(resolver.look_up("api.example"));
        assert!(futures_util::poll!(&mut first).is_pending());
        let mut second = Box::pin(resolver.look_up("api.example"));
        assert!(futures_util::poll!(&mut second).is_pending());
        drop(first);
        assert_eq!(resolver.queue.available_permits(), IN_ALL - 1);
        barrier.wait();
        assert!(second.await.is_ok());
        assert_eq!(resolver.queue.available_permits(), IN_ALL);
        assert_eq!(resolver.threads.available_permits(), AT_ONCE);
    }
}
