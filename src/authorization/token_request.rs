//! The Request token page: asks a server for a token, shows the answer once, and takes it over if wanted.

use actix_web::{HttpResponse, web};
use askama::Template;
use chrono::{DateTime, TimeDelta, Utc};
use diesel_async::AsyncConnection;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::model::{NewToken, RefreshToken};
use super::oauth_client::extra_secrets;
use super::origins::{ApprovedOrigins, NewValue, approved_for_new};
use super::queries::{self, FurtherSecret, NewSecret, SealedValues};
use super::refusal_links::{self, FieldLink};
use super::settings::{time_limit, url_text};
use super::token_form::{MORE, TokenForm, more_open};
use crate::access::{Actor, RateLimit, RequestContext, Right};
use crate::audit::{Change, Changes, transaction};
use crate::connectors::{self, Connector, ConnectorHead, ConnectorId, CredentialChange, Method, SecretField, Tab};
use crate::db::{Conn, known};
use crate::oauth::{ExpirySource, KeptValues, RequestStyle, Token, TokenError, TokenRequest, request_token};
use crate::outbound::{HttpUrl, Limits, Outbound, Transport};
use crate::vault::{Secret, Vault};
use crate::web::form::Form;
use crate::web::{Error, Errors, FormData, Layout, Segment, date_time, iso, page, relative};

/// What came of a request.
enum Outcome {
    /// Nothing was asked yet, or the form was not in order.
    None,
    Received {
        token: Token,
        request: Uuid,
        /// Where token and sign-in may be sent if they are taken over.
        origins: Vec<String>,
    },
    Refused(TokenError),
}

#[derive(Template)]
#[template(path = "authorization/token_request.html")]
struct RequestPage {
    layout: Layout,
    head: ConnectorHead,
    form: Form<TokenForm>,
    outcome: Outcome,
    now: DateTime<Utc>,
    /// How long the request can take, in words.
    patience: String,
}

impl RequestPage {
    fn title(&self) -> String {
        let label = &self.head.label;
        match &self.outcome {
            Outcome::None if self.form.errors.any() => format!("Error: Request token, {label}"),
            Outcome::None => format!("Request token, {label}"),
            Outcome::Received { .. } => format!("Access token received, {label}"),
            Outcome::Refused(_) => format!("No access token: Request token, {label}"),
        }
    }

    /// “22 November 2026, 23:02 UTC (in 60 minutes), from the token itself”.
    fn expiry(&self, token: &Token) -> String {
        let Some(expires) = token.expires_at else {
            return "The server does not say".into();
        };
        let source = match token.expiry_source {
            ExpirySource::JwtExp => ", as the token itself says",
            ExpirySource::ExpiresIn | ExpirySource::Point | ExpirySource::Manual | ExpirySource::Unknown => "",
        };
        format!("{} ({}){source}", date_time(&expires), relative(&expires, &self.now))
    }

    /// Whether “More options” is to be open: something in it is filled in or wrong, or the refusal speaks of it.
    fn more_open(&self) -> bool {
        more_open(&self.form) || refusal_links::has(self.links(), &MORE)
    }

    /// The fields that the refusal speaks of.
    fn links(&self) -> &'static [FieldLink] {
        match &self.outcome {
            Outcome::Refused(refusal) => refusal_links::on_request_page(refusal),
            Outcome::None | Outcome::Received { .. } => &[],
        }
    }

    /// When a token ends that lives less than a day: without a new one the connector stops working soon.
    fn early_end<'a>(&self, token: &'a Token) -> Option<&'a DateTime<Utc>> {
        token.expires_at.as_ref().filter(|end| **end < self.now + TimeDelta::days(1))
    }

    fn expires_iso(&self, token: &Token) -> String {
        token.expires_at.as_ref().map(iso).unwrap_or_default()
    }
}

/// A connector with the method Bearer Token; other methods have no use for this page.
async fn find(by: &Actor, conn: &mut Conn, key: &str) -> Result<Connector, Error> {
    let connector = connectors::find(conn, by, key, Right::Authorize).await?;
    if connector.method() == Method::Bearer { Ok(connector) } else { Err(Error::NotFound) }
}

fn request_page(
    context: RequestContext,
    connector: &Connector,
    form: Form<TokenForm>,
    outcome: Outcome,
    limits: Limits,
) -> Result<HttpResponse, Error> {
    let head = ConnectorHead::new(connector, Tab::Authorization, &context.actor);
    let (now, status) = (context.now(), form.errors.status());
    page(status, &RequestPage { layout: context.layout, head, form, outcome, now, patience: time_limit(limits) })
}

