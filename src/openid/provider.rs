//! The organisation's OpenID Connect provider: its description and keys, kept in memory, and giving a code for a
//! person.
//!
//! Rule: it is asked when somebody wants to sign in with it, never at the start and never for those who do not. Danger:
//! an unknown key in a token makes this program ask; whoever sends many such tokens must not make it ask often.

use std::sync::Arc;

use chrono::{DateTime, TimeDelta, Utc};
use serde_json::{Map, Value};
use tokio::sync::Mutex;

use super::claims::{Claims, is_incomplete};
use super::fetch::{self, Trouble};
use super::id_token::{self, Expected, IdTokenProblem};
use super::keys::Keys;
use super::settings::Settings;
use crate::clock::Clock;
use crate::oauth::{
    self, AuthorizeRequest, BodyFormat, Client, ClientAuthentication, Grant, Metadata, Parameters, Refusal,
    ResponseType, ScopeSeparator, Token, TokenEndpoint,
};
use crate::outbound::{HttpUrl, Limits, Mask, Outbound, Transport, quote};
use crate::vault::Secret;

/// How long description and keys count without being asked for again.
const FRESH: TimeDelta = TimeDelta::hours(1);

/// Whatever becomes of it, the provider is asked for its description at most so often.
const BRAKE: TimeDelta = TimeDelta::seconds(10);

/// An unknown key makes the keys be asked for again at most so often.
const KEY_BRAKE: TimeDelta = TimeDelta::minutes(1);

/// The provider; clones share what is known of it.
#[derive(Clone)]
pub(super) struct Provider {
    pub settings: Arc<Settings>,
    outbound: Outbound,
    clock: Clock,
    known: Arc<Mutex<Known>>,
}

#[derive(Default)]
struct Known {
    description: Option<(DateTime<Utc>, Arc<Description>)>,
    failed: Option<(DateTime<Utc>, Trouble)>,
}

/// What the provider says of itself.
pub(super) struct Description {
    metadata: Metadata,
    authorize: HttpUrl,
    token: HttpUrl,
    keys: Keys,
}

/// What a person leaves with, and must come back with.
pub(super) struct Departure<'a> {
    pub redirect_url: &'a str,
    pub state: &'a Secret,
    pub nonce: &'a Secret,
    pub verifier: &'a Secret,
    /// The person is to sign in there anew, though they may be signed in.
    pub anew: bool,
}

/// What somebody has come back with.
pub(super) struct Arrived {
    pub code: Secret,
    pub redirect_url: String,
    pub verifier: Secret,
    pub nonce: Secret,
}

/// Why a code brings nobody.
pub(super) enum NoPerson {
    /// The provider cannot be asked, or answers nonsense.
    Trouble(Trouble),
    /// It gave no token for the code.
    Refused(Box<Refusal>),
    /// What it says of the person is not to be believed.
    IdToken(IdTokenProblem),
}

impl From<Trouble> for NoPerson {
    fn from(trouble: Trouble) -> NoPerson {
        NoPerson::Trouble(trouble)
    }
}

impl From<IdTokenProblem> for NoPerson {
    fn from(problem: IdTokenProblem) -> NoPerson {
        NoPerson::IdToken(problem)
    }
}

impl Provider {
    pub fn new(settings: Settings, outbound: Outbound, clock: Clock) -> Provider {
        Provider { settings: Arc::new(settings), outbound, clock, known: Arc::default() }
    }

    /// The description, asked for if it is not known or too old. While the provider is down an old one still counts:
    /// its keys are no worse for that.
    pub async fn description(&self) -> Result<Arc<Description>, Trouble> {
        self.known_since(self.clock.now() - FRESH).await
    }

    /// The description as it is at most for a minute, for a key that was not in it.
    async fn newest(&self) -> Result<Arc<Description>, Trouble> {
        self.known_since(self.clock.now() - KEY_BRAKE).await
    }

    /// The description if it was asked for after `since`, else a new one. One asks, the others wait for the answer.
    async fn known_since(&self, since: DateTime<Utc>) -> Result<Arc<Description>, Trouble> {
        let mut known = self.known.lock().await;
        let now = self.clock.now();
        if let Some((at, description)) = &known.description
            && *at > since
        {
            return Ok(Arc::clone(description));
        }
        let failed = known.failed.as_ref().filter(|(at, _)| now - *at < BRAKE);
        let outcome = match failed {
            Some((_, trouble)) => Err(trouble.clone()),
            None => self.describe().await.map(Arc::new),
        };
        match outcome {
            Ok(description) => {
                known.description = Some((now, Arc::clone(&description)));
                known.failed = None;
                Ok(description)
            }
            Err(trouble) => {
                if failed.is_none() {
                    tracing::warn!(trouble = trouble.0, "the OpenID Connect provider cannot be used");
                    known.failed = Some((now, trouble.clone()));
                }
                let old = known.description.as_ref();
                old.map(|(_, old)| Arc::clone(old)).ok_or(trouble)
            }
        }
    }

    async fn describe(&self) -> Result<Description, Trouble> {
        let issuer = self.settings.issuer.as_str();
        let place = format!("{}/.well-known/openid-configuration", issuer.strip_suffix('/').unwrap_or(issuer));
        let place = HttpUrl::parse(&place).map_err(|_| Trouble("The issuer is too long.".into()))?;
        let transport = Transport::default();
        let found = oauth::discover(&self.outbound, &transport, Limits::default(), &place).await;
        let metadata = found.map_err(|refusal| Trouble(refusal.message))?;
        if metadata.issuer != issuer {
            return Err(Trouble(format!(
                "It calls itself “{}”, and CONNECTORY_OIDC_ISSUER must say the same, letter by letter.",
                quote(&metadata.issuer, &Mask::default()).unwrap_or_default()
            )));
        }
        let authorize = self.safe(&metadata.authorization_endpoint, "authorization_endpoint")?;
        let token = self.safe(&metadata.token_endpoint, "token_endpoint")?;
        let keys = self.safe(&metadata.jwks_uri, "jwks_uri")?;
        let keys = Keys::read(&fetch::object(&self.outbound, &keys, None).await?);
        Ok(Description { metadata, authorize, token, keys })
    }

