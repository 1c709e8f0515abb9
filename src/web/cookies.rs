//! The cookies of this site: their names and attributes (Secure, HttpOnly, SameSite, Path).
//!
//! The session cookie is set by actix-session, the one with the CSRF key by the access check (`csrf`), the one with the
//! outcome of the last action by [`super::Flash`]. All last as long as the browser runs.

use actix_session::SessionMiddleware;
use actix_session::config::CookieContentSecurity;
use actix_session::storage::SessionStore;
use actix_web::cookie::{Cookie, Key, SameSite};

use super::PublicAddress;

/// Not sent with requests from other sites, but for links that are followed.
const SAME_SITE: SameSite = SameSite::Lax;

/// Not readable by scripts.
const HTTP_ONLY: bool = true;

const PATH: &str = "/";

/// How cookies are named and flagged, which follows from the public address.
#[derive(Clone, Copy)]
pub struct Cookies {
    /// People come over https: cookies are bound to the host (`__Host-`) and never sent in clear.
    pub secure: bool,
}

impl Cookies {
    pub fn of(address: &PublicAddress) -> Cookies {
        Cookies { secure: address.is_https() }
    }

    fn session_name(self) -> &'static str {
        if self.secure { "__Host-connectory" } else { "connectory" }
    }

    pub(super) fn csrf_name(self) -> &'static str {
        if self.secure { "__Host-connectory-csrf" } else { "connectory-csrf" }
    }

    pub(super) fn flash_name(self) -> &'static str {
        if self.secure { "__Host-connectory-flash" } else { "connectory-flash" }
    }

    /// A cookie with the attributes of all.
    pub(super) fn cookie(self, name: &'static str, value: String) -> Cookie<'static> {
        Cookie::build(name, value).path(PATH).http_only(HTTP_ONLY).secure(self.secure).same_site(SAME_SITE).finish()
    }

    /// The layer that reads and sets the session cookie, which is signed with the key.
    pub fn session_layer<S: SessionStore>(self, store: S, key: Key) -> SessionMiddleware<S> {
        SessionMiddleware::builder(store, key)
            .cookie_name(self.session_name().into())
            .cookie_path(PATH.into())
            .cookie_http_only(HTTP_ONLY)
            .cookie_secure(self.secure)
            .cookie_same_site(SAME_SITE)
            .cookie_content_security(CookieContentSecurity::Signed)
            .build()
    }
}
