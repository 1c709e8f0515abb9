//! When a token expires, as far as the response says: the table of the names under which servers say it, each row with its
//! source. `time.rs` reads the values.
//!
//! Rule: a name that says its unit goes before `expires_in`, and that before points in time, then the claim of the token
//! itself, then what a person has entered. What is absurd says nothing, and the token serves until the API refuses it.

mod time;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chrono::{DateTime, TimeDelta, Utc};
use serde_json::{Map, Value};

use super::response_document::letters;
use super::token::ExpirySource;
use time::{LAST_SECOND, number};

/// How a value says when a token expires.
#[derive(Clone, Copy)]
enum Form {
    /// How long it lives, in units of so many seconds.
    Lifetime(f64),
    /// A point in time.
    Point,
    /// A short number is a lifetime in seconds, anything else a point in time.
    Either,
}

use Form::{Either, Lifetime as Life, Point};

const SECOND: f64 = 1.0;
const MINUTE: f64 = 60.0;
const MILLISECOND: f64 = 0.001;

/// Names in lower case and without signs. Those of refresh tokens have `refresh_token_`, `refresh_` or `x_refresh_token_`
/// before them (GitHub, LinkedIn; Keycloak; Intuit: intuit/oauth-jsclient#74), those of access tokens may have
/// `access_token_` or `token_`.
const FORMS: &[(&str, Form)] = &[
    // Zoho: `expires_in_sec` beside `expires_in` in milliseconds (Weble/ZohoClient#11).
    ("expiresinsec", Life(SECOND)),
    ("expiresinsecs", Life(SECOND)),
    // Zoho's SDKs (schmorrison/Zoho#18) and many login APIs.
    ("expiresinseconds", Life(SECOND)),
    // Login APIs on Node.js and Java, whose clocks count milliseconds.
    ("expiresinms", Life(MILLISECOND)),
    ("expiresinmillis", Life(MILLISECOND)),
    ("expiresinmilliseconds", Life(MILLISECOND)),
    ("expiresinmins", Life(MINUTE)),
    ("expiresinminutes", Life(MINUTE)),
    // RFC 6749 5.1.
    ("expiresin", Life(SECOND)),
    ("expirein", Life(SECOND)),
    // HashiCorp Vault: developer.hashicorp.com/vault/api-docs/auth, `auth.lease_duration`.
    ("leaseduration", Life(SECOND)),
    ("ttl", Life(SECOND)),
    // Strava, GitLab, Supabase, IdentityServer (IdentityServer/IdentityServer3#3816).
    ("expiresat", Point),
    ("expireat", Point),
    // Azure AD v1 and managed identities: Unix seconds, or a US date (MicrosoftDocs/azure-docs#33604, #81354).
    ("expireson", Point),
    // ASP.NET: `.expires` with an HTTP date (learn.microsoft.com, Secure a Web API with Individual Accounts); the old
    // Facebook: `expires` in seconds (oauthlib/oauthlib#267).
    ("expires", Either),
    // IBM Cloud IAM: `expiration`, Unix seconds (cloud.ibm.com/apidocs/iam-identity-token-api).
    ("expiration", Either),
    // Concur: `Expiration_date`, a US date (oauth-io/oauthd#183).
    ("expirationdate", Point),
    ("expirationtime", Point),
    // Google: `expiry` (oauth2 for Go), `expiry_date` in milliseconds (googleapis/google-api-nodejs-client#636), `expireTime`
    // (IAM Credentials, generateAccessToken).
    ("expiry", Either),
    ("expirydate", Point),
    ("expirytime", Point),
    ("expiretime", Point),
    ("expirestime", Point),
    ("expiresdate", Point),
    // Feishu and DingTalk: `expire`, in seconds.
    ("expire", Either),
    ("exp", Point),
    ("validuntil", Point),
    ("validto", Point),
];

/// What says when a token expires.
pub(super) struct Lifetime<'a> {
    /// The objects in which the server says it, the nearest to the token first.
    pub(super) said: &'a [&'a Map<String, Value>],
    /// The token, which has the expiry in it if it is a JWT.
    pub(super) token: &'a str,
    /// What a person has entered for servers that say nothing.
    pub(super) manual: Option<TimeDelta>,
    /// When the request began, so that a slow answer makes no token live longer.
    pub(super) now: DateTime<Utc>,
}

