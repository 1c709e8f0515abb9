//! The request for the next token, with what the connector has stored for that.

use chrono::{DateTime, TimeDelta, Utc};

use super::Inner;
use super::lease::Lease;
use super::state::TokenState;
use crate::authorization::model::{NewToken, RefreshToken};
use crate::authorization::oauth_client::extra_secrets;
use crate::authorization::origins::{SecretError, for_url};
use crate::authorization::queries::{self, SealedValues};
use crate::authorization::settings::{Authorization, OAuthClient, TokenRequestSettings, TokenUse};
use crate::clock::Clock;
use crate::connectors::{self, ConnectorId, Method, SecretField};
use crate::db::Conn;
use crate::oauth::{Grant, KeptValues, LoginRequest, Token, TokenEndpoint, TokenError, TokenRequest, request_token};
use crate::outbound::{Limits, Outbound, Transport};
use crate::vault::Vault;
use crate::web::Error;

/// A request for the next token, and how it travels.
pub(super) struct NextTokenRequest {
    transport: Transport,
    limits: Limits,
    /// The granted scope so far, which stays when the answer names none (RFC 6749 sections 5.1 and 6).
    scope: String,
    /// What is kept with the token so far; what an answer does not say stays.
    kept: KeptValues,
    /// Since when the client secret is stored.
    client_secret_set_at: Option<DateTime<Utc>>,
    kind: Kind,
}

/// For so long after a client secret was stored, a server that does not know it may only be behind: Entra's servers learn
/// of a new one within seconds to minutes, and now and then one of them does not know it yet.
const NEW_SECRET: TimeDelta = TimeDelta::minutes(10);

enum Kind {
    /// The request that Keep it fresh has stored.
    Request(Box<TokenRequest>),
    Login(Box<LoginRequest>),
    /// Requests in the order in which they are tried: the next one only after the server's no.
    Grants(Vec<GrantRequest>),
    /// Nothing: the method is switched off here, or a secret may not be sent there.
    Refused(TokenError),
}

/// A request of a grant.
struct GrantRequest {
    endpoint: TokenEndpoint,
    grant: Grant,
    condition: Condition,
}

/// When a request is sent.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Condition {
    Always,
    /// It differs from the one before only in its scope: after a refusal for which that may have been missing.
    ScopeMissing,
    /// It has the next Client Secret: after a refusal of the client.
    ClientRefused,
}

impl Condition {
    fn holds(self, before: &Answer) -> bool {
        match (self, before) {
            (Condition::Always, _) => true,
            (Condition::ScopeMissing, Answer::Refused(refusal)) => refusal.wants_scope(),
            (Condition::ClientRefused, Answer::Refused(refusal)) => refusal.blames_client(),
            _ => false,
        }
    }
}

impl GrantRequest {
    fn new(endpoint: TokenEndpoint, grant: Grant) -> GrantRequest {
        GrantRequest { endpoint, grant, condition: Condition::Always }
    }
}

/// The outcome of a request.
pub(super) enum Answer {
    Token {
        token: NewToken,
        /// The server has refused the client secret and taken the next one.
        took_next: bool,
    },
    Refused(TokenError),
    /// The lease may have run out, so nothing was sent.
    TooLate,
}

impl NextTokenRequest {
    /// Sends it, as the holder of the lease. No connection to the database is held meanwhile.
    pub async fn send(self, keeper: &Inner, lease: &Lease) -> Answer {
        let (outbound, clock) = (&keeper.outbound, &keeper.clock);
        match &self.kind {
            Kind::Request(_) | Kind::Login(_) if lease.is_late(clock.now()) => Answer::TooLate,
            Kind::Request(request) => {
                let (transport, limits) = (&self.transport, self.limits);
                self.answer(request_token(outbound, transport, limits, request, clock.now()).await)
            }
            Kind::Login(request) => {
                self.answer(request.send(outbound, &self.transport, self.limits, clock.now()).await)
            }
            Kind::Grants(grants) => self.try_each(grants, outbound, clock, lease).await,
            Kind::Refused(refusal) => Answer::Refused(refusal.clone()),
        }
    }

    /// The outcome of a request that stands alone.
    fn answer(&self, token: Result<Token, TokenError>) -> Answer {
        token.map_or_else(Answer::Refused, |token| Answer::Token {
            token: self.received(token, false),
            took_next: false,
        })
    }

