//! Coming back from the authorization server: the state is checked and spent, and its answer becomes a token.
//!
//! Rule: nothing that the address holds counts before the state has been found, belongs to this session, is unspent and
//! young. Danger: the address holds a code or a token. It is never logged, never shown, and never put into another
//! address.

use actix_web::http::StatusCode;
use actix_web::{HttpResponse, web};
use askama::Template;

use super::model::{NewToken, RefreshToken};
use super::origins::{NewValue, approved_for_new};
use super::queries;
use super::settings::TokenUse;
use super::tab::{Stored, load, redirect_url};
use crate::access::{RequestContext, Right};
use crate::audit::{Change, Changes, transaction};
use crate::connectors::{self, Connector, ConnectorHead, Grant, Method, SecretField, Tab};
use crate::oauth::{self, CallbackError, CallbackFailure, CallbackParams, Granted, Token, TokenError, take_request};
use crate::outbound::Outbound;
use crate::vault::{Secret, Vault};
use crate::web::{CsrfKey, Error, Errors, FormData, Layout, Segment, page};

#[derive(Template)]
#[template(path = "authorization/implicit.html")]
struct ImplicitPage {
    layout: Layout,
    head: ConnectorHead,
    errors: Errors,
}

/// What handlers of a response need beside the context.
struct Tools<'a> {
    vault: &'a Vault,
    outbound: &'a Outbound,
}

/// Takes the answer in the query; for the implicit grant, whose answer stands behind the #, gives the page that sends
/// it on.
pub async fn take(
    context: RequestContext,
    vault: web::Data<Vault>,
    outbound: web::Data<Outbound>,
    Segment(key): Segment,
) -> Result<HttpResponse, Error> {
    let stored = load(&context, &mut *context.conn().await?, &key, Right::Authorize).await?;
    let params = CallbackParams::from_query(context.req.query_string());
    let is_empty = matches!(params.outcome, Err(CallbackError::Empty));
    match stored.connector.method() {
        Method::OAuth(Grant::Implicit) if is_empty => {
            implicit_page(context, &stored.connector, Errors::default(), StatusCode::OK)
        }
        // One with a state may have begun before another method was saved; the page says so.
        _ if stored.asks_for_consent() || params.state.is_some() => {
            let tools = Tools { vault: &vault, outbound: &outbound };
            respond(context, &tools, stored, params).await
        }
        _ => Err(Error::NotFound),
    }
}

/// Takes the answer of the implicit grant, as the script posts it or as a person has pasted it.
pub async fn take_fragment(
    context: RequestContext,
    vault: web::Data<Vault>,
    outbound: web::Data<Outbound>,
    Segment(key): Segment,
    data: FormData,
) -> Result<HttpResponse, Error> {
    let stored = load(&context, &mut *context.conn().await?, &key, Right::Authorize).await?;
    let address = Secret::new(data.trimmed("address"));
    let params = CallbackParams::from_fragment(address.expose(), context.now(), stored.oauth.lifetime());
    let is_implicit = stored.connector.method() == Method::OAuth(Grant::Implicit);
    if !is_implicit && params.state.is_none() {
        return Err(Error::NotFound);
    }
    if is_implicit && matches!(params.outcome, Err(CallbackError::Empty)) {
        let mut errors = Errors::default();
        let message = if address.is_empty() {
            "Paste the whole address of this page"
        } else {
            "There is no access token in this address. Copy it once more, with all that stands behind the #."
        };
        errors.add("address", message);
        let status = StatusCode::UNPROCESSABLE_ENTITY;
        return implicit_page(context, &stored.connector, errors, status);
    }
    let tools = Tools { vault: &vault, outbound: &outbound };
    respond(context, &tools, stored, params).await
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
    tools: &Tools<'_>,
    stored: Stored,
    params: CallbackParams,
) -> Result<HttpResponse, Error> {
    match complete(&context, tools, &stored, params).await {
        Ok(()) => {
            let back = format!("/connectors/{}/authorization", stored.connector.key);
            Ok(context.see_other(&back, "The data connector is authorized"))
        }
        Err(Failure::Refused(error)) => error_page(context, &stored, error),
        Err(Failure::Fault(fault)) => Err(fault),
    }
}

