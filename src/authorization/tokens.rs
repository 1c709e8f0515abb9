//! The stored token: requesting a new one now, revealing the access token, and Disconnect, which forgets the tokens and
//! revokes them where the server takes them back (RFC 7009).
//!
//! Only access tokens are revealed: passwords, API keys and client secrets are never shown.

use actix_web::http::StatusCode;
use actix_web::{HttpResponse, web};
use askama::Template;
use chrono::{DateTime, Utc};

use super::keeper::{TokenKeeper, TokenProblem};
use super::queries::{self, SealedValues};
use super::settings::time_limit;
use super::tab::{Notice, Stored, load, tab_page};
use crate::access::{RateLimit, RequestContext, Right};
use crate::audit::{Change, Changes, transaction};
use crate::connectors::{self, Connector, CredentialChange, Method};
use crate::oauth::{TokenError, TokenHint, revoke};
use crate::outbound::Outbound;
use crate::vault::{Secret, Vault};
use crate::web::{Confirmation, Error, FormData, Layout, Segment, page};

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
        TokenProblem::Fault(fault) => Err(fault.shared()),
        // A person's request runs into none of the others unless the connector goes meanwhile.
        _ => Err(Error::NotFound),
    }
}

#[derive(Template)]
#[template(path = "authorization/reveal.html")]
struct RevealPage {
    layout: Layout,
    connector: Connector,
    token: Secret,
}

pub async fn ask_reveal(context: RequestContext, Segment(key): Segment) -> Result<HttpResponse, Error> {
    let mut conn = context.conn().await?;
    let connector = connectors::find(&conn, &context.actor, &key, Right::Authorize).await?;
    queries::stored_token(&mut conn, connector.id).await?.ok_or(Error::NotFound)?;
    let asked = if context.is_confirmed() {
        "You have entered your password a short time ago. This is recorded."
    } else {
        "Enter your password to see the stored access token. This is recorded."
    };
    Confirmation {
        title: format!("Reveal token, {}", connector.label),
        step: "Reveal token",
        question: format!("{}: Reveal token", connector.label),
        sentences: vec![asked.into()],
        action: format!("/connectors/{key}/authorization/token-reveals"),
        asks_password: !context.is_confirmed(),
        button: "Reveal token".into(),
        harmless: true,
        ..confirmation(&connector)
    }
    .respond(context.layout, StatusCode::OK)
}

/// A question on a page that is reached from the tab.
fn confirmation(connector: &Connector) -> Confirmation {
    let tab = format!("/connectors/{}/authorization", connector.key);
    Confirmation {
        crumbs: vec![("/connectors".into(), "Connectors".into()), (tab.clone(), connector.label.clone())],
        back: (tab, "Cancel"),
        ..Confirmation::default()
    }
}

pub async fn reveal_token(
    context: RequestContext,
    vault: web::Data<Vault>,
    Segment(key): Segment,
    _: FormData,
) -> Result<HttpResponse, Error> {
    let mut conn = context.conn().await?;
    let connector = connectors::find(&conn, &context.actor, &key, Right::Authorize).await?;
    let sealed = SealedValues::read(&mut conn, connector.id).await?;
    let token = sealed.shown_token(&vault)?.ok_or(Error::NotFound)?;
    let change = Change::new(&mut conn, &context);
    // Recorded before it is shown.
    change.record("token.revealed", connector.id, &connector.name, Changes::none()).await?;
    drop(conn);
    page(StatusCode::OK, &RevealPage { layout: context.layout, connector, token })
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
        Method::Login | Method::OAuth(_) => Ok(stored),
        _ => Err(Error::NotFound),
    }
}

pub async fn confirm_disconnection(context: RequestContext, Segment(key): Segment) -> Result<HttpResponse, Error> {
    let stored = find_issued(&context, &key).await?;
    if stored.token.is_none() {
        return Err(Error::NotFound);
    }
    let label = &stored.connector.label;
    let patience = time_limit(stored.settings.limits());
    let (outcome, wait) = match &stored.oauth.revocation_url.0 {
        Some(url) => (
            format!("They are also revoked at {}.", url.origin()),
            format!("Asking the server can take up to {patience} for each token."),
        ),
        None => (
            "They are not revoked at the server, because no Revocation URL is set: there they stay valid until they end."
                .into(),
            String::new(),
        ),
    };
    Confirmation {
        title: format!("Disconnect, {label}"),
        step: "Disconnect",
        question: format!("Are you sure you want to disconnect {label}?"),
        sentences: vec![
            "Calls through it will be refused until it is authorized again.".into(),
            format!("The tokens are forgotten here. {outcome} All settings stay.").into(),
        ],
        action: format!("/connectors/{key}/authorization/disconnections"),
        button: "Disconnect".into(),
        wait,
        ..confirmation(&stored.connector)
    }
    .respond(context.layout, StatusCode::OK)
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
    let revocation = revoke_tokens(&vault, &outbound, &stored, context.now()).await?;
    forget(&context, &stored, &revocation).await?;
    Ok(match revocation {
        Revocation::Done(_) => context.see_other(&back, revocation.words()),
        _ => context.see_other_undone(&back, revocation.words()),
    })
}

/// Revokes the tokens at the server, before they are forgotten here.
async fn revoke_tokens(
    vault: &Vault,
    outbound: &Outbound,
    stored: &Stored,
    now: DateTime<Utc>,
) -> Result<Revocation, Error> {
    let Some(endpoint) = stored.oauth.revocation_url.as_ref() else {
        return Ok(Revocation::NotOffered);
    };
    let (sealed, transport) = (&stored.sealed, stored.transport(vault)?);
    // The refresh token first: with it goes all that was issued for it (RFC 7009 section 2.1).
    let tokens = [
        (sealed.refresh_token(vault)?, TokenHint::RefreshToken),
        (sealed.access_token(vault)?, TokenHint::AccessToken),
    ];
    let client = match stored.oauth.client(&sealed.client_secrets(vault)?, endpoint, &transport) {
        Ok(client) => client,
        Err(refused) => return Ok(Revocation::Refused(refused.into())),
    };
    let sender = (outbound, &transport, stored.settings.limits());
    let mut refused = None;
    for (token, hint) in tokens {
        let Some(token) = token else { continue };
        let revoked = match token.for_url(endpoint, &transport) {
            Ok(token) => revoke(sender, endpoint, &client, (&token, hint), now).await,
            Err(refused) => Err(refused.into()),
        };
        // The access token is worth a try of its own: the server may take only one of the two kinds.
        refused = refused.or(revoked.err());
    }
    Ok(refused.map_or(Revocation::Done(endpoint.origin().to_string()), Revocation::Refused))
}

async fn forget(context: &RequestContext, stored: &Stored, revocation: &Revocation) -> Result<(), Error> {
    let connector = &stored.connector;
    let mut conn = context.conn().await?;
    transaction(&mut Change::new(&mut conn, context), async |change| {
        queries::find_and_lock(change.conn, connector.id).await?;
        queries::remove_token(change.conn, connector.id).await?;
        connectors::outdate_evidence(change.conn, connector.id, CredentialChange::Replaced, change.now).await?;
        connectors::refresh_health(change.conn, connector.id, change.now).await?;
        let changes = Changes::none().secret("Token", "removed").field("At the server", "", revocation.audit_words());
        change.record("connector.disconnected", connector.id, &connector.name, changes).await
    })
    .await
}
