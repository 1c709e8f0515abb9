//! Asking the server for the next token, with what the connector has stored for that.

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel_async::RunQueryDsl;

use super::Inner;
use super::lease::Lease;
use crate::authorization::model::{NewToken, RefreshToken, SecretField};
use crate::authorization::oauth_client::{OAuthClient, TokenUse};
use crate::authorization::queries;
use crate::authorization::token_form::stored_request;
use crate::authorization::transport::{limits_of, transport_of};
use crate::connectors::{self, ConnectorId, Method};
use crate::db::Conn;
use crate::db::schema::connectors as connectors_table;
use crate::oauth::{Grant, Refusal, Token, TokenEndpoint, TokenRequest, request_token};
use crate::outbound::{Limits, Transport};
use crate::web::Error;

/// A token to store.
pub(super) struct Answer {
    pub token: NewToken,
}

/// What the server is asked, and how the question travels.
struct Question {
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
}

/// Asks the server. The connection is given back before: a slow server must not hold it.
pub(super) async fn ask(
    keeper: &Inner,
    lease: &Lease,
    now: DateTime<Utc>,
) -> Result<Result<Answer, Refusal>, Error> {
    let question = {
        let mut conn = keeper.db.get().await?;
        load(&mut conn, keeper, lease.connector).await?
    };
    let (outbound, transport) = (&keeper.outbound, &question.transport);
    let scope = question.scope;
    match question.what {
        What::Request(request) => {
            let token = request_token(outbound, transport, question.limits, &request, now).await;
            Ok(token.map(|token| Answer::of(token, false, scope)))
        }
        What::Grants(grants) => {
            let mut refused = None;
            for (endpoint, grant) in grants {
                let refreshes = matches!(grant, Grant::RefreshToken(_));
                let limits = question.limits;
                match endpoint
                    .request(outbound, transport, limits, &grant, now)
                    .await
                {
                    Ok(token) => return Ok(Ok(Answer::of(token, refreshes, scope))),
                    Err(refusal) if refusal.is_final() => refused = Some(refusal),
                    Err(refusal) => return Ok(Err(refusal)),
                }
            }
            refused.map(Err).ok_or(Error::NotFound)
        }
    }
}

impl Answer {
    fn of(token: Token, refreshes: bool, scope: String) -> Answer {
        let refresh = match token.refresh {
            Some(token) => RefreshToken::Set(token),
            None if refreshes => RefreshToken::Keep,
            None => RefreshToken::None,
        };
        Answer {
            token: NewToken {
                access: token.access,
                refresh,
                token_type: token.token_type,
                scope: token.scope.unwrap_or(scope),
                expires_at: token.expires_at,
            },
        }
    }
}

async fn load(conn: &mut Conn, keeper: &Inner, connector: ConnectorId) -> Result<Question, Error> {
    let settings = queries::find(conn, connector).await?;
    let method: String = connectors_table::table
        .find(connector)
        .select(connectors_table::method)
        .first(conn)
        .await?;
    let method = Method::parse(&method).unwrap_or(Method::NoAuth);
    let token = queries::stored_token(conn, connector).await?;
    let what = match method {
        Method::Bearer => What::Request(Box::new(
            stored_request(conn, &keeper.vault, connector, &settings).await?,
        )),
        Method::OAuth(grant) => What::Grants(grants(conn, keeper, connector, grant).await?),
        Method::NoAuth | Method::Basic | Method::ApiKey => return Err(Error::NotFound),
    };
    Ok(Question {
        transport: transport_of(conn, &keeper.vault, connector, &settings).await?,
        limits: limits_of(settings.time_out),
        scope: token.map(|token| token.scope).unwrap_or_default(),
        what,
    })
}

/// What can be asked without a person. A refresh token goes first: it is the one thing that a server may have limited to this use.
async fn grants(
    conn: &mut Conn,
    keeper: &Inner,
    connector: ConnectorId,
    grant: connectors::Grant,
) -> Result<Vec<(TokenEndpoint, Grant)>, Error> {
    let vault = &keeper.vault;
    let client: OAuthClient = queries::oauth_client(conn, connector).await?;
    let secret = queries::open_secret(conn, vault, connector, SecretField::ClientSecret).await?;
    let mut grants = Vec::new();
    let refreshes = grant != connectors::Grant::ClientCredentials;
    if refreshes && let Some(token) = queries::open_refresh_token(conn, vault, connector).await? {
        let endpoint = client.endpoint(secret.clone(), TokenUse::Refresh)?;
        grants.push((endpoint, Grant::RefreshToken(token)));
    }
    let again = match grant {
        connectors::Grant::ClientCredentials => Some(Grant::ClientCredentials),
        connectors::Grant::Password => {
            let field = SecretField::OAuthPassword;
            let password = queries::open_secret(conn, vault, connector, field).await?;
            password.map(|password| Grant::Password {
                user: client.user_name.clone(),
                password,
            })
        }
        connectors::Grant::AuthorizationCode | connectors::Grant::Implicit => None,
    };
    if let Some(grant) = again {
        grants.push((client.endpoint(secret, TokenUse::Obtain)?, grant));
    }
    Ok(grants)
}
