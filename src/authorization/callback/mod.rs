//! Coming back from the authorization server: the state is checked and spent, and its answer becomes a token.
//!
//! Rule: nothing that the address holds counts before the state has been found, belongs to this session, is unspent and
//! young. Danger: the address holds a code or a token. It is never logged, never shown, and never put into another
//! address.

use std::time::Duration;

use actix_web::http::StatusCode;
use actix_web::{HttpResponse, rt, web};
use askama::Template;
use tracing::Instrument;

mod form_post;
mod posted;
mod problem;

pub use form_post::pass_on;
use posted::Posted;
use problem::{AuthorizationError, error_page};

use super::model::{NewToken, RefreshToken};
use super::origins::{NewValue, approved_for_new};
use super::queries;
use super::settings::TokenUse;
use super::tab::{Stored, load, redirect_url};
use crate::access::{RequestContext, Right};
use crate::audit::{Change, Changes, transaction};
use crate::connectors::{self, Connector, ConnectorHead, Grant, Method, SecretField, Tab};
use crate::oauth::{
    self, AuthorizationRequest, CallbackError, CallbackFailure, CallbackParams, EarlierOutcome, Granted, Token,
    earlier_outcome, note_outcome, take_request,
};
use crate::outbound::Outbound;
use crate::vault::{Secret, Vault};
use crate::web::{CsrfKey, Error, Errors, ForeignForm, Layout, Segment, page, refuse_prefetch};

/// How long a response that comes again waits for what the first one brings: so many looks with this pause.
const LOOKS: u32 = 40;
const PAUSE: Duration = Duration::from_millis(250);

#[derive(Template)]
#[template(path = "authorization/implicit.html")]
struct ImplicitPage {
    layout: Layout,
    head: ConnectorHead,
    errors: Errors,
}

/// What handlers of a response need beside the context.
struct Tools {
    vault: web::Data<Vault>,
    outbound: web::Data<Outbound>,
}

/// Takes the answer in the query; for the implicit grant, whose answer stands behind the #, gives the page that sends
/// it on.
pub async fn take(
    context: RequestContext,
    vault: web::Data<Vault>,
    outbound: web::Data<Outbound>,
    Segment(key): Segment,
) -> Result<HttpResponse, Error> {
    if let Some(response) = refuse_prefetch(&context.req) {
        return response;
    }
    let stored = load(&context, &mut *context.conn().await?, &key, Right::Authorize).await?;
    let params = CallbackParams::from_query(context.req.query_string());
    let is_empty = matches!(params.outcome, Err(CallbackError::Empty));
    match stored.connector.method() {
        Method::OAuth(Grant::Implicit) if is_empty => {
            implicit_page(context, &stored.connector, Errors::default(), StatusCode::OK)
        }
        // One with a state may have begun before another method was saved; the page says so.
        _ if stored.asks_for_consent() || params.state.is_some() => {
            let tools = Tools { vault, outbound };
            respond(context, tools, stored, params).await
        }
        _ => Err(Error::NotFound),
    }
}

/// Takes the answer that a page of this site posts: the address with the fragment of the implicit grant, by the script or
/// pasted by a person, or the parameters that another site has posted before. The state is of this session, so no other
/// site can post one, and no CSRF token is asked for.
pub async fn take_posted(
    context: RequestContext,
    vault: web::Data<Vault>,
    outbound: web::Data<Outbound>,
    Segment(key): Segment,
    ForeignForm(data): ForeignForm,
) -> Result<HttpResponse, Error> {
    let stored = load(&context, &mut *context.conn().await?, &key, Right::Authorize).await?;
    let posted = Posted::of(&data);
    let is_implicit = stored.connector.method() == Method::OAuth(Grant::Implicit);
    let params = posted.params(is_implicit, context.now(), stored.oauth.lifetime());
    if !stored.asks_for_consent() && params.state.is_none() {
        return Err(Error::NotFound);
    }
    if is_implicit && matches!(params.outcome, Err(CallbackError::Empty)) {
        let mut errors = Errors::default();
        errors.add("address", posted.problem());
        let status = StatusCode::UNPROCESSABLE_ENTITY;
        return implicit_page(context, &stored.connector, errors, status);
    }
    let tools = Tools { vault, outbound };
    respond(context, tools, stored, params).await
}

fn implicit_page(
    context: RequestContext,
    connector: &Connector,
    errors: Errors,
    status: StatusCode,
) -> Result<HttpResponse, Error> {
    let head = ConnectorHead::new(connector, Tab::Authorization, &context.actor);
    let layout = context.layout;
    page(status, &ImplicitPage { layout, head, errors })
}

type Failure = CallbackFailure<AuthorizationError>;

async fn respond(
    context: RequestContext,
    tools: Tools,
    stored: Stored,
    params: CallbackParams,
) -> Result<HttpResponse, Error> {
    // A second click ends this request. The exchange goes on all the same, because its code is spent.
    let exchange = async move {
        let outcome = complete(&context, &tools, &stored, params).await;
        (context, stored, outcome)
    };
    let (context, stored, outcome) = rt::spawn(exchange.in_current_span()).await.map_err(Error::internal)?;
    match outcome {
        Ok(()) => {
            let back = format!("/connectors/{}/authorization", stored.connector.key);
            Ok(context.see_other(&back, "The data connector is authorized"))
        }
        Err(Failure::Refused(error)) => error_page(context, &stored, error),
        Err(Failure::Fault(fault)) => Err(fault),
    }
}

