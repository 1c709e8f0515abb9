//! The name a person signs in with.

use unicode_normalization::UnicodeNormalization;

/// The longest user name, in characters.
const LONGEST: usize = 100;

/// A user name: letters, digits and `. _ - @ +`; no colon, which HTTP Basic could not carry.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Username(String);

/// Why a text is no user name.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum UsernameProblem {
    #[error("Enter a user name")]
    Empty,
    #[error("User name must be {LONGEST} characters or fewer")]
    Long,
    #[error("A user name can have letters, numbers, full stops, underscores, hyphens, @ and +")]
    Character,
}

impl Username {
    pub fn parse(typed: &str) -> Result<Username, UsernameProblem> {
        let text: String = typed.trim().nfc().collect();
        match text.chars().count() {
            0 => Err(UsernameProblem::Empty),
            length if length > LONGEST => Err(UsernameProblem::Long),
            _ if text.chars().all(|letter| letter.is_alphanumeric() || "._-@+".contains(letter)) => Ok(Username(text)),
            _ => Err(UsernameProblem::Character),
        }
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// What makes two user names the same.
    pub fn key(&self) -> String {
        crate::name::key(&self.0)
    }
}
