//! What calls need of a connector's authorization: read with the connector in one query, opened once.

use diesel::prelude::*;
use diesel::sql_types::{Array, Bool, Bytea, Int4, Jsonb, Nullable, Text};

use super::credential::{BasicCharset, Credential, CredentialPlace, Placement};
use super::model::{CaTrust, FurtherPlace, SecretName};
use super::options::Options;
use super::origins::ApprovedOrigins;
use super::queries::Sealed;
use super::settings::{ConnectionSecrets, Settings};
use crate::connectors::{ConnectorId, Method, SecretField};
use crate::db::{Json, OrEmpty, Positive, Stored, StoredValueError, Typed, known};
use crate::oauth::{ExpiredBody, ExpiredSignals, ExpiredStatuses};
use crate::outbound::{ProxyUrl, Transport};
use crate::vault::Vault;
use crate::web::Error;

/// The columns of a query over `connectors AS c JOIN authorizations AS a` that [`SealedSettings`] reads.
pub const CALL_COLUMNS: &str =
    "c.method, c.verify_certificates, a.user_name, a.basic_charset, a.api_key_place, a.api_key_name, a.api_key_prefix,
    a.access_token_place, a.access_token_name, a.access_token_prefix,
    a.ca_certificate, a.ca_trust, a.client_certificate, a.proxy_url, a.time_out, a.concurrency, a.stream_idle,
    a.expired_statuses, a.expired_body, a.options,
    s.sealed AS secret, s.origins AS secret_origins,
    n.sealed AS next_secret, n.origins AS next_secret_origins,
    k.sealed AS client_key, k.origins AS client_key_origins,
    p.sealed AS proxy_password, p.origins AS proxy_password_origins,
    f.names AS further_names, f.sealed AS further_secrets, f.origins AS further_origins";

/// What the columns are read from, beside `connectors AS c` and `authorizations AS a`.
pub fn call_tables() -> String {
    let fields = Method::ALL.into_iter().filter_map(|method| Some((method, method.call_secret()?)));
    let when = |method: Method, field: SecretField| format!(" WHEN '{}' THEN '{}'", method.code(), field.code());
    let next: String = fields.clone().filter_map(|(method, field)| Some(when(method, field.next()?))).collect();
    let fields: String = fields.map(|(method, field)| when(method, field)).collect();
    format!(
        "LEFT JOIN secrets s ON s.connector_id = c.id AND s.field = CASE c.method{fields} END
        LEFT JOIN secrets n ON n.connector_id = c.id AND n.field = CASE c.method{next} END
        LEFT JOIN secrets k ON k.connector_id = c.id AND k.field = '{}'
        LEFT JOIN secrets p ON p.connector_id = c.id AND p.field = '{}'
        LEFT JOIN LATERAL (
            SELECT array_agg(field ORDER BY field) AS names, array_agg(sealed ORDER BY field) AS sealed,
                array_agg(array_to_string(origins, ' ') ORDER BY field) AS origins
            FROM secrets WHERE connector_id = c.id AND split_part(field, ':', 1) IN ('{}', '{}')
        ) f ON true",
        SecretField::ClientKey.code(),
        SecretField::ProxyPassword.code(),
        FurtherPlace::CallHeader.code(),
        FurtherPlace::CallQuery.code()
    )
}

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
    basic_charset: Stored<BasicCharset>,
    #[diesel(sql_type = Text)]
    api_key_place: Stored<CredentialPlace>,
    #[diesel(sql_type = Text)]
    api_key_name: String,
    #[diesel(sql_type = Text)]
    api_key_prefix: String,
    #[diesel(sql_type = Text)]
    access_token_place: Stored<CredentialPlace>,
    #[diesel(sql_type = Text)]
    access_token_name: String,
    #[diesel(sql_type = Text)]
    access_token_prefix: String,
    #[diesel(sql_type = Text)]
    ca_certificate: String,
    #[diesel(sql_type = Text)]
    ca_trust: Stored<CaTrust>,
    #[diesel(sql_type = Text)]
    client_certificate: String,
    #[diesel(sql_type = Text)]
    proxy_url: Stored<OrEmpty<ProxyUrl>>,
    #[diesel(sql_type = Nullable<Int4>)]
    time_out: Option<Stored<Positive>>,
    #[diesel(sql_type = Nullable<Int4>)]
    concurrency: Option<Stored<Positive>>,
    #[diesel(sql_type = Nullable<Int4>)]
    stream_idle: Option<Stored<Positive>>,
    #[diesel(sql_type = Text)]
    expired_statuses: Stored<Typed<ExpiredStatuses>>,
    #[diesel(sql_type = Text)]
    expired_body: Stored<Typed<ExpiredBody>>,
    #[diesel(sql_type = Jsonb)]
    options: Stored<Json<Options>>,
    #[diesel(sql_type = Nullable<Bytea>)]
    secret: Option<Vec<u8>>,
    #[diesel(sql_type = Nullable<Array<Text>>)]
    secret_origins: Option<Vec<String>>,
    #[diesel(sql_type = Nullable<Bytea>)]
    next_secret: Option<Vec<u8>>,
    #[diesel(sql_type = Nullable<Array<Text>>)]
    next_secret_origins: Option<Vec<String>>,
    #[diesel(sql_type = Nullable<Bytea>)]
    client_key: Option<Vec<u8>>,
    #[diesel(sql_type = Nullable<Array<Text>>)]
    client_key_origins: Option<Vec<String>>,
    #[diesel(sql_type = Nullable<Bytea>)]
    proxy_password: Option<Vec<u8>>,
    #[diesel(sql_type = Nullable<Array<Text>>)]
    proxy_password_origins: Option<Vec<String>>,
    #[diesel(sql_type = Nullable<Array<Text>>)]
    further_names: Option<Vec<Stored<SecretName>>>,
    #[diesel(sql_type = Nullable<Array<Bytea>>)]
    further_secrets: Option<Vec<Vec<u8>>>,
    /// Each with a space between its origins.
    #[diesel(sql_type = Nullable<Array<Text>>)]
    further_origins: Option<Vec<String>>,
}

