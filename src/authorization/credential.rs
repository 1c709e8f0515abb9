//! What signs a call in, and where it stands in a request.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use chrono::{DateTime, Utc};

use super::signing::{RequestSigner, SignerMemory};
use crate::db::text_enum;
use crate::oauth::COOKIE;
use crate::outbound::http::Method;
use crate::outbound::{Body, CONNECTION_HEADERS, HttpUrl, Request, SendError, add_header};
use crate::vault::Secret;

/// The longest name of a header or parameter, in characters.
const LONGEST_NAME: usize = 255;

text_enum! {
    /// Where a key or token is sent.
    pub enum CredentialPlace {
        Header = "header", "Request header";
        Query = "query", "Query parameter";
        BasicUser = "basic_user", "Basic Auth, as the user with an empty password";
        BasicPassword = "basic_password", "Basic Auth, as the password with an empty user";
    }
}

text_enum! {
    /// How user and password become bytes. RFC 7617 section 2 leaves it open, and recommends UTF-8 in section 3.
    #[derive(Default)]
    pub enum BasicCharset {
        #[default]
        Utf8 = "utf-8", "UTF-8";
        Latin1 = "iso-8859-1", "ISO-8859-1 (Latin-1)";
    }
}

impl BasicCharset {
    /// The text in this character set; `None` if it has a character that is not in the set.
    pub fn encode(self, text: &str) -> Option<Vec<u8>> {
        match self {
            BasicCharset::Utf8 => Some(text.as_bytes().to_vec()),
            // Latin-1 is the first 256 characters of Unicode.
            BasicCharset::Latin1 => text.chars().map(|letter| u8::try_from(u32::from(letter)).ok()).collect(),
        }
    }
}

/// The place of a key or token in a request, with its name and what is put before it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Placement {
    pub place: CredentialPlace,
    /// Of the header or parameter.
    pub name: String,
    /// Put before the value with a space; may be empty.
    pub prefix: String,
}

impl Placement {
    /// Where a token stands by RFC 6750 section 2.1, and its prefix where the server has named no other scheme.
    pub const TOKEN_HEADER: &str = "Authorization";
    pub const TOKEN_PREFIX: &str = "Bearer";

    /// `Authorization: Bearer …`.
    pub fn of_tokens() -> Placement {
        let (name, prefix) = (Placement::TOKEN_HEADER.into(), Placement::TOKEN_PREFIX.into());
        Placement { place: CredentialPlace::Header, name, prefix }
    }

    /// Why a header or parameter cannot have this name.
    pub fn name_problem(place: CredentialPlace, name: &str) -> Option<String> {
        let token_character = |letter: char| letter.is_ascii_alphanumeric() || "!#$%&'*+-.^_`|~".contains(letter);
        let is_connection = CONNECTION_HEADERS.iter().any(|header| name.eq_ignore_ascii_case(header));
        let problem = match place {
            CredentialPlace::BasicUser | CredentialPlace::BasicPassword => return None,
            _ if name.is_empty() => "Enter the name of the header or parameter",
            _ if name.chars().count() > LONGEST_NAME => "Name must be 255 characters or fewer",
            CredentialPlace::Header if !name.chars().all(token_character) => {
                "A header name can have letters, numbers and hyphens, such as X-API-Key"
            }
            CredentialPlace::Header if is_connection => {
                return Some(format!("{name} is set by Connectory itself. Enter the name of another header"));
            }
            _ if name.chars().any(char::is_control) => "Name must not contain control characters",
            _ => return None,
        };
        Some(problem.into())
    }

    /// Whether it is in the header of this name.
    pub fn is_header(&self, name: &str) -> bool {
        let own = match self.place {
            CredentialPlace::Header => self.name.as_str(),
            CredentialPlace::BasicUser | CredentialPlace::BasicPassword => Placement::TOKEN_HEADER,
            CredentialPlace::Query => return false,
        };
        own.eq_ignore_ascii_case(name)
    }

    /// For a token of this type: the usual prefix gives way to the scheme of the type. A session has its own header.
    fn for_token(&self, token_type: &str) -> Placement {
        let mut placement = self.clone();
        if token_type == COOKIE {
            return Placement { place: CredentialPlace::Header, name: COOKIE.into(), prefix: String::new() };
        }
        let is_usual = self.name.eq_ignore_ascii_case(Placement::TOKEN_HEADER);
        if is_usual && self.place == CredentialPlace::Header && self.prefix == Placement::TOKEN_PREFIX {
            placement.prefix = scheme(token_type).into();
        }
        placement
    }

    fn place(&self, value: &Secret) -> Placed {
        match self.place {
            CredentialPlace::Header => Placed::Header { name: self.name.clone(), value: self.prefixed(value) },
            CredentialPlace::Query => Placed::Query { name: self.name.clone(), value: self.prefixed(value) },
            CredentialPlace::BasicUser | CredentialPlace::BasicPassword => {
                let pair = self.basic_pair(value);
                basic(&STANDARD.encode(pair.expose()))
            }
        }
    }

    /// What stands before the secret, as in `Bearer …`.
    fn lead(&self) -> String {
        match self.place {
            CredentialPlace::BasicUser | CredentialPlace::BasicPassword => "Basic ".into(),
            _ if self.prefix.is_empty() => String::new(),
            _ => format!("{} ", self.prefix),
        }
    }

