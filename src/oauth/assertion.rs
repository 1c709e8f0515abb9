//! Assertions (RFC 7523): short-lived signed JWTs with which a client proves who it is, or asks for a token.
//!
//! Rule: each is made when its request is sent, with an id of its own, so that a request that is tried again or waits
//! carries no assertion that was used or has ended. Neither the private key nor the client secret is in it.

use chrono::{DateTime, TimeDelta, Utc};
use jsonwebtoken::{Algorithm, EncodingKey, Header, encode};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use super::client::{Client, ClientAuthentication};
use super::error::TokenError;
use super::round_trip::random_text;
use crate::db::text_enum;
use crate::outbound::{KeyKind, SigningKey, thumbprint};
use crate::vault::Secret;

/// How a client assertion is called in requests (RFC 7523 2.2).
pub(super) const CLIENT_ASSERTION: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";

/// The grant type of an assertion (RFC 7523 2.1).
pub const JWT_BEARER_GRANT: &str = "urn:ietf:params:oauth:grant-type:jwt-bearer";

/// How long an assertion counts where nothing is set, and at most, in seconds: clocks differ, and some servers take
/// nothing longer.
const USUAL_LIFETIME: u32 = 120;
pub const LONGEST_ASSERTION: u32 = 300;

const ENTER_KEY: &str = "Enter the private key on the Authorization tab.";
const ENTER_SECRET: &str = "Enter the Client Secret on the Authorization tab.";
const CHECK: &str = "Check Client ID, the private key or Client Secret, the algorithm, the key ID and the audience of the \
     assertion, and whether this machine’s clock is right.";

text_enum! {
    /// How a private key signs (RFC 7518 3.1, RFC 8037 3.1).
    #[derive(Default, Serialize, Deserialize)]
    pub enum SigningAlgorithm {
        #[default]
        #[serde(rename = "RS256")]
        Rs256 = "RS256", "RS256 (RSA key)";
        #[serde(rename = "PS256")]
        Ps256 = "PS256", "PS256 (RSA key)";
        #[serde(rename = "ES256")]
        Es256 = "ES256", "ES256 (key on the curve P-256)";
        #[serde(rename = "EdDSA")]
        EdDsa = "EdDSA", "EdDSA (Ed25519 key)";
    }
}

text_enum! {
    /// Whom assertions are for: `aud` (RFC 7523 3). Servers differ.
    #[derive(Default, Serialize, Deserialize)]
    #[serde(rename_all = "snake_case")]
    pub enum AssertionAudience {
        #[default]
        TokenUrl = "token_url", "AccessToken URL";
        Issuer = "issuer", "Issuer";
        Own = "own", "Another one";
    }
}

/// The settings of assertions, nothing secret. What is missing has its usual value; an unknown name is an error.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct AssertionSettings {
    pub algorithm: SigningAlgorithm,
    /// `kid`; empty for none.
    pub key_id: String,
    /// The certificate of the key (PEM), which `x5t#S256` names; empty for none.
    pub certificate: String,
    pub audience: AssertionAudience,
    /// The audience of [`AssertionAudience::Own`].
    pub own_audience: String,
    /// Seconds; `None` for the usual lifetime.
    pub lifetime: Option<u32>,
    /// `iss` of the JWT bearer grant; empty for the client id.
    pub issuer: String,
    /// `sub` of the JWT bearer grant; empty for none.
    pub subject: String,
    /// Further claims of the JWT bearer grant: a JSON object, or empty.
    pub claims: String,
}

/// What asks for a token by an assertion (RFC 7523 2.1).
#[derive(Clone)]
pub struct BearerAssertion {
    pub maker: AssertionMaker,
    /// `iss`.
    pub issuer: String,
}

impl BearerAssertion {
    /// The assertion for a request that is sent now.
    pub(super) fn signed(&self, now: DateTime<Utc>) -> Result<Secret, TokenError> {
        let AssertionSettings { subject, claims, .. } = &self.maker.settings;
        let mut claims =
            own_claims(claims).map_err(|_| missing("The claims cannot be read.", "Enter the claims again."))?;
        claims.insert("iss".to_owned(), json!(self.issuer));
        if !subject.is_empty() {
            claims.insert("sub".to_owned(), json!(subject));
        }
        self.maker.sign(claims, now).map(Secret::new)
    }
}

/// The claims that an assertion has in any case.
const SET_ANYWAY: [&str; 6] = ["iss", "sub", "aud", "iat", "exp", "jti"];

/// The most claims besides these.
const MOST_CLAIMS: usize = 20;

/// Why a text holds no claims; the text completes the label of its field.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ClaimsProblem {
    #[error("must be a JSON object, as in {{\"scope\": \"read\"}}")]
    NoObject,
    #[error("must not have more than 20 members")]
    TooMany,
    #[error("must not have {0}, which has a field of its own or is set for each request")]
    Own(&'static str),
}

/// Reads further claims: a JSON object, or nothing.
pub fn own_claims(text: &str) -> Result<Map<String, Value>, ClaimsProblem> {
    if text.trim().is_empty() {
        return Ok(Map::new());
    }
    let claims: Map<String, Value> = serde_json::from_str(text).map_err(|_| ClaimsProblem::NoObject)?;
    match SET_ANYWAY.into_iter().find(|name| claims.contains_key(*name)) {
        Some(name) => Err(ClaimsProblem::Own(name)),
        None if claims.len() > MOST_CLAIMS => Err(ClaimsProblem::TooMany),
        None => Ok(claims),
    }
}

