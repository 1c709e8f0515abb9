//! Passwords of people: argon2id hashes, and what a new password must be like.
//!
//! Rules: hashing runs on threads of its own and no more at once than there are permits, so that nothing that blocks
//! elsewhere in the program delays sign-ins, and no sign-in delays a worker. New passwords
//! are long and none of those that are tried first; no composition, no expiry, any character (NIST SP 800-63B section
//! 5.1.1.2). The same check stands wherever a password is chosen: the first run, a set-password link, the profile, the
//! command line.

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
    /// A hash of an unknown password, so that an unknown user takes the same time as a wrong password.
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
            // The request may be gone.
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

/// The shortest password, in characters; length is what makes a password strong.
const SHORTEST: usize = 12;
/// The longest password, in characters, so that hashing it stays cheap.
const LONGEST: usize = 256;

/// The ten thousand most common passwords of at least [`SHORTEST`] characters, in small letters, one a line in the
/// order of their bytes: from Mark Burnett's ten million passwords, which are in the public domain, and what other
/// lists of the most common ones have besides.
const COMMON: &str = include_str!("common_passwords.txt");

/// Words that make a long password weak if there is little else in it.
const WEAK_WORDS: &[&str] =
    &["password", "passwort", "administrator", "qwertyuiop", "letmein", "welcome", "changeme", "123456789", "iloveyou"];

/// The name of this program, which is tried together with the names of people.
const PRODUCT: &str = "connectory";

/// The shortest word of a name that a password must not contain, in characters: shorter ones stand in many words.
const SHORTEST_NAME: usize = 4;

/// Why a new password is refused, with the message for its field.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum PasswordProblem {
    #[error("Enter a password")]
    Empty,
    #[error("Password must be at least {SHORTEST} characters long")]
    Short,
    #[error("Password must be {LONGEST} characters or fewer")]
    Long,
    #[error("Choose a password without your name, your user name or “Connectory” in it: these are tried first")]
    Names,
    #[error(
        "Choose a password that is not easy to guess: this one is among the most common, or repeats itself or your user name"
    )]
    Common,
}

/// Checks a new password of the person with this user name and name.
pub fn check_new_password(password: &str, username: &str, name: &str) -> Result<(), PasswordProblem> {
    let length = password.chars().count();
    let lower = password.to_lowercase();
    let (username, name) = (username.to_lowercase(), name.to_lowercase());
    match length {
        0 => Err(PasswordProblem::Empty),
        1..SHORTEST => Err(PasswordProblem::Short),
        _ if length > LONGEST => Err(PasswordProblem::Long),
        _ if contains_a_name(&lower, &username, &name) => Err(PasswordProblem::Names),
        _ if is_padded_word(&lower, &username) || repeats(&lower) || is_common(&lower) => Err(PasswordProblem::Common),
        _ => Ok(()),
    }
}

/// Whether the user name, a word of either name or the program's name stands in the password.
fn contains_a_name(password: &str, username: &str, name: &str) -> bool {
    let words = |text| str::split(text, |letter: char| !letter.is_alphanumeric());
    words(username)
        .chain(words(name))
        .chain([username, PRODUCT])
        .any(|word| word.chars().count() >= SHORTEST_NAME && password.contains(word))
}

/// Whether little else than one of the words is there: `password1234`, `ana-ana-ana-1`.
fn is_padded_word(password: &str, username: &str) -> bool {
    WEAK_WORDS.iter().chain([&username]).any(|word| {
        word.chars().count() >= 3 && password.contains(word) && password.replace(word, "").chars().count() < 6
    })
}

fn repeats(password: &str) -> bool {
    let mut distinct: Vec<char> = password.chars().collect();
    distinct.sort_unstable();
    distinct.dedup();
    distinct.len() < 4
}

/// A walk over the list takes a thousandth of the time that hashing the password takes.
fn is_common(password: &str) -> bool {
    COMMON.lines().any(|common| common == password)
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

    fn check(password: &str) -> Result<(), PasswordProblem> {
        check_new_password(password, "ana.ruiz", "Ana Ruiz-Ibáñez")
    }

    #[test]
    fn long_ones_of_any_kind_are_accepted() {
        for password in [
            "correct horse battery",
            "пароль из слов",
            "            a b c",
            "tuvwxyzabcde",
            // A name of three letters stands in many words.
            "bananas in pyjamas",
            &"wide sky, ".repeat(25),
        ] {
            assert_eq!(check(password), Ok(()), "{password}");
        }
    }

    #[test]
    fn length_is_counted_in_characters() {
        assert_eq!(check(""), Err(PasswordProblem::Empty));
        assert_eq!(check("eleven chrs"), Err(PasswordProblem::Short));
        assert_eq!(check("ßéñôüåøčžšđ"), Err(PasswordProblem::Short));
        let longest = "wide sky, ".repeat(25) + "123456";
        assert_eq!(check(&longest), Ok(()));
        assert_eq!(check(&(longest + "7")), Err(PasswordProblem::Long));
    }

    #[test]
    fn those_that_are_tried_first_are_refused() {
        for password in [
            "Password1234",
            "aaaaaaaaaaaaaa",
            "1qaz2wsx3edc",
            "QwertyUiop123",
            "ManchesterUnited",
            "correcthorsebatterystaple",
            "ana-ana-ana-1",
        ] {
            let checked = check_new_password(password, "ana", "Ana Ruiz");
            assert_eq!(checked, Err(PasswordProblem::Common), "{password}");
        }
    }

    #[test]
    fn names_are_refused_wherever_they_stand() {
        for password in
            ["ana.ruiz is signing in", "the house of RUIZ, 1987", "ibáñez and four words", "my Connectory has a cat"]
        {
            assert_eq!(check(password), Err(PasswordProblem::Names), "{password}");
        }
    }

    #[test]
    fn the_list_holds_what_no_other_rule_refuses() {
        let lines: Vec<&str> = COMMON.lines().collect();
        assert!(lines.len() > 10_000 && lines.is_sorted());
        for line in lines {
            let length = line.chars().count();
            assert!((SHORTEST..=LONGEST).contains(&length), "{line}");
            assert!(line == line.to_lowercase() && !repeats(line), "{line}");
        }
    }
}
