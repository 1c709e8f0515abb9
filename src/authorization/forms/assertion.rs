//! Assertions (RFC 7523) in the tab's form: their fields, and what these accept.

use serde::{Deserialize, Serialize};

use super::{Check, Fields, change_of, label};
use crate::authorization::secret_field::SecretChange;
use crate::authorization::settings::OAuthClient;
use crate::connectors::{Grant, SecretField};
use crate::oauth::{
    AssertionAudience, AssertionSettings, ClientAuthentication, LONGEST_ASSERTION, SigningAlgorithm, own_claims,
};
use crate::outbound::{KeyKind, PemProblem, SigningKey, certificates_text};
use crate::vault::Secret;

/// The longest text of a certificate, in characters.
const LONGEST_CERTIFICATE: usize = 20_000;

/// The longest text of claims, in bytes.
const LONGEST_CLAIMS: usize = 4 * 1024;

/// The fields as they were typed.
#[derive(Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct AssertionFields {
    pub assertion_algorithm: String,
    pub assertion_key_id: String,
    pub assertion_certificate: String,
    pub assertion_audience: String,
    pub assertion_own_audience: String,
    pub assertion_lifetime: String,
    /// Of the JWT bearer grant.
    pub assertion_issuer: String,
    pub assertion_subject: String,
    pub assertion_claims: String,
}

impl AssertionFields {
    /// The fields where nothing was set.
    pub fn usual() -> AssertionFields {
        AssertionFields::of(&AssertionSettings::default())
    }

    /// What is stored, as the form shows it.
    pub fn of(settings: &AssertionSettings) -> AssertionFields {
        AssertionFields {
            assertion_algorithm: settings.algorithm.code().into(),
            assertion_key_id: settings.key_id.clone(),
            assertion_certificate: settings.certificate.clone(),
            assertion_audience: settings.audience.code().into(),
            assertion_own_audience: settings.own_audience.clone(),
            assertion_lifetime: settings.lifetime.map(|seconds| seconds.to_string()).unwrap_or_default(),
            assertion_issuer: settings.issuer.clone(),
            assertion_subject: settings.subject.clone(),
            assertion_claims: settings.claims.clone(),
        }
    }

    /// The fields that are in use; the others as usual.
    pub fn only_used(mut self, grant: Grant, by_key: bool, by_secret: bool) -> AssertionFields {
        let usual = AssertionFields::usual();
        if !by_key && !by_secret {
            return usual;
        }
        if !by_key {
            self.assertion_algorithm = usual.assertion_algorithm;
            self.assertion_key_id.clear();
            self.assertion_certificate.clear();
        }
        if grant != Grant::JwtBearer {
            self.assertion_issuer.clear();
            self.assertion_subject.clear();
            self.assertion_claims.clear();
        }
        if self.assertion_audience != AssertionAudience::Own.code() {
            self.assertion_own_audience.clear();
        }
        self
    }

    /// The fields with their labels.
    pub fn labelled(&self, certificate: fn(&str) -> String) -> Vec<(&'static str, String)> {
        let algorithm = label(&self.assertion_algorithm, SigningAlgorithm::label);
        let audience = label(&self.assertion_audience, AssertionAudience::label);
        vec![
            ("Signing algorithm", algorithm.to_string()),
            ("Key ID", self.assertion_key_id.clone()),
            ("Certificate of the private key", certificate(&self.assertion_certificate)),
            ("Audience of assertions", audience.to_string()),
            ("The other audience of assertions", self.assertion_own_audience.clone()),
            ("Lifetime of assertions in seconds", self.assertion_lifetime.clone()),
            ("Issuer of the assertion", self.assertion_issuer.clone()),
            ("Subject of the assertion", self.assertion_subject.clone()),
            ("Further claims of the assertion", self.assertion_claims.clone()),
        ]
    }
}

impl Fields {
    /// Whether a private key signs for a connector of this grant.
    pub fn signs_by_key(&self, grant: Grant) -> bool {
        let by_key = self.authentication == ClientAuthentication::PrivateKeyJwt.code();
        grant == Grant::JwtBearer || grant != Grant::Implicit && by_key
    }

    /// Whether the client secret does.
    pub fn signs_by_secret(&self, grant: Grant) -> bool {
        grant != Grant::Implicit && self.authentication == ClientAuthentication::ClientSecretJwt.code()
    }

    /// Takes what a key file says besides the key, as Google issues it for service accounts, into fields that are empty.
    pub(super) fn take_from_key_file(&mut self, typed: &str) {
        let Some(file) = KeyFile::read(typed) else { return };
        let assertion = &mut self.assertion;
        for (field, value) in [
            (&mut self.token_url, file.token_uri),
            (&mut assertion.assertion_issuer, file.client_email),
            (&mut assertion.assertion_key_id, file.private_key_id),
        ] {
            if field.is_empty() {
                *field = value;
            }
        }
    }
}

/// A private key in JSON with what belongs to it.
#[derive(Deserialize)]
struct KeyFile {
    private_key: Secret,
    #[serde(default)]
    private_key_id: String,
    #[serde(default)]
    client_email: String,
    #[serde(default)]
    token_uri: String,
}

