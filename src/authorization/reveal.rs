//! Revealing the stored access token to somebody who may edit and enters their own password again, or has done so within
//! the last minutes.
//!
//! Only access tokens: passwords, API keys and client secrets are never shown.

use actix_web::http::StatusCode;
use actix_web::{HttpResponse, web};
use askama::Template;

use super::queries::{self, SealedValues};
use crate::access::{Right, SignInGuard, Visit, password_again};
use crate::audit::{self, Changes, Event};
use crate::connectors::{self, Connector};
use crate::vault::{Secret, Vault};
use crate::web::{Error, Errors, Form, Segment, Shell, TextField, page_no_store};

#[derive(Template)]
#[template(path = "authorization/reveal.html")]
struct RevealPage {
    shell: Shell,
    connector: Connector,
    errors: Errors,
    /// The password need not be entered again.
    confirmed: bool,
    token: Option<Secret>,
}

impl RevealPage {
    fn password_field(&self) -> Option<TextField> {
        (!self.confirmed).then(|| password_again(&self.errors))
    }
}

pub async fn ask(visit: Visit, Segment(key): Segment) -> Result<HttpResponse, Error> {
    let mut conn = visit.conn().await?;
    let connector = connectors::find(&conn, &visit.actor, &key, Right::Authorize).await?;
    queries::stored_token(&mut conn, connector.id)
        .await?
        .ok_or(Error::NotFound)?;
    page_no_store(
        StatusCode::OK,
        &RevealPage {
            confirmed: visit.is_confirmed(),
            shell: visit.shell,
            connector,
            errors: Errors::default(),
            token: None,
        },
    )
}

pub async fn reveal(
    visit: Visit,
    vault: web::Data<Vault>,
    guard: web::Data<SignInGuard>,
    Segment(key): Segment,
    Form(data): Form,
) -> Result<HttpResponse, Error> {
    let connector =
        connectors::find(&*visit.conn().await?, &visit.actor, &key, Right::Authorize).await?;
    let mut errors = Errors::default();
    let confirmed = guard.confirm(&visit, &data, &mut errors).await?;
    let (status, token) = if confirmed {
        let token = open(&visit, &vault, &connector).await?;
        (StatusCode::OK, Some(token))
    } else {
        (StatusCode::UNPROCESSABLE_ENTITY, None)
    };
    let shell = visit.shell;
    page_no_store(
        status,
        &RevealPage {
            shell,
            connector,
            errors,
            confirmed,
            token,
        },
    )
}

/// Opens the token, recorded before anybody sees it.
async fn open(visit: &Visit, vault: &Vault, connector: &Connector) -> Result<Secret, Error> {
    let mut conn = visit.conn().await?;
    let sealed = SealedValues::read(&mut conn, connector.id).await?;
    let token = sealed.shown_token(vault)?.ok_or(Error::NotFound)?;
    let event = Event {
        kind: "token.revealed",
        subject_id: Some(connector.id),
        subject_name: &connector.name,
        changes: Changes::none(),
    };
    audit::record(&conn, &visit.actor, visit.now(), event).await?;
    Ok(token)
}
