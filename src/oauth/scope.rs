//! Scopes (RFC 6749 3.3): how they are typed, and how they are sent.

use crate::db::text_enum;

text_enum! {
    /// What stands between scopes when they are sent.
    #[derive(Default)]
    pub enum ScopeSeparator {
        /// A space, as RFC 6749 3.3 asks.
        #[default]
        Space = "space", "Space";
        /// A comma, as some servers want it.
        Comma = "comma", "Comma";
    }
}

impl ScopeSeparator {
    /// The scopes as they are sent. Typed or received, they may be parted by white space or commas.
    pub(super) fn join(self, scopes: &str) -> String {
        let separator = match self {
            Self::Space => " ",
            Self::Comma => ",",
        };
        split(scopes).collect::<Vec<_>>().join(separator)
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
