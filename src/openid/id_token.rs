//! Whether an ID token is to be believed (OpenID Connect Core 1.0 sections 3.1.3.6 to 3.1.3.8).
//!
//! Rule: the library checks the signature and nothing else; every claim is checked here, with the program's own clock.
//!
//! Danger: a token that passes this file is believed. The algorithm comes from the token, so only those
//! with a public key are taken: `none`, and HMAC with a key that others know, never.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chrono::{DateTime, TimeDelta, Utc};
use jsonwebtoken::jwk::{AlgorithmParameters, Jwk, PublicKeyUse};
use jsonwebtoken::{Algorithm, AlgorithmFamily, DecodingKey, Validation, decode, decode_header};
use serde_json::{Map, Value};
use sha2::{Digest, Sha256, Sha384, Sha512};
use subtle::ConstantTimeEq;

use crate::vault::Secret;

/// Signatures that are taken.
const TAKEN: [Algorithm; 9] = [
    Algorithm::RS256,
    Algorithm::RS384,
    Algorithm::RS512,
    Algorithm::PS256,
    Algorithm::PS384,
    Algorithm::PS512,
    Algorithm::ES256,
    Algorithm::ES384,
    Algorithm::EdDSA,
];

/// How far two clocks may be apart.
pub(super) const LEEWAY: TimeDelta = TimeDelta::minutes(1);

/// A token that was issued longer ago was not made for this sign-in; some providers date theirs back by minutes.
const OLDEST: TimeDelta = TimeDelta::hours(1);

/// The longest subject, in characters (OpenID Connect Core 1.0 section 2).
const LONGEST_SUBJECT: usize = 255;

/// What a token must fit.
pub(super) struct Expected<'a> {
    pub issuer: &'a str,
    pub client_id: &'a str,
    pub nonce: &'a Secret,
    /// The access token that came with it.
    pub access_token: &'a Secret,
    pub now: DateTime<Utc>,
}

/// Why a token is not believed. The texts are for logs; they hold nothing of the token.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum IdTokenError {
    #[error("it cannot be read, or is signed in a way that is not taken")]
    Unreadable,
    #[error("its signature is made with a key that the provider does not have")]
    UnknownKey,
    #[error("its signature does not fit")]
    Signature,
    #[error("it is from another issuer")]
    Issuer,
    #[error("it is for another client")]
    Audience,
    #[error("it has no time at which it was issued or at which it expires")]
    Undated,
    #[error("it has expired, was issued in the future or long ago: one of the two clocks is wrong")]
    Clock,
    #[error("its nonce is not the one that was sent")]
    Nonce,
    #[error("it came with another access token than it names")]
    AccessToken,
    #[error("it names no person, or with too long an identifier")]
    Subject,
}

/// The claims of a token that fits.
pub(super) fn verify(token: &Secret, keys: &Keys, expected: &Expected<'_>) -> Result<Map<String, Value>, IdTokenError> {
    let (algorithm, claims) = signed(token.expose(), keys)?;
    check(&claims, algorithm, expected)?;
    Ok(claims)
}

/// The claims, if one of the keys has signed them.
fn signed(token: &str, keys: &Keys) -> Result<(Algorithm, Map<String, Value>), IdTokenError> {
    let header = decode_header(token).map_err(|_| IdTokenError::Unreadable)?;
    // What must be understood (RFC 7515 section 4.1.11) is nothing that is understood here.
    if header.crit.is_some() || !TAKEN.contains(&header.alg) {
        return Err(IdTokenError::Unreadable);
    }
    let id = header.kid.as_deref();
    if id.is_some_and(|id| !keys.knows(id)) {
        return Err(IdTokenError::UnknownKey);
    }
    let mut validation = Validation::new(header.alg);
    validation.required_spec_claims.clear();
    validation.validate_exp = false;
    validation.validate_aud = false;
    let decoded =
        keys.fitting(id, header.alg).find_map(|key| decode::<Map<String, Value>>(token, &key, &validation).ok());
    match decoded {
        Some(decoded) => Ok((header.alg, decoded.claims)),
        None => Err(IdTokenError::Signature),
    }
}

fn check(claims: &Map<String, Value>, algorithm: Algorithm, expected: &Expected<'_>) -> Result<(), IdTokenError> {
    if text(claims, "iss") != Some(expected.issuer) {
        return Err(IdTokenError::Issuer);
    }
    check_audience(claims, expected.client_id)?;
    check_times(claims, expected.now)?;
    if !is_same(text(claims, "nonce"), expected.nonce.expose()) {
        return Err(IdTokenError::Nonce);
    }
    if claims.contains_key("at_hash") {
        let hash = half_hash(algorithm, expected.access_token.expose());
        if !is_same(text(claims, "at_hash"), &hash) {
            return Err(IdTokenError::AccessToken);
        }
    }
    let subject = text(claims, "sub").unwrap_or_default();
    let length = subject.chars().count();
    if !(1..=LONGEST_SUBJECT).contains(&length) || subject.chars().any(char::is_control) {
        return Err(IdTokenError::Subject);
    }
    Ok(())
}