/// By how much a lifetime must exceed what another member says to be one in milliseconds.
const MILLISECONDS: i32 = 100;

/// The expiry by the server's own members, else by the token itself, else by hand.
pub(super) fn expiry(known: &Lifetime<'_>) -> (Option<DateTime<Utc>>, ExpirySource) {
    let all = ends(known.said, access_name, known.now);
    let claim = jwt_expiry(known.token);
    if let Some(&(end, source)) = all.first() {
        let others = all.iter().skip(1).copied().chain(claim.map(|end| (end, ExpirySource::JwtExp)));
        let is_thousandth =
            |other: &(DateTime<Utc>, _)| other.0 > known.now && (other.0 - known.now) * MILLISECONDS < end - known.now;
        let (end, source) = { others }.find(is_thousandth).unwrap_or((end, source));
        return (Some(end), source);
    }
    if let Some(end) = claim {
        return (Some(end), ExpirySource::JwtExp);
    }
    if let Some(end) = known.manual.and_then(|lifetime| known.now.checked_add_signed(lifetime)) {
        return (Some(end), ExpirySource::Manual);
    }
    (None, ExpirySource::Unknown)
}

/// When the refresh token beside an access token expires, if the response says so.
pub(super) fn refresh_expiry(said: &[&Map<String, Value>], now: DateTime<Utc>) -> Option<DateTime<Utc>> {
    ends(said, refresh_name, now).first().map(|(end, _)| *end)
}

/// All that is said, what counts first.
fn ends(
    said: &[&Map<String, Value>],
    name_of: fn(&str) -> Option<&str>,
    now: DateTime<Utc>,
) -> Vec<(DateTime<Utc>, ExpirySource)> {
    let members = said.iter().flat_map(|object| object.iter());
    let named: Vec<(String, &Value)> =
        members.map(|(name, value)| (letters(name.trim_start_matches('.')).map(char::from).collect(), value)).collect();
    let of = |wanted: &'static str| named.iter().filter(move |(name, _)| name_of(name) == Some(wanted));
    let values = FORMS.iter().flat_map(|(name, form)| of(name).map(move |(_, value)| (form, *value)));
    values.filter_map(|(form, value)| form.end(value, now)).collect()
}

/// What a name says of an access token.
fn access_name(name: &str) -> Option<&str> {
    let rest = ["accesstoken", "token"].iter().find_map(|prefix| name.strip_prefix(prefix));
    Some(rest.unwrap_or(name))
}

/// What a name says of a refresh token.
fn refresh_name(name: &str) -> Option<&str> {
    let name = name.strip_prefix('x').unwrap_or(name);
    ["refreshtoken", "refresh"].iter().find_map(|prefix| name.strip_prefix(prefix))
}

impl Form {
    fn end(self, value: &Value, now: DateTime<Utc>) -> Option<(DateTime<Utc>, ExpirySource)> {
        let lifetime = |unit| Some((now.checked_add_signed(time::lifetime(value, unit)?)?, ExpirySource::ExpiresIn));
        let point = || Some((time::point(value, now)?, ExpirySource::Point));
        match self {
            // A number that is too large for a lifetime is sometimes a point in time.
            Self::Lifetime(unit) => lifetime(unit).or_else(|| point().filter(|(end, _)| *end > now)),
            Self::Point => point(),
            Self::Either => lifetime(SECOND).or_else(point),
        }
    }
}

/// The `exp` claim of a signed JWT (RFC 7515 3.1: three parts, the second one the claims).
pub fn jwt_expiry(token: &str) -> Option<DateTime<Utc>> {
    let mut parts = token.split('.');
    let (_, claims, _) = (parts.next()?, parts.next()?, parts.next()?);
    if parts.next().is_some() {
        return None;
    }
    let claims = URL_SAFE_NO_PAD.decode(claims.trim_end_matches('=')).ok()?;
    let claims: Value = serde_json::from_slice(&claims).ok()?;
    let seconds = number(claims.get("exp")?)?;
    if !(0.0..=LAST_SECOND).contains(&seconds) {
        return None;
    }
    DateTime::from_timestamp(seconds as i64, 0)
}

#[cfg(test)]
mod tests;
