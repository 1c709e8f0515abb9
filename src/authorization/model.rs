//! What is stored of a connector's authorization.

use std::borrow::Cow;

use chrono::{DateTime, Utc};
use diesel::deserialize::{self, FromSql, FromSqlRow};
use diesel::pg::{Pg, PgValue};
use diesel::prelude::*;
use diesel::sql_types::Text;

use super::credential::{Credential, CredentialPlace, Placement};
use crate::connectors::SecretField;
use crate::db::{Json, read_column, text_enum};
use crate::oauth::{KeptValues, Token};
use crate::vault::Secret;
use crate::web::PublicAddress;

text_enum! {
    /// Where the authorization server sends people back to.
    #[derive(Default)]
    pub(super) enum RedirectUrl {
        /// So the address tells the servers apart (RFC 9700 section 4.4.2).
        #[default]
        Own = "own", "Of this data connector";
        /// For servers that take one address only.
        Shared = "shared", "Shared by all data connectors";
    }
}

impl RedirectUrl {
    /// The address, made of the site's and the connector's key. Neither changes.
    pub fn url(self, address: &PublicAddress, key: &str) -> String {
        match self {
            RedirectUrl::Own => format!("{address}/connectors/{key}/authorization/callback"),
            RedirectUrl::Shared => format!("{address}/oauth/callback"),
        }
    }
}

text_enum! {
    /// Whom a connector with CA certificates of its own trusts.
    pub enum CaTrust {
        Besides = "besides", "These and the machine’s";
        Only = "only", "Only these";
    }
}

text_enum! {
    /// What a further secret of a connector is sent in.
    pub enum FurtherPlace {
        CallHeader = "call_header", "Header of calls";
        CallQuery = "call_query", "Query parameter of calls";
        TokenHeader = "token_header", "Header of token requests";
        TokenParameter = "token_parameter", "Parameter of token requests";
        LoginVariable = "login_variable", "Variable of the login request";
    }
}

impl FurtherPlace {
    pub fn is_header(self) -> bool {
        matches!(self, FurtherPlace::CallHeader | FurtherPlace::TokenHeader)
    }

    /// Whether calls carry it, and not requests to the token server.
    pub fn is_of_calls(self) -> bool {
        matches!(self, FurtherPlace::CallHeader | FurtherPlace::CallQuery)
    }
}

/// Which secret of a connector it is: that of a field of the form, or a further one with a name that the API has given.
#[derive(Clone, PartialEq, Eq, Debug, FromSqlRow)]
pub enum SecretName {
    Field(SecretField),
    Further(FurtherPlace, String),
}

impl SecretName {
    /// As `secrets.field` has it: `password`, `call_header:X-API-Key`.
    pub fn code(&self) -> Cow<'static, str> {
        match self {
            SecretName::Field(field) => field.code().into(),
            SecretName::Further(place, name) => format!("{}:{name}", place.code()).into(),
        }
    }

    fn parse(code: &str) -> Option<SecretName> {
        match code.split_once(':') {
            Some((place, name)) => Some(SecretName::Further(FurtherPlace::parse(place)?, name.into())),
            None => SecretField::parse(code).map(SecretName::Field),
        }
    }

    pub fn is_further(&self) -> bool {
        matches!(self, SecretName::Further(..))
    }

    /// The further credential that calls carry; `None` for any other secret.
    pub fn credential(&self, key: Secret) -> Option<Credential> {
        let (place, name) = match self {
            SecretName::Further(FurtherPlace::CallHeader, name) => (CredentialPlace::Header, name),
            SecretName::Further(FurtherPlace::CallQuery, name) => (CredentialPlace::Query, name),
            SecretName::Further(_, _) | SecretName::Field(_) => return None,
        };
        let placement = Placement { place, name: name.clone(), prefix: String::new() };
        Some(Credential::ApiKey { key, placement })
    }

    /// For pages and the audit log.
    pub fn label(&self) -> Cow<'static, str> {
        match self {
            SecretName::Field(field) => field.label().into(),
            SecretName::Further(place, name) => format!("{} {name}", place.label()).into(),
        }
    }
}

impl From<SecretField> for SecretName {
    fn from(field: SecretField) -> SecretName {
        SecretName::Field(field)
    }
}

impl FromSql<Text, Pg> for SecretName {
    fn from_sql(value: PgValue<'_>) -> deserialize::Result<SecretName> {
        read_column(value, SecretName::parse)
    }
}

/// That a secret is stored, since when and by whom: all that may be known of it.
#[derive(Queryable, Selectable, Clone)]
#[diesel(table_name = crate::db::schema::secrets)]
pub(super) struct StoredSecret {
    #[diesel(column_name = field)]
    pub name: SecretName,
    pub set_at: DateTime<Utc>,
    pub set_by: String,
}

/// What may be known of the stored access token.
#[derive(Queryable, Clone)]
pub(super) struct StoredToken {
    pub token_type: String,
    pub scope: String,
    pub obtained_at: DateTime<Utc>,
    pub expires_at: Option<DateTime<Utc>>,
    pub set_by: String,
    pub has_refresh_token: bool,
    /// When the refresh token expires, if the server has said so.
    pub refresh_expires_at: Option<DateTime<Utc>>,
    /// Values that are kept with the token.
    pub kept: Json<KeptValues>,
}

/// What becomes of the refresh token when a token is stored.
pub enum RefreshToken {
    /// A new one came, or the first.
    Set(Secret),
    /// The answer to a refresh had none: the old one stays good (RFC 6749 section 6).
    Keep,
    None,
}

/// A circuit breaker that is open: the API has failed too often.
#[derive(Queryable, Selectable, Clone)]
#[diesel(table_name = crate::db::schema::breakers)]
pub(super) struct StoredBreaker {
    pub since: DateTime<Utc>,
    pub open_until: DateTime<Utc>,
    /// How the last call failed.
    pub message: String,
}

/// An access token that is to be stored.
pub struct NewToken {
    pub access: Secret,
    pub refresh: RefreshToken,
    pub token_type: String,
    pub scope: String,
    pub expires_at: Option<DateTime<Utc>>,
    /// When the refresh token expires, if the answer says so.
    pub refresh_expires_at: Option<DateTime<Utc>>,
    /// What is kept of what stands beside the token.
    pub kept: KeptValues,
}

impl NewToken {
    /// A token that never expires and that no server has issued.
    pub fn fixed(access: Secret) -> NewToken {
        NewToken::bearer(access, None)
    }

    /// A token that a server has issued for a request of this scope, which is granted if the response names none
    /// (RFC 6749 sections 5.1 and 6).
    pub(super) fn issued(token: Token, refresh: RefreshToken, asked_scope: &str) -> NewToken {
        NewToken {
            access: token.access,
            refresh,
            token_type: token.token_type,
            scope: token.scope.unwrap_or_else(|| asked_scope.to_string()),
            expires_at: token.expires_at,
            refresh_expires_at: token.refresh_expires_at,
            kept: token.kept,
        }
    }

    /// A token that was pasted or made up: no server has said more of it.
    pub fn bearer(access: Secret, expires_at: Option<DateTime<Utc>>) -> NewToken {
        NewToken {
            access,
            refresh: RefreshToken::None,
            token_type: "Bearer".into(),
            scope: String::new(),
            expires_at,
            refresh_expires_at: None,
            kept: KeptValues::new(),
        }
    }
}