impl KeyFile {
    fn read(text: &str) -> Option<KeyFile> {
        text.trim_start().starts_with('{').then(|| serde_json::from_str(text).ok()).flatten()
    }
}

impl Check<'_> {
    /// The settings of assertions, of fields of which only the used ones hold something.
    pub(super) fn assertion(&mut self, fields: &Fields, grant: Grant) -> AssertionSettings {
        let typed = &fields.assertion;
        // The issuer is the client where nothing else is said.
        let wants_issuer = grant == Grant::JwtBearer && fields.client_id.is_empty();
        if own_claims(&typed.assertion_claims).is_ok() && typed.assertion_claims.len() > LONGEST_CLAIMS {
            self.errors.add("assertion_claims", "Claims must not be longer than 4 KiB");
        }
        let claims = own_claims(&typed.assertion_claims).map_err(|problem| format!("Claims {problem}"));
        self.errors.keep("assertion_claims", claims);
        let audience = self.choice("assertion_audience", &typed.assertion_audience, "Choose an audience");
        let is_own = audience == AssertionAudience::Own;
        if audience == AssertionAudience::Issuer && fields.issuer.is_empty() {
            self.errors.add("issuer", "Enter the Issuer, or choose another audience of assertions");
        }
        let message = "Lifetime of assertions must be a whole number of seconds, from 1 to 300 (5 minutes)";
        let most = LONGEST_ASSERTION.cast_signed();
        AssertionSettings {
            algorithm: self.choice("assertion_algorithm", &typed.assertion_algorithm, "Choose an algorithm"),
            key_id: self.line("assertion_key_id", "Key ID", &typed.assertion_key_id, false),
            certificate: self.certificate(&typed.assertion_certificate),
            own_audience: self.line("assertion_own_audience", "Audience", &typed.assertion_own_audience, is_own),
            audience,
            lifetime: self
                .number("assertion_lifetime", &typed.assertion_lifetime, most, message)
                .map(|seconds| seconds.get()),
            issuer: self.line("assertion_issuer", "Issuer of the assertion", &typed.assertion_issuer, wants_issuer),
            subject: self.line("assertion_subject", "Subject", &typed.assertion_subject, false),
            claims: typed.assertion_claims.clone(),
        }
    }

    /// The certificate in the form in which it is stored.
    fn certificate(&mut self, typed: &str) -> String {
        let read = match typed {
            "" => return String::new(),
            typed if typed.chars().count() > LONGEST_CERTIFICATE => Err("must be 20,000 characters or fewer".into()),
            typed => certificates_text(typed).map_err(|problem| problem.to_string()),
        };
        let read = read.map_err(|problem| format!("Certificate of the private key {problem}"));
        self.errors.keep("assertion_certificate", read).unwrap_or_default()
    }

    /// Checks the private key that signs, entered or stored, and puts one that was entered into the form in which it is
    /// stored.
    pub(super) fn check_signing_key(
        &mut self,
        client: &OAuthClient,
        secrets: &mut [(SecretField, SecretChange)],
        stored_key: Option<Secret>,
    ) {
        let name = SecretField::SigningKey.code();
        let settings = &client.assertion.0;
        let has_certificate_error = self.errors.has("assertion_certificate");
        let key = match change_of(secrets, SecretField::SigningKey).apply(stored_key) {
            None if self.errors.has(name) => return,
            None => return self.errors.add(name, "Enter the private key that signs"),
            Some(key) => key,
        };
        let certificate = if has_certificate_error { "" } else { settings.certificate.as_str() };
        let read = read_key(key.expose(), certificate).and_then(|key| match settings.algorithm.fits(key.kind) {
            true => Ok(key),
            false => Err(unfit(settings.algorithm, key.kind)),
        });
        let Some(key) = self.errors.keep(name, read.map_err(|problem| format!("Private key {problem}"))) else {
            return;
        };
        let typed = secrets.iter_mut().find(|(field, _)| *field == SecretField::SigningKey);
        if let Some((_, SecretChange::Replace(typed))) = typed {
            *typed = key.text();
        }
    }
}

/// Reads a private key; the problem completes the label of its field.
fn read_key(text: &str, certificate: &str) -> Result<SigningKey, String> {
    let file = KeyFile::read(text);
    let text = file.as_ref().map_or(text, |file| file.private_key.expose());
    if text.trim_start().starts_with('{') {
        return Err("is JSON. Enter it as PEM, from -----BEGIN PRIVATE KEY----- to the END line. A key in JSON (JWK) must be converted first".into());
    }
    SigningKey::read(text, certificate).map_err(|problem| match problem {
        PemProblem::OtherKey => "does not belong to the certificate of the private key".into(),
        problem => problem.to_string(),
    })
}

fn unfit(algorithm: SigningAlgorithm, kind: Option<KeyKind>) -> String {
    let (is, fits) = match kind {
        Some(KeyKind::Rsa) => ("an RSA key", "RS256 or PS256"),
        Some(KeyKind::P256) => ("a key on the curve P-256", "ES256"),
        Some(KeyKind::Ed25519) => ("an Ed25519 key", "EdDSA"),
        None => return "is on a curve that none of the algorithms has. Enter an RSA, P-256 or Ed25519 key".into(),
    };
    format!("is {is}, which cannot sign with {}. Choose {fits}, or enter another key", algorithm.code())
}