/// What makes a client's assertions.
#[derive(Clone, Default)]
pub struct AssertionMaker {
    pub settings: AssertionSettings,
    /// `aud`.
    pub audience: String,
    /// The private key (PEM).
    pub key: Option<Secret>,
}

impl SigningAlgorithm {
    /// The one to choose at a server with these: the typed one, or else the first that is known here.
    pub fn supported(names: &[String], typed: Option<Self>) -> Option<Self> {
        let mut known = Self::ALL.into_iter().filter(|known| names.iter().any(|name| name == known.code()));
        let first = known.clone().next();
        known.find(|known| Some(*known) == typed).or(first)
    }

    /// Whether a key can sign so.
    pub fn fits(self, kind: Option<KeyKind>) -> bool {
        let wanted = match self {
            Self::Rs256 | Self::Ps256 => KeyKind::Rsa,
            Self::Es256 => KeyKind::P256,
            Self::EdDsa => KeyKind::Ed25519,
        };
        kind == Some(wanted)
    }
}

impl ClientAuthentication {
    /// Whether the client proves itself by an assertion.
    pub fn is_assertion(self) -> bool {
        matches!(self, Self::PrivateKeyJwt | Self::ClientSecretJwt)
    }
}

impl Client {
    /// The client's assertion for a request that is sent now, if it proves itself so (RFC 7523 3, OpenID Connect Core 9).
    pub(super) fn assertion(&self, now: DateTime<Utc>) -> Result<Option<String>, TokenError> {
        let claims = Map::from_iter([("iss".to_owned(), json!(self.id)), ("sub".to_owned(), json!(self.id))]);
        match self.authentication {
            ClientAuthentication::PrivateKeyJwt => self.assertions.sign(claims, now).map(Some),
            ClientAuthentication::ClientSecretJwt => {
                let secret = self.secret().ok_or_else(|| missing("There is no Client Secret.", ENTER_SECRET))?;
                let key = EncodingKey::from_secret(secret.as_bytes());
                let claims = self.assertions.with_usual(claims, now);
                signed(&Header::new(Algorithm::HS256), &claims, &key).map(Some)
            }
            _ => Ok(None),
        }
    }

    /// What to try after a refusal of the client.
    pub(super) fn remedied(&self, refusal: TokenError) -> TokenError {
        let is_assertion = self.authentication.is_assertion() && refusal.blames_client();
        if is_assertion { refusal.with_remedy(CHECK) } else { refusal }
    }
}

impl AssertionMaker {
    /// Signs these claims, and those that every assertion has, with the private key.
    fn sign(&self, claims: Map<String, Value>, now: DateTime<Utc>) -> Result<String, TokenError> {
        let AssertionSettings { algorithm, key_id, certificate, .. } = &self.settings;
        let text = self.key.as_ref().ok_or_else(|| missing("There is no private key.", ENTER_KEY))?;
        let key = SigningKey::read(text.expose(), "").map_err(|_| cannot_sign())?;
        let der = key.der().map_err(|_| cannot_sign())?;
        let (algorithm, key) = match algorithm {
            SigningAlgorithm::Rs256 => (Algorithm::RS256, EncodingKey::from_rsa_der(&der)),
            SigningAlgorithm::Ps256 => (Algorithm::PS256, EncodingKey::from_rsa_der(&der)),
            SigningAlgorithm::Es256 => (Algorithm::ES256, EncodingKey::from_ec_der(&der)),
            SigningAlgorithm::EdDsa => (Algorithm::EdDSA, EncodingKey::from_ed_der(&der)),
        };
        let mut header = Header::new(algorithm);
        header.kid = Some(key_id.clone()).filter(|id| !id.is_empty());
        if !certificate.is_empty() {
            header.x5t_s256 = Some(thumbprint(certificate).map_err(|_| cannot_sign())?);
        }
        signed(&header, &self.with_usual(claims, now), &key)
    }

    /// The claims with audience, times and an id (RFC 7519 4.1).
    fn with_usual(&self, mut claims: Map<String, Value>, now: DateTime<Utc>) -> Map<String, Value> {
        let lifetime = TimeDelta::seconds(self.settings.lifetime.unwrap_or(USUAL_LIFETIME).into());
        claims.insert("aud".to_owned(), json!(self.audience));
        claims.insert("iat".to_owned(), json!(now.timestamp()));
        claims.insert("exp".to_owned(), json!((now + lifetime).timestamp()));
        claims.insert("jti".to_owned(), json!(random_text().expose()));
        claims
    }
}

fn signed(header: &Header, claims: &Map<String, Value>, key: &EncodingKey) -> Result<String, TokenError> {
    encode(header, claims, key).map_err(|_| cannot_sign())
}

fn missing(message: &str, remedy: &str) -> TokenError {
    TokenError::not_sent(message, remedy)
}

fn cannot_sign() -> TokenError {
    missing(
        "The private key cannot sign with this algorithm.",
        "Enter the private key again, or choose another algorithm.",
    )
}
