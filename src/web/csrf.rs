//! The CSRF key of a browser.
//!
//! From it follow the CSRF token of every form and the signature of flash messages, and OAuth round trips are bound to
//! it. With a session it is derived from the session key, so it changes at each sign-in. Before sign-in it is
//! random and stands in a cookie of its own (double submit).

use actix_web::cookie::Cookie;
use actix_web::{HttpMessage, HttpRequest};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hmac::{Hmac, KeyInit, Mac};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

use super::Error;
use super::cookies::Cookies;

/// 256 secret bits of one browser. Not printable.
#[derive(Clone, Serialize, Deserialize)]
pub struct CsrfKey([u8; 32]);

impl CsrfKey {
    /// A new key from the system's source of randomness.
    pub fn random() -> CsrfKey {
        CsrfKey(rand::random())
    }

    /// The key that belongs to a session key. It does not follow from the hash that the database keeps.
    pub fn of_session(session_key: &str) -> CsrfKey {
        CsrfKey(mac(session_key.as_bytes(), "session", ""))
    }

    /// The key that a browser without a session has got before.
    pub fn of_cookie(cookies: Cookies, req: &HttpRequest) -> Option<CsrfKey> {
        let cookie = req.cookie(cookies.csrf_name())?;
        let bytes = URL_SAFE_NO_PAD.decode(cookie.value()).ok()?;
        bytes.try_into().ok().map(CsrfKey)
    }

    /// The cookie that gives the key to a browser without a session.
    pub fn cookie(&self, cookies: Cookies) -> Cookie<'static> {
        cookies.cookie(cookies.csrf_name(), URL_SAFE_NO_PAD.encode(self.0))
    }

    /// The hash of the key of a request, which the database keeps of a browser that has left for another server.
    pub fn hash_of(req: &HttpRequest) -> Option<[u8; 32]> {
        req.extensions().get::<CsrfKey>().map(|key| Sha256::digest(key.0).into())
    }

    /// The CSRF token that every form of this browser carries.
    pub fn token(&self) -> String {
        self.sign("csrf", "")
    }

    /// Whether a form's CSRF token is of this browser; takes the same time for every wrong one.
    pub fn matches(&self, given: &str) -> bool {
        self.token().as_bytes().ct_eq(given.as_bytes()).into()
    }

    /// Refuses a form whose CSRF token is not that of the browser that sends it.
    pub fn check(req: &HttpRequest, given: &str) -> Result<(), Error> {
        let is_own = req.extensions().get::<CsrfKey>().is_some_and(|key| key.matches(given));
        if is_own { Ok(()) } else { Err(Error::StaleForm) }
    }

    /// A signature that only the holder of the key and this program can make.
    pub fn sign(&self, purpose: &str, text: &str) -> String {
        URL_SAFE_NO_PAD.encode(mac(&self.0, purpose, text))
    }
}

/// HMAC-SHA-256 by a key of at most 64 bytes.
fn mac(key: &[u8], purpose: &str, text: &str) -> [u8; 32] {
    // Keys that are shorter than a block are filled with zeros (RFC 2104 section 2).
    let mut block = [0; 64];
    block.iter_mut().zip(key).for_each(|(to, from)| *to = *from);
    let mut mac = <Hmac<Sha256> as KeyInit>::new(&block.into());
    mac.update(purpose.as_bytes());
    mac.update(&[0]);
    mac.update(text.as_bytes());
    mac.finalize().into_bytes().into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_csrf_token_fits_its_browser_only() {
        let (ana, ben) = (CsrfKey::random(), CsrfKey::random());
        assert!(ana.matches(&ana.token()));
        assert!(!ana.matches(&ben.token()));
        assert!(!ana.matches(""));
    }

    #[test]
    fn another_session_has_another_key() {
        let [one, same, other] = ["one", "one", "other"].map(|key| CsrfKey::of_session(key).token());
        assert_eq!(one, same);
        assert_ne!(one, other);
    }
}
