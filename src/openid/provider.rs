//! The organisation's OpenID Connect provider: its metadata and keys, cached, and the exchange of a code for claims.
//!
//! Rule: requests go to it only when a person signs in with it, never at the start. Danger:
//! an unknown key in a token makes this program fetch keys; many such tokens must not make it fetch often.

use std::sync::Arc;

use chrono::{DateTime, TimeDelta, Utc};
use serde_json::{Map, Value};
use tokio::sync::Mutex;

use super::claims::{Claims, is_incomplete};
use super::error::{SignInError, SignInFailure};
use super::id_token::{self, Expected, IdTokenError, Keys};
use crate::clock::Clock;
use crate::config::OidcConfig;
use crate::oauth::{
    self, AssertionMaker, AuthorizationUrl, BodyFormat, Client, ClientAuthentication, ClientNames, ExtraSecrets, Grant,
    KeptNames, Metadata, Parameters, RequestSecrets, ResponseType, ScopeSeparator, Token, TokenEndpoint, TokenError,
    TokenLocation,
};
use crate::outbound::http::Method;
use crate::outbound::{Body, HttpUrl, Limits, Mask, Outbound, SendError, Transport, add_header, http, quote};
use crate::vault::Secret;

/// How long metadata and keys are cached.
const FRESH: TimeDelta = TimeDelta::hours(1);

/// After a failure the metadata are fetched again after this time.
const RETRY_AFTER_FAILURE: TimeDelta = TimeDelta::seconds(10);

/// An unknown key makes the keys be fetched again at most once in this time.
const REFETCH_KEYS: TimeDelta = TimeDelta::minutes(1);

/// The provider; clones share what is known of it.
#[derive(Clone)]
pub(super) struct Provider {
    pub settings: Arc<OidcConfig>,
    outbound: Outbound,
    clock: Clock,
    known: Arc<Mutex<Known>>,
}

#[derive(Default)]
struct Known {
    description: Option<(DateTime<Utc>, Arc<Description>)>,
    failed: Option<(DateTime<Utc>, ProviderError)>,
}

/// What the provider says of itself.
pub(super) struct Description {
    metadata: Metadata,
    authorize: HttpUrl,
    token: HttpUrl,
    keys: Keys,
}

/// The provider cannot be reached, or its response cannot be used: a sentence for people, which names host and port at most.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct ProviderError(pub String);

impl Provider {
    pub fn new(settings: OidcConfig, outbound: Outbound, clock: Clock) -> Provider {
        Provider { settings: Arc::new(settings), outbound, clock, known: Arc::default() }
    }

    /// The metadata, fetched if they are not cached or too old. While the provider is down old ones still count:
    /// its keys are no worse for that.
    pub async fn description(&self) -> Result<Arc<Description>, ProviderError> {
        self.known_since(self.clock.now() - FRESH).await
    }

    /// The metadata if they were fetched after `since`, else new ones. One request fetches, the others wait for it.
    async fn known_since(&self, since: DateTime<Utc>) -> Result<Arc<Description>, ProviderError> {
        let mut known = self.known.lock().await;
        let now = self.clock.now();
        if let Some((at, description)) = &known.description
            && *at > since
        {
            return Ok(Arc::clone(description));
        }
        let failed = known.failed.as_ref().filter(|(at, _)| now - *at < RETRY_AFTER_FAILURE);
        let outcome = match failed {
            Some((_, error)) => Err(error.clone()),
            None => self.describe().await.map(Arc::new),
        };
        match outcome {
            Ok(description) => {
                known.description = Some((now, Arc::clone(&description)));
                known.failed = None;
                Ok(description)
            }
            Err(error) => {
                if failed.is_none() {
                    tracing::warn!(error = error.0, "the OpenID Connect provider cannot be used");
                    known.failed = Some((now, error.clone()));
                }
                let old = known.description.as_ref();
                old.map(|(_, old)| Arc::clone(old)).ok_or(error)
            }
        }
    }

