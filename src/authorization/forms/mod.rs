//! The form of the Authorization tab.

mod check;
mod fields;

use super::model::{ApiKeyPlace, Authorization, SecretField, StoredSecret, StoredToken};
use super::secret_field::SecretChange;
use crate::connectors::{Connector, Method};
use crate::web::{Errors, FormData};

/// What the tab's form holds, beside what is stored.
pub(super) struct AuthorizationForm {
    method: String,
    user_name: String,
    api_key_place: String,
    api_key_name: String,
    api_key_prefix: String,
    verify: bool,
    verify_off_confirmed: bool,
    ca_certificate: String,
    client_certificate: String,
    secrets: Vec<StoredSecret>,
    token: Option<StoredToken>,
    pub errors: Errors,
}

/// The settings that the form has made, and what is to become of the secrets.
pub(super) struct CheckedAuthorization {
    pub method: Method,
    pub user_name: String,
    pub api_key_place: ApiKeyPlace,
    pub api_key_name: String,
    pub api_key_prefix: String,
    pub verify: bool,
    pub ca_certificate: String,
    pub client_certificate: String,
    pub secrets: Vec<(SecretField, SecretChange)>,
    pub token: SecretChange,
}

impl AuthorizationForm {
    pub fn of(
        connector: &Connector,
        stored: &Authorization,
        secrets: Vec<StoredSecret>,
        token: Option<StoredToken>,
    ) -> AuthorizationForm {
        AuthorizationForm {
            method: connector.method().code().into(),
            user_name: stored.user_name.clone(),
            api_key_place: stored.api_key_place.clone(),
            api_key_name: stored.api_key_name.clone(),
            api_key_prefix: stored.api_key_prefix.clone(),
            verify: connector.verify_certificates,
            verify_off_confirmed: false,
            ca_certificate: stored.ca_certificate.clone(),
            client_certificate: stored.client_certificate.clone(),
            secrets,
            token,
            errors: Errors::default(),
        }
    }

    /// Takes over what was typed. A field that was not sent (another method's, hidden by the script) stays as stored.
    pub fn read(&mut self, data: &FormData) {
        let take = |field: &mut String, name: &str| {
            if data.get(name).is_some() {
                *field = data.trimmed(name);
            }
        };
        take(&mut self.method, "auth_method");
        take(&mut self.user_name, "user_name");
        take(&mut self.api_key_place, "api_key_place");
        take(&mut self.api_key_name, "api_key_name");
        take(&mut self.api_key_prefix, "api_key_prefix");
        take(&mut self.ca_certificate, "ca_certificate");
        take(&mut self.client_certificate, "client_certificate");
        if self.method() != Method::NoAuth {
            self.verify = data.ticked("verify");
        }
        self.verify_off_confirmed = data.ticked("verify_off");
    }

    /// The chosen method; an unknown one counts as none.
    pub fn method(&self) -> Method {
        Method::choose(&self.method).unwrap_or(Method::NoAuth)
    }

    fn stored(&self, field: SecretField) -> Option<StoredSecret> {
        self.secrets
            .iter()
            .find(|secret| secret.field == field.code())
            .cloned()
    }

    /// Whether a secret is stored in this field.
    pub fn has(&self, field: SecretField) -> bool {
        self.stored(field).is_some()
    }
}
