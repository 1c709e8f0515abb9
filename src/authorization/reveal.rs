//! Revealing the stored access token to somebody who may edit. The table of routes asks for their own password.
//!
//! Only access tokens: passwords, API keys and client secrets are never shown.

use actix_web::http::StatusCode;
use actix_web::{HttpResponse, web};
use askama::Template;

use super::queries::{self, SealedValues};
use crate::access::{RequestContext, Right, password_again};
use crate::audit::{self, Changes, Event};
use crate::connectors::{self, Connector};
use crate::vault::{Secret, Vault};
use crate::web::{Error, Errors, Form, Layout, Segment, TextField, page};

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

pub async fn ask(context: RequestContext, Segment(key): Segment) -> Result<HttpResponse, Error> {
    let mut conn = context.conn().await?;
    let connector = connectors::find(&conn, &context.actor, &key, Right::Authorize).await?;
    queries::stored_token(&mut conn, connector.id).await?.ok_or(Error::NotFound)?;
    page(
        StatusCode::OK,
        &RevealPage { confirmed: context.is_confirmed(), layout: context.layout, connector, token: None },
    )
}

pub async fn reveal(
    context: RequestContext,
    vault: web::Data<Vault>,
    Segment(key): Segment,
    Form(_): Form,
) -> Result<HttpResponse, Error> {
    let connector = connectors::find(&*context.conn().await?, &context.actor, &key, Right::Authorize).await?;
    let token = open(&context, &vault, &connector).await?;
    page(
        StatusCode::OK,
        &RevealPage { confirmed: context.is_confirmed(), layout: context.layout, connector, token: Some(token) },
    )
}

/// Opens the token, recorded before anybody sees it.
async fn open(context: &RequestContext, vault: &Vault, connector: &Connector) -> Result<Secret, Error> {
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
