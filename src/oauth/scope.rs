//! Scopes (RFC 6749 3.3): how they are typed, and how they are sent.

use std::str::FromStr;

use thiserror::Error;

/// What stands between scopes when they are sent.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ScopeSeparator {
    /// A space, as RFC 6749 3.3 asks.
    #[default]
    Space,
    /// A comma, as some servers want it.
    Comma,
}

/// A text is no code of a [`ScopeSeparator`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("is not a separator of scopes")]
pub struct UnknownSeparator;

impl ScopeSeparator {
    /// All separators, in the order in which a form offers them.
    pub const ALL: [Self; 2] = [Self::Space, Self::Comma];

    /// The code that forms and the database carry.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Space => "space",
            Self::Comma => "comma",
        }
    }

    /// The words that a form shows.
    pub fn label(self) -> &'static str {
        match self {
            Self::Space => "Space",
            Self::Comma => "Comma",
        }
    }

    /// The scopes as they are sent. Typed or received, they may be parted by white space or commas.
    pub(super) fn join(self, scopes: &str) -> String {
        let separator = match self {
            Self::Space => " ",
            Self::Comma => ",",
        };
        split(scopes).collect::<Vec<_>>().join(separator)
    }
}

/// Reads the code of a separator.
impl FromStr for ScopeSeparator {
    type Err = UnknownSeparator;

    fn from_str(code: &str) -> Result<Self, UnknownSeparator> {
        let found = Self::ALL.into_iter().find(|one| one.as_str() == code);
        found.ok_or(UnknownSeparator)
    }
}

/// The single scopes of a text.
pub(super) fn split(scopes: &str) -> impl Iterator<Item = &str> {
    let pieces = scopes.split(|c: char| c == ',' || c.is_whitespace());
    pieces.filter(|scope| !scope.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_code_reads_back() {
        for separator in ScopeSeparator::ALL {
            assert_eq!(separator.as_str().parse(), Ok(separator));
        }
        assert_eq!("plus".parse::<ScopeSeparator>(), Err(UnknownSeparator));
    }

    #[test]
    fn scopes_are_sent_with_the_separator_that_is_set() {
        for (typed, space, comma) in [
            ("", "", ""),
            (" , ", "", ""),
            ("read", "read", "read"),
            ("read write,\n admin", "read write admin", "read,write,admin"),
            ("https://a.example/x y:z", "https://a.example/x y:z", "https://a.example/x,y:z"),
        ] {
            assert_eq!(ScopeSeparator::Space.join(typed), space);
            assert_eq!(ScopeSeparator::Comma.join(typed), comma);
        }
    }
}