/// What signs calls in.
pub enum CredentialSource {
    /// The same for every call, to be sent to these origins.
    Fixed(Credential, ApprovedOrigins),
    /// Calls carry none.
    None,
    /// Nothing was entered yet.
    Missing,
    /// A token, which [`super::TokenKeeper`] hands out, to be placed so.
    Keeper(Placement),
}

/// What calls need to know.
pub struct CallSettings {
    pub transport: Transport,
    /// Seconds that a call may take; `None` for the program's own limit.
    pub time_out: Option<u32>,
    /// Concurrent calls; `None` for the program's own limit.
    pub concurrency: Option<u32>,
    /// Seconds for which a response of unknown length may bring nothing; `None` for the program's own limit.
    pub stream_idle: Option<u32>,
    /// Which answers say that the token has ended.
    pub signals: ExpiredSignals,
    pub credential: CredentialSource,
    /// What takes the place of a fixed credential that the API refuses, with its approved origins.
    pub next: Option<(Credential, ApprovedOrigins)>,
    /// Further credentials that all calls carry, each with its approved origins.
    pub further: Vec<(Credential, ApprovedOrigins)>,
}

impl SealedSettings {
    /// Opens what is sealed.
    pub fn open(mut self, vault: &Vault, connector: ConnectorId) -> Result<CallSettings, Error> {
        let (method, verify) = (self.method, self.verify_certificates);
        let method = method.known("connectors.method", connector).map_err(Error::internal)?;
        let sealed_key = self.client_key.take().map(|value| {
            Sealed::secret(connector, &SecretField::ClientKey.into(), value, self.client_key_origins.take())
        });
        let client_key = sealed_key.as_ref().map(|sealed| sealed.open(vault)).transpose()?;
        let proxy_password = self.proxy_password.take().map(|value| {
            Sealed::secret(connector, &SecretField::ProxyPassword.into(), value, self.proxy_password_origins.take())
        });
        let proxy_password = proxy_password.map(|sealed| sealed.approved(vault)).transpose()?;
        let further = self.further(vault, connector)?;
        let (secret, origins) = (self.secret.take(), self.secret_origins.take());
        let (next, next_origins) = (self.next_secret.take(), self.next_secret_origins.take());
        let settings = self.settings(connector).map_err(Error::internal)?;
        let fixed = |field: SecretField, secret, origins| -> Result<(Credential, ApprovedOrigins), Error> {
            let sealed = Sealed::secret(connector, &field.into(), secret, origins);
            let credential = settings.credential(method, sealed.open(vault)?);
            let credential = known("authorizations.user_name", connector, credential).map_err(Error::internal)?;
            Ok((credential, sealed.origins()?))
        };
        let next = method.call_secret().and_then(SecretField::next).zip(next);
        let next = next.map(|(field, secret)| fixed(field, secret, next_origins)).transpose()?;
        let credential = match (method, method.call_secret().zip(secret)) {
            // A client certificate may be what signs in: no other server is to take it for the connector's.
            (Method::NoAuth, _) => match sealed_key {
                Some(sealed) => CredentialSource::Fixed(Credential::None, sealed.origins()?),
                None => CredentialSource::None,
            },
            (method, _) if method.has_tokens() => CredentialSource::Keeper(settings.token_placement()),
            (_, None) => CredentialSource::Missing,
            (_, Some((field, secret))) => {
                let (credential, origins) = fixed(field, secret, origins)?;
                CredentialSource::Fixed(credential, origins)
            }
        };
        Ok(CallSettings {
            transport: settings.for_calls(settings.transport(verify, ConnectionSecrets { client_key, proxy_password })),
            time_out: settings.time_out.map(Positive::get),
            concurrency: settings.concurrency.map(Positive::get),
            stream_idle: settings.stream_idle.map(Positive::get),
            signals: settings.signals(),
            credential,
            next,
            further,
        })
    }

