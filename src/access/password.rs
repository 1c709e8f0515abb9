//! Passwords of people: argon2id hashes, made and compared.

use std::sync::Arc;

use argon2::password_hash::phc::PasswordHash;
use argon2::{Argon2, PasswordHasher as _, PasswordVerifier};
use tokio::sync::Semaphore;

use crate::web::Error;

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
        Ok(PasswordHasher {
            permits: Arc::new(Semaphore::new(parallel.max(1))),
            decoy: hash(&unguessable)?.into(),
        })
    }

    /// The PHC string of a new password: argon2id with m = 19456 KiB, t = 2, p = 1.
    pub async fn hash(&self, password: String) -> Result<String, Error> {
        self.run(move || hash(password.as_bytes()))
            .await?
            .map_err(Error::internal)
    }

    /// Whether the password fits the stored hash; without one (unknown user) it takes as long and says no.
    pub async fn verify(&self, password: String, stored: Option<String>) -> Result<bool, Error> {
        let known = stored.is_some();
        let stored = stored.unwrap_or_else(|| self.decoy.to_string());
        let fits = self.run(move || fits(password.as_bytes(), &stored)).await?;
        Ok(fits && known)
    }

    async fn run<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, Error> {
        let _permit = self.permits.acquire().await.map_err(Error::internal)?;
        tokio::task::spawn_blocking(work)
            .await
            .map_err(Error::internal)
    }
}

fn hash(password: &[u8]) -> anyhow::Result<String> {
    let hash = Argon2::default()
        .hash_password(password)
        .map_err(|error| anyhow::anyhow!("argon2: {error}"))?;
    Ok(hash.to_string())
}

fn fits(password: &[u8], stored: &str) -> bool {
    PasswordHash::new(stored)
        .is_ok_and(|parsed| Argon2::default().verify_password(password, &parsed).is_ok())
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
}