    async fn try_each(&self, grants: &[GrantRequest], outbound: &Outbound, clock: &Clock, lease: &Lease) -> Answer {
        let mut outcome = Answer::TooLate;
        for GrantRequest { endpoint, grant, condition } in grants {
            if !condition.holds(&outcome) {
                continue;
            }
            let now = clock.now();
            if lease.is_late(now) {
                return Answer::TooLate;
            }
            let (transport, limits) = (&self.transport, self.limits);
            let answer = endpoint.request(outbound, transport, limits, grant, now);
            match answer.await {
                Ok(token) => {
                    let refreshes = matches!(grant, Grant::RefreshToken { .. });
                    let took_next = *condition == Condition::ClientRefused;
                    return Answer::Token { token: self.received(token, refreshes), took_next };
                }
                Err(refusal) if self.may_be_behind(&refusal, grant, now) && !has_next(grants) => {
                    return Answer::Refused(refusal.passing(TOO_NEW));
                }
                Err(refusal) if refusal.is_final() => outcome = Answer::Refused(refusal),
                Err(refusal) => return Answer::Refused(refusal),
            }
        }
        outcome
    }

    /// Whether the server refuses the client's own credentials, which are new.
    fn may_be_behind(&self, refusal: &TokenError, grant: &Grant, now: DateTime<Utc>) -> bool {
        let is_new = self.client_secret_set_at.is_some_and(|set_at| (now - set_at).abs() < NEW_SECRET);
        is_new && matches!(grant, Grant::ClientCredentials) && refusal.blames_client()
    }

    fn received(&self, token: Token, refreshes: bool) -> NewToken {
        let refresh = match &token.refresh {
            Some(token) => RefreshToken::Set(token.clone()),
            None if refreshes => RefreshToken::Keep,
            None => RefreshToken::None,
        };
        let mut new = NewToken::issued(token, refresh, &self.scope);
        let said = std::mem::replace(&mut new.kept, self.kept.clone());
        new.kept.extend(said);
        new
    }
}

fn has_next(grants: &[GrantRequest]) -> bool {
    grants.iter().any(|request| request.condition == Condition::ClientRefused)
}

const TOO_NEW: &str = "The Client Secret was stored a short time ago, and some servers take minutes to know a new one: it is \
                       tried again by itself for ten minutes. If it goes on, check Client ID, Client Secret and Client \
                       authentication.";

/// Why nothing was sent. It is final, so that no call waits for a refresh that does not come.
fn switched_off(method: Method) -> TokenError {
    TokenError::not_sent(
        format!("{} is switched off here.", method.label()),
        "Choose another method on the Authorization tab.",
    )
}

/// The request for this connector; `None` if only a person can get a token. Read in the transaction of the lease, so
/// that settings and secrets belong together.
pub(super) async fn next_token_request(
    conn: &mut Conn,
    keeper: &Inner,
    connector: ConnectorId,
    state: &TokenState,
) -> Result<Option<NextTokenRequest>, Error> {
    let vault = &keeper.vault;
    let settings = queries::find(conn, connector).await?;
    let sealed = SealedValues::read(conn, connector).await?;
    let transport = settings.stored_transport(vault, state.verify, &sealed)?;
    let client = match state.method {
        Method::OAuth(_) => queries::oauth_client(conn, connector).await?,
        _ => OAuthClient::default(),
    };
    let token = queries::stored_token(conn, connector).await?;
    let (scope, kept) = token.map(|token| (token.scope, token.kept.0)).unwrap_or_default();
    let kind = match Authorization::of(state.method, &settings, &client) {
        Authorization::Bearer(Some(request)) => token_request(vault, request, &sealed, &transport)
            .map(|request| request.map_or(Kind::Grants(Vec::new()), |request| Kind::Request(Box::new(request)))),
        Authorization::Login(login) => login
            .request(
                sealed.secret(vault, SecretField::LoginPassword)?,
                &sealed.further_secrets(vault, false)?,
                &transport,
            )
            .map(|request| request.map_or(Kind::Grants(Vec::new()), |request| Kind::Login(Box::new(request)))),
        _ if !keeper.grants.allow(state.method) => Ok(Kind::Refused(switched_off(state.method))),
        Authorization::OAuth(grant, client) => {
            grants(vault, client, (grant, &scope), &sealed, &transport).map(Kind::Grants)
        }
        Authorization::Bearer(None) | Authorization::NoAuth | Authorization::Fixed => {
            return Ok(None);
        }
    };
    let kind = match kind {
        Ok(Kind::Grants(grants)) if grants.is_empty() => return Ok(None),
        Ok(kind) => kind,
        Err(error) => Kind::Refused(error.refusal()?),
    };
    Ok(Some(NextTokenRequest {
        transport,
        limits: settings.limits(),
        scope,
        kept,
        client_secret_set_at: sealed.stored_secret(SecretField::ClientSecret).map(|secret| secret.set_at),
        kind,
    }))
}

