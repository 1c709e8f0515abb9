//! Asking the server for the next token, with what the connector has stored for that.

use super::Inner;
use super::holding::Lease;
use super::lease::TokenState;
use crate::authorization::model::{NewToken, RefreshToken, SecretField};
use crate::authorization::oauth_client::{OAuthClient, TokenUse};
use crate::authorization::origins::SecretError;
use crate::authorization::queries::{self, SealedValues};
use crate::authorization::token_form::stored_request;
use crate::authorization::transport::{limits_of, transport_of};
use crate::clock::Clock;
use crate::connectors::{self, ConnectorId, Method};
use crate::db::Conn;
use crate::oauth::{Grant, Refusal, Token, TokenEndpoint, TokenRequest, request_token};
use crate::outbound::{Limits, Outbound, Transport};
use crate::vault::Vault;
use crate::web::Error;

/// What the server is asked, and how the question travels.
pub(super) struct Question {
    transport: Transport,
    limits: Limits,
    /// The granted scope so far, which stays when the answer names none (RFC 6749 sections 5.1 and 6).
    scope: String,
    what: What,
}

enum What {
    /// The request that Keep it fresh has stored.
    Request(Box<TokenRequest>),
    /// Grants in the order in which they are tried: the next one only after the server's no.
    Grants(Vec<(TokenEndpoint, Grant)>),
    /// Nothing: the method is switched off here, or a secret may not be sent there.
    Refused(Refusal),
}

/// What came of it.
pub(super) enum Asked {
    Token(NewToken),
    Refused(Refusal),
    /// The lease may have run out, so nothing was asked.
    TooLate,
}

impl Question {
    /// Asks the server, as the holder of the lease. No connection is held meanwhile: a slow server must not keep one.
    pub async fn ask(self, keeper: &Inner, lease: &Lease) -> Asked {
        let (outbound, clock) = (&keeper.outbound, &keeper.clock);
        match &self.what {
            What::Request(_) if lease.is_late(clock.now()) => Asked::TooLate,
            What::Request(request) => {
                let (transport, limits) = (&self.transport, self.limits);
                let token = request_token(outbound, transport, limits, request, clock.now()).await;
                token.map_or_else(Asked::Refused, |token| self.received(token, false))
            }
            What::Grants(grants) => self.try_each(grants, outbound, clock, lease).await,
            What::Refused(refusal) => Asked::Refused(refusal.clone()),
        }
    }

    async fn try_each(
        &self,
        grants: &[(TokenEndpoint, Grant)],
        outbound: &Outbound,
        clock: &Clock,
        lease: &Lease,
    ) -> Asked {
        let mut outcome = Asked::TooLate;
        for (endpoint, grant) in grants {
            let now = clock.now();
            if lease.is_late(now) {
                return Asked::TooLate;
            }
            let (transport, limits) = (&self.transport, self.limits);
            let answer = endpoint.request(outbound, transport, limits, grant, now);
            match answer.await {
                Ok(token) => {
                    let refreshes = matches!(grant, Grant::RefreshToken(_));
                    return self.received(token, refreshes);
                }
                Err(refusal) if refusal.is_final() => outcome = Asked::Refused(refusal),
                Err(refusal) => return Asked::Refused(refusal),
            }
        }
        outcome
    }

    fn received(&self, token: Token, refreshes: bool) -> Asked {
        let refresh = match token.refresh {
            Some(token) => RefreshToken::Set(token),
            None if refreshes => RefreshToken::Keep,
            None => RefreshToken::None,
        };
        Asked::Token(NewToken {
            access: token.access,
            refresh,
            token_type: token.token_type,
            scope: token.scope.unwrap_or_else(|| self.scope.clone()),
            expires_at: token.expires_at,
        })
    }
}

/// Why nothing was asked. It is final, so that nobody waits for a renewal that does not come.
fn switched_off(method: Method) -> Refusal {
    Refusal::unasked(
        format!("{} is switched off here.", method.label()),
        "Choose another method on the Authorization tab.",
    )
}

/// What can be asked for this connector; `None` if only a person can get a token. Read in the transaction of the lease,
/// so that settings and secrets belong together.
pub(super) async fn question(
    conn: &mut Conn,
    keeper: &Inner,
    connector: ConnectorId,
    state: &TokenState,
) -> Result<Option<Question>, Error> {
    let vault = &keeper.vault;
    let settings = queries::find(conn, connector).await?;
    let sealed = SealedValues::read(conn, connector).await?;
    let transport = transport_of(vault, state.verify, &settings, &sealed)?;
    let what = match state.method {
        Method::Bearer if settings.keep_fresh => {
            let request = stored_request(vault, &settings, &sealed, &transport);
            request.map(|request| What::Request(Box::new(request)))
        }
        method if !keeper.grants.allow(method) => Ok(What::Refused(switched_off(method))),
        Method::OAuth(grant) => {
            let client = queries::oauth_client(conn, connector).await?;
            grants(vault, &client, grant, &sealed, &transport).map(What::Grants)
        }
        Method::Bearer | Method::NoAuth | Method::Basic | Method::ApiKey => return Ok(None),
    };
    let what = match what {
        Ok(What::Grants(grants)) if grants.is_empty() => return Ok(None),
        Ok(what) => what,
        Err(error) => What::Refused(error.refusal()?),
    };
    let token = queries::stored_token(conn, connector).await?;
    Ok(Some(Question {
        transport,
        limits: limits_of(settings.time_out),
        scope: token.map(|token| token.scope).unwrap_or_default(),
        what,
    }))
}

/// What can be asked without a person. A refresh token goes first: it is the one thing that a server may have limited
/// to this use.
fn grants(
    vault: &Vault,
    client: &OAuthClient,
    grant: connectors::Grant,
    sealed: &SealedValues,
    transport: &Transport,
) -> Result<Vec<(TokenEndpoint, Grant)>, SecretError> {
    let secret = sealed.secret(vault, SecretField::ClientSecret)?;
    let endpoint = |purpose| client.endpoint(secret.as_ref(), purpose, transport);
    let mut grants = Vec::new();
    let refreshes = grant != connectors::Grant::ClientCredentials;
    if refreshes && let Some(token) = sealed.refresh_token(vault)? {
        let endpoint = endpoint(TokenUse::Refresh)?;
        let token = token.for_url(&endpoint.url, transport)?;
        grants.push((endpoint, Grant::RefreshToken(token)));
    }
    match grant {
        connectors::Grant::ClientCredentials => {
            grants.push((endpoint(TokenUse::Obtain)?, Grant::ClientCredentials));
        }
        connectors::Grant::Password => {
            if let Some(password) = sealed.secret(vault, SecretField::OAuthPassword)? {
                let endpoint = endpoint(TokenUse::Obtain)?;
                let password = password.for_url(&endpoint.url, transport)?;
                let user = client.user_name.clone();
                grants.push((endpoint, Grant::Password { user, password }));
            }
        }
        connectors::Grant::AuthorizationCode | connectors::Grant::Implicit => {}
    }
    Ok(grants)
}
