//! What is stored of a connector's authorization.

use chrono::{DateTime, Utc};
use diesel::prelude::*;

use crate::connectors::Method;

/// A secret that a person typed, by the field it was typed into.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum SecretField {
    Password,
    ApiKey,
    ClientKey,
    TokenPassword,
    TokenClientSecret,
}

impl SecretField {
    pub const ALL: [SecretField; 5] = [
        SecretField::Password,
        SecretField::ApiKey,
        SecretField::ClientKey,
        SecretField::TokenPassword,
        SecretField::TokenClientSecret,
    ];

    /// The name in the database and in forms.
    pub fn code(self) -> &'static str {
        match self {
            SecretField::Password => "password",
            SecretField::ApiKey => "api_key",
            SecretField::ClientKey => "client_key",
            SecretField::TokenPassword => "token_password",
            SecretField::TokenClientSecret => "token_client_secret",
        }
    }

    pub fn label(self) -> &'static str {
        match self {
            SecretField::Password => "Password",
            SecretField::ApiKey => "API key",
            SecretField::ClientKey => "Client key",
            SecretField::TokenPassword => "Password of the token request",
            SecretField::TokenClientSecret => "Client Secret of the token request",
        }
    }

    /// Whether it belongs to the request that keeps a token fresh.
    pub fn renews_token(self) -> bool {
        matches!(
            self,
            SecretField::TokenPassword | SecretField::TokenClientSecret
        )
    }

    /// Whether connectors of this method have use for the secret.
    pub fn belongs_to(self, method: Method) -> bool {
        match self {
            SecretField::Password => method == Method::Basic,
            SecretField::ApiKey => method == Method::ApiKey,
            SecretField::ClientKey => method != Method::NoAuth,
            SecretField::TokenPassword | SecretField::TokenClientSecret => method == Method::Bearer,
        }
    }
}

/// Where an API key is sent.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum ApiKeyPlace {
    Header,
    Query,
}

impl ApiKeyPlace {
    pub const ALL: [ApiKeyPlace; 2] = [ApiKeyPlace::Header, ApiKeyPlace::Query];

    pub fn parse(code: &str) -> Option<ApiKeyPlace> {
        ApiKeyPlace::ALL
            .into_iter()
            .find(|place| place.code() == code)
    }

    pub fn code(self) -> &'static str {
        match self {
            ApiKeyPlace::Header => "header",
            ApiKeyPlace::Query => "query",
        }
    }

    pub fn label(self) -> &'static str {
        match self {
            ApiKeyPlace::Header => "Request header",
            ApiKeyPlace::Query => "Query parameter",
        }
    }
}

/// The settings of the tab as stored; nothing secret.
#[derive(Queryable, Selectable)]
#[diesel(table_name = crate::db::schema::authorizations)]
pub(super) struct Authorization {
    pub user_name: String,
    pub api_key_place: String,
    pub api_key_name: String,
    pub api_key_prefix: String,
    pub ca_certificate: String,
    pub client_certificate: String,
    pub keep_fresh: bool,
    pub token_url: String,
    pub token_user: String,
    pub token_client_id: String,
    pub token_scope: String,
    pub token_request_style: String,
    pub token_pointer: String,
    pub version: i32,
    pub updated_at: DateTime<Utc>,
    pub updated_by: String,
}

/// That a secret is stored, since when and by whom: all that may be known of it.
#[derive(Queryable, Clone)]
pub(super) struct StoredSecret {
    pub field: String,
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
}

/// An access token that is to be stored.
pub struct NewToken {
    pub access: crate::vault::Secret,
    pub token_type: String,
    pub scope: String,
    pub expires_at: Option<DateTime<Utc>>,
}
