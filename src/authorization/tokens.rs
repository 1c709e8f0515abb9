//! The stored token: requesting a new one now, revealing the access token, and Disconnect, which forgets the tokens and
//! revokes them where the server takes them back (RFC 7009).
//!
//! Only access tokens are revealed: passwords, API keys and client secrets are never shown.

use actix_web::http::StatusCode;
use actix_web::{HttpResponse, web};
use askama::Template;
use diesel_async::AsyncConnection;

use super::keeper::{TokenKeeper, TokenProblem};
use super::model::SecretField;
use super::origins::for_url;
use super::queries::{self, SealedValues};
use super::settings::time_limit;
use super::tab::{Notice, Stored, load, tab_page};
use crate::access::{RateLimit, RequestContext, Right, password_again};
use crate::audit::{self, Changes, Event};
use crate::connectors::{self, Connector, ConnectorHead, Method, Tab};
use crate::oauth::{TokenError, TokenHint, revoke};
use crate::outbound::Outbound;
use crate::vault::{Secret, Vault};
use crate::web::{Error, Errors, FormData, Layout, Segment, TextField, page};

/// Fetches a new token with what is stored. An answer without a token changes nothing and is shown.
pub async fn renew_token(
    context: RequestContext,
    keeper: web::Data<TokenKeeper>,
    rate_limit: web::Data<RateLimit>,
    Segment(key): Segment,
    _: FormData,
) -> Result<HttpResponse, Error> {
    // The connection goes back to the pool before the request: a slow server must not hold it.
    let stored = load(&context, &mut *context.conn().await?, &key, Right::Authorize).await?;
    if !stored.can_fetch() {
        return Err(Error::NotFound);
    }
    rate_limit.take(&context.actor.username).map_err(Error::TooMany)?;
    let back = format!("/connectors/{}/authorization", stored.connector.key);
    match keeper.renew_now(stored.connector.id, &context.actor).await {
        Ok(()) => {
            let first = stored.token.is_none();
            Ok(context.see_other(&back, if first { "The access token was stored" } else { "The token was renewed" }))
        }
        Err(TokenProblem::Changed) => {
            let why = "The data connector was changed meanwhile. The new token was not stored.";
            Ok(context.see_other_undone(&back, why))
        }
        Err(problem) => renewal_refused(context, &key, problem).await,
    }
}

/// The tab, as it is by now, with why there is no token.
async fn renewal_refused(context: RequestContext, key: &str, problem: TokenProblem) -> Result<HttpResponse, Error> {
    let stored: Stored = load(&context, &mut *context.conn().await?, key, Right::Authorize).await?;
    match problem {
        TokenProblem::Refused(refusal) => tab_page(context, stored, Notice::Refused(*refusal), StatusCode::OK),
        TokenProblem::Fault(fault) => Err(Error::internal(anyhow::anyhow!("{fault}"))),
        // A person's request runs into none of these unless the connector goes meanwhile.
        TokenProblem::Disabled
        | TokenProblem::NotAuthorized
        | TokenProblem::Ended
        | TokenProblem::RefusedYoung
        | TokenProblem::Changed
        | TokenProblem::Elsewhere
        | TokenProblem::Resting { .. } => Err(Error::NotFound),
    }
}

#[derive(Template)]
#[template(path = "authorization/reveal.html")]
struct RevealPage {
    layout: Layout,
    connector: Connector,
    /// The password need not be entered again.
    confirmed: bool,
    token: Option<Secret>,
}

impl RevealPage {
    fn password_field(&self) -> Option<TextField> {
        (!self.confirmed).then(|| password_again(&Errors::default()))
    }
}

pub async fn ask_reveal(context: RequestContext, Segment(key): Segment) -> Result<HttpResponse, Error> {
    let mut conn = context.conn().await?;
    let connector = connectors::find(&conn, &context.actor, &key, Right::Authorize).await?;
    queries::stored_token(&mut conn, connector.id).await?.ok_or(Error::NotFound)?;
    page(
        StatusCode::OK,
        &RevealPage { confirmed: context.is_confirmed(), layout: context.layout, connector, token: None },
    )
}

pub async fn reveal_token(
    context: RequestContext,
    vault: web::Data<Vault>,
    Segment(key): Segment,
    _: FormData,
) -> Result<HttpResponse, Error> {
    let connector = connectors::find(&*context.conn().await?, &context.actor, &key, Right::Authorize).await?;
    let token = open_token(&context, &vault, &connector).await?;
    page(
        StatusCode::OK,
        &RevealPage { confirmed: context.is_confirmed(), layout: context.layout, connector, token: Some(token) },
    )
}

/// Opens the token, recorded before it is shown.
async fn open_token(context: &RequestContext, vault: &Vault, connector: &Connector) -> Result<Secret, Error> {
    let mut conn = context.conn().await?;
    let sealed = SealedValues::read(&mut conn, connector.id).await?;
    let token = sealed.shown_token(vault)?.ok_or(Error::NotFound)?;
    let event = Event {
        kind: "token.revealed",
        subject_id: Some(connector.id),
        subject_name: &connector.name,
        changes: Changes::none(),
    };
    audit::record(&conn, &context.actor, context.now(), event).await?;
    Ok(token)
}

