//! Why a key does not open what was asked for.

use crate::db::Unavailable;
use crate::web::Error;

/// Each has a code for programs and a sentence for the people who write them.
#[derive(Debug, thiserror::Error)]
pub enum KeyRefusal {
    #[error("This is no API key of this Connectory, or none any more.")]
    Unknown,
    #[error("This API key was revoked.")]
    Revoked,
    #[error("This API key has expired.")]
    Expired,
    #[error("The program or person that this API key belongs to is not active.")]
    HolderInactive,
    #[error("The person that this API key belongs to does not have the permission “Call Data Connectors”.")]
    HolderNotPermitted,
    #[error("This API key does not lead to this data connector.")]
    ConnectorNotAllowed,
    #[error("This API key does not lead to this endpoint of the data connector.")]
    EndpointNotAllowed,
    #[error("This API key may not use the proxy of this data connector.")]
    ProxyNotAllowed,
    #[error("This API key may not read the access token of this data connector.")]
    TokenNotAllowed,
    #[error("This API key may not use this HTTP method.")]
    MethodNotAllowed,
    /// It was not looked for: the caller's address has shown too many keys that nobody has. Another one may be after
    /// this time.
    #[error("This address has sent many keys that are none.")]
    TooManyUnknown(std::time::Duration),
    /// The database could not be asked. The cause is for the log.
    #[error("API keys cannot be checked at the moment.")]
    Unavailable(#[source] Error),
}

impl From<Unavailable> for KeyRefusal {
    fn from(unavailable: Unavailable) -> KeyRefusal {
        KeyRefusal::Unavailable(unavailable.into())
    }
}

impl KeyRefusal {
    /// The word that programs branch on; stays the same for ever.
    pub fn code(&self) -> &'static str {
        match self {
            KeyRefusal::Unknown => "key_unknown",
            KeyRefusal::Revoked => "key_revoked",
            KeyRefusal::Expired => "key_expired",
            KeyRefusal::HolderInactive => "key_holder_inactive",
            KeyRefusal::HolderNotPermitted => "key_holder_not_permitted",
            KeyRefusal::ConnectorNotAllowed => "connector_not_allowed",
            KeyRefusal::EndpointNotAllowed => "endpoint_not_allowed",
            KeyRefusal::ProxyNotAllowed => "proxy_not_allowed",
            KeyRefusal::TokenNotAllowed => "token_not_allowed",
            KeyRefusal::MethodNotAllowed => "method_not_allowed",
            KeyRefusal::TooManyUnknown(_) => "too_many_unknown_keys",
            KeyRefusal::Unavailable(_) => "keys_unavailable",
        }
    }
}
