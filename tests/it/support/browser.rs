//! A visitor's browser: keeps cookies, sends what pages tell it to send, and follows redirects when asked.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard};

use actix_web::cookie::Cookie;
use actix_web::cookie::time::Duration as CookieAge;
use connectory::access::OWN_PASSWORD;
use reqwest::header::{CONTENT_TYPE, COOKIE, HeaderMap, ORIGIN, SET_COOKIE};
use reqwest::{Method, Request, RequestBuilder};

use super::Page;
use super::people::User;

/// The media type of submitted forms.
const FORM: &str = "application/x-www-form-urlencoded";

/// The cookie of the session on a site without TLS.
pub const SESSION_COOKIE: &str = "connectory";

/// The cookie with the CSRF key of a visitor without a session on such a site.
pub const CSRF_COOKIE: &str = "connectory-csrf";

/// What stands before the session key in its cookie: an HMAC-SHA-256 in Base64.
const SIGNATURE_LENGTH: usize = 44;

/// One visitor. Clones share their cookies.
#[derive(Clone)]
pub struct Browser {
    http: reqwest::Client,
    address: SocketAddr,
    origin: String,
    cookies: Arc<Mutex<BTreeMap<String, String>>>,
    user: Option<User>,
}

impl Browser {
    pub(super) fn new(http: reqwest::Client, address: SocketAddr, origin: &str) -> Browser {
        Browser { http, address, origin: origin.to_string(), cookies: Arc::default(), user: None }
    }

    pub(super) fn of(self, user: User) -> Browser {
        Browser { user: Some(user), ..self }
    }

    /// Who was signed in here by the test's own hand.
    pub fn user(&self) -> &User {
        self.user.as_ref().expect("a person's browser")
    }

    /// Asks for a page and does not follow where it sends.
    pub async fn get(&self, path: &str) -> Page {
        self.send(self.request(Method::GET, path)).await
    }

    /// Asks for a page and follows wherever it sends.
    pub async fn open(&self, path: &str) -> Page {
        let mut page = self.get(path).await;
        for _ in 0..5 {
            if page.location().is_none() {
                return page;
            }
            page = page.follow().await;
        }
        panic!("{path} sends in circles")
    }

    /// Sends a form that no page has made, with this visitor's CSRF token, and enters the own password if the answer
    /// asks for it.
    pub async fn post(&self, path: &str, fields: &[(&str, &str)]) -> Page {
        let csrf = self.csrf().await;
        let fields: Vec<(&str, &str)> = [("csrf", csrf.as_str())].into_iter().chain(fields.iter().copied()).collect();
        let page = self.post_exactly(path, &fields).await;
        if fields.iter().any(|(name, _)| *name == OWN_PASSWORD) {
            return page;
        }
        page.with_own_password().await
    }

    /// Sends exactly these fields.
    pub async fn post_exactly(&self, path: &str, fields: &[(&str, &str)]) -> Page {
        let body = form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish();
        let request = self.request(Method::POST, path).header(CONTENT_TYPE, FORM).body(body);
        self.send(request).await
    }

    /// The CSRF token of this visitor's forms.
    pub async fn csrf(&self) -> String {
        let page = self.open("/sign-in").await;
        page.attribute("input[name=csrf]", "value").unwrap_or_else(|| panic!("no form on {}", page.path))
    }

    /// The CSRF token of the forms on a page.
    pub async fn csrf_of(&self, path: &str) -> String {
        let page = self.get(path).await;
        page.attribute("input[name=csrf]", "value").unwrap_or_else(|| panic!("no form on {path}"))
    }

    /// A request with this browser's cookies and the headers that tell where it comes from.
    pub fn request(&self, method: Method, path: &str) -> RequestBuilder {
        let changes = method == Method::POST;
        // Forms of other servers have whole addresses.
        let path = path.strip_prefix(&self.origin).unwrap_or(path);
        let mut request = self.http.request(method, format!("http://{}{path}", self.address));
        let cookies: Vec<String> = self.jar().iter().map(|(name, value)| format!("{name}={value}")).collect();
        if !cookies.is_empty() {
            request = request.header(COOKIE, cookies.join("; "));
        }
        if changes {
            request = request.header(ORIGIN, &self.origin).header("sec-fetch-site", "same-origin");
        }
        request
    }

    pub async fn send(&self, request: RequestBuilder) -> Page {
        self.execute(request.build().expect("a request")).await
    }

    pub async fn execute(&self, request: Request) -> Page {
        let response = self.http.execute(request).await.expect("an answer");
        self.keep_cookies(response.headers());
        let path = response.url()[url::Position::BeforePath..].to_string();
        let (status, headers) = (response.status().as_u16(), response.headers().clone());
        let body = response.bytes().await.expect("a whole answer");
        Page::new(self.clone(), path, status, headers, String::from_utf8_lossy(&body).into_owned())
    }

    pub fn cookie(&self, name: &str) -> Option<String> {
        self.jar().get(name).cloned()
    }

    /// The session key of the session's cookie, without its signature.
    pub fn session_key(&self) -> String {
        let cookie = self.cookie(SESSION_COOKIE).expect("a session");
        let signed = percent_encoding::percent_decode_str(&cookie).decode_utf8().expect("text");
        signed[SIGNATURE_LENGTH..].to_string()
    }

    pub fn set_cookie(&self, name: &str, value: &str) {
        self.jar().insert(name.to_string(), value.to_string());
    }

    /// Has the same cookies as another visitor, perhaps of another instance.
    pub fn take_cookies_of(&self, other: &Browser) {
        *self.jar() = other.jar().clone();
    }

    fn keep_cookies(&self, headers: &HeaderMap) {
        for header in headers.get_all(SET_COOKIE) {
            let cookie = Cookie::parse(header.to_str().expect("a readable cookie")).expect("a cookie");
            let (name, value) = (cookie.name().to_string(), cookie.value().to_string());
            if cookie.max_age() == Some(CookieAge::ZERO) {
                self.jar().remove(&name);
            } else {
                self.jar().insert(name, value);
            }
        }
    }

    fn jar(&self) -> MutexGuard<'_, BTreeMap<String, String>> {
        self.cookies.lock().expect("the cookies")
    }
}