/// Takes the response and stores the token that it brings.
async fn complete(
    context: &RequestContext,
    tools: &Tools<'_>,
    stored: &Stored,
    params: CallbackParams,
) -> Result<(), Failure> {
    if !stored.is_allowed() {
        return Err(Failure::Refused(AuthorizationError::SwitchedOff));
    }
    let (connector, session) = (stored.connector.id, CsrfKey::hash_of(&context.req));
    let now = context.now();
    let request = take_request(&mut *context.conn().await?, now, &params, Some(connector), session).await??;
    if request.authorization_version != Some(stored.settings.version) {
        return Err(Failure::Refused(AuthorizationError::Changed));
    }
    let expected = Some(stored.oauth.issuer.as_str()).filter(|issuer| !issuer.is_empty());
    let is_code = stored.connector.method() == Method::OAuth(Grant::AuthorizationCode);
    params.check_issuer(expected, stored.oauth.iss_required && is_code)?;
    let token = match params.outcome? {
        Granted::Code(code) if is_code => {
            let (verifier, _) = request.secrets(tools.vault)?;
            exchange(context, tools, stored, code, Some(verifier).filter(|_| stored.oauth.pkce)).await?
        }
        Granted::Token(token) if !is_code => *token,
        Granted::Code(_) | Granted::Token(_) => return Err(CallbackError::Empty.into()),
    };
    match keep(context, tools.vault, stored, token).await? {
        true => Ok(()),
        false => Err(Failure::Refused(AuthorizationError::Changed)),
    }
}

/// Gives the code for a token (RFC 6749 section 4.1.3). No connection is held during the request.
async fn exchange(
    context: &RequestContext,
    tools: &Tools<'_>,
    stored: &Stored,
    code: Secret,
    verifier: Option<Secret>,
) -> Result<Token, Failure> {
    let refused = |error| Failure::Refused(AuthorizationError::Token(error));
    let transport = stored.transport(tools.vault)?;
    let secret = stored.sealed.secret(tools.vault, SecretField::ClientSecret)?;
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
    let token = endpoint.request(tools.outbound, &transport, limits, &grant, context.now()).await;
    token.map_err(refused)
}

/// Stores the token, unless the settings were saved since the person left.
async fn keep(context: &RequestContext, vault: &Vault, stored: &Stored, token: Token) -> Result<bool, Error> {
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
        connectors::refresh_health(change.conn, connector.id, change.now).await?;
        let changes = Changes::none().secret("Token", "changed").field("Scope", "", &new.scope);
        change.record("connector.authorized", connector.id, &connector.name, changes).await?;
        Ok(true)
    })
    .await
}

/// Why the response brings no token.
enum AuthorizationError {
    Callback(CallbackError),
    /// The method is switched off here since the request began.
    SwitchedOff,
    /// The settings were saved since the request began.
    Changed,
    /// The server gave no token for the code.
    Token(TokenError),
}

impl From<CallbackError> for AuthorizationError {
    fn from(error: CallbackError) -> AuthorizationError {
        AuthorizationError::Callback(error)
    }
}

impl AuthorizationError {
    fn status(&self) -> StatusCode {
        match self {
            AuthorizationError::Callback(error) => error.status(),
            AuthorizationError::Token(_) => StatusCode::OK,
            AuthorizationError::SwitchedOff | AuthorizationError::Changed => StatusCode::BAD_REQUEST,
        }
    }

    /// The same response may have brought a token before.
    fn may_have_worked(&self) -> bool {
        matches!(self, AuthorizationError::Callback(CallbackError::AlreadyUsed))
    }

    fn title(&self) -> &'static str {
        match self {
            AuthorizationError::Callback(error) => error.title(),
            AuthorizationError::SwitchedOff => "This method is switched off",
            AuthorizationError::Changed => "The settings were changed meanwhile",
            AuthorizationError::Token(_) => "No access token",
        }
    }

    fn explanation(&self) -> &'static str {
        match self {
            AuthorizationError::Callback(error) => error.explanation(),
            AuthorizationError::SwitchedOff => {
                "The administrator does not allow it any more. The response was not used. Choose another method on the Authorization tab."
            }
            AuthorizationError::Changed => {
                "The authorization of this data connector was saved since you pressed Authorize. The response was not used."
            }
            AuthorizationError::Token(_) => {
                "You have agreed, but the server gave no token for the code that it had sent."
            }
        }
    }
}

#[derive(Template)]
#[template(path = "authorization/callback_problem.html")]
struct ErrorPage {
    layout: Layout,
    head: ConnectorHead,
    error: AuthorizationError,
    /// Whether another attempt can begin.
    can_authorize: bool,
}

/// The page of an error.
fn error_page(context: RequestContext, stored: &Stored, error: AuthorizationError) -> Result<HttpResponse, Error> {
    let head = ConnectorHead::new(&stored.connector, Tab::Authorization, &context.actor);
    page(error.status(), &ErrorPage { layout: context.layout, head, error, can_authorize: stored.can_authorize() })
}
