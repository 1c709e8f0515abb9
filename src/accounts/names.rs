//! What people are called: the user name, which they sign in with, and the name that pages and the audit log show.

use unicode_normalization::UnicodeNormalization;

use crate::access::RESERVED_NAMES;
use crate::name::fold;

/// The longest user name, in characters.
const LONGEST_USERNAME: usize = 100;

/// A user name: letters, digits and `. _ - @ +`; no colon, which HTTP Basic could not carry.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Username(String);

/// Why a text is no user name.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum UsernameProblem {
    #[error("Enter a user name")]
    Empty,
    #[error("User name must be {LONGEST_USERNAME} characters or fewer")]
    Long,
    #[error("A user name can have letters, numbers, full stops, underscores, hyphens, @ and +")]
    Character,
}

impl Username {
    pub fn parse(typed: &str) -> Result<Username, UsernameProblem> {
        let text: String = typed.trim().nfc().collect();
        match text.chars().count() {
            0 => Err(UsernameProblem::Empty),
            length if length > LONGEST_USERNAME => Err(UsernameProblem::Long),
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

/// The longest name of a person, in characters.
const LONGEST_NAME: usize = 255;

/// Why a text is no person's name.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum PersonNameProblem {
    #[error("Enter the person’s name")]
    Empty,
    #[error("Name must be {LONGEST_NAME} characters or fewer")]
    Long,
    #[error("A name cannot have control characters. Type it again")]
    Control,
    #[error("Connectory itself is called so in the audit log. Enter another name")]
    Reserved,
}

/// A person's name: nearly anything, in Unicode NFC, with single spaces inside and none around.
pub fn parse_person_name(typed: &str) -> Result<String, PersonNameProblem> {
    let words: Vec<&str> = typed.split_whitespace().collect();
    let name: String = words.join(" ").nfc().collect();
    match name.chars().count() {
        0 => Err(PersonNameProblem::Empty),
        length if length > LONGEST_NAME => Err(PersonNameProblem::Long),
        // Marks that turn the direction of text could make one name read like another.
        _ if name.chars().any(|letter| {
            letter.is_control() || matches!(letter, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
        }) =>
        {
            Err(PersonNameProblem::Control)
        }
        _ if RESERVED_NAMES.iter().any(|program| looks_like(&name, program)) => Err(PersonNameProblem::Reserved),
        _ => Ok(name),
    }
}

/// Whether two names read alike: without case, accents, spaces and marks that cannot be seen, and with the usual Greek
/// and Cyrillic look-alikes of Latin letters.
fn looks_like(name: &str, other: &str) -> bool {
    let skeleton = |text: &str| -> String {
        let letters = fold(text);
        let letters = letters.chars().filter(|letter| letter.is_alphanumeric());
        letters.map(latin).collect()
    };
    skeleton(name) == skeleton(other)
}

fn latin(letter: char) -> char {
    match letter {
        'а' | 'α' => 'a',
        'с' | 'ϲ' => 'c',
        'ԁ' => 'd',
        'е' | 'ε' => 'e',
        'і' | 'ι' | 'ı' | 'l' | '1' | 'ӏ' => 'i',
        'м' => 'm',
        'п' | 'η' => 'n',
        'о' | 'ο' | 'σ' | '0' => 'o',
        'г' => 'r',
        'т' | 'τ' => 't',
        'у' | 'γ' => 'y',
        other => other,
    }
}

/// The same of the person who types it, with the message for its field.
pub fn parse_own_name(typed: &str) -> Result<String, String> {
    parse_person_name(typed).map_err(|problem| match problem {
        PersonNameProblem::Empty => "Enter your name".into(),
        problem => problem.to_string(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_persons_name_is_nearly_anything() {
        assert_eq!(parse_person_name("  Renée\t O’Brien-Li (she) ").as_deref(), Ok("Renée O’Brien-Li (she)"));
        assert_eq!(parse_person_name("e\u{301}").as_deref(), Ok("é"));
        assert_eq!(parse_person_name(" \n "), Err(PersonNameProblem::Empty));
        assert_eq!(parse_person_name(&"x".repeat(256)), Err(PersonNameProblem::Long));
        for hidden in ["Ana\u{202e}ziuR", "Ana\u{7}"] {
            assert_eq!(parse_person_name(hidden), Err(PersonNameProblem::Control));
        }
    }

    #[test]
    fn nobody_is_called_like_a_program() {
        for name in [
            "Connectory",
            "CONNECTORY",
            "Connectòry",
            "Ｃｏｎｎｅｃｔｏｒｙ",
            "Cоnnectоry",
            "Connect0ry",
            "Con\u{ad}nectory",
            "Connectory.",
            "command line",
            "Command  Line",
            "command-line",
            "cοmmand 1ine",
        ] {
            let parsed = parse_person_name(name);
            assert_eq!(parsed, Err(PersonNameProblem::Reserved), "{name}");
        }
        for name in ["Connie Tory", "Demo", "Ana Connectory"] {
            assert!(parse_person_name(name).is_ok(), "{name}");
        }
    }
}