/// The request that Keep it fresh has stored, with its secrets if they may be sent there; `None` without an address.
fn token_request(
    vault: &Vault,
    settings: &TokenRequestSettings,
    sealed: &SealedValues,
    transport: &Transport,
) -> Result<Option<TokenRequest>, SecretError> {
    let Some(url) = settings.token_url.as_ref() else {
        return Ok(None);
    };
    let open = |field| Ok::<_, SecretError>(for_url(sealed.secret(vault, field)?.as_ref(), url, transport)?);
    let extra = extra_secrets(&sealed.further_secrets(vault, false)?, url, transport)?;
    Ok(settings.request(open(SecretField::TokenPassword)?, open(SecretField::TokenClientSecret)?, extra))
}

/// The grants that need no person. A refresh token goes first: it is the one thing that a server may have limited
/// to this use.
fn grants(
    vault: &Vault,
    client: &OAuthClient,
    (grant, granted_scope): (connectors::Grant, &str),
    sealed: &SealedValues,
    transport: &Transport,
) -> Result<Vec<GrantRequest>, SecretError> {
    let secrets = sealed.client_secrets(vault)?;
    let endpoint = |purpose| client.endpoint(&secrets, purpose, transport);
    let mut grants = Vec::new();
    let refreshes = !matches!(grant, connectors::Grant::ClientCredentials | connectors::Grant::JwtBearer);
    if refreshes && let Some(token) = sealed.refresh_token(vault)? {
        let endpoint = endpoint(TokenUse::Refresh)?;
        let token = token.for_url(&endpoint.url, transport)?;
        for (scope, for_scope) in client.refresh_scopes(granted_scope) {
            let grant = Grant::RefreshToken { token: token.clone(), scope };
            let condition = if for_scope { Condition::ScopeMissing } else { Condition::Always };
            grants.push(GrantRequest { endpoint: endpoint.clone(), grant, condition });
        }
    }
    match grant {
        connectors::Grant::ClientCredentials => {
            grants.push(GrantRequest::new(endpoint(TokenUse::Obtain)?, Grant::ClientCredentials));
        }
        connectors::Grant::JwtBearer => {
            let endpoint = endpoint(TokenUse::Obtain)?;
            let grant = client.bearer_grant(&endpoint);
            grants.push(GrantRequest::new(endpoint, grant));
        }
        connectors::Grant::Password => {
            if let Some(password) = sealed.secret(vault, SecretField::OAuthPassword)? {
                let endpoint = endpoint(TokenUse::Obtain)?;
                let password = password.for_url(&endpoint.url, transport)?;
                let user = client.user_name.clone();
                grants.push(GrantRequest::new(endpoint, Grant::Password { user, password }));
            }
        }
        connectors::Grant::AuthorizationCode | connectors::Grant::Implicit | connectors::Grant::Device => {}
    }
    if let Some(secrets) = secrets.with_next() {
        let with_next = |request: &GrantRequest| {
            let client = client.client(&secrets, &request.endpoint.url, transport)?;
            let endpoint = TokenEndpoint { client, ..request.endpoint.clone() };
            Ok(GrantRequest { endpoint, grant: request.grant.clone(), condition: Condition::ClientRefused })
        };
        let always = grants.iter().filter(|request| request.condition == Condition::Always);
        let with_next: Vec<_> = always.map(with_next).collect::<Result<_, SecretError>>()?;
        grants.extend(with_next);
    }
    Ok(grants)
}
