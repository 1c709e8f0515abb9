//! Leaving for the authorization server: the page that says where to and for what.
//!
//! The attempt is made by a POST, and its answer has the link that leaves. So state and challenge stand in no address
//! of this site, nothing is made by looking at a page, and no redirect of a form meets the content security policy.

use actix_web::http::StatusCode;
use actix_web::{HttpResponse, web};
use askama::Template;

use super::settings::{time_limit, url_text};
use super::tab::{Stored, load};
use crate::access::{RequestContext, Right};
use crate::audit::{Change, Changes, transaction};
use crate::connectors::{ConnectorHead, Grant, Method, Tab};
use crate::oauth::{AuthorizationUrl, NewAuthorizationRequest, Purpose, RequestSecrets, ResponseType, store_request};
use crate::vault::Vault;
use crate::web::{CsrfKey, Error, FormData, Layout, Segment, page};

#[derive(Template)]
#[template(path = "authorization/attempt.html")]
struct AttemptPage {
    layout: Layout,
    head: ConnectorHead,
    host: String,
    /// The address is not encrypted.
    is_plain: bool,
    client_id: String,
    scopes: Vec<String>,
    /// What the token is for: resources and audience.
    resources: Vec<String>,
    /// Where the token may be sent.
    origins: Vec<String>,
    redirect_url: String,
    is_implicit: bool,
    /// How long fetching the token can take afterwards, in words.
    patience: String,
    /// The address of the link, with the state.
    leave: String,
}

/// Begins an attempt of this session, and shows the page that links to the server.
pub async fn create(
    context: RequestContext,
    vault: web::Data<Vault>,
    Segment(key): Segment,
    _: FormData,
) -> Result<HttpResponse, Error> {
    let mut conn = context.conn().await?;
    let stored = load(&context, &mut conn, &key, Right::Authorize).await?;
    if !stored.can_authorize() {
        return Err(Error::NotFound);
    }
    let session = CsrfKey::hash_of(&context.req);
    let secrets = RequestSecrets::random();
    let leave = leave(&context, &stored, &secrets)?;
    let request = NewAuthorizationRequest {
        purpose: Purpose::Connector { id: stored.connector.id, authorization_version: stored.settings.version },
        user: Some(context.user()?),
        session: session.ok_or(Error::SignIn)?,
        secrets: &secrets,
    };
    transaction(&mut Change::new(&mut conn, &context), async |change| {
        store_request(change.conn, &vault, change.now, &request).await?;
        let changes = Changes::none().field("Authorize URL", "", url_text(&stored.oauth.authorize_url));
        change.record("authorization.begun", stored.connector.id, &stored.connector.name, changes).await
    })
    .await?;
    drop(conn);
    attempt_page(context, stored, leave)
}

fn is_code(stored: &Stored) -> bool {
    stored.connector.method() == Method::OAuth(Grant::AuthorizationCode)
}

/// The address at the authorization server, with what is asked of it (RFC 6749 sections 4.1.1 and 4.2.1).
fn leave(context: &RequestContext, stored: &Stored, secrets: &RequestSecrets) -> Result<String, Error> {
    let client = &stored.oauth;
    let request = AuthorizationUrl {
        endpoint: client.authorize_url.as_ref().ok_or(Error::NotFound)?,
        response_type: if is_code(stored) { ResponseType::Code } else { ResponseType::Token },
        client_id: &client.client_id,
        redirect_url: &stored.redirect_url(&context.address),
        scope: &client.scope,
        separator: client.scope_separator,
        resources: &client.resources.value.0,
        audience: &client.audience,
        state: &secrets.state,
        verifier: Some(&secrets.verifier).filter(|_| is_code(stored) && client.pkce),
        extra: &client.authorize_parameters.value,
        names: client.names(),
        fragment: &client.authorize_fragment,
    };
    request.url().map_err(Error::internal)
}

/// The values that the address asks for under a name. They are read from the address itself, because an extra parameter
/// can have taken the place of a setting: a person must see what they are sent away for.
fn asked(leave: &str, name: &str) -> Vec<String> {
    let (address, _) = leave.split_once('#').unwrap_or((leave, ""));
    let (_, query) = address.split_once('?').unwrap_or_default();
    form_urlencoded::parse(query.as_bytes())
        .filter(|(key, _)| key == name)
        .map(|(_, value)| value.into_owned())
        .collect()
}

fn attempt_page(context: RequestContext, stored: Stored, leave: String) -> Result<HttpResponse, Error> {
    let endpoint = stored.oauth.authorize_url.as_ref().ok_or(Error::NotFound)?;
    let scopes = asked(&leave, "scope").join(" ");
    let scopes = scopes.split([',', ' ']).filter(|scope| !scope.is_empty());
    let resources = [asked(&leave, "resource"), asked(&leave, "audience")].concat();
    page(
        StatusCode::OK,
        &AttemptPage {
            head: ConnectorHead::new(&stored.connector, Tab::Authorization, &context.actor),
            host: endpoint.origin().to_string(),
            is_plain: endpoint.as_str().starts_with("http://"),
            client_id: stored.oauth.client_id.clone(),
            origins: stored.origins.approved.stored(),
            scopes: scopes.map(str::to_string).collect(),
            resources,
            redirect_url: stored.redirect_url(&context.address),
            is_implicit: !is_code(&stored),
            patience: time_limit(stored.settings.limits()),
            leave,
            layout: context.layout,
        },
    )
}
