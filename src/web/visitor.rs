//! The visitor's token: 256 random bits in a cookie, from which the CSRF token and the flash signature follow.
//!
//! A session is a token whose hash the database knows; before sign-in the same cookie only carries the CSRF token.

use actix_web::cookie::{Cookie, SameSite};
use actix_web::{HttpMessage, HttpRequest};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

/// How cookies are named and flagged, which follows from the public address.
#[derive(Clone, Copy)]
pub struct Cookies {
    /// People come over https: the cookie is bound to the host (`__Host-`) and never sent in clear.
    pub secure: bool,
}

impl Cookies {
    fn token_name(self) -> &'static str {
        if self.secure { "__Host-connectory" } else { "connectory" }
    }

    pub(super) fn flash_name(self) -> &'static str {
        if self.secure { "__Host-connectory-flash" } else { "connectory-flash" }
    }

    /// A cookie that lasts as long as the browser runs, kept from scripts and from other sites' requests.
    pub(super) fn cookie(self, name: &'static str, value: String) -> Cookie<'static> {
        Cookie::build(name, value).path("/").http_only(true).secure(self.secure).same_site(SameSite::Lax).finish()
    }

    /// The visitor's token, if the request carries one.
    pub fn token(self, req: &HttpRequest) -> Option<VisitorToken> {
        VisitorToken::parse(req.cookie(self.token_name())?.value())
    }

    /// The cookie that gives `token` to the browser.
    pub fn token_cookie(self, token: &VisitorToken) -> Cookie<'static> {
        self.cookie(self.token_name(), URL_SAFE_NO_PAD.encode(token.0))
    }

    /// The cookie that takes the token from the browser.
    pub fn no_token_cookie(self) -> Cookie<'static> {
        let mut cookie = self.cookie(self.token_name(), String::new());
        cookie.make_removal();
        cookie
    }
}

/// 256 random bits that a browser presents. Not printable.
#[derive(Clone)]
pub struct VisitorToken([u8; 32]);

impl VisitorToken {
    /// A new token from the system's source of randomness.
    pub fn random() -> VisitorToken {
        VisitorToken(rand::random())
    }

    fn parse(text: &str) -> Option<VisitorToken> {
        let bytes = URL_SAFE_NO_PAD.decode(text).ok()?;
        bytes.try_into().ok().map(VisitorToken)
    }

    /// What the database keeps in place of the token.
    pub fn hash(&self) -> [u8; 32] {
        Sha256::digest(self.0).into()
    }

    /// The hash of the token that a request came with or was given.
    pub fn hash_of(req: &HttpRequest) -> Option<[u8; 32]> {
        req.extensions().get::<VisitorToken>().map(VisitorToken::hash)
    }

    /// The token that every form of this visitor carries.
    pub fn csrf(&self) -> String {
        self.sign("csrf", "")
    }

    /// Whether a form's token is this visitor's; takes the same time for every wrong one.
    pub fn csrf_matches(&self, given: &str) -> bool {
        self.csrf().as_bytes().ct_eq(given.as_bytes()).into()
    }

    /// A signature that only the holder of the token and this program can make. The inner digest has a fixed
    /// length, so the text cannot be extended.
    pub(super) fn sign(&self, purpose: &str, text: &str) -> String {
        let inner = Sha256::new().chain_update(purpose).chain_update([0]).chain_update(text).finalize();
        URL_SAFE_NO_PAD.encode(Sha256::new().chain_update(self.0).chain_update(inner).finalize())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_csrf_token_fits_its_visitor_only() {
        let (ana, ben) = (VisitorToken::random(), VisitorToken::random());
        assert!(ana.csrf_matches(&ana.csrf()));
        assert!(!ana.csrf_matches(&ben.csrf()));
        assert!(!ana.csrf_matches(""));
    }
}
