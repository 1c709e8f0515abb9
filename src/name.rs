//! Validation of names: maximum length, allowed characters, normalization (Unicode NFC). Also when two names are the
//! same, the text in which they are searched, and their slugs in addresses.
//!
//! Danger: comparing names in any other way than by [`Name::key`], which would let two look-alikes stand side by side.

use std::fmt::{self, Display};
use std::io::Write;
use std::ops::Deref;

use caseless::default_case_fold_str;
use diesel::deserialize::{self, FromSql, FromSqlRow};
use diesel::expression::AsExpression;
use diesel::pg::{Pg, PgValue};
use diesel::serialize::{self, IsNull, Output, ToSql};
use diesel::sql_types::Text;
use unicode_normalization::UnicodeNormalization;
use unicode_normalization::char::is_combining_mark;

/// The longest slug, in characters.
const LONGEST_SLUG: usize = 40;

/// A name in Unicode NFC, with single spaces inside and none around.
#[derive(Clone, PartialEq, Eq, Debug, AsExpression, FromSqlRow)]
#[diesel(sql_type = Text)]
pub struct Name(String);

impl Deref for Name {
    type Target = str;

    fn deref(&self) -> &str {
        &self.0
    }
}

impl Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self)
    }
}

impl ToSql<Text, Pg> for Name {
    fn to_sql<'b>(&'b self, out: &mut Output<'b, '_, Pg>) -> serialize::Result {
        out.write_all(self.as_bytes())?;
        Ok(IsNull::No)
    }
}

/// What was stored has been a name by the rule of its time, and stays one.
impl FromSql<Text, Pg> for Name {
    fn from_sql(value: PgValue<'_>) -> deserialize::Result<Name> {
        Ok(Name(std::str::from_utf8(value.as_bytes())?.to_string()))
    }
}

/// Why a text is no name; each message says what to do.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum NameProblem {
    #[error("Enter a name")]
    Empty,
    #[error("Name must be {0} characters or fewer")]
    Long(usize),
    #[error(
        "A name can have letters, numbers, spaces, apostrophes, hyphens, underscores and full stops. Remove “{0}”."
    )]
    Character(String),
}

impl Name {
    /// Reads a name of at most `longest` characters.
    pub fn parse(typed: &str, longest: usize) -> Result<Name, NameProblem> {
        let text: String = typed.split_whitespace().collect::<Vec<_>>().join(" ").nfc().collect();
        if text.is_empty() {
            return Err(NameProblem::Empty);
        }
        if let Some(letter) = text.chars().find(|letter| !is_name_character(*letter)) {
            return Err(NameProblem::Character(visible(letter)));
        }
        if text.chars().count() > longest {
            return Err(NameProblem::Long(longest));
        }
        Ok(Name(text))
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// What makes two names the same: their text without regard to case or Unicode form.
    pub fn key(&self) -> String {
        key(&self.0)
    }

    /// Lower-case ASCII words joined by hyphens, for addresses: as many whole words as fit into 40 characters, or the
    /// beginning of a longer first one. Empty when nothing of the name is left.
    pub fn slug(&self) -> String {
        let whole = slug::slugify(self.0.replace(['\'', '’'], ""));
        let end = match whole.get(..=LONGEST_SLUG).map(|beginning| beginning.rfind('-')) {
            None => whole.len(),
            Some(between) => between.unwrap_or(LONGEST_SLUG),
        };
        whole[..end].to_string()
    }
}

fn is_name_character(letter: char) -> bool {
    letter.is_alphanumeric() || is_combining_mark(letter) || matches!(letter, ' ' | '\'' | '’' | '-' | '_' | '.')
}

/// The character itself, or its code point when it cannot be seen.
pub fn visible(letter: char) -> String {
    let unseen = letter.is_control()
        || matches!(letter, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202f}' | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{ad}');
    if unseen { format!("U+{:04X}", letter as u32) } else { letter.to_string() }
}

/// The form that decides whether two names are the same: case-folded, NFC.
pub fn key(text: &str) -> String {
    default_case_fold_str(&text.nfd().collect::<String>()).nfc().collect()
}

/// The form in which texts are searched: without case, accents and compatibility differences.
pub fn fold(text: &str) -> String {
    let plain: String = text.nfkd().filter(|letter| !is_combining_mark(*letter)).collect();
    default_case_fold_str(&plain)
}

/// What a search looks through: folded texts as words, a space before each, so that a pattern can ask for the
/// beginning of a word.
pub fn searched(texts: &[&str]) -> String {
    let words = texts.iter().flat_map(|text| text.split_whitespace());
    words.flat_map(|word| [" ".to_string(), fold(word)]).collect()
}