pub async fn new(context: RequestContext, Segment(key): Segment) -> Result<HttpResponse, Error> {
    let mut conn = context.conn().await?;
    let connector = find(&context.actor, &mut conn, &key).await?;
    let stored = queries::find(&mut conn, connector.id).await?;
    let form = Form::new(TokenForm::of(&stored));
    request_page(context, &connector, form, Outcome::None, stored.limits())
}

/// Performs the request. A refusal by the server is a result, shown on the page; only a form out of order is a 422.
pub async fn create(
    context: RequestContext,
    vault: web::Data<Vault>,
    outbound: web::Data<Outbound>,
    rate_limit: web::Data<RateLimit>,
    Segment(key): Segment,
    mut form: Form<TokenForm>,
) -> Result<HttpResponse, Error> {
    // The connection goes back to the pool before the request: a slow server must not hold it.
    let (connector, transport, limits, further) =
        settings(&mut *context.conn().await?, &context.actor, &vault, &key).await?;
    let Some(mut request) = form.check(TokenForm::checked) else {
        return request_page(context, &connector, form, Outcome::None, limits);
    };
    match extra_secrets(&further, &request.url, &transport) {
        Ok(extra) => request.extra = extra,
        Err(refused) => return request_page(context, &connector, form, Outcome::Refused(refused.into()), limits),
    }
    rate_limit.take(&context.actor.username).map_err(Error::TooMany)?;
    let answer = request_token(&outbound, &transport, limits, &request, context.now()).await;
    let mut conn = context.conn().await?;
    let mut change = Change::new(&mut conn, &context);
    record_request(&change, &connector, &request, &answer).await?;
    let outcome = match answer {
        Ok(token) => {
            let origins = shown_origins(change.conn, connector.id, &request.url).await?;
            let kept = KeptAnswer::new(&form.fields, &token, &origins)?;
            let text = Secret::new(serde_json::to_string(&kept).map_err(Error::internal)?);
            let request = queries::keep_request(&mut change, &vault, connector.id, &text).await?;
            Outcome::Received { token, request, origins }
        }
        Err(refusal) => Outcome::Refused(refusal),
    };
    drop(conn);
    request_page(context, &connector, form, outcome, limits)
}

/// The connector, how requests travel by its settings, how long they may take, and what they carry besides.
async fn settings(
    conn: &mut Conn,
    by: &Actor,
    vault: &Vault,
    key: &str,
) -> Result<(Connector, Transport, Limits, Vec<FurtherSecret>), Error> {
    conn.transaction(async |conn| {
        queries::see_one_state(conn).await?;
        let connector = find(by, conn, key).await?;
        let settings = queries::find(conn, connector.id).await?;
        let sealed = SealedValues::read(conn, connector.id).await?;
        let transport = settings.stored_transport(vault, connector.verify_certificates, &sealed)?;
        Ok((connector, transport, settings.limits(), sealed.further_secrets(vault, false)?))
    })
    .await
}

/// What a token that is taken over replaces.
const NEW: NewValue<'static> = NewValue { replaced: &["token", "token_password", "token_client_secret"], ticked: None };

/// The origins that the page with the token lists: those of the connector, and that of the token server.
async fn shown_origins(conn: &mut Conn, connector: ConnectorId, token_url: &HttpUrl) -> Result<Vec<String>, Error> {
    let own = approved_for_new(conn, connector, &NEW).await?;
    Ok(own.or(&ApprovedOrigins::from_iter([token_url.origin()])).stored())
}

/// Records the request and its outcome.
async fn record_request(
    change: &Change<'_>,
    connector: &Connector,
    request: &TokenRequest,
    answer: &Result<Token, TokenError>,
) -> Result<(), Error> {
    let result = match answer {
        Ok(_) => "A token",
        Err(refusal) => &refusal.message,
    };
    let changes = Changes::none().field("URL Token", "", request.url.as_str()).field("Answer", "", result);
    change.record("token.requested", connector.id, &connector.name, changes).await
}

/// The answer as it waits, sealed, to be taken over: the page holds only its id.
#[derive(Serialize, Deserialize)]
struct KeptAnswer {
    /// The form without its secrets, encoded as a browser does.
    form: String,
    password: String,
    client_secret: String,
    access: String,
    token_type: String,
    scope: String,
    expires_at: Option<DateTime<Utc>>,
    /// The origins that the page has listed: none that came later is approved.
    origins: Vec<String>,
}

