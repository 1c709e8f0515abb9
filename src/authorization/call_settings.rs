//! What calls need of a connector's authorization: read with the connector in one query, opened once.

use diesel::prelude::*;
use diesel::sql_types::{Array, Bool, Bytea, Int4, Nullable, Text};

use super::credential::Credential;
use super::model::{ApiKeyPlace, SecretField};
use super::origins::ApprovedOrigins;
use super::queries::Sealed;
use super::transport;
use crate::connectors::{ConnectorId, Method};
use crate::db::{OrEmpty, Stored, known};
use crate::oauth::ExpiredSignals;
use crate::outbound::{HttpUrl, Transport};
use crate::vault::{Secret, Vault};
use crate::web::Error;

/// The columns of a query over `connectors AS c JOIN authorizations AS a` that [`SealedSettings`] reads.
pub const CALL_COLUMNS: &str =
    "c.method, c.verify_certificates, a.user_name, a.api_key_place, a.api_key_name, a.api_key_prefix,
    a.ca_certificate, a.client_certificate, a.proxy_url, a.time_out, a.concurrency, a.expired_statuses, a.expired_body,
    s.sealed AS secret, s.origins AS secret_origins,
    k.sealed AS client_key, k.origins AS client_key_origins";

/// What the columns are read from, beside `connectors AS c` and `authorizations AS a`.
pub const CALL_TABLES: &str =
    "LEFT JOIN secrets s ON s.connector_id = c.id AND s.field = CASE c.method WHEN 'basic' THEN 'password' WHEN 'api_key' THEN 'api_key' END
    LEFT JOIN secrets k ON k.connector_id = c.id AND k.field = 'client_key'";

/// The settings as they are stored.
#[derive(QueryableByName)]
pub struct SealedSettings {
    #[diesel(sql_type = Text)]
    method: Stored<Method>,
    #[diesel(sql_type = Bool)]
    verify_certificates: bool,
    #[diesel(sql_type = Text)]
    user_name: String,
    #[diesel(sql_type = Text)]
    api_key_place: Stored<ApiKeyPlace>,
    #[diesel(sql_type = Text)]
    api_key_name: String,
    #[diesel(sql_type = Text)]
    api_key_prefix: String,
    #[diesel(sql_type = Text)]
    ca_certificate: String,
    #[diesel(sql_type = Text)]
    client_certificate: String,
    #[diesel(sql_type = Text)]
    proxy_url: Stored<OrEmpty<HttpUrl>>,
    #[diesel(sql_type = Nullable<Int4>)]
    time_out: Option<i32>,
    #[diesel(sql_type = Nullable<Int4>)]
    concurrency: Option<i32>,
    #[diesel(sql_type = Text)]
    expired_statuses: String,
    #[diesel(sql_type = Text)]
    expired_body: String,
    #[diesel(sql_type = Nullable<Bytea>)]
    secret: Option<Vec<u8>>,
    #[diesel(sql_type = Nullable<Array<Text>>)]
    secret_origins: Option<Vec<String>>,
    #[diesel(sql_type = Nullable<Bytea>)]
    client_key: Option<Vec<u8>>,
    #[diesel(sql_type = Nullable<Array<Text>>)]
    client_key_origins: Option<Vec<String>>,
}

/// What signs calls in.
pub enum CredentialSource {
    /// The same for every call, to be sent to these origins.
    Fixed(Credential, ApprovedOrigins),
    /// Calls carry none.
    None,
    /// Nothing was entered yet.
    Missing,
    /// A token, which [`super::TokenKeeper`] hands out.
    Keeper,
}

/// What calls need to know.
pub struct CallSettings {
    pub transport: Transport,
    /// Seconds that a call may take; `None` for the program's own limit.
    pub time_out: Option<u32>,
    /// Calls at once; `None` for the program's own limit.
    pub concurrency: Option<u32>,
    /// Which answers say that the token has ended.
    pub signals: ExpiredSignals,
    pub credential: CredentialSource,
}

impl SealedSettings {
    /// Opens what is sealed.
    pub fn open(self, vault: &Vault, connector: ConnectorId) -> Result<CallSettings, Error> {
        let sealed = |value: &Option<Vec<u8>>, origins: &Option<Vec<String>>| {
            let origins = origins.clone();
            value.clone().map(|value| Sealed { value, origins })
        };
        let key = sealed(&self.client_key, &self.client_key_origins);
        let client_key = key.map(|key| key.client_key(vault, connector)).transpose()?;
        let secret = |field| {
            let secret = sealed(&self.secret, &self.secret_origins);
            secret.map(|secret| secret.secret(vault, connector, field)).transpose()
        };
        let method = self.method.known("connectors.method", connector).map_err(Error::internal)?;
        let place = self.api_key_place.known("authorizations.api_key_place", connector).map_err(Error::internal)?;
        let proxy = self.proxy_url.known("authorizations.proxy_url", connector).map_err(Error::internal)?;
        let credential = match method {
            Method::NoAuth => CredentialSource::None,
            Method::Bearer | Method::OAuth(_) => CredentialSource::Keeper,
            Method::Basic => fixed(secret(SecretField::Password)?, |password| Credential::Basic {
                user: self.user_name.clone(),
                password,
            }),
            Method::ApiKey => fixed(secret(SecretField::ApiKey)?, |key| Credential::ApiKey {
                place,
                name: self.api_key_name.clone(),
                prefix: self.api_key_prefix.clone(),
                key,
            }),
        };
        Ok(CallSettings {
            transport: transport::build(
                self.verify_certificates,
                &self.ca_certificate,
                &self.client_certificate,
                client_key,
                proxy.into(),
            )?,
            time_out: positive("authorizations.time_out", connector, self.time_out)?,
            concurrency: positive("authorizations.concurrency", connector, self.concurrency)?,
            signals: known(
                "authorizations.expired_statuses or expired_body",
                connector,
                ExpiredSignals::parse(&self.expired_statuses, &self.expired_body).ok(),
            )
            .map_err(Error::internal)?,
            credential,
        })
    }
}

fn fixed(secret: Option<(Secret, ApprovedOrigins)>, credential: impl FnOnce(Secret) -> Credential) -> CredentialSource {
    match secret {
        Some((secret, origins)) => CredentialSource::Fixed(credential(secret), origins),
        None => CredentialSource::Missing,
    }
}

fn positive(column: &'static str, connector: ConnectorId, number: Option<i32>) -> Result<Option<u32>, Error> {
    let read = |number| known(column, connector, u32::try_from(number).ok());
    number.map(read).transpose().map_err(Error::internal)
}