    async fn describe(&self) -> Result<Description, ProviderError> {
        let issuer = self.settings.issuer.as_str();
        let place = format!("{}/.well-known/openid-configuration", issuer.strip_suffix('/').unwrap_or(issuer));
        let place = HttpUrl::parse(&place).map_err(|_| ProviderError("The issuer is too long.".into()))?;
        let transport = Transport::default();
        let found = oauth::discover(&self.outbound, &transport, Limits::default(), &place).await;
        let metadata = found.map_err(|missing| ProviderError(missing.error.message))?;
        if metadata.issuer != issuer {
            return Err(ProviderError(format!(
                "It calls itself “{}”, and CONNECTORY_OIDC_ISSUER must say the same, letter by letter.",
                quote(&metadata.issuer, &Mask::default()).unwrap_or_default()
            )));
        }
        let authorize = self.safe(&metadata.authorization_endpoint, "authorization_endpoint")?;
        let token = self.safe(&metadata.token_endpoint, "token_endpoint")?;
        let keys = self.safe(&metadata.jwks_uri, "jwks_uri")?;
        let keys = Keys::read(&fetch_object(&self.outbound, &keys, None).await?);
        Ok(Description { metadata, authorize, token, keys })
    }

    /// An address from the description. A provider with TLS has no addresses without it.
    fn safe(&self, url: &Option<HttpUrl>, name: &str) -> Result<HttpUrl, ProviderError> {
        let needs_tls = HttpUrl::parse(&self.settings.issuer).is_ok_and(|issuer| issuer.origin().is_https());
        let url = url.as_ref().filter(|url| !needs_tls || url.origin().is_https());
        let missing = || ProviderError(format!("Its description has no usable {name}."));
        url.cloned().ok_or_else(missing)
    }

    /// Where a person is sent to sign in (OpenID Connect Core 1.0 section 3.1.2.1).
    /// `force_login`: the person is to sign in there once more, though they may be signed in.
    pub async fn authorization_url(
        &self,
        redirect_url: &str,
        secrets: &RequestSecrets,
        force_login: bool,
    ) -> Result<String, ProviderError> {
        let description = self.description().await?;
        let nonce = ("nonce", secrets.nonce.expose());
        // The last two say the same; `max_age` makes the ID token say when it was.
        let extra = match force_login {
            true => Parameters::of(&[nonce, ("prompt", "login"), ("max_age", "0")]),
            false => Parameters::of(&[nonce]),
        };
        let request = AuthorizationUrl {
            endpoint: &description.authorize,
            response_type: ResponseType::Code,
            client_id: &self.settings.client_id,
            redirect_url,
            scope: &self.settings.scopes,
            separator: ScopeSeparator::Space,
            resources: &[],
            audience: "",
            state: &secrets.state,
            verifier: Some(&secrets.verifier),
            extra: &extra,
            names: ClientNames::default(),
            fragment: "",
        };
        request.url().map_err(|_| ProviderError("Its authorization_endpoint cannot be used.".into()))
    }

    /// The issuer, and whether every response names it (RFC 9207 section 3).
    pub async fn issuer(&self) -> Result<(&str, bool), ProviderError> {
        let required = self.description().await?.metadata.iss_parameter_supported;
        Ok((self.settings.issuer.as_str(), required))
    }

    /// Exchanges the code for a token and reads who has signed in. The code is sent once, whatever comes of it. `nonce`
    /// was sent with the request of the code.
    pub async fn claims(&self, grant: &Grant, nonce: &Secret) -> Result<Claims, SignInFailure> {
        let description = self.description().await?;
        let token = self.exchange(&description, grant).await;
        let token = token.map_err(|refusal| SignInError::Refused(Box::new(refusal)))?;
        let Some(id_token) = &token.id_token else {
            return Err(SignInError::from(IdTokenError::Unreadable).into());
        };
        let expected = Expected {
            issuer: self.settings.issuer.as_str(),
            client_id: &self.settings.client_id,
            nonce,
            access_token: &token.access,
            now: self.clock.now(),
        };
        let mut verified = id_token::verify(id_token, &description.keys, &expected);
        if verified == Err(IdTokenError::UnknownKey) {
            let newest = self.known_since(self.clock.now() - REFETCH_KEYS).await?;
            verified = id_token::verify(id_token, &newest.keys, &expected);
        }
        let claims = self.completed(&description, verified.map_err(SignInError::from)?, &token).await?;
        Ok(Claims::read(&claims, &self.settings))
    }

