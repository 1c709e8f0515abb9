//! What calls need of a connector's authorization: read with the connector in one query, opened once.

use diesel::prelude::*;
use diesel::sql_types::{Bool, Bytea, Int4, Nullable, Text};

use super::credential::Credential;
use super::model::{ApiKeyPlace, SecretField};
use super::{queries, transport};
use crate::connectors::{ConnectorId, Method};
use crate::oauth::ExpiredSignals;
use crate::outbound::Transport;
use crate::vault::Vault;
use crate::web::Error;

/// The columns of a query over `connectors AS c JOIN authorizations AS a` that [`SealedSettings`] reads.
pub const CALL_COLUMNS: &str = "c.method, c.verify_certificates, a.user_name, a.api_key_place, a.api_key_name, a.api_key_prefix,
    a.ca_certificate, a.client_certificate, a.proxy_url, a.time_out, a.concurrency, a.expired_statuses, a.expired_body,
    (SELECT sealed FROM secrets WHERE connector_id = c.id AND field = CASE c.method WHEN 'basic' THEN 'password' WHEN 'api_key' THEN 'api_key' END) AS secret,
    (SELECT sealed FROM secrets WHERE connector_id = c.id AND field = 'client_key') AS client_key";

/// The settings as they are stored.
#[derive(QueryableByName)]
pub struct SealedSettings {
    #[diesel(sql_type = Text)]
    method: String,
    #[diesel(sql_type = Bool)]
    verify_certificates: bool,
    #[diesel(sql_type = Text)]
    user_name: String,
    #[diesel(sql_type = Text)]
    api_key_place: String,
    #[diesel(sql_type = Text)]
    api_key_name: String,
    #[diesel(sql_type = Text)]
    api_key_prefix: String,
    #[diesel(sql_type = Text)]
    ca_certificate: String,
    #[diesel(sql_type = Text)]
    client_certificate: String,
    #[diesel(sql_type = Text)]
    proxy_url: String,
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
    #[diesel(sql_type = Nullable<Bytea>)]
    client_key: Option<Vec<u8>>,
}

/// What signs calls in.
pub enum CredentialSource {
    /// The same for every call.
    Fixed(Credential),
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
        let open = |field, sealed: &Option<Vec<u8>>| {
            let sealed = sealed.as_deref();
            sealed
                .map(|sealed| queries::unseal_secret(vault, connector, field, sealed))
                .transpose()
        };
        let client_key = open(SecretField::ClientKey, &self.client_key)?;
        let credential = match Method::parse(&self.method).unwrap_or(Method::NoAuth) {
            Method::NoAuth => CredentialSource::Fixed(Credential::None),
            Method::Bearer | Method::OAuth(_) => CredentialSource::Keeper,
            Method::Basic => match open(SecretField::Password, &self.secret)? {
                Some(password) => CredentialSource::Fixed(Credential::Basic {
                    user: self.user_name.clone(),
                    password,
                }),
                None => CredentialSource::Missing,
            },
            Method::ApiKey => match open(SecretField::ApiKey, &self.secret)? {
                Some(key) => CredentialSource::Fixed(Credential::ApiKey {
                    place: ApiKeyPlace::parse(&self.api_key_place).unwrap_or(ApiKeyPlace::Header),
                    name: self.api_key_name.clone(),
                    prefix: self.api_key_prefix.clone(),
                    key,
                }),
                None => CredentialSource::Missing,
            },
        };
        Ok(CallSettings {
            transport: transport::build(
                self.verify_certificates,
                &self.ca_certificate,
                &self.client_certificate,
                client_key,
                &self.proxy_url,
            )?,
            time_out: positive(self.time_out),
            concurrency: positive(self.concurrency),
            // The form has checked them; what was written by hand means the usual ones.
            signals: ExpiredSignals::parse(&self.expired_statuses, &self.expired_body)
                .unwrap_or_default(),
            credential,
        })
    }
}

fn positive(number: Option<i32>) -> Option<u32> {
    number.and_then(|number| u32::try_from(number).ok())
}