/// The token is for this client, and if it is for others too, it was made for this one (section 3.1.3.7, rules 3 to 5).
fn check_audience(claims: &Map<String, Value>, client: &str) -> Result<(), IdTokenError> {
    let audiences: Vec<Option<&str>> = match claims.get("aud") {
        Some(Value::String(one)) => vec![Some(one)],
        Some(Value::Array(several)) => several.iter().map(Value::as_str).collect(),
        _ => vec![],
    };
    let party = text(claims, "azp");
    let is_for_us = audiences.contains(&Some(client));
    let is_ours_alone = audiences.len() == 1 && !claims.contains_key("azp");
    if is_for_us && (is_ours_alone || party == Some(client)) { Ok(()) } else { Err(IdTokenError::Audience) }
}

fn check_times(claims: &Map<String, Value>, now: DateTime<Utc>) -> Result<(), IdTokenError> {
    let (Some(expires), Some(issued)) = (time(claims, "exp"), time(claims, "iat")) else {
        return Err(IdTokenError::Undated);
    };
    let begins = match claims.get("nbf") {
        Some(_) => time(claims, "nbf").ok_or(IdTokenError::Undated)?,
        None => issued,
    };
    let is_over = expires <= now - LEEWAY;
    let is_early = issued > now + LEEWAY || begins > now + LEEWAY;
    if is_over || is_early || issued < now - OLDEST {
        return Err(IdTokenError::Clock);
    }
    Ok(())
}

/// Seconds since 1970, which may have a fraction (RFC 7519 section 2).
pub(super) fn time(claims: &Map<String, Value>, name: &str) -> Option<DateTime<Utc>> {
    let value = claims.get(name)?;
    // A fraction of a second decides nothing.
    let seconds = value.as_i64().or_else(|| value.as_f64().map(|f| f as i64))?;
    DateTime::from_timestamp(seconds, 0)
}

fn text<'a>(claims: &'a Map<String, Value>, name: &str) -> Option<&'a str> {
    claims.get(name).and_then(Value::as_str)
}

fn is_same(given: Option<&str>, wanted: &str) -> bool {
    given.is_some_and(|given| given.as_bytes().ct_eq(wanted.as_bytes()).into())
}

/// The left half of the token's hash, by the hash of the signature's algorithm (section 3.1.3.6).
fn half_hash(algorithm: Algorithm, token: &str) -> String {
    let digest = match algorithm {
        Algorithm::RS384 | Algorithm::PS384 | Algorithm::ES384 => Sha384::digest(token).to_vec(),
        Algorithm::RS512 | Algorithm::PS512 | Algorithm::EdDSA => Sha512::digest(token).to_vec(),
        _ => Sha256::digest(token).to_vec(),
    };
    URL_SAFE_NO_PAD.encode(&digest[..digest.len() / 2])
}

/// The most keys of a set; more would only keep this program busy.
const MOST_KEYS: usize = 100;

/// The shortest modulus of an RSA key, in bytes (RFC 7518 section 3.3: 2048 bits).
const SHORTEST_RSA: usize = 256;

/// The provider's public keys that can sign.
#[derive(Clone, Default)]
pub(super) struct Keys(Vec<Jwk>);

impl Keys {
    /// Reads a key set. Keys that are not understood are passed over (RFC 7517 section 5).
    pub fn read(document: &Map<String, Value>) -> Keys {
        let keys = document.get("keys").and_then(Value::as_array);
        let keys = keys.into_iter().flatten().take(MOST_KEYS);
        let keys = keys.filter_map(|key| serde_json::from_value(key.clone()).ok());
        Keys(keys.filter(can_sign).collect())
    }

    /// Whether there is a key of this id.
    pub fn knows(&self, id: &str) -> bool {
        let mut ids = self.0.iter().filter_map(|key| key.common.key_id.as_deref());
        ids.any(|known| known == id)
    }

    /// The keys that can have made a signature: of this id, if one is named, and for this algorithm.
    pub fn fitting(&self, id: Option<&str>, algorithm: Algorithm) -> impl Iterator<Item = DecodingKey> {
        self.0
            .iter()
            .filter(move |key| id.is_none() || key.common.key_id.as_deref() == id)
            .filter(move |key| key.common.key_algorithm.is_none_or(|own| own == algorithm.into()))
            .filter_map(|key| DecodingKey::from_jwk(key).ok())
            .filter(move |key| key.family() == algorithm.family())
    }
}

/// A public key for signatures. A symmetric one, which the client secret would be, is none.
fn can_sign(key: &Jwk) -> bool {
    let for_signatures = matches!(key.common.public_key_use, None | Some(PublicKeyUse::Signature));
    let decoding = DecodingKey::from_jwk(key);
    let is_public = decoding.is_ok_and(|key| key.family() != AlgorithmFamily::Hmac);
    for_signatures && is_public && !is_short(key)
}

fn is_short(key: &Jwk) -> bool {
    match &key.algorithm {
        AlgorithmParameters::RSA(rsa) => {
            let modulus = URL_SAFE_NO_PAD.decode(&rsa.n).unwrap_or_default();
            modulus.len() < SHORTEST_RSA
        }
        _ => false,
    }
}

#[cfg(test)]
mod tests;
