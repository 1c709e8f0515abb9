//! The outcome of the last action, shown once on the next page.
//!
//! It travels in a signed cookie rather than in the database: a save costs one transaction, not two.

use actix_web::HttpRequest;
use actix_web::cookie::Cookie;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use subtle::ConstantTimeEq;

use super::visitor::{Cookies, VisitorToken};

/// One sentence about what has happened.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Flash(pub String);

impl Flash {
    pub(super) fn cookie(&self, cookies: Cookies, token: &VisitorToken) -> Cookie<'static> {
        let value = format!(
            "{}.{}",
            URL_SAFE_NO_PAD.encode(&self.0),
            token.sign("flash", &self.0)
        );
        cookies.cookie(cookies.flash_name(), value)
    }

    /// The outcome that the request carries, if this visitor's own signature is on it.
    pub fn take(cookies: Cookies, token: &VisitorToken, req: &HttpRequest) -> Option<Flash> {
        let cookie = req.cookie(cookies.flash_name())?;
        let (text, signature) = cookie.value().split_once('.')?;
        let text = String::from_utf8(URL_SAFE_NO_PAD.decode(text).ok()?).ok()?;
        let expected = token.sign("flash", &text);
        bool::from(expected.as_bytes().ct_eq(signature.as_bytes())).then_some(Flash(text))
    }

    pub(super) fn no_cookie(cookies: Cookies) -> Cookie<'static> {
        let mut cookie = cookies.cookie(cookies.flash_name(), String::new());
        cookie.make_removal();
        cookie
    }
}
