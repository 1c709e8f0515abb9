//! What is stored of a connector's authorization.

use chrono::{DateTime, Utc};
use diesel::prelude::*;

use crate::connectors::SecretField;
use crate::db::text_enum;
use crate::oauth::Token;
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

/// That a secret is stored, since when and by whom: all that may be known of it.
#[derive(Queryable, Selectable, Clone)]
#[diesel(table_name = crate::db::schema::secrets)]
pub(super) struct StoredSecret {
    pub field: SecretField,
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
        }
    }
}