#[derive(Template)]
#[template(path = "authorization/disconnect.html")]
struct DisconnectPage {
    layout: Layout,
    head: ConnectorHead,
    /// Where the tokens are given back; `None` where the server takes none.
    revoked_at: Option<String>,
    /// How long it can take to give one back, in words.
    patience: String,
}

/// What became of the tokens at the server.
enum Revocation {
    Done(String),
    /// It offers no revocation.
    NotOffered,
    Refused(TokenError),
}

impl Revocation {
    fn words(&self) -> String {
        match self {
            Revocation::Done(host) => {
                format!("Disconnected. The tokens were forgotten, and revoked at {host}.")
            }
            Revocation::NotOffered => "Disconnected. The tokens were forgotten, but not revoked: no Revocation URL is set, so they stay valid at the server until they end.".into(),
            Revocation::Refused(refusal) => format!(
                "Disconnected. The tokens were forgotten, but not revoked: {} They may stay valid at the server until they end.",
                refusal.message
            ),
        }
    }

    fn audit_words(&self) -> String {
        match self {
            Revocation::Done(host) => format!("Revoked at {host}"),
            Revocation::NotOffered => "Not revoked: no Revocation URL".into(),
            Revocation::Refused(refusal) => format!("Not revoked: {}", refusal.message),
        }
    }
}

/// The connector of a method whose tokens are issued.
async fn find_issued(context: &RequestContext, key: &str) -> Result<Stored, Error> {
    let stored = load(context, &mut *context.conn().await?, key, Right::Authorize).await?;
    match stored.connector.method() {
        Method::OAuth(_) => Ok(stored),
        _ => Err(Error::NotFound),
    }
}

pub async fn confirm_disconnection(context: RequestContext, Segment(key): Segment) -> Result<HttpResponse, Error> {
    let stored = find_issued(&context, &key).await?;
    if stored.token.is_none() {
        return Err(Error::NotFound);
    }
    let head = ConnectorHead::new(&stored.connector, Tab::Authorization, &context.actor);
    let revoked_at = stored.oauth.revocation_url.as_ref().map(|url| url.origin().to_string());
    page(
        StatusCode::OK,
        &DisconnectPage {
            layout: context.layout,
            head,
            revoked_at,
            patience: time_limit(stored.settings.interactive_limits()),
        },
    )
}

pub async fn disconnect(
    context: RequestContext,
    vault: web::Data<Vault>,
    outbound: web::Data<Outbound>,
    Segment(key): Segment,
    _: FormData,
) -> Result<HttpResponse, Error> {
    let stored = find_issued(&context, &key).await?;
    let back = format!("/connectors/{}/authorization", stored.connector.key);
    if stored.token.is_none() {
        // Pressed twice, or disconnected by another person.
        return Ok(context.see_other(&back, "The data connector is disconnected"));
    }
    let revocation = revoke_tokens(&vault, &outbound, &stored).await?;
    forget(&context, &stored, &revocation).await?;
    Ok(match revocation {
        Revocation::Done(_) => context.see_other(&back, revocation.words()),
        _ => context.see_other_undone(&back, revocation.words()),
    })
}

/// Gives the tokens back to the server, before they are forgotten here.
async fn revoke_tokens(vault: &Vault, outbound: &Outbound, stored: &Stored) -> Result<Revocation, Error> {
    let Some(endpoint) = stored.oauth.revocation_url.as_ref() else {
        return Ok(Revocation::NotOffered);
    };
    let (sealed, transport) = (&stored.sealed, stored.transport(vault)?);
    // The refresh token first: with it goes all that was issued for it (RFC 7009 section 2.1).
    let tokens = [
        (sealed.refresh_token(vault)?, TokenHint::RefreshToken),
        (sealed.access_token(vault)?, TokenHint::AccessToken),
    ];
    let secret = sealed.secret(vault, SecretField::ClientSecret)?;
    let secret = match for_url(secret.as_ref(), endpoint, &transport) {
        Ok(secret) => secret,
        Err(refused) => return Ok(Revocation::Refused(refused.into())),
    };
    let (client, limits) = (stored.oauth.client(secret), stored.settings.interactive_limits());
    let mut refused = None;
    for (token, hint) in tokens {
        let Some(token) = token else { continue };
        let revoked = match token.for_url(endpoint, &transport) {
            Ok(token) => revoke(outbound, &transport, limits, endpoint, &client, &token, hint).await,
            Err(refused) => Err(refused.into()),
        };
        // The access token is worth a try of its own: the server may take only one of the two kinds.
        refused = refused.or(revoked.err());
    }
    Ok(refused.map_or(Revocation::Done(endpoint.origin().to_string()), Revocation::Refused))
}

async fn forget(context: &RequestContext, stored: &Stored, revocation: &Revocation) -> Result<(), Error> {
    let (by, now, connector) = (&context.actor, context.now(), &stored.connector);
    let mut conn = context.conn().await?;
    conn.transaction(async |conn| {
        queries::find_and_lock(conn, connector.id).await?;
        queries::remove_token(conn, connector.id).await?;
        connectors::refresh_health(conn, connector.id, now).await?;
        let changes = Changes::none().secret("Token", "removed").field("At the server", "", revocation.audit_words());
        let event = Event {
            kind: "connector.disconnected",
            subject_id: Some(connector.id),
            subject_name: &connector.name,
            changes,
        };
        audit::record(conn, by, now, event).await
    })
    .await
}
