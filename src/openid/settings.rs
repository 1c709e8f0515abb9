//! What the administrator has set about the provider.

use crate::outbound::HttpUrl;
use crate::vault::Secret;

/// The provider, what it knows Connectory by, and who of its people may come in.
pub struct Settings {
    /// What the provider calls itself, letter by letter (OpenID Connect Discovery 1.0 section 4.3).
    pub issuer: HttpUrl,
    pub client_id: String,
    /// `None`: a public client, which PKCE alone protects.
    pub client_secret: Option<Secret>,
    /// What people call the provider.
    pub name: String,
    /// Parted by spaces; `openid` among them.
    pub scopes: String,
    /// The claim that becomes the user name of a new person.
    pub username_claim: String,
    /// The claim with a person's groups; `None`: groups are not taken over.
    pub groups_claim: Option<String>,
    /// The values in that claim of which a person needs one; `None`: everybody may come in.
    pub allowed_groups: Option<Vec<String>>,
    /// Whether somebody who comes for the first time gets an account.
    pub creates_people: bool,
}
