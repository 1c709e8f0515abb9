//! The secrets that a test uses: what is typed, and what is stored where it is kept.

use crate::access::Visit;
use crate::authorization::forms::CheckedAuthorization;
use crate::authorization::model::SecretField;
use crate::authorization::queries;
use crate::authorization::secret_field::SecretChange;
use crate::authorization::tab::Stored;
use crate::vault::{Secret, Vault};
use crate::web::Error;

/// The secrets that the form would have if it were saved.
pub(super) struct Secrets {
    pub password: Option<Secret>,
    pub api_key: Option<Secret>,
    pub client_secret: Option<Secret>,
    pub oauth_password: Option<Secret>,
    pub client_key: Option<Secret>,
    /// The access token that was pasted, or is stored and nobody renews.
    pub token: Option<Secret>,
}

impl Secrets {
    /// Typed secrets, and stored ones where they are kept.
    pub async fn read(
        visit: &Visit,
        vault: &Vault,
        stored: &Stored,
        checked: &CheckedAuthorization,
    ) -> Result<Secrets, Error> {
        let mut conn = visit.conn().await?;
        let id = stored.connector.id;
        let mut found = Vec::new();
        for (field, change) in &checked.secrets {
            let secret = match change {
                SecretChange::Keep => queries::open_secret(&mut conn, vault, id, *field).await?,
                SecretChange::Replace(secret) => Some(secret.clone()),
                SecretChange::Remove => None,
            };
            found.push((*field, secret));
        }
        let mut take = |field: SecretField| {
            let place = found.iter().position(|(of, _)| *of == field)?;
            found.swap_remove(place).1
        };
        Ok(Secrets {
            password: take(SecretField::Password),
            api_key: take(SecretField::ApiKey),
            client_secret: take(SecretField::ClientSecret),
            oauth_password: take(SecretField::OAuthPassword),
            client_key: take(SecretField::ClientKey),
            token: match &checked.token {
                SecretChange::Replace(token) => Some(token.clone()),
                SecretChange::Keep | SecretChange::Remove => None,
            },
        })
    }
}
