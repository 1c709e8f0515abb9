//! Passwords of people: argon2id hashes, and what a new password must be like.

use std::sync::Arc;

use argon2::password_hash::phc::PasswordHash;
use argon2::{Argon2, PasswordHasher as _, PasswordVerifier};
use tokio::sync::Semaphore;

use crate::web::Error;

/// The shortest password, in characters; length is what makes a password strong.
const SHORTEST: usize = 12;
/// The longest password, in characters, so that hashing it stays cheap.
const LONGEST: usize = 256;

/// Words that make a long password weak all the same: those of this product and the classics.
const COMMON: &[&str] = &[
    "password",
    "passwort",
    "connectory",
    "administrator",
    "qwertyuiop",
    "letmein",
    "welcome",
    "changeme",
    "123456789",
    "iloveyou",
];

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

/// Why a new password is refused, in words for its field.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum PasswordProblem {
    #[error("Enter a password")]
    Empty,
    #[error("Password must be at least {SHORTEST} characters long")]
    Short,
    #[error("Password must be {LONGEST} characters or fewer")]
    Long,
    #[error(
        "Choose a password that is not easy to guess: this one is among the most common, or repeats itself or your user name"
    )]
    Common,
}

/// Checks a new password: its length and that it is none of the obvious ones. No rules of composition.
pub fn check_new_password(password: &str, username: &str) -> Result<(), PasswordProblem> {
    let length = password.chars().count();
    let lower = password.to_lowercase();
    let username = username.to_lowercase();
    match length {
        0 => Err(PasswordProblem::Empty),
        1..SHORTEST => Err(PasswordProblem::Short),
        _ if length > LONGEST => Err(PasswordProblem::Long),
        _ if is_padded_word(&lower, COMMON.iter().copied().chain([username.as_str()]))
            || repeats(&lower) =>
        {
            Err(PasswordProblem::Common)
        }
        _ => Ok(()),
    }
}

/// Whether little else than one of the words is there: `password1234`, `Connectory!!!`.
fn is_padded_word<'a>(password: &str, mut words: impl Iterator<Item = &'a str>) -> bool {
    words.any(|word| {
        word.chars().count() >= 3
            && password.contains(word)
            && password.replace(word, "").chars().count() < 6
    })
}

fn repeats(password: &str) -> bool {
    let mut distinct: Vec<char> = password.chars().collect();
    distinct.sort_unstable();
    distinct.dedup();
    distinct.len() < 4
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn obvious_passwords_are_refused_and_long_ones_of_any_kind_accepted() {
        for (password, result) in [
            ("", Err(PasswordProblem::Empty)),
            ("short", Err(PasswordProblem::Short)),
            ("Password1234", Err(PasswordProblem::Common)),
            ("anaruizanaruiz", Err(PasswordProblem::Common)),
            ("aaaaaaaaaaaaaa", Err(PasswordProblem::Common)),
            ("correct horse battery", Ok(())),
            ("пароль из слов", Ok(())),
        ] {
            assert_eq!(
                check_new_password(password, "anaruiz"),
                result,
                "{password}"
            );
        }
    }

    #[test]
    fn a_hash_is_argon2id_and_fits_its_password_only() {
        let stored = hash(b"correct horse").unwrap();
        assert!(stored.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"));
        assert!(fits(b"correct horse", &stored));
        assert!(!fits(b"correct horsE", &stored));
        assert!(!fits(b"anything", "not a hash"));
    }
}