    /// Asks with the authentication that the provider knows, the header before the body (RFC 8414 section 2).
    async fn exchange(&self, description: &Description, grant: &Grant) -> Result<Token, TokenError> {
        let supported = &description.metadata.token_endpoint_auth_methods_supported;
        let authentication = match &self.settings.client_secret {
            None => ClientAuthentication::None,
            Some(_) => ClientAuthentication::supported(supported, None)
                .filter(|best| !matches!(best, ClientAuthentication::None | ClientAuthentication::PrivateKeyJwt))
                .unwrap_or_default(),
        };
        let endpoint = TokenEndpoint {
            url: description.token.clone(),
            client: Client {
                id: self.settings.client_id.clone(),
                secret: self.settings.client_secret.clone(),
                authentication,
                names: ClientNames::default(),
                extra: ExtraSecrets::default(),
                assertions: AssertionMaker {
                    audience: description.token.as_str().to_owned(),
                    ..AssertionMaker::default()
                },
            },
            body: BodyFormat::Form,
            scope: String::new(),
            separator: ScopeSeparator::Space,
            resources: Vec::new(),
            audience: String::new(),
            extra: Parameters::default(),
            lifetime: None,
            location: TokenLocation::FindByItself,
            keep: KeptNames::default(),
        };
        let (transport, limits) = (Transport::default(), Limits::default());
        let now = self.clock.now();
        endpoint.request(&self.outbound, &transport, limits, grant, now).await
    }

    /// Adds what the ID token leaves out from the UserInfo endpoint (OpenID Connect Core 1.0 section 5.3). What the
    /// signed token says counts.
    async fn completed(
        &self,
        description: &Description,
        mut claims: Map<String, Value>,
        token: &Token,
    ) -> Result<Map<String, Value>, SignInFailure> {
        let endpoint = &description.metadata.userinfo_endpoint;
        if endpoint.is_none() || !is_incomplete(&claims, &self.settings) {
            return Ok(claims);
        }
        let url = self.safe(endpoint, "userinfo_endpoint")?;
        let more = fetch_object(&self.outbound, &url, Some(&token.access)).await?;
        // Without this another person's claims could be slipped in (section 5.3.2).
        if more.get("sub") != claims.get("sub") {
            return Err(SignInError::from(IdTokenError::Subject).into());
        }
        for (name, value) in more {
            claims.entry(name).or_insert(value);
        }
        Ok(claims)
    }
}

/// The members of the JSON object at an address, fetched with a token if there is one (RFC 6750 section 2.1).
async fn fetch_object(
    outbound: &Outbound,
    url: &HttpUrl,
    token: Option<&Secret>,
) -> Result<Map<String, Value>, ProviderError> {
    let fetched = fetch(outbound, url, token).await;
    let response = fetched.map_err(|failure| ProviderError(failure.message))?;
    let (host, status) = (url.origin(), response.status().as_u16());
    if status != 200 {
        return Err(ProviderError(format!("{host} answered {status}.")));
    }
    match serde_json::from_slice(response.body()) {
        Ok(Value::Object(members)) => Ok(members),
        _ => Err(ProviderError(format!("{host} answered something else than a JSON object."))),
    }
}

async fn fetch(
    outbound: &Outbound,
    url: &HttpUrl,
    token: Option<&Secret>,
) -> Result<http::Response<Vec<u8>>, SendError> {
    let mut request = url.request(Method::GET, Body::Empty)?;
    add_header(request.headers_mut(), "Accept", "application/json")?;
    if let Some(token) = token {
        add_header(request.headers_mut(), "Authorization", &format!("Bearer {}", token.expose()))?;
    }
    outbound.fetch(&Transport::default(), request, Limits::default()).await
}
