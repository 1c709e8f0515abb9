//! HTTP clients, one for each way of connecting.
//!
//! A client costs some 30 ms to build (it reads the machine's authorities), and its pool holds open
//! connections. Only requests with equal settings may share a connection: one that was opened without
//! checking a certificate must never serve a connector that wants it checked, nor one through a
//! proxy a connector that goes directly.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use reqwest::{Client, redirect};

use super::failure::Problem;
use super::policy::Policy;
use super::resolver::Guard;
use super::transport::{BuildProblem, Fingerprint, Transport};

/// How many clients are kept; the one used longest ago makes room.
const KEPT: usize = 64;

/// Idle connections that one client keeps to a host, and for how long. Servers close theirs after
/// a minute or more: a connection that is about to be closed is not worth a failed request.
const IDLE_CONNECTIONS: usize = 8;
const IDLE_TIME: Duration = Duration::from_secs(30);

/// The largest list of headers that HTTP/2 servers may send, in bytes.
const HTTP2_HEADERS: u32 = 64 * 1024;

pub(super) struct Clients {
    policy: Arc<Policy>,
    /// The one used last stands last.
    kept: Mutex<VecDeque<(Key, Client)>>,
}

/// Everything that is fixed when a client is built.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Key {
    transport: Fingerprint,
    /// A client's resolver judges addresses for one port: the proxy's, or the target's.
    port: u16,
    connect: Duration,
}

impl Clients {
    pub(super) fn new(policy: Arc<Policy>) -> Self {
        Self {
            policy,
            kept: Mutex::default(),
        }
    }

    /// The client for these settings, built if need be. `port` is the one connected to.
    pub(super) fn get(
        &self,
        transport: &Transport,
        port: u16,
        connect: Duration,
    ) -> Result<Client, Problem> {
        let key = Key {
            transport: transport.fingerprint(),
            port,
            connect,
        };
        if let Some(client) = self.find(key) {
            return Ok(client);
        }
        // Built without the lock: others need not wait. Two at once build two, and one is kept.
        let client = self.build(transport, port, connect)?;
        self.keep(key, client.clone());
        Ok(client)
    }

    fn find(&self, key: Key) -> Option<Client> {
        let mut kept = self.lock();
        let place = kept.iter().position(|(other, _)| *other == key)?;
        let found = kept.remove(place)?;
        let client = found.1.clone();
        kept.push_back(found);
        Some(client)
    }

    fn keep(&self, key: Key, client: Client) {
        let mut kept = self.lock();
        kept.retain(|(other, _)| *other != key);
        while kept.len() >= KEPT {
            kept.pop_front();
        }
        kept.push_back((key, client));
    }

    /// A panic elsewhere leaves the list whole: each change to it is one step.
    fn lock(&self) -> MutexGuard<'_, VecDeque<(Key, Client)>> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }

    #[expect(
        clippy::disallowed_methods,
        reason = "the one place that builds HTTP clients"
    )]
    fn build(
        &self,
        transport: &Transport,
        port: u16,
        connect: Duration,
    ) -> Result<Client, BuildProblem> {
        let guard = Guard {
            policy: Arc::clone(&self.policy),
            port,
        };
        let client = Client::builder()
            .user_agent("Connectory")
            // The system's proxies would be judged in the place of the target.
            .no_proxy()
            .redirect(redirect::Policy::none())
            .referer(false)
            .dns_resolver(guard)
            .connect_timeout(connect)
            .http2_max_header_list_size(HTTP2_HEADERS)
            .pool_max_idle_per_host(IDLE_CONNECTIONS)
            .pool_idle_timeout(IDLE_TIME);
        Ok(transport.apply(client)?.build()?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_so_many_clients_are_kept_and_the_last_used_stay() -> Result<(), BuildProblem> {
        let clients = Clients::new(Arc::default());
        let transport = Transport::default();
        let connect = Duration::from_secs(1);
        let any = clients.build(&transport, 443, connect)?;
        let key = |port| Key {
            transport: transport.fingerprint(),
            port,
            connect,
        };
        for port in 1..=70 {
            assert!(clients.find(key(1)).is_some() || port == 1);
            clients.keep(key(port), any.clone());
        }
        assert_eq!(clients.lock().len(), KEPT);
        assert!(clients.find(key(1)).is_some(), "used all the time");
        assert!(clients.find(key(2)).is_none(), "used longest ago");
        assert!(clients.find(key(70)).is_some());
        Ok(())
    }
}
