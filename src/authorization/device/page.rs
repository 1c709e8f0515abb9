//! The page with the code for another device, and what came of it.

use actix_web::http::StatusCode;
use actix_web::{HttpResponse, web};
use askama::Template;
use chrono::{DateTime, Utc};
use futures_util::FutureExt as _;

use super::queries::{self, DeviceRequest, DeviceState};
use crate::access::{RateLimit, RequestContext, Right};
use crate::audit::{Change, Changes, transaction};
use crate::authorization::next_secret::{ask, promote};
use crate::authorization::queries::find_and_lock;
use crate::authorization::settings::{TokenUse, url_text};
use crate::authorization::tab::{Notice, Stored, load, tab_page};
use crate::connectors::{ConnectorHead, Grant, Method, SecretField, Tab};
use crate::oauth::{DeviceCodes, DeviceTexts, TokenEndpoint, TokenError};
use crate::outbound::Outbound;
use crate::vault::Vault;
use crate::web::{Error, FormData, Layout, Segment, page, relative};

#[derive(Template)]
#[template(path = "authorization/device.html")]
struct DevicePage {
    layout: Layout,
    head: ConnectorHead,
    request: DeviceRequest,
    /// The codes, while the request waits.
    codes: Option<DeviceTexts>,
    state: DeviceState,
    scope: String,
    /// Where the token may be sent.
    origins: Vec<String>,
    now: DateTime<Utc>,
}

impl DevicePage {
    fn sentence(&self) -> &'static str {
        match self.state {
            DeviceState::Waiting => "Waiting for you to enter the code and agree.",
            DeviceState::Authorized => "The data connector is authorized.",
            DeviceState::Denied => "You, or the server, did not agree to it.",
            DeviceState::Expired => "There was no consent in time, so the code has ended.",
            DeviceState::Failed => "The server gave no token.",
        }
    }

    fn ends(&self) -> String {
        relative(&self.request.expires_at, &self.now)
    }

    /// What people type there can be read on the way.
    fn is_plain(&self, codes: &DeviceTexts) -> bool {
        codes.verification_uri.starts_with("http://")
    }

    /// The address with the code in it, or the one without.
    fn link<'a>(&self, codes: &'a DeviceTexts) -> &'a str {
        codes.verification_uri_complete.as_deref().unwrap_or(&codes.verification_uri)
    }
}

/// The connector, if it is authorized on other devices and is filled in.
async fn find(context: &RequestContext, key: &str) -> Result<Stored, Error> {
    let stored = load(context, &mut *context.conn().await?, key, Right::Authorize).await?;
    match stored.connector.method() {
        Method::OAuth(Grant::Device) if stored.can_authorize() => Ok(stored),
        _ => Err(Error::NotFound),
    }
}

/// Asks the server for codes. No connection is held during the request.
pub async fn create(
    context: RequestContext,
    (vault, outbound): (web::Data<Vault>, web::Data<Outbound>),
    rate_limit: web::Data<RateLimit>,
    Segment(key): Segment,
    _: FormData,
) -> Result<HttpResponse, Error> {
    let stored = find(&context, &key).await?;
    rate_limit.take(&context.actor.username).map_err(Error::TooMany)?;
    let (codes, took_next) = match request_codes(&vault, &outbound, &stored, context.now()).await? {
        Ok(codes) => codes,
        Err(refusal) => return tab_page(context, stored, Notice::Refused(refusal), StatusCode::OK),
    };
    let connector = &stored.connector;
    let request = (connector.id, stored.settings.version, context.user()?);
    let mut conn = context.conn().await?;
    transaction(&mut Change::new(&mut conn, &context), async |change| {
        if took_next {
            find_and_lock(change.conn, connector.id).await?;
            promote(change, &vault, connector.id, SecretField::ClientSecret).await?;
        }
        queries::store(change.conn, &vault, change.now, request, &codes).await?;
        let changes = Changes::none().field("Device authorization URL", "", url_text(&stored.oauth.device_url));
        change.record("authorization.begun", connector.id, &connector.name, changes).await
    })
    .await?;
    Ok(context.go(&format!("/connectors/{key}/authorization/device")))
}

/// The codes, and whether the server took the next Client Secret.
async fn request_codes(
    vault: &Vault,
    outbound: &Outbound,
    stored: &Stored,
    now: DateTime<Utc>,
) -> Result<Result<(DeviceCodes, bool), TokenError>, Error> {
    let (transport, limits) = (stored.transport(vault)?, stored.settings.limits());
    let secrets = stored.sealed.client_secrets(vault)?;
    let request = |endpoint: TokenEndpoint| {
        let transport = &transport;
        async move { endpoint.request_device_codes(outbound, transport, limits, now).await }.boxed()
    };
    ask(&stored.oauth, (&secrets, TokenUse::DeviceCodes, &transport), request).await
}

/// Shows how the request stands; without one, the tab.
pub async fn show(
    context: RequestContext,
    vault: web::Data<Vault>,
    Segment(key): Segment,
) -> Result<HttpResponse, Error> {
    let stored = find(&context, &key).await?;
    let Some(request) = queries::find(&mut *context.conn().await?, stored.connector.id).await? else {
        return Ok(context.go(&format!("/connectors/{key}/authorization")));
    };
    let now = context.now();
    let has_ended = request.state == DeviceState::Waiting && request.expires_at <= now;
    let state = if has_ended { DeviceState::Expired } else { request.state };
    let codes = (state == DeviceState::Waiting).then(|| request.texts(&vault)).transpose()?;
    page(
        StatusCode::OK,
        &DevicePage {
            head: ConnectorHead::new(&stored.connector, Tab::Authorization, &context.actor),
            scope: stored.oauth.scope.clone(),
            origins: stored.origins.approved.stored(),
            layout: context.layout,
            request,
            codes,
            state,
            now,
        },
    )
}

/// Gives up the request that waits. The codes end by themselves at the server.
pub async fn cancel(context: RequestContext, Segment(key): Segment, _: FormData) -> Result<HttpResponse, Error> {
    let stored = find(&context, &key).await?;
    let connector = &stored.connector;
    let mut conn = context.conn().await?;
    let is_cancelled = transaction(&mut Change::new(&mut conn, &context), async |change| {
        let is_cancelled = queries::cancel(change.conn, connector.id).await?;
        if is_cancelled {
            change.record("authorization.cancelled", connector.id, &connector.name, Changes::none()).await?;
        }
        Ok::<bool, Error>(is_cancelled)
    })
    .await?;
    let tab = format!("/connectors/{key}/authorization");
    Ok(if is_cancelled { context.see_other(&tab, "Authorizing was cancelled") } else { context.go(&tab) })
}
