//! The Request token page: asks a server for a token, shows the answer once, and takes it over if wanted.

use actix_web::http::StatusCode;
use actix_web::{HttpResponse, web};
use askama::Template;
use chrono::{DateTime, Utc};
use diesel_async::AsyncConnection;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::model::{NewToken, RefreshToken, SecretField};
use super::origins::{ApprovedOrigins, NewValue, approved_for_new};
use super::queries::{self, NewSecret, SealedValues};
use super::settings::time_limit;
use super::token_form::{TokenFields, TokenForm};
use crate::access::{Actor, RateLimit, RequestContext, Right};
use crate::audit::{self, Changes, Event};
use crate::connectors::{self, Connector, ConnectorHead, ConnectorId, Method, Tab};
use crate::db::{Conn, known};
use crate::oauth::{ExpirySource, RequestStyle, Token, TokenError, request_token};
use crate::outbound::{Limits, Origin, Outbound, Transport};
use crate::vault::{Secret, Vault};
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
    form: TokenForm,
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
            ExpirySource::ExpiresIn | ExpirySource::Manual | ExpirySource::Unknown => "",
        };
        format!("{} ({}){source}", date_time(&expires), relative(&expires, &self.now))
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
    form: TokenForm,
    outcome: Outcome,
    limits: Limits,
    status: StatusCode,
) -> Result<HttpResponse, Error> {
    let head = ConnectorHead::new(connector, Tab::Authorization, &context.actor);
    let now = context.now();
    page(status, &RequestPage { layout: context.layout, head, form, outcome, now, patience: time_limit(limits) })
}

pub async fn new(context: RequestContext, Segment(key): Segment) -> Result<HttpResponse, Error> {
    let mut conn = context.conn().await?;
    let connector = find(&context.actor, &mut conn, &key).await?;
    let stored = queries::find(&mut conn, connector.id).await?;
    request_page(
        context,
        &connector,
        TokenForm::new(TokenFields::of(&stored)),
        Outcome::None,
        stored.interactive_limits(),
        StatusCode::OK,
    )
}

/// Performs the request. A refusal by the server is a result, shown on the page; only a form out of order is a 422.
pub async fn create(
    context: RequestContext,
    vault: web::Data<Vault>,
    outbound: web::Data<Outbound>,
    rate_limit: web::Data<RateLimit>,
    Segment(key): Segment,
    data: FormData,
) -> Result<HttpResponse, Error> {
    let (connector, transport, limits) = {
        // The connection goes back to the pool before the request: a slow server must not hold it.
        let mut conn = context.conn().await?;
        settings(&mut conn, &context.actor, &vault, &key).await?
    };
    let password = Secret::new(data.text("token_password"));
    let client_secret = Secret::new(data.text("token_client_secret"));
    let mut form = TokenForm::read(&data);
    let Some(request) = form.check(&password, &client_secret) else {
        return request_page(context, &connector, form, Outcome::None, limits, StatusCode::UNPROCESSABLE_ENTITY);
    };
    rate_limit.take(&context.actor.username).map_err(Error::TooMany)?;
    let answer = request_token(&outbound, &transport, limits, &request, context.now()).await;
    record_request(&context, &connector, &form, &answer).await?;
    let outcome = match answer {
        Ok(token) => {
            let origins = shown_origins(&context, connector.id, &form.fields).await?;
            let sign_in = [&password, &client_secret];
            let kept = KeptAnswer::new(&form.fields, sign_in, &token, &origins);
            let request = keep(&context, &vault, &connector, &kept).await?;
            Outcome::Received { token, request, origins }
        }
        Err(refusal) => Outcome::Refused(refusal),
    };
    request_page(context, &connector, form, outcome, limits, StatusCode::OK)
}

/// The connector, how requests travel by its settings, and how long they may take.
async fn settings(
    conn: &mut Conn,
    by: &Actor,
    vault: &Vault,
    key: &str,
) -> Result<(Connector, Transport, Limits), Error> {
    conn.transaction(async |conn| {
        queries::see_one_state(conn).await?;
        let connector = find(by, conn, key).await?;
        let settings = queries::find(conn, connector.id).await?;
        let sealed = SealedValues::read(conn, connector.id).await?;
        let transport = settings.stored_transport(vault, connector.verify_certificates, &sealed)?;
        Ok((connector, transport, settings.interactive_limits()))
    })
    .await
}

/// What a token that is taken over replaces.
const NEW: NewValue<'static> = NewValue { replaced: &["token", "token_password", "token_client_secret"], ticked: None };

/// The origins that the page with the token lists: those of the connector, and that of the token server.
async fn shown_origins(
    context: &RequestContext,
    connector: ConnectorId,
    fields: &TokenFields,
) -> Result<Vec<String>, Error> {
    let own = approved_for_new(&mut *context.conn().await?, connector, &NEW).await?;
    let asked: ApprovedOrigins = Origin::of_template(&fields.url).into_iter().collect();
    Ok(own.or(&asked).stored())
}