impl KeptAnswer {
    fn new(form: &TokenForm, token: &Token, origins: &[String]) -> Result<KeptAnswer, Error> {
        Ok(KeptAnswer {
            form: serde_html_form::to_string(form).map_err(Error::internal)?,
            password: form.token_password.expose().to_string(),
            client_secret: form.token_client_secret.expose().to_string(),
            access: token.access.expose().to_string(),
            token_type: token.token_type.clone(),
            scope: token.scope.clone().unwrap_or_default(),
            expires_at: token.expires_at,
            origins: origins.to_vec(),
        })
    }
}

/// Stores the token of a request, and with Keep it fresh also what renews it.
pub async fn take(
    context: RequestContext,
    vault: web::Data<Vault>,
    Segment(key): Segment,
    data: FormData,
) -> Result<HttpResponse, Error> {
    let mut conn = context.conn().await?;
    let connector = find(&context.actor, &mut conn, &key).await?;
    let back = format!("/connectors/{}/authorization", connector.key);
    let keep_fresh = data.get("do") == Some("keep");
    let request = data.get("request").and_then(|id| id.parse().ok()).unwrap_or(Uuid::nil());
    let change = &mut Change::new(&mut conn, &context);
    Ok(match (take_over(change, &vault, &connector, request, keep_fresh).await?, keep_fresh) {
        (false, _) => context.see_other_undone(
            &back,
            "This token was taken over already, or its ten minutes are over. Request another one.",
        ),
        (true, false) => context.see_other(&back, "The token was stored"),
        (true, true) => context.see_other(&back, "The token was stored and is kept fresh"),
    })
}

/// Stores the answer to a request of this person; false when there is none any more.
async fn take_over(
    change: &mut Change<'_>,
    vault: &Vault,
    connector: &Connector,
    request: Uuid,
    keep_fresh: bool,
) -> Result<bool, Error> {
    transaction(change, async |change| {
        queries::find_and_lock(change.conn, connector.id).await?;
        let Some(text) = queries::take_request(change, vault, connector.id, request).await? else {
            return Ok(false);
        };
        let kept: KeptAnswer = serde_json::from_str(text.expose()).map_err(Error::internal)?;
        store(change, vault, connector, kept, keep_fresh).await?;
        Ok(true)
    })
    .await
}

async fn store(
    change: &mut Change<'_>,
    vault: &Vault,
    connector: &Connector,
    kept: KeptAnswer,
    keep_fresh: bool,
) -> Result<(), Error> {
    let id = connector.id;
    let form: TokenForm = serde_html_form::from_str(&kept.form).map_err(Error::internal)?;
    let settings = form.settings(&mut Errors::default());
    let settings = known("token_requests.sealed", id, settings).map_err(Error::internal)?;
    queries::save_token_request(change.conn, id, &settings, keep_fresh).await?;
    let approved = approved_for_new(change.conn, id, &NEW).await?;
    let approved = approved.and(&ApprovedOrigins::read("token_requests.sealed", id, Some(&kept.origins))?);
    let token = NewToken {
        access: Secret::new(kept.access),
        refresh: RefreshToken::None,
        token_type: kept.token_type,
        scope: kept.scope,
        expires_at: kept.expires_at,
        refresh_expires_at: None,
        kept: KeptValues::new(),
    };
    queries::store_token(change, vault, id, &token, &approved).await?;
    connectors::outdate_evidence(change.conn, id, CredentialChange::Issued, change.now).await?;
    let sign_in = [
        (SecretField::TokenPassword, Secret::new(kept.password)),
        (SecretField::TokenClientSecret, Secret::new(kept.client_secret)),
    ];
    for (field, secret) in &sign_in {
        if keep_fresh && !secret.is_empty() {
            let new = NewSecret { connector: id, name: (*field).into(), secret, origins: &approved };
            queries::store_secret(change, vault, &new).await?;
        } else {
            queries::remove_secret(change.conn, id, &(*field).into()).await?;
        }
    }
    connectors::refresh_health(change.conn, id, change.now).await?;
    let changes = Changes::none()
        .secret("Token", "changed")
        .field("URL Token", "", url_text(&settings.token_url))
        .field("Kept fresh", "", if keep_fresh { "Yes" } else { "No" });
    change.record("token.stored", id, &connector.name, changes).await
}
