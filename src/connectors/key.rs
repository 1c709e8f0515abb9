//! The key of a connector: its name in the addresses that programs use.

use crate::name::Name;

/// The longest key, in characters.
const LONGEST: usize = 80;

/// Keys that would be pages of their own under `/connectors/`.
const RESERVED: [&str; 3] = ["new", "templates", "trash"];

/// Lower-case ASCII letters and digits, with single hyphens between them.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ConnectorKey(String);

impl ConnectorKey {
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The key that was typed.
    ///
    /// # Errors
    /// What to change, as a sentence for the field.
    pub fn parse(typed: &str) -> Result<ConnectorKey, String> {
        let key = typed.trim();
        let plain = |letter: char| letter.is_ascii_lowercase() || letter.is_ascii_digit() || letter == '-';
        if let Some(other) = key.chars().find(|letter| !plain(*letter)) {
            Err(format!(
                "Key can have the letters a to z in lower case, digits and hyphens. Remove “{}”.",
                crate::name::visible(other)
            ))
        } else if key.chars().count() > LONGEST {
            Err(format!("Key must be {LONGEST} characters or fewer"))
        } else if key.split('-').any(str::is_empty) {
            Err("Key must begin and end with a letter or a digit, and have single hyphens".into())
        } else if RESERVED.contains(&key) {
            Err(format!("“{key}” is a page of Connectory. Choose another key."))
        } else {
            Ok(ConnectorKey(key.into()))
        }
    }

    /// The key that a connector of this name gets unless another is typed; the next of the same name get a number behind
    /// it.
    pub(super) fn proposed(name: &Name) -> ConnectorKey {
        let slug = name.slug();
        ConnectorKey(match slug.as_str() {
            "" => "connector".into(),
            slug if RESERVED.contains(&slug) => format!("{slug}-connector"),
            _ => slug,
        })
    }

    /// `self`, or the first one with a number behind it that is not among `taken`.
    pub(super) fn first_free(self, taken: &[String]) -> ConnectorKey {
        let numbered = (2..).map(|number: u32| format!("{}-{number}", self.0));
        let free = std::iter::once(self.0.clone()).chain(numbered).find(|key| !taken.contains(key));
        free.map_or(self, ConnectorKey)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_lower_case_words_joined_by_hyphens() {
        for typed in ["payroll", " payroll-2 ", "2026"] {
            assert_eq!(ConnectorKey::parse(typed).unwrap().as_str(), typed.trim());
        }
        for (typed, problem) in [
            ("Payroll", "Remove “P”"),
            ("pay roll", "Remove “ ”"),
            ("pay/roll", "Remove “/”"),
            ("gehälter", "Remove “ä”"),
            ("-payroll", "begin and end"),
            ("pay--roll", "single hyphens"),
            ("", "begin and end"),
            ("trash", "page of Connectory"),
        ] {
            assert!(ConnectorKey::parse(typed).unwrap_err().contains(problem), "{typed}");
        }
        assert!(ConnectorKey::parse(&"x".repeat(LONGEST)).is_ok());
        assert!(ConnectorKey::parse(&"x".repeat(LONGEST + 1)).is_err());
    }

    #[test]
    fn the_next_connectors_of_a_name_get_numbers() {
        let proposed = || ConnectorKey::proposed(&Name::parse("New", 255).unwrap());
        assert_eq!(proposed().first_free(&[]).as_str(), "new-connector");
        let taken = ["new-connector".to_string(), "new-connector-2".to_string()];
        assert_eq!(proposed().first_free(&taken).as_str(), "new-connector-3");
    }
}
