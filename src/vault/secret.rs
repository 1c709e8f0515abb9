//! Text that must not be seen.
//!
//! Rule: no Debug, Display, Serialize or comparison, so that a secret cannot reach a log line, a
//! page or a JSON answer by accident. `expose` is the only way to the text and easy to search for.

use serde::{Deserialize, Deserializer};
use zeroize::Zeroizing;

/// A password, client secret, token or the like; its memory is wiped when it is dropped.
#[derive(Clone, Default)]
pub struct Secret(Zeroizing<String>);

/// From the field of a form or of a document.
impl<'de> Deserialize<'de> for Secret {
    fn deserialize<D: Deserializer<'de>>(sent: D) -> Result<Secret, D::Error> {
        String::deserialize(sent).map(Secret::new)
    }
}

impl Secret {
    /// The longest secret that is taken from a form or from a server, in bytes: servers refuse longer headers, and
    /// all shown text is searched for it.
    pub const LONGEST: usize = 16 * 1024;

    /// The longest private key that is taken, in bytes.
    pub const LONGEST_KEY: usize = 64 * 1024;

    /// Takes the text over without copying it; any text is a secret, the empty one too.
    #[must_use]
    pub fn new(text: String) -> Self {
        Self(Zeroizing::new(text))
    }

    /// The text itself. Copies made of it are not wiped.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.0
    }

    /// True for the empty text, which usually means "none was entered".
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(super) fn from_utf8(bytes: &[u8]) -> Option<Self> {
        std::str::from_utf8(bytes).ok().map(|text| Self::new(text.to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use std::fmt::{Debug, Display};
    use std::marker::PhantomData;

    use super::Secret;

    /// `Probe::<T>::DEBUG` is the inherent constant where `T` can be printed, and the trait's
    /// otherwise.
    struct Probe<T>(PhantomData<T>);

    trait Otherwise {
        const DEBUG: bool = false;
        const DISPLAY: bool = false;
    }

    impl<T> Otherwise for Probe<T> {}

    impl<T: Debug> Probe<T> {
        const DEBUG: bool = true;
    }

    impl<T: Display> Probe<T> {
        const DISPLAY: bool = true;
    }

    #[test]
    fn a_secret_cannot_be_printed() {
        let text = (Probe::<String>::DEBUG, Probe::<String>::DISPLAY);
        let secret = (Probe::<Secret>::DEBUG, Probe::<Secret>::DISPLAY);
        assert_eq!((text, secret), ((true, true), (false, false)));
    }

    #[test]
    fn only_the_empty_text_is_empty() {
        assert!(Secret::new(String::new()).is_empty());
        assert!(!Secret::new(" ".to_owned()).is_empty());
    }
}