/// A pattern for SQL's LIKE that finds a word of a search in a [`searched`] text: anywhere, or at the beginning of a
/// word if it has but one or two letters. A trigram index knows three letters and the beginnings of words; for two
/// letters anywhere it would be no help, and every row had to be read.
pub fn word_pattern(word: &str) -> String {
    let folded = fold(word);
    let is_short = folded.len() < 3 && folded.bytes().all(|byte| byte.is_ascii_alphanumeric());
    let pattern = like_pattern(word);
    if is_short { pattern.replacen('%', "% ", 1) } else { pattern }
}

/// A pattern for SQL's LIKE that finds the folded text anywhere, with its own special characters taken literally.
pub fn like_pattern(search: &str) -> String {
    let folded = fold(search);
    let mut pattern = String::with_capacity(folded.len() + 2);
    pattern.push('%');
    for letter in folded.chars() {
        if matches!(letter, '%' | '_' | '\\') {
            pattern.push('\\');
        }
        pattern.push(letter);
    }
    pattern.push('%');
    pattern
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn names_are_trimmed_collapsed_and_composed() {
        let name = Name::parse("  Bureau’s \u{a0} payroll\tAPI  ", 255).unwrap();
        assert_eq!(name.as_str(), "Bureau’s payroll API");
        assert_eq!(Name::parse("e\u{301}te\u{301}", 255).unwrap().as_str(), "été");
        for fine in ["Café_2.0", "Bureau's", "東京 API", "Ωμέγα", "हिन्दी", "a-b"] {
            assert!(Name::parse(fine, 255).is_ok(), "{fine}");
        }
    }

    #[test]
    fn what_is_no_name_says_what_to_do() {
        assert_eq!(Name::parse(" \u{a0} ", 255).unwrap_err().to_string(), "Enter a name");
        assert!(Name::parse("a<b", 255).unwrap_err().to_string().ends_with("Remove “<”."));
        assert!(Name::parse("a\u{202e}b", 255).unwrap_err().to_string().ends_with("Remove “U+202E”."));
        assert_eq!(Name::parse(&"x".repeat(256), 255), Err(NameProblem::Long(255)));
        assert!(Name::parse(&"é".repeat(255), 255).is_ok());
    }

    #[test]
    fn look_alikes_share_a_key() {
        for (one, other) in [("Straße", "STRASSE"), ("Café", "CAFE\u{301}"), ("ΟΔΟΣ", "οδος")] {
            assert_eq!(Name::parse(one, 255).unwrap().key(), Name::parse(other, 255).unwrap().key());
        }
        assert_ne!(key("resume"), key("résumé"));
    }

    #[test]
    fn searching_ignores_case_and_accents_and_takes_wildcards_literally() {
        assert_eq!(fold("Crème BRÛLÉE"), "creme brulee");
        assert_eq!(like_pattern("50%_é"), "%50\\%\\_e%");
    }

    #[test]
    fn one_or_two_letters_find_the_beginnings_of_words() {
        assert_eq!(searched(&["Ab  Cd", "", "É\nf"]), " ab cd e f");
        assert_eq!(word_pattern("HR"), "% hr%");
        assert_eq!(word_pattern("hrx"), "%hrx%");
        assert_eq!(word_pattern("水道"), "%水道%");
        assert_eq!(word_pattern("%"), "%\\%%");
    }

    #[test]
    fn slugs_are_plain() {
        assert_eq!(Name::parse("Bureau's payroll API", 255).unwrap().slug(), "bureaus-payroll-api");
        assert_eq!(Name::parse("Ærø  Kommune. v2", 255).unwrap().slug(), "aero-kommune-v2");
        assert_eq!(Name::parse("東京", 255).unwrap().slug(), "dong-jing");
        let long = "Signatures and certificates of the electronic identity service";
        assert_eq!(Name::parse(long, 255).unwrap().slug(), "signatures-and-certificates-of-the");
        assert_eq!(Name::parse(&"x".repeat(50), 255).unwrap().slug(), "x".repeat(40));
        assert_eq!(Name::parse(&format!("{} y", "x".repeat(40)), 255).unwrap().slug(), "x".repeat(40));
    }

    proptest! {
        #[test]
        fn whatever_is_typed_a_name_reads_back_the_same(typed in ".{0,40}") {
            if let Ok(name) = Name::parse(&typed, 255) {
                prop_assert_eq!(&Name::parse(name.as_str(), 255).unwrap(), &name);
                prop_assert!(name.slug().chars().all(|letter| letter.is_ascii_lowercase() || letter.is_ascii_digit() || letter == '-'));
            }
        }
    }
}