    /// An address from the description. A provider with TLS leads nowhere without it.
    fn safe(&self, url: &Option<HttpUrl>, name: &str) -> Result<HttpUrl, Trouble> {
        let needs_tls = self.settings.issuer.origin().is_https();
        let url = url.as_ref().filter(|url| !needs_tls || url.origin().is_https());
        let missing = || Trouble(format!("Its description has no usable {name}."));
        url.cloned().ok_or_else(missing)
    }

    /// Where a person is sent to sign in (OpenID Connect Core 1.0 section 3.1.2.1).
    pub async fn departure(&self, leaving: &Departure<'_>) -> Result<String, Trouble> {
        let description = self.description().await?;
        // Both say the same (OpenID Connect Core 1.0 section 3.1.2.1); the second makes the answer tell when it was.
        let anew: &[_] = if leaving.anew { &[("prompt", "login"), ("max_age", "0")] } else { &[] };
        let extra = Parameters::of(&[&[("nonce", leaving.nonce.expose())], anew].concat());
        let request = AuthorizeRequest {
            endpoint: &description.authorize,
            response_type: ResponseType::Code,
            client_id: &self.settings.client_id,
            redirect_url: leaving.redirect_url,
            scope: &self.settings.scopes,
            separator: ScopeSeparator::Space,
            resources: &[],
            audience: "",
            state: leaving.state,
            verifier: Some(leaving.verifier),
            extra: &extra,
        };
        request.url().map_err(|_| Trouble("Its authorization_endpoint cannot be used.".into()))
    }

    /// Whether an answer comes from this provider (RFC 9207 section 2.4).
    pub async fn is_from_here(&self, iss: Option<&str>) -> Result<bool, Trouble> {
        let required = self.description().await?.metadata.iss_parameter_supported;
        let issuer = Some(self.settings.issuer.as_str());
        Ok(oauth::check_issuer(issuer, iss, required).is_ok())
    }

    /// Gives the code for a token, and learns from it who has come. The code is sent once, whatever comes of it.
    pub async fn person(&self, arrived: Arrived) -> Result<Claims, NoPerson> {
        let description = self.description().await?;
        let token = self.exchange(&description, &arrived).await;
        let token = token.map_err(|refusal| NoPerson::Refused(Box::new(refusal)))?;
        let Some(id_token) = &token.id_token else {
            return Err(IdTokenProblem::Unreadable.into());
        };
        let expected = Expected {
            issuer: self.settings.issuer.as_str(),
            client_id: &self.settings.client_id,
            nonce: &arrived.nonce,
            access_token: &token.access,
            now: self.clock.now(),
        };
        let mut verified = id_token::verify(id_token, &description.keys, &expected);
        if verified == Err(IdTokenProblem::UnknownKey) {
            let newest = self.newest().await?;
            verified = id_token::verify(id_token, &newest.keys, &expected);
        }
        let claims = self.completed(&description, verified?, &token).await?;
        Ok(Claims::read(&claims, &self.settings))
    }

    /// Asks with the authentication that the provider knows, the header before the body (RFC 8414 section 2).
    async fn exchange(&self, description: &Description, arrived: &Arrived) -> Result<Token, Refusal> {
        let ways = &description.metadata.token_endpoint_auth_methods_supported;
        let knows = |way: &str| ways.iter().any(|known| known == way);
        let authentication = match &self.settings.client_secret {
            None => ClientAuthentication::None,
            Some(_) if knows("client_secret_post") && !knows("client_secret_basic") => ClientAuthentication::Body,
            Some(_) => ClientAuthentication::Basic,
        };
        let endpoint = TokenEndpoint {
            url: description.token.clone(),
            client: Client {
                id: self.settings.client_id.clone(),
                secret: self.settings.client_secret.clone(),
                authentication,
            },
            body: BodyFormat::Form,
            scope: String::new(),
            separator: ScopeSeparator::Space,
            resources: Vec::new(),
            audience: String::new(),
            extra: Parameters::default(),
            lifetime: None,
        };
        let grant = Grant::AuthorizationCode {
            code: arrived.code.clone(),
            redirect_url: arrived.redirect_url.clone(),
            verifier: Some(arrived.verifier.clone()),
        };
        let (transport, limits) = (Transport::default(), Limits::default());
        let now = self.clock.now();
        endpoint.request(&self.outbound, &transport, limits, &grant, now).await
    }

    /// Adds what the ID token leaves out from the UserInfo endpoint (OpenID Connect Core 1.0 section 5.3). What the
    /// signed token says stands.
    async fn completed(
        &self,
        description: &Description,
        mut claims: Map<String, Value>,
        token: &Token,
    ) -> Result<Map<String, Value>, NoPerson> {
        let endpoint = &description.metadata.userinfo_endpoint;
        if endpoint.is_none() || !is_incomplete(&claims, &self.settings) {
            return Ok(claims);
        }
        let url = self.safe(endpoint, "userinfo_endpoint")?;
        let more = fetch::object(&self.outbound, &url, Some(&token.access)).await?;
        // Without this somebody else's token could be slipped in (section 5.3.2).
        if more.get("sub") != claims.get("sub") {
            return Err(IdTokenProblem::Subject.into());
        }
        for (name, value) in more {
            claims.entry(name).or_insert(value);
        }
        Ok(claims)
    }
}