/// Takes the response and stores the token that it brings. One that comes again from the same session has the outcome
/// of the first.
async fn complete(
    context: &RequestContext,
    tools: &Tools,
    stored: &Stored,
    params: CallbackParams,
) -> Result<(), Failure> {
    if !stored.is_allowed() {
        return Err(Failure::Refused(AuthorizationError::SwitchedOff));
    }
    let (connector, session) = (stored.connector.id, CsrfKey::hash_of(&context.req));
    let now = context.now();
    let taken = take_request(&mut *context.conn().await?, now, &params, Some(connector), session).await?;
    let request = match taken {
        Err(CallbackError::AlreadyUsed) if has_brought_token(context, stored, &params).await? => return Ok(()),
        taken => taken?,
    };
    let outcome = use_response(context, tools, stored, params, &request).await;
    if outcome.is_err() {
        note_outcome(&mut *context.conn().await?, &request, false).await?;
    }
    outcome
}

/// Whether a response that was taken already has brought the connector a token. Waits for one that is being used.
async fn has_brought_token(context: &RequestContext, stored: &Stored, params: &CallbackParams) -> Result<bool, Error> {
    let (connector, session) = (stored.connector.id, CsrfKey::hash_of(&context.req));
    let request = (connector, stored.settings.version);
    for _ in 0..LOOKS {
        let mut conn = context.conn().await?;
        match earlier_outcome(&mut conn, context.now(), params, request, session).await? {
            EarlierOutcome::UnderWay => {}
            EarlierOutcome::Other => return Ok(false),
            // It may have been removed since.
            EarlierOutcome::BroughtToken => return Ok(queries::stored_token(&mut conn, connector).await?.is_some()),
        }
        drop(conn);
        tokio::time::sleep(PAUSE).await;
    }
    Ok(false)
}

/// Makes a token of a response that has been taken, and stores it.
async fn use_response(
    context: &RequestContext,
    tools: &Tools,
    stored: &Stored,
    params: CallbackParams,
    request: &AuthorizationRequest,
) -> Result<(), Failure> {
    if request.authorization_version != Some(stored.settings.version) {
        return Err(Failure::Refused(AuthorizationError::Changed));
    }
    let expected = Some(stored.oauth.issuer.as_str()).filter(|issuer| !issuer.is_empty());
    let is_code = stored.connector.method() == Method::OAuth(Grant::AuthorizationCode);
    params.check_issuer(expected, stored.oauth.iss_required && is_code)?;
    let token = match params.outcome? {
        Granted::Code(code) if is_code => {
            let (verifier, _) = request.secrets(&tools.vault)?;
            exchange(context, tools, stored, code, Some(verifier).filter(|_| stored.oauth.pkce)).await?
        }
        Granted::Token(token) if !is_code => *token,
        Granted::Code(_) | Granted::Token(_) => return Err(CallbackError::Empty.into()),
    };
    match keep(context, &tools.vault, (stored, request), token).await? {
        true => Ok(()),
        false => Err(Failure::Refused(AuthorizationError::Changed)),
    }
}

/// Gives the code for a token (RFC 6749 section 4.1.3). No connection is held during the request.
async fn exchange(
    context: &RequestContext,
    tools: &Tools,
    stored: &Stored,
    code: Secret,
    verifier: Option<Secret>,
) -> Result<Token, Failure> {
    let refused = |error| Failure::Refused(AuthorizationError::Token(error));
    let transport = stored.transport(&tools.vault)?;
    let secret = stored.sealed.secret(&tools.vault, SecretField::ClientSecret)?;
    let endpoint = stored.oauth.endpoint(secret.as_ref(), TokenUse::Obtain, &transport);
    let endpoint = match endpoint {
        Ok(endpoint) => endpoint,
        Err(error) => return Err(refused(error.refusal()?)),
    };
    let grant = oauth::Grant::AuthorizationCode {
        code,
        redirect_url: redirect_url(&context.address, &stored.connector.key),
        verifier,
    };
    let limits = stored.settings.limits();
    let token = endpoint.request(&tools.outbound, &transport, limits, &grant, context.now()).await;
    token.map_err(refused)
}

/// Stores the token, unless the settings were saved since the person left.
async fn keep(
    context: &RequestContext,
    vault: &Vault,
    (stored, request): (&Stored, &AuthorizationRequest),
    token: Token,
) -> Result<bool, Error> {
    let connector = &stored.connector;
    let refresh = token.refresh.clone().map_or(RefreshToken::None, RefreshToken::Set);
    let new = NewToken::issued(token, refresh, &stored.oauth.scope);
    let mut conn = context.conn().await?;
    transaction(&mut Change::new(&mut conn, context), async |change| {
        let current = queries::find_and_lock(change.conn, connector.id).await?;
        if current.version != stored.settings.version {
            return Ok(false);
        }
        // The page before leaving has listed them, and no origin has come since: that moves the version.
        let value = NewValue { replaced: &["token"], ..NewValue::default() };
        let approved = approved_for_new(change.conn, connector.id, &value).await?;
        queries::store_token(change, vault, connector.id, &new, &approved).await?;
        note_outcome(change.conn, request, true).await?;
        connectors::refresh_health(change.conn, connector.id, change.now).await?;
        let changes = Changes::none().secret("Token", "changed").field("Scope", "", &new.scope);
        change.record("connector.authorized", connector.id, &connector.name, changes).await?;
        Ok(true)
    })
    .await
}
