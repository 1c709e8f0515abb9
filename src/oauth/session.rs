//! A session that a server opens with cookies (RFC 6265), as a token: its text is the header `Cookie` of calls.
//!
//! Rule: what a browser would not send back to the server is left out. Paths are not looked at, for one session serves all
//! of an API.

use actix_web::cookie::Cookie;
use chrono::{DateTime, TimeDelta, Utc};

use super::response::Reply;
use crate::outbound::HttpUrl;
use crate::outbound::http::header::SET_COOKIE;
use crate::vault::Secret;

/// The type of a token that is the value of the header `Cookie`.
pub const COOKIE: &str = "Cookie";

/// The cookies of an answer.
pub(super) struct Session {
    /// The header of calls.
    pub(super) cookies: Secret,
    /// When the first of them expires, if one says so.
    pub(super) expires_at: Option<DateTime<Utc>>,
}

impl Session {
    /// The session in the answer to a request to this address; `None` if no cookie of it can be sent back.
    pub(super) fn of(reply: &Reply, url: &HttpUrl, now: DateTime<Utc>) -> Option<Session> {
        let origin = url.origin();
        let mut kept: Vec<(String, Cookie<'_>)> = Vec::new();
        for (pair, cookie) in cookies(reply) {
            if !is_sendable(&pair) || !belongs_to(&cookie, origin.host()) {
                continue;
            }
            // A cookie replaces the one before of its name, and removes it if it is over (section 5.3).
            kept.retain(|(_, other)| other.name() != cookie.name());
            if expiry(&cookie, now).is_none_or(|end| end > now) {
                kept.push((pair, cookie));
            }
        }
        let expires_at = kept.iter().filter_map(|(_, cookie)| expiry(cookie, now)).min();
        let text = kept.into_iter().map(|(pair, _)| pair).collect::<Vec<_>>().join("; ");
        let fits = (1..=Secret::LONGEST).contains(&text.len());
        fits.then(|| Session { cookies: Secret::new(text), expires_at })
    }

    /// The names of the cookies of an answer, for saying what is there.
    pub(super) fn names(reply: &Reply) -> Vec<String> {
        cookies(reply).map(|(_, cookie)| cookie.name().to_owned()).collect()
    }
}

/// The cookies of an answer, each with its pair as it goes back: the crate takes quotes off, which belong to the value.
fn cookies(reply: &Reply) -> impl Iterator<Item = (String, Cookie<'_>)> {
    let values = reply.headers().get_all(SET_COOKIE).iter().filter_map(|value| value.to_str().ok());
    values.filter_map(|text| {
        let (name, value) = text.split(';').next()?.split_once('=')?;
        Some((format!("{}={}", name.trim(), value.trim()), Cookie::parse(text).ok()?))
    })
}

/// Whether it can stand in a header beside others (section 4.1.1, and what servers send beyond it).
fn is_sendable(pair: &str) -> bool {
    !pair.starts_with('=') && pair.bytes().all(|byte| byte.is_ascii_graphic())
}

/// Whether a browser would send it to this host (section 5.1.3): one for the host alone, or for a domain that it is in.
fn belongs_to(cookie: &Cookie<'_>, host: &str) -> bool {
    let Some(domain) = cookie.domain().map(|domain| domain.trim_start_matches('.').to_ascii_lowercase()) else {
        return true;
    };
    let below = host.strip_suffix(domain.as_str());
    domain.is_empty() || below.is_some_and(|below| below.is_empty() || below.ends_with('.'))
}

/// `Max-Age` counts before `Expires` (section 5.3).
fn expiry(cookie: &Cookie<'_>, now: DateTime<Utc>) -> Option<DateTime<Utc>> {
    match (cookie.max_age(), cookie.expires_datetime()) {
        (Some(age), _) => now.checked_add_signed(TimeDelta::try_seconds(age.whole_seconds())?),
        (None, Some(end)) => DateTime::from_timestamp(end.unix_timestamp(), 0),
        (None, None) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn session(cookies: &[&str]) -> Option<(String, Option<i64>)> {
        let now = DateTime::from_timestamp(1_700_000_000, 0).expect("a time");
        let mut reply = Reply::new(Vec::new());
        for cookie in cookies {
            reply.headers_mut().append(SET_COOKIE, cookie.parse().expect("a header"));
        }
        let url = HttpUrl::parse("https://sap.example.org:50000/b1s/v1/Login").expect("an address");
        let session = Session::of(&reply, &url, now)?;
        let left = session.expires_at.map(|end| (end - now).num_seconds());
        Some((session.cookies.expose().to_string(), left))
    }

    #[test]
    fn the_cookies_of_an_answer_are_sent_as_a_browser_would() {
        for (cookies, sent, left) in [
            (&["B1SESSION=s1; HttpOnly; Path=/b1s", "ROUTEID=.node1"][..], "B1SESSION=s1; ROUTEID=.node1", None),
            (&["a=1; Max-Age=1800", "b=2; Max-Age=60; Expires=Thu, 01 Jan 2037 00:00:00 GMT"], "a=1; b=2", Some(60)),
            (&["a=1; Expires=Tue, 14 Nov 2023 22:14:20 GMT"], "a=1", Some(60)),
            (&["a=1", "a=2"], "a=2", None),
            (&["a=1", "b=2", "a=; Max-Age=0"], "b=2", None),
            (&["a=1; Domain=.example.org", "b=2; Domain=other.org", "c=3; Domain=rg"], "a=1", None),
            (&["a=\"x=y==\"; Secure"], "a=\"x=y==\"", None),
        ] {
            assert_eq!(session(cookies), Some((sent.to_string(), left)), "{cookies:?}");
        }
        for cookies in [&[][..], &["a=; Max-Age=-1"], &["a=1; Domain=other.org"]] {
            assert_eq!(session(cookies), None, "{cookies:?}");
        }
    }
}
