//! The secrets that a test uses: what is typed, and what is stored where it is kept.

use crate::authorization::forms::CheckedAuthorization;
use crate::authorization::model::SecretField;
use crate::authorization::origins::ApprovedSecret;
use crate::authorization::secret_field::SecretChange;
use crate::authorization::tab::Stored;
use crate::vault::{Secret, Vault};
use crate::web::Error;

/// The secrets that the form would have if it were saved.
pub(super) struct Secrets {
    pub password: Option<ApprovedSecret>,
    pub api_key: Option<ApprovedSecret>,
    pub client_secret: Option<ApprovedSecret>,
    pub oauth_password: Option<ApprovedSecret>,
    pub client_key: Option<Secret>,
    /// The access token that was pasted.
    pub token: Option<Secret>,
}

impl Secrets {
    /// Typed secrets, and stored ones where they are kept.
    pub fn read(vault: &Vault, stored: &Stored, checked: &CheckedAuthorization) -> Result<Secrets, Error> {
        let change = |field: SecretField| {
            let found = checked.secrets.iter().find(|(of, _)| *of == field);
            found.map(|(_, change)| change)
        };
        let take = |field| {
            Ok::<_, Error>(match change(field) {
                Some(SecretChange::Keep) => stored.sealed.secret(vault, field)?,
                Some(SecretChange::Replace(secret)) => Some(ApprovedSecret::typed(secret.clone())),
                Some(SecretChange::Remove) | None => None,
            })
        };
        Ok(Secrets {
            password: take(SecretField::Password)?,
            api_key: take(SecretField::ApiKey)?,
            client_secret: take(SecretField::ClientSecret)?,
            oauth_password: take(SecretField::OAuthPassword)?,
            client_key: match change(SecretField::ClientKey) {
                Some(SecretChange::Keep) => stored.sealed.client_key(vault)?,
                Some(SecretChange::Replace(key)) => Some(key.clone()),
                Some(SecretChange::Remove) | None => None,
            },
            token: match &checked.token {
                SecretChange::Replace(token) => Some(token.clone()),
                SecretChange::Keep | SecretChange::Remove => None,
            },
        })
    }
}
