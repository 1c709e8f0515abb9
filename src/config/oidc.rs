//! The settings of the organisation's OpenID Connect provider: all of them hang on the issuer.

use url::Url;

use super::is_this_machine;
use super::reader::Reader;
use crate::vault::Secret;

const ISSUER: &str = "CONNECTORY_OIDC_ISSUER";
const SECRET: &str = "CONNECTORY_OIDC_CLIENT_SECRET";
const SECRET_FILE: &str = "CONNECTORY_OIDC_CLIENT_SECRET_FILE";
const SCOPES: &str = "CONNECTORY_OIDC_SCOPES";
const GROUPS_CLAIM: &str = "CONNECTORY_OIDC_GROUPS_CLAIM";
const ALLOWED_GROUPS: &str = "CONNECTORY_OIDC_ALLOWED_GROUPS";

/// How settings of the provider begin.
const FAMILY: &str = "CONNECTORY_OIDC_";

/// The longest text of the button, in characters.
const LONGEST_NAME: usize = 60;

/// Where people sign in besides here, and who of them may come in. No `Debug`: it holds the client's secret.
#[derive(Clone)]
pub struct OidcConfig {
    /// What the provider calls itself, letter by letter.
    pub issuer: String,
    pub client_id: String,
    /// `None`: a public client, which PKCE alone protects.
    pub client_secret: Option<Secret>,
    /// What people call the provider: “Sign in with …”.
    pub name: String,
    /// Parted by spaces; `openid` among them.
    pub scopes: String,
    /// The claim that becomes the user name of a new person.
    pub username_claim: String,
    /// The claim with a person's groups; `None`: groups are not taken over.
    pub groups_claim: Option<String>,
    /// The values in that claim of which a person needs one; `None`: everybody may come in.
    pub allowed_groups: Option<Vec<String>>,
    /// Whether an account is created at the first sign-in.
    pub create_people: bool,
}

impl Reader {
    /// The provider, if there is one.
    pub fn oidc(&mut self) -> Option<OidcConfig> {
        let Some(issuer) = self.take(ISSUER) else {
            let lonely = self.names().find(|name| name.starts_with(FAMILY));
            if lonely.is_some() {
                self.problem(ISSUER, "set where another CONNECTORY_OIDC_ setting is");
            }
            return None;
        };
        if !is_issuer(&issuer) {
            self.problem(
                ISSUER,
                "an address such as https://login.example.org/realms/staff, without query; http only for this machine",
            );
        }
        Some(OidcConfig {
            issuer,
            client_id: self.client_id(),
            client_secret: self.client_secret(),
            name: self.provider_name(),
            scopes: self.scopes(),
            username_claim: self.claim("CONNECTORY_OIDC_USERNAME_CLAIM", "preferred_username"),
            groups_claim: self.take(GROUPS_CLAIM).map(|_| self.claim(GROUPS_CLAIM, "")),
            allowed_groups: self.allowed_groups(),
            create_people: self.yes_or_no("CONNECTORY_OIDC_CREATE_USERS", true),
        })
    }

    fn client_id(&mut self) -> String {
        let name = "CONNECTORY_OIDC_CLIENT_ID";
        let id = self.take(name).unwrap_or_default();
        if id.is_empty() || id.chars().any(char::is_control) {
            self.problem(name, "set to what the provider knows Connectory by");
        }
        id
    }

    fn client_secret(&mut self) -> Option<Secret> {
        let secret = self.secret_or_file(SECRET)?;
        let trimmed = secret.expose().trim();
        if trimmed.is_empty() {
            self.problem(SECRET_FILE, "a file that is not empty");
            return None;
        }
        Some(Secret::new(trimmed.to_string()))
    }

    fn provider_name(&mut self) -> String {
        let name = "CONNECTORY_OIDC_NAME";
        let words = self.text(name, "single sign-on");
        if words.chars().count() > LONGEST_NAME || words.chars().any(char::is_control) {
            self.problem(name, "at most 60 characters long, on one line");
        }
        words
    }

    fn scopes(&mut self) -> String {
        let scopes = self.text(SCOPES, "openid profile email");
        let is_plain = |b: u8| b.is_ascii_graphic() && !matches!(b, b'"' | b'\\' | b',');
        let words: Vec<&str> = scopes.split_whitespace().collect();
        if !words.contains(&"openid") || !words.iter().all(|word| word.bytes().all(is_plain)) {
            self.problem(SCOPES, "scopes parted by spaces, openid among them");
        }
        words.join(" ")
    }

    /// A claim's name, or the JSON Pointer (RFC 6901) to one that stands deeper, which begins with a slash.
    fn claim(&mut self, name: &'static str, default: &str) -> String {
        let claim = self.text(name, default);
        if claim.chars().any(|c| c.is_control() || c.is_whitespace()) || claim.len() > 255 {
            self.problem(name, "the name of a claim, or a JSON Pointer such as /realm_access/roles");
        }
        claim
    }

    fn allowed_groups(&mut self) -> Option<Vec<String>> {
        let groups = self.list(ALLOWED_GROUPS)?;
        if groups.is_empty() {
            self.problem(ALLOWED_GROUPS, "values parted by commas");
        }
        if self.take(GROUPS_CLAIM).is_none() {
            self.problem(GROUPS_CLAIM, "set where CONNECTORY_OIDC_ALLOWED_GROUPS is");
        }
        Some(groups)
    }
}

/// An issuer has neither query nor fragment (OpenID Connect Discovery 1.0 section 3). Without TLS it could be
/// forged on the network.
fn is_issuer(text: &str) -> bool {
    let Ok(url) = Url::parse(text) else {
        return false;
    };
    let is_here = url.host_str().is_some_and(is_this_machine);
    let is_safe = url.scheme() == "https" || (url.scheme() == "http" && is_here);
    is_safe
        && url.has_host()
        && url.query().is_none()
        && url.fragment().is_none()
        && url.username().is_empty()
        && url.password().is_none()
}
