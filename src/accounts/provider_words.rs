//! What pages say of the provider that people may sign in with, besides its own pages.

use std::sync::Arc;

/// The provider in words; without one there is nothing inside.
#[derive(Clone, Default)]
pub struct SignInProvider(pub Option<Arc<ProviderWords>>);

/// How the provider is called, and what it tells.
pub struct ProviderWords {
    /// “Sign in with …”.
    pub name: String,
    /// The claim with a person's groups, if groups are taken over.
    pub groups_claim: Option<String>,
}

impl SignInProvider {
    pub fn name(&self) -> Option<&str> {
        self.0.as_ref().map(|words| words.name.as_str())
    }

    pub fn groups_claim(&self) -> Option<&str> {
        self.0.as_ref()?.groups_claim.as_deref()
    }
}