    fn further(&mut self, vault: &Vault, connector: ConnectorId) -> Result<Vec<(Credential, ApprovedOrigins)>, Error> {
        let names = self.further_names.take().unwrap_or_default();
        let secrets = self.further_secrets.take().unwrap_or_default();
        let origins = self.further_origins.take().unwrap_or_default();
        let rows = names.into_iter().zip(secrets).zip(origins);
        let open = |((name, secret), origins): ((Stored<SecretName>, Vec<u8>), String)| {
            let name = name.known("secrets.field", connector).map_err(Error::internal)?;
            let origins = origins.split_whitespace().map(str::to_string).collect();
            let sealed = Sealed::secret(connector, &name, secret, Some(origins));
            let credential = known("secrets.field", connector, name.credential(sealed.open(vault)?));
            Ok((credential.map_err(Error::internal)?, sealed.origins()?))
        };
        rows.map(open).collect()
    }

    fn settings(self, connector: ConnectorId) -> Result<Settings, StoredValueError> {
        let time_out = self.time_out.map(|seconds| seconds.known("authorizations.time_out", connector));
        let concurrency = self.concurrency.map(|calls| calls.known("authorizations.concurrency", connector));
        let stream_idle = self.stream_idle.map(|seconds| seconds.known("authorizations.stream_idle", connector));
        Ok(Settings {
            user_name: self.user_name,
            basic_charset: self.basic_charset.known("authorizations.basic_charset", connector)?,
            api_key_place: self.api_key_place.known("authorizations.api_key_place", connector)?,
            api_key_name: self.api_key_name,
            api_key_prefix: self.api_key_prefix,
            access_token_place: self.access_token_place.known("authorizations.access_token_place", connector)?,
            access_token_name: self.access_token_name,
            access_token_prefix: self.access_token_prefix,
            ca_certificate: self.ca_certificate,
            ca_trust: self.ca_trust.known("authorizations.ca_trust", connector)?,
            client_certificate: self.client_certificate,
            proxy_url: self.proxy_url.known("authorizations.proxy_url", connector)?,
            time_out: time_out.transpose()?,
            concurrency: concurrency.transpose()?,
            stream_idle: stream_idle.transpose()?,
            expired_statuses: self.expired_statuses.known("authorizations.expired_statuses", connector)?,
            expired_body: self.expired_body.known("authorizations.expired_body", connector)?,
            options: self.options.known("authorizations.options", connector)?,
            // Calls do not depend on it.
            secrets_end_on: None,
        })
    }
}
