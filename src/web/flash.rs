//! The outcome of the last action, shown once on the next page.
//!
//! It travels in a signed cookie rather than in the database: a save costs one transaction, not two.

use actix_web::HttpRequest;
use actix_web::cookie::Cookie;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use subtle::ConstantTimeEq;

use super::{Cookies, CsrfKey};

/// One sentence about what has happened.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Flash {
    pub text: String,
    /// It is not what the person wanted.
    pub warns: bool,
}

impl Flash {
    /// What the person wanted has been done.
    pub fn done(text: impl Into<String>) -> Flash {
        Flash { text: text.into(), warns: false }
    }

    /// It has not been done; the sentence says why and what to do.
    pub fn not_done(text: impl Into<String>) -> Flash {
        Flash { text: text.into(), warns: true }
    }

    /// The sentence with its tone in front, as the cookie carries it.
    fn marked(&self) -> String {
        format!("{}{}", if self.warns { '!' } else { '.' }, self.text)
    }

    pub fn cookie(&self, cookies: Cookies, key: &CsrfKey) -> Cookie<'static> {
        let marked = self.marked();
        let value = format!("{}.{}", URL_SAFE_NO_PAD.encode(&marked), key.sign("flash", &marked));
        cookies.cookie(cookies.flash_name(), value)
    }

    /// The outcome that the request carries, if the signature on it is of this browser.
    pub fn take(cookies: Cookies, key: &CsrfKey, req: &HttpRequest) -> Option<Flash> {
        let cookie = req.cookie(cookies.flash_name())?;
        let (marked, signature) = cookie.value().split_once('.')?;
        let marked = String::from_utf8(URL_SAFE_NO_PAD.decode(marked).ok()?).ok()?;
        let expected = key.sign("flash", &marked);
        let is_own = bool::from(expected.as_bytes().ct_eq(signature.as_bytes()));
        is_own.then(|| Flash { warns: marked.starts_with('!'), text: marked.chars().skip(1).collect() })
    }

    pub fn no_cookie(cookies: Cookies) -> Cookie<'static> {
        let mut cookie = cookies.cookie(cookies.flash_name(), String::new());
        cookie.make_removal();
        cookie
    }
}