    fn echoes(&self, value: &Secret) -> Vec<Secret> {
        let mut echoes = vec![value.clone()];
        if matches!(self.place, CredentialPlace::BasicUser | CredentialPlace::BasicPassword) {
            let pair = self.basic_pair(value);
            echoes.push(Secret::new(STANDARD.encode(pair.expose())));
            echoes.push(pair);
        }
        echoes
    }

    fn prefixed(&self, value: &Secret) -> Secret {
        if self.prefix.is_empty() { value.clone() } else { Secret::new(format!("{} {}", self.prefix, value.expose())) }
    }

    fn basic_pair(&self, value: &Secret) -> Secret {
        Secret::new(match self.place {
            CredentialPlace::BasicPassword => format!(":{}", value.expose()),
            _ => format!("{}:", value.expose()),
        })
    }
}

/// The credential of a connector.
pub enum Credential {
    None,
    /// RFC 7617.
    Basic {
        password: Secret,
        /// User and password with a colon between them.
        pair: Secret,
        /// The same in Base64, as it is sent.
        encoded: Secret,
    },
    /// A token with its type (RFC 6749 section 7.1, RFC 6750 section 2.1).
    Token {
        token_type: String,
        access: Secret,
        placement: Placement,
    },
    ApiKey {
        key: Secret,
        placement: Placement,
    },
    /// What signs each request as it is sent.
    Signer(RequestSigner),
}

/// A credential as a request carries it.
pub enum Placed {
    Nowhere,
    Header { name: String, value: Secret },
    Query { name: String, value: Secret },
}

impl Credential {
    /// Basic Auth; `None` if user or password has a character that is not in the character set.
    pub fn basic(user: &str, password: Secret, charset: BasicCharset) -> Option<Credential> {
        let pair = Secret::new(format!("{user}:{}", password.expose()));
        let encoded = Secret::new(STANDARD.encode(charset.encode(pair.expose())?));
        Some(Credential::Basic { password, pair, encoded })
    }

    /// Where the credential stands in a request.
    pub fn placed(&self) -> Placed {
        match self {
            Credential::None | Credential::Signer(_) => Placed::Nowhere,
            Credential::Basic { encoded, .. } => basic(encoded.expose()),
            Credential::Token { token_type, access, placement } => placement.for_token(token_type).place(access),
            Credential::ApiKey { key, placement } => placement.place(key),
        }
    }

    /// What stands before the secret in a header, as in `Bearer …`.
    pub fn lead(&self) -> String {
        match self {
            Credential::None | Credential::Signer(_) => String::new(),
            Credential::Basic { .. } => "Basic ".into(),
            Credential::Token { token_type, placement, .. } => placement.for_token(token_type).lead(),
            Credential::ApiKey { placement, .. } => placement.lead(),
        }
    }

    /// What a server may echo of it, to be masked wherever it is shown.
    pub fn echoes(&self) -> Vec<Secret> {
        match self {
            Credential::None => Vec::new(),
            Credential::Basic { password, pair, encoded } => vec![password.clone(), pair.clone(), encoded.clone()],
            Credential::Token { token_type, access, .. } if token_type == COOKIE => {
                let values = access.expose().split("; ").filter_map(|pair| pair.split_once('='));
                values.map(|(_, value)| Secret::new(value.into())).chain([access.clone()]).collect()
            }
            Credential::Token { access, placement, .. } => placement.echoes(access),
            Credential::ApiKey { key, placement } => placement.echoes(key),
            Credential::Signer(signer) => signer.echoes(),
        }
    }

    /// What signs the requests, if they are signed.
    pub fn signer(&self) -> Option<&RequestSigner> {
        match self {
            Credential::Signer(signer) => Some(signer),
            _ => None,
        }
    }
}

/// A GET of this address with these credentials; those that sign do so as the memory says.
pub(super) fn signed_get(
    url: &HttpUrl,
    credentials: &[&Credential],
    (memory, now): (&SignerMemory, DateTime<Utc>),
) -> Result<Request, SendError> {
    let (mut url, mut headers) = (url.clone(), Vec::new());
    for credential in credentials {
        match credential.placed() {
            Placed::Nowhere => {}
            Placed::Header { name, value } => headers.push((name, value)),
            Placed::Query { name, value } => url = url.with_query(&[(&name, value.expose())]),
        }
    }
    let mut request = url.request(Method::GET, Body::Empty)?;
    for (name, value) in headers {
        add_header(request.headers_mut(), &name, value.expose())?;
    }
    for signer in credentials.iter().filter_map(|credential| credential.signer()) {
        signer.sign(&url, &mut request, memory, now)?;
    }
    Ok(request)
}

fn basic(encoded: &str) -> Placed {
    Placed::Header { name: "Authorization".into(), value: Secret::new(format!("Basic {encoded}")) }
}

/// The schemes of IANA's registry of HTTP authentication schemes that carry a token, and the unregistered one that many
/// APIs have in common, each in the letters of its documents.
const TOKEN_SCHEMES: [&str; 5] = ["Bearer", "GNAP", "OAuth", "PrivateToken", "Token"];

/// The scheme of a token type. Schemes are compared without regard to case (RFC 9110 11.1), but not by every server. What
/// is no scheme, such as Slack's `bot` and Apigee's `BearerToken`, says what the token is, and is sent as Bearer.
fn scheme(token_type: &str) -> &'static str {
    TOKEN_SCHEMES.into_iter().find(|scheme| scheme.eq_ignore_ascii_case(token_type)).unwrap_or("Bearer")
}
