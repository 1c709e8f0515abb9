//! What becomes of a response: its state is spent, its code exchanged, and the token stored.

use std::time::Duration;

use futures_util::FutureExt as _;

use super::Tools;
use super::problem::{AuthorizationError, Failure};
use crate::access::RequestContext;
use crate::audit::{Change, Changes, transaction};
use crate::authorization::model::{NewToken, RedirectUrl, RefreshToken};
use crate::authorization::next_secret::{ask, promote};
use crate::authorization::origins::{NewValue, approved_for_new};
use crate::authorization::queries;
use crate::authorization::settings::TokenUse;
use crate::authorization::tab::Stored;
use crate::connectors::{self, CredentialChange, Grant, Method, SecretField};
use crate::oauth::{
    self, AuthorizationRequest, CallbackError, CallbackParams, EarlierOutcome, Granted, Token, TokenEndpoint,
    earlier_outcome, note_outcome, take_request,
};
use crate::vault::{Secret, Vault};
use crate::web::{CsrfKey, Error};

/// How long a response that comes again waits for what the first one brings: so many looks with this pause.
const LOOKS: u32 = 40;
const PAUSE: Duration = Duration::from_millis(250);

/// A response, and the redirect URL at which it has arrived.
pub(super) struct Response {
    pub arrived: RedirectUrl,
    pub params: CallbackParams,
}

/// Takes the response and stores the token that it brings. One that comes again from the same session has the outcome
/// of the first.
pub(super) async fn complete(
    context: &RequestContext,
    tools: &Tools,
    stored: &Stored,
    response: Response,
) -> Result<(), Failure> {
    let params = &response.params;
    if !stored.is_allowed() {
        return Err(Failure::Refused(AuthorizationError::SwitchedOff));
    }
    let (connector, session) = (stored.connector.id, CsrfKey::hash_of(&context.req));
    let now = context.now();
    let taken = take_request(&mut *context.conn().await?, now, params, Some(connector), session).await?;
    let request = match taken {
        Err(CallbackError::AlreadyUsed) if has_brought_token(context, stored, params).await? => return Ok(()),
        taken => taken?,
    };
    let outcome = use_response(context, tools, stored, response, &request).await;
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
    Response { arrived, params }: Response,
    request: &AuthorizationRequest,
) -> Result<(), Failure> {
    if request.authorization_version != Some(stored.settings.version) {
        return Err(Failure::Refused(AuthorizationError::Changed));
    }
    // The request named the other address, so this is not where its response comes (RFC 9700 section 4.4.2).
    if arrived != stored.oauth.redirect {
        return Err(CallbackError::UnknownState.into());
    }
    let expected = Some(stored.oauth.issuer.as_str()).filter(|issuer| !issuer.is_empty());
    let is_code = stored.connector.method() == Method::OAuth(Grant::AuthorizationCode);
    params.check_issuer(expected, stored.oauth.iss_required && is_code)?;
    if arrived == RedirectUrl::Shared && expected.is_none() && params.names_issuer() {
        return Err(CallbackError::NoIssuerSet.into());
    }
    let token = match params.outcome? {
        Granted::Code(code) if is_code => {
            let (verifier, _) = request.secrets(&tools.vault)?;
            exchange(context, tools, stored, code, Some(verifier).filter(|_| stored.oauth.pkce)).await?
        }
        Granted::Token(token) if !is_code => {
            (token.without_proof().map_err(AuthorizationError::Token).map_err(Failure::Refused)?, false)
        }
        Granted::Code(_) | Granted::Token(_) => return Err(CallbackError::Empty.into()),
    };
    match keep(context, &tools.vault, (stored, request), token).await? {
        true => Ok(()),
        false => Err(Failure::Refused(AuthorizationError::Changed)),
    }
}

/// Gives the code for a token (RFC 6749 section 4.1.3), and says whether the next Client Secret was used, because the
/// server refuses the present one. No connection is held during the request.
async fn exchange(
    context: &RequestContext,
    tools: &Tools,
    stored: &Stored,
    code: Secret,
    verifier: Option<Secret>,
) -> Result<(Token, bool), Failure> {
    let refused = |error| Failure::Refused(AuthorizationError::Token(error));
    let transport = stored.transport(&tools.vault)?;
    let secrets = stored.sealed.client_secrets(&tools.vault)?;
    let grant = oauth::Grant::AuthorizationCode { code, redirect_url: stored.redirect_url(&context.address), verifier };
    let limits = stored.settings.limits();
    let (outbound, now) = (&tools.outbound, context.now());
    let request = |endpoint: TokenEndpoint| {
        let (transport, grant) = (&transport, &grant);
        async move { endpoint.request(outbound, transport, limits, grant, now).await }.boxed()
    };
    ask(&stored.oauth, (&secrets, TokenUse::Obtain, &transport), request).await?.map_err(refused)
}

/// Stores the token, unless the settings were saved since the person left.
async fn keep(
    context: &RequestContext,
    vault: &Vault,
    (stored, request): (&Stored, &AuthorizationRequest),
    (token, took_next): (Token, bool),
) -> Result<bool, Error> {
    let connector = &stored.connector;
    let refresh = token.refresh.clone().map_or(RefreshToken::None, RefreshToken::Set);
    let mut new = NewToken::issued(token, refresh, &stored.oauth.scope);
    new.kept.extend(stored.oauth.kept_names.value.in_query(context.req.query_string()));
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
        if took_next {
            promote(change, vault, connector.id, SecretField::ClientSecret).await?;
        }
        connectors::outdate_evidence(change.conn, connector.id, CredentialChange::Issued, change.now).await?;
        note_outcome(change.conn, request, true).await?;
        connectors::refresh_health(change.conn, connector.id, change.now).await?;
        let changes = Changes::none().secret("Token", "changed").field("Scope", "", &new.scope);
        change.record("connector.authorized", connector.id, &connector.name, changes).await?;
        Ok(true)
    })
    .await
}