/// Records the request and its outcome.
async fn record_request(
    context: &RequestContext,
    connector: &Connector,
    form: &TokenForm,
    answer: &Result<Token, TokenError>,
) -> Result<(), Error> {
    let result = match answer {
        Ok(_) => "A token".to_string(),
        Err(refusal) => refusal.message.clone(),
    };
    let changes = Changes::none().field("URL Token", "", &form.fields.url).field("Answer", "", result);
    let event =
        Event { kind: "token.requested", subject_id: Some(connector.id), subject_name: &connector.name, changes };
    let conn = context.conn().await?;
    audit::record(&conn, &context.actor, context.now(), event).await
}

async fn keep(
    context: &RequestContext,
    vault: &Vault,
    connector: &Connector,
    kept: &KeptAnswer,
) -> Result<Uuid, Error> {
    let text = Secret::new(serde_json::to_string(kept).map_err(Error::internal)?);
    let mut conn = context.conn().await?;
    let user = context.actor.id.ok_or(Error::SignIn)?;
    queries::keep_request(&mut conn, vault, user, context.now(), connector.id, &text).await
}

/// The answer as it waits, sealed, to be taken over: the page holds only its id.
#[derive(Serialize, Deserialize)]
struct KeptAnswer {
    question: TokenFields,
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
    fn new(
        question: &TokenFields,
        [password, client_secret]: [&Secret; 2],
        token: &Token,
        origins: &[String],
    ) -> KeptAnswer {
        KeptAnswer {
            question: question.clone(),
            password: password.expose().to_string(),
            client_secret: client_secret.expose().to_string(),
            access: token.access.expose().to_string(),
            token_type: token.token_type.clone(),
            scope: token.scope.clone().unwrap_or_default(),
            expires_at: token.expires_at,
            origins: origins.to_vec(),
        }
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
    let (by, now) = (&context.actor, context.now());
    let taken = take_over(&mut conn, &vault, by, now, &connector, request, keep_fresh);
    let taken = taken.await?;
    Ok(match (taken, keep_fresh) {
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
    conn: &mut Conn,
    vault: &Vault,
    by: &Actor,
    now: DateTime<Utc>,
    connector: &Connector,
    request: Uuid,
    keep_fresh: bool,
) -> Result<bool, Error> {
    let user = by.id.ok_or(Error::SignIn)?;
    conn.transaction(async |conn| {
        queries::find_and_lock(conn, connector.id).await?;
        let Some(text) = queries::take_request(conn, vault, user, now, connector.id, request).await? else {
            return Ok(false);
        };
        let kept: KeptAnswer = serde_json::from_str(text.expose()).map_err(Error::internal)?;
        store(conn, vault, by, now, connector, kept, keep_fresh).await?;
        Ok(true)
    })
    .await
}

async fn store(
    conn: &mut Conn,
    vault: &Vault,
    by: &Actor,
    now: DateTime<Utc>,
    connector: &Connector,
    kept: KeptAnswer,
    keep_fresh: bool,
) -> Result<(), Error> {
    let token = NewToken {
        access: Secret::new(kept.access),
        refresh: RefreshToken::None,
        token_type: kept.token_type,
        scope: kept.scope,
        expires_at: kept.expires_at,
    };
    let settings = kept.question.check(&mut Errors::default());
    let settings = known("token_requests.sealed", connector.id, settings).map_err(Error::internal)?;
    queries::save_token_request(conn, connector.id, &settings, keep_fresh).await?;
    let sign_in = [
        (SecretField::TokenPassword, Secret::new(kept.password)),
        (SecretField::TokenClientSecret, Secret::new(kept.client_secret)),
    ];
    let approved = approved_for_new(conn, connector.id, &NEW).await?;
    let approved = approved.and(&ApprovedOrigins::read("token_requests.sealed", connector.id, Some(&kept.origins))?);
    queries::store_token(conn, vault, by, now, connector.id, &token, &approved).await?;
    for (field, secret) in &sign_in {
        if keep_fresh && !secret.is_empty() {
            let new = NewSecret { connector: connector.id, field: *field, secret, origins: &approved };
            queries::store_secret(conn, vault, by, now, &new).await?;
        } else {
            queries::remove_secret(conn, connector.id, *field).await?;
        }
    }
    connectors::refresh_health(conn, connector.id, now).await?;
    let changes = Changes::none().secret("Token", "changed").field("URL Token", "", &kept.question.url).field(
        "Kept fresh",
        "",
        if keep_fresh { "Yes" } else { "No" },
    );
    audit::record(
        conn,
        by,
        now,
        Event { kind: "token.stored", subject_id: Some(connector.id), subject_name: &connector.name, changes },
    )
    .await
}
