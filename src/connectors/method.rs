//! How a connector authenticates, and which secrets each authorization method has.

use diesel::deserialize::FromSqlRow;
use diesel::expression::AsExpression;
use diesel::sql_types::Text;

use crate::db::{text_codes, text_enum};

/// An OAuth 2.0 grant type (RFC 6749 section 1.3).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Grant {
    AuthorizationCode,
    ClientCredentials,
    Password,
    Implicit,
    /// RFC 8628.
    Device,
    /// RFC 7523 section 2.1.
    JwtBearer,
}

impl Grant {
    /// Whether a person goes to the server to agree.
    pub fn asks_for_consent(self) -> bool {
        self.sends_back() || self == Grant::Device
    }

    /// Whether the server sends the person's browser back here.
    pub fn sends_back(self) -> bool {
        matches!(self, Grant::AuthorizationCode | Grant::Implicit)
    }
}

/// An authorization method.
#[derive(Clone, Copy, PartialEq, Eq, Debug, AsExpression, FromSqlRow)]
#[diesel(sql_type = Text)]
pub enum Method {
    NoAuth,
    Basic,
    Bearer,
    ApiKey,
    /// A request of a person's own making brings a token or opens a session.
    Login,
    /// RFC 7616.
    Digest,
    /// AWS Signature Version 4.
    AwsSignature,
    OAuth(Grant),
}

// The list sorts by the code, which groups the methods of OAuth 2.0.
text_codes!(Method {
    NoAuth = "no_auth", "No Auth";
    Basic = "basic", "Basic Auth";
    Bearer = "bearer", "Bearer Token";
    ApiKey = "api_key", "API Key";
    Login = "login_request", "Login Request";
    Digest = "digest", "HTTP Digest";
    AwsSignature = "aws_sigv4", "AWS Signature";
    OAuth(Grant::AuthorizationCode) = "oauth_authorization_code", "OAuth 2.0 Authorization Code";
    OAuth(Grant::ClientCredentials) = "oauth_client_credentials", "OAuth 2.0 Client Credentials";
    OAuth(Grant::Password) = "oauth_password", "Auth 2.0 Password";
    OAuth(Grant::Implicit) = "oauth_implicit", "OAuth 2.0 Implicit";
    OAuth(Grant::Device) = "oauth_device", "OAuth 2.0 Device Authorization";
    OAuth(Grant::JwtBearer) = "oauth_jwt_bearer", "OAuth 2.0 JWT Bearer";
});

impl Method {
    /// Whether calls carry a token, that a person has pasted or a server has issued.
    pub fn has_tokens(self) -> bool {
        matches!(self, Method::Bearer | Method::Login | Method::OAuth(_))
    }

    /// The secret that is the same for every call, if the method has one.
    pub fn call_secret(self) -> Option<SecretField> {
        match self {
            Method::Basic | Method::Digest => Some(SecretField::Password),
            Method::ApiKey => Some(SecretField::ApiKey),
            Method::AwsSignature => Some(SecretField::AwsSecretKey),
            Method::NoAuth | Method::Bearer | Method::Login | Method::OAuth(_) => None,
        }
    }
}

text_enum! {
    /// A secret that a person typed, by the field it was typed into.
    pub enum SecretField {
        Password = "password", "Password";
        ApiKey = "api_key", "API key";
        ClientSecret = "client_secret", "Client Secret";
        OAuthPassword = "oauth_password", "Password";
        ClientKey = "client_key", "Client key";
        ProxyPassword = "proxy_password", "Password of the proxy";
        SigningKey = "signing_key", "Private key";
        LoginPassword = "login_password", "Password";
        TokenPassword = "token_password", "Password of the token request";
        TokenClientSecret = "token_client_secret", "Client Secret of the token request";
        AwsSecretKey = "aws_secret_key", "Secret access key";
        /// Of a rotation: it takes the place of the present one when that is refused.
        NextApiKey = "next_api_key", "Next API key";
        NextClientSecret = "next_client_secret", "Next Client Secret";
    }
}

impl SecretField {
    /// The secret that takes its place when it is refused, if it can have one.
    pub fn next(self) -> Option<SecretField> {
        match self {
            SecretField::ApiKey => Some(SecretField::NextApiKey),
            SecretField::ClientSecret => Some(SecretField::NextClientSecret),
            _ => None,
        }
    }

    /// Whether it belongs to the request that keeps a token fresh.
    pub fn renews_token(self) -> bool {
        matches!(self, SecretField::TokenPassword | SecretField::TokenClientSecret)
    }

    /// Whether it is a private key, of several lines.
    pub fn is_key(self) -> bool {
        matches!(self, SecretField::ClientKey | SecretField::SigningKey)
    }

    /// Whether it, or what it signs, goes to the authorization server and not to the API.
    pub fn goes_to_token_server(self) -> bool {
        matches!(
            self,
            SecretField::ClientSecret
                | SecretField::NextClientSecret
                | SecretField::OAuthPassword
                | SecretField::LoginPassword
                | SecretField::SigningKey
        )
    }

    /// Whether it goes neither to the API nor to the authorization server: TLS uses it, or the proxy gets it.
    pub fn is_of_connection(self) -> bool {
        matches!(self, SecretField::ClientKey | SecretField::ProxyPassword)
    }

    /// Whether connectors of this method have use for the secret.
    pub fn belongs_to(self, method: Method) -> bool {
        match self {
            SecretField::Password | SecretField::ApiKey | SecretField::AwsSecretKey => {
                method.call_secret() == Some(self)
            }
            SecretField::NextApiKey => method == Method::ApiKey,
            SecretField::ClientSecret | SecretField::NextClientSecret | SecretField::SigningKey => {
                matches!(method, Method::OAuth(grant) if grant != Grant::Implicit)
            }
            SecretField::OAuthPassword => method == Method::OAuth(Grant::Password),
            SecretField::LoginPassword => method == Method::Login,
            SecretField::ClientKey | SecretField::ProxyPassword => true,
            SecretField::TokenPassword | SecretField::TokenClientSecret => method == Method::Bearer,
        }
    }
}

/// Which of the legacy grants are left on. RFC 9700 sections 2.1.2 and 2.4 advise against the one and forbid the other.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct LegacyGrants {
    pub password: bool,
    pub implicit: bool,
}

impl Default for LegacyGrants {
    fn default() -> LegacyGrants {
        LegacyGrants { password: true, implicit: true }
    }
}

impl LegacyGrants {
    /// Whether connectors may sign in by this method.
    pub fn allow(self, method: Method) -> bool {
        match method {
            Method::OAuth(Grant::Password) => self.password,
            Method::OAuth(Grant::Implicit) => self.implicit,
            _ => true,
        }
    }

    /// The methods to choose from, and the one that is stored already, so that a form shows what is.
    pub fn choices(self, stored: Option<Method>) -> Vec<Method> {
        Method::ALL.into_iter().filter(|method| self.allow(*method) || stored == Some(*method)).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_method_that_is_switched_off_is_offered_only_where_it_is_stored() {
        let (password, implicit) = (Method::OAuth(Grant::Password), Method::OAuth(Grant::Implicit));
        let grants = LegacyGrants { password: false, implicit: true };
        assert!(!grants.allow(password) && grants.allow(implicit));
        let offered = grants.choices(None);
        assert!(!offered.contains(&password));
        assert_eq!(offered.len(), Method::ALL.len() - 1);
        assert_eq!(grants.choices(Some(password)), Method::ALL);
        assert_eq!(LegacyGrants::default().choices(None), Method::ALL);
    }
}
