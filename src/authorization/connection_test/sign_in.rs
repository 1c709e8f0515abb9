//! What a test signs its call in with.

use crate::authorization::credential::Credential;
use crate::authorization::forms::CheckedAuthorization;
use crate::authorization::origins::{ApprovedOrigins, OriginNotApproved};
use crate::connectors::Method;
use crate::outbound::{HttpUrl, Request, Transport};
use crate::vault::Secret;

/// What calls are signed in with.
pub(super) struct SignIn {
    pub credential: Credential,
    /// Where it may be sent; `None` for what was typed or issued just now, for this test.
    pub approved: Option<ApprovedOrigins>,
    /// The version of the stored token, if it is that.
    pub version: Option<i64>,
}

impl SignIn {
    /// A credential that was typed or issued just now.
    pub fn typed(credential: Credential) -> SignIn {
        SignIn { credential, approved: None, version: None }
    }

    /// The credential of a method whose secret is the same for every call.
    pub fn fixed(checked: &CheckedAuthorization, secret: Secret) -> SignIn {
        SignIn::typed(match checked.method {
            Method::ApiKey => Credential::ApiKey {
                place: checked.api_key_place,
                name: checked.api_key_name.clone(),
                prefix: checked.api_key_prefix.clone(),
                key: secret,
            },
            _ => Credential::Basic { user: checked.user_name.clone(), password: secret },
        })
    }

    /// A GET of this address with the credential, if it may be sent there.
    pub fn get(&self, url: &HttpUrl, transport: &Transport) -> Result<Request, OriginNotApproved> {
        if let Some(approved) = &self.approved {
            approved.check(url, transport)?;
        }
        Ok(self.credential.get(url))
    }
}

/// An access token of this type; `None` for Bearer.
pub(super) fn bearer(access: Secret, token_type: Option<String>) -> SignIn {
    SignIn::typed(Credential::Token { token_type: token_type.unwrap_or_else(|| "Bearer".into()), access })
}
