//! TLS configurations, built once for equal settings.
//!
//! Building one costs some 30 ms (it reads the machine's authorities), and it remembers the sessions
//! that later connections resume. Only connections with equal settings may share one: a session that
//! was opened without checking a certificate must never be resumed where it is to be checked.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use rustls::ClientConfig;
use tokio::time::Instant;

use super::client::stopping;
use super::failure::Problem;
use super::transport::Transport;
use super::trust;

/// How many are kept; the one used longest ago makes room.
const KEPT: usize = 64;

/// How long one is used, so that a change of the machine's authorities counts.
const FRESH: Duration = Duration::from_secs(3_600);

#[derive(Default)]
pub(super) struct Trusts {
    /// The one used last stands last.
    kept: Mutex<VecDeque<Kept>>,
    /// Whoever builds has this, so that many who begin at once do not all build.
    building: tokio::sync::Mutex<()>,
}

struct Kept {
    transport: Transport,
    config: Arc<ClientConfig>,
    built: Instant,
}

impl Trusts {
    /// The configuration for these settings, built if need be.
    pub(super) async fn config(&self, transport: &Transport) -> Result<Arc<ClientConfig>, Problem> {
        if let Some(config) = self.find(transport) {
            return Ok(config);
        }
        let _only = self.building.lock().await;
        if let Some(config) = self.find(transport) {
            return Ok(config);
        }
        let settings = transport.clone();
        let build = move || trust::config(&settings, trust::verifier(&settings)?);
        let built = tokio::task::spawn_blocking(build);
        let config = Arc::new(built.await.map_err(|_| stopping())??);
        self.keep(transport, &config);
        Ok(config)
    }

    fn find(&self, transport: &Transport) -> Option<Arc<ClientConfig>> {
        let mut kept = self.lock();
        kept.retain(|kept| kept.built.elapsed() < FRESH);
        let is_alike = |kept: &Kept| kept.transport.trusts_like(transport);
        let found = kept.iter().position(is_alike)?;
        let found = kept.remove(found)?;
        let config = Arc::clone(&found.config);
        kept.push_back(found);
        Some(config)
    }

    fn keep(&self, transport: &Transport, config: &Arc<ClientConfig>) {
        let mut kept = self.lock();
        while kept.len() >= KEPT {
            kept.pop_front();
        }
        kept.push_back(Kept { transport: transport.clone(), config: Arc::clone(config), built: Instant::now() });
    }

    /// A panic elsewhere leaves the list whole: each change to it is one step.
    fn lock(&self) -> MutexGuard<'_, VecDeque<Kept>> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::super::url::{HttpUrl, UrlProblem};
    use super::*;

    #[tokio::test]
    async fn only_so_many_are_kept_and_the_last_used_stay() -> Result<(), UrlProblem> {
        let trusts = Trusts::default();
        let unverified = Transport { verify: false, ..Transport::default() };
        let Ok(any) = trusts.config(&unverified).await else {
            unreachable!("nothing has to be read for it");
        };
        let proxied = Transport { proxy: Some(HttpUrl::parse("http://proxy.example")?), ..unverified.clone() };
        let same = trusts.config(&proxied).await.ok();
        assert!(same.is_some_and(|same| Arc::ptr_eq(&same, &any)));
        let other = |number: usize| Transport { ca_pem: Some(number.to_string()), ..unverified.clone() };
        for number in 1..=70 {
            assert!(trusts.find(&other(1)).is_some() || number == 1);
            trusts.keep(&other(number), &any);
        }
        assert_eq!(trusts.lock().len(), KEPT);
        assert!(trusts.find(&other(1)).is_some(), "used all the time");
        assert!(trusts.find(&other(2)).is_none(), "used longest ago");
        assert!(trusts.find(&other(70)).is_some());
        Ok(())
    }
}
