//! Passwords of people: argon2id hashes, made and compared.
//!
//! Rule: on threads of their own and no more at once than there are permits, so that nothing that blocks elsewhere in
//! the program keeps anybody from signing in, and signing in keeps no worker from serving. A permit is given back when
//! the work has ended, also when nobody waits for it any more.

use std::sync::Arc;
use std::time::Duration;

use argon2::password_hash::phc::PasswordHash;
use argon2::{Argon2, PasswordHasher as _, PasswordVerifier};
use tokio::sync::{Semaphore, oneshot};

use crate::web::Error;

/// How long a password waits for its turn.
const PATIENCE: Duration = Duration::from_secs(10);

/// Hashes and checks passwords, as many at a time as there are processors: each takes 19 MiB and some 50 ms.
#[derive(Clone)]
pub struct PasswordHasher {
    permits: Arc<Semaphore>,
    /// A hash of nothing anybody knows, so that an unknown user takes the same time as a wrong password.
    decoy: Arc<str>,
}

impl PasswordHasher {
    /// A hasher that works on at most `parallel` passwords at once.
    pub fn new(parallel: usize) -> anyhow::Result<PasswordHasher> {
        let unguessable: [u8; 32] = rand::random();
        Ok(PasswordHasher { permits: Arc::new(Semaphore::new(parallel.max(1))), decoy: hash(&unguessable)?.into() })
    }

    /// The PHC string of a new password: argon2id with m = 19456 KiB, t = 2, p = 1.
    pub async fn hash(&self, password: String) -> Result<String, Error> {
        self.run(move || hash(password.as_bytes())).await?.map_err(Error::internal)
    }

    /// Whether the password fits the stored hash; without one (unknown user) it takes as long and says no.
    pub async fn verify(&self, password: String, stored: Option<String>) -> Result<bool, Error> {
        let known = stored.is_some();
        let stored = stored.unwrap_or_else(|| self.decoy.to_string());
        let fits = self.run(move || fits(password.as_bytes(), &stored)).await?;
        Ok(fits && known)
    }

    async fn run<T: Send + 'static>(&self, work: impl FnOnce() -> T + Send + 'static) -> Result<T, Error> {
        let permit = Arc::clone(&self.permits).acquire_owned();
        let permit = tokio::time::timeout(PATIENCE, permit)
            .await
            .map_err(|_| Error::Busy("Too many people are signing in."))?
            .map_err(Error::internal)?;
        let (give, done) = oneshot::channel();
        let work = move || {
            let outcome = work();
            drop(permit);
            // Whoever has asked may have gone.
            _ = give.send(outcome);
        };
        std::thread::Builder::new().name("password".into()).spawn(work).map_err(Error::internal)?;
        done.await.map_err(Error::internal)
    }
}

fn hash(password: &[u8]) -> anyhow::Result<String> {
    let hash = Argon2::default().hash_password(password).map_err(|error| anyhow::anyhow!("argon2: {error}"))?;
    Ok(hash.to_string())
}

fn fits(password: &[u8], stored: &str) -> bool {
    PasswordHash::new(stored).is_ok_and(|parsed| Argon2::default().verify_password(password, &parsed).is_ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hash_is_argon2id_and_fits_its_password_only() {
        let stored = hash(b"correct horse").unwrap();
        assert!(stored.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"));
        assert!(fits(b"correct horse", &stored));
        assert!(!fits(b"correct horsE", &stored));
        assert!(!fits(b"anything", "not a hash"));
    }

    #[tokio::test]
    async fn who_goes_away_gives_the_permit_back_only_when_the_work_has_ended() {
        let hasher = PasswordHasher::new(1).unwrap();
        let (go_on, waits) = std::sync::mpsc::channel::<()>();
        let mut gone = Box::pin(hasher.run(move || waits.recv().is_ok()));
        assert!(futures_util::poll!(&mut gone).is_pending());
        drop(gone);
        let mut next = Box::pin(hasher.run(|| ()));
        assert!(futures_util::poll!(&mut next).is_pending());
        assert_eq!(hasher.permits.available_permits(), 0);
        go_on.send(()).unwrap();
        assert!(next.await.is_ok());
    }
}
