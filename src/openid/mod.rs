//! Signing in through the organisation's OpenID Connect provider, beside user names and passwords.
//!
//! Rules: a person is known by issuer and subject, never by a name or an e-mail address; an account that exists
//! is never taken over by another person with the same user name; the provider makes no super admins. Signing in with a
//! password does not depend on the provider.
//!
//! Danger: the response comes through the browser, so it may be forged. `oauth`'s round trip checks it first.

mod admission;
mod claims;
mod connection;
mod error;
mod id_token;
mod provider;
mod sign_in;

use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::Duration;

pub use connection::{connect, disconnect, show as connection};
pub use sign_in::{callback, create as begin};

use provider::Provider;

use crate::access::RateLimit;
use crate::accounts::SignInProvider;
use crate::clock::Clock;
use crate::config::OidcConfig;
use crate::outbound::Outbound;
use crate::vault::Vault;
use crate::web::{Error, PublicAddress};

/// Sign-ins that one client address may start at once; then one a second. A whole company may share one.
const SIGN_INS_AT_ONCE: NonZeroU32 = NonZeroU32::MIN.saturating_add(119);
const PERIOD: Duration = Duration::from_secs(1);

/// What signing in through the provider needs; all workers share it.
#[derive(Clone)]
pub struct SignIns {
    provider: Option<Provider>,
    rate_limit: RateLimit,
    vault: Vault,
    /// Where the provider sends people back to; it must know this address letter by letter.
    redirect_url: String,
}

impl SignIns {
    pub fn new(
        settings: Option<OidcConfig>,
        outbound: &Outbound,
        vault: &Vault,
        clock: &Clock,
        address: &PublicAddress,
    ) -> SignIns {
        let provider = settings.map(|settings| Provider::new(settings, outbound.clone(), clock.clone()));
        SignIns {
            provider,
            rate_limit: RateLimit::new(clock, SIGN_INS_AT_ONCE, PERIOD),
            vault: vault.clone(),
            redirect_url: format!("{address}/sign-in/callback"),
        }
    }

    /// What other pages say of the provider.
    pub fn shown(&self) -> SignInProvider {
        SignInProvider(self.provider.as_ref().map(|provider| {
            Arc::new(crate::accounts::ProviderText {
                name: provider.settings.name.clone(),
                groups_claim: provider.settings.groups_claim.clone(),
            })
        }))
    }

    /// The provider; without one there are no such pages.
    fn provider(&self) -> Result<&Provider, Error> {
        self.provider.as_ref().ok_or(Error::NotFound)
    }
}
