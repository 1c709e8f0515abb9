//! A client certificate from a file: PKCS#12, or PEM whose key is encrypted. The Authorization tab takes PEM without a pass
//! phrase.
//!
//! Rule: the pass phrase opens the file and is not stored. What is stored is the same as of the tab: the certificate with its
//! chain, and the key as a sealed secret.

use std::time::Duration;

use actix_web::http::StatusCode;
use actix_web::{HttpResponse, web};
use askama::Template;
use tokio::sync::Semaphore;
use tokio::task::spawn_blocking;

use super::forms::{CheckedAuthorization, LONGEST_CHAIN};
use super::origins::ApprovedOrigins;
use super::save::save;
use super::secret_field::SecretChange;
use super::settings::Settings;
use super::tab::{Stored, load};
use crate::access::{RequestContext, Right, SignInGuard};
use crate::audit::Change;
use crate::connectors::{ConnectorHead, Method, SecretField, Tab};
use crate::outbound::{Identity, open_identity};
use crate::vault::{Secret, Vault};
use crate::web::{Budget, Error, Errors, FormData, FormWithFiles, Layout, Segment, page};

/// The largest file, in bytes.
const LARGEST_FILE: usize = 256 * 1024;

/// The largest form, in bytes.
const LARGEST_FORM: usize = 1024 * 1024;

/// How long the form may take to arrive.
const ARRIVAL: Duration = Duration::from_secs(60);

/// The longest pass phrase, in bytes.
const LONGEST_PASS_PHRASE: usize = 1_000;

/// A file decides how much work it is to open it.
static OPENING: Semaphore = Semaphore::const_new(1);

#[derive(Template)]
#[template(path = "authorization/client_certificate.html")]
struct CertificatePage {
    layout: Layout,
    head: ConnectorHead,
    stored: Stored,
    form: FileForm,
    /// The own password need not be entered again.
    confirmed: bool,
}

/// A form as templates take it. Nothing that was typed comes back: all of it may be secret.
#[derive(Default)]
struct FileForm {
    errors: Errors,
}

impl CertificatePage {
    fn asks_password(&self) -> bool {
        !self.confirmed && self.stored.sealed.has(SecretField::ClientKey)
    }
}

fn certificate_page(
    context: RequestContext,
    stored: Stored,
    errors: Errors,
    status: StatusCode,
) -> Result<HttpResponse, Error> {
    let head = ConnectorHead::new(&stored.connector, Tab::Authorization, &context.actor);
    let confirmed = context.is_confirmed();
    page(status, &CertificatePage { layout: context.layout, head, stored, form: FileForm { errors }, confirmed })
}

/// The page with the fields for the file and its pass phrase.
pub async fn edit(context: RequestContext, Segment(key): Segment) -> Result<HttpResponse, Error> {
    let stored = load(&context, &mut *context.conn().await?, &key, Right::Authorize).await?;
    certificate_page(context, stored, Errors::default(), StatusCode::OK)
}

/// Opens the file and saves what is in it.
pub async fn update(
    context: RequestContext,
    vault: web::Data<Vault>,
    guard: web::Data<SignInGuard>,
    budget: web::Data<Budget>,
    Segment(key): Segment,
    payload: web::Payload,
) -> Result<HttpResponse, Error> {
    // Without the right nothing is read, and while it is read no connection is held.
    load(&context, &mut *context.conn().await?, &key, Right::Authorize).await?;
    let limits = (LARGEST_FORM, ARRIVAL);
    let form = FormWithFiles::read(&context.req, payload.into_inner(), limits, &budget).await?;
    let mut errors = Errors::default();
    let identity = identity(&form, &mut errors).await?;
    let mut conn = context.conn().await?;
    let stored = load(&context, &mut conn, &key, Right::Authorize).await?;
    let Some(seen) = form.data.seen_version(stored.settings.version) else {
        return stale(context, stored);
    };
    let takes = stored.sealed.has(SecretField::ClientKey);
    let confirmed = !takes || guard.confirm(&context, &form.data, &mut errors).await?;
    let Some(identity) = identity.filter(|_| confirmed && !errors.any()) else {
        return certificate_page(context, stored, errors, StatusCode::UNPROCESSABLE_ENTITY);
    };
    let checked = with_identity(&stored, identity);
    if !save(&mut Change::new(&mut conn, &context), &vault, (&stored, seen), &checked).await? {
        let stored = load(&context, &mut conn, &key, Right::Authorize).await?;
        return stale(context, stored);
    }
    Ok(context.see_other(&format!("/connectors/{key}/authorization"), "The client certificate was saved"))
}

/// The page as it is now.
fn stale(context: RequestContext, stored: Stored) -> Result<HttpResponse, Error> {
    let mut errors = Errors::default();
    errors.add("file", "The data connector was changed meanwhile. Choose the file again if it is still to be used.");
    certificate_page(context, stored, errors, StatusCode::CONFLICT)
}

/// The certificate and the key of the form; `None` leaves the messages in `errors`.
async fn identity(form: &FormWithFiles, errors: &mut Errors) -> Result<Option<Identity>, Error> {
    let pass_phrase = Secret::new(form.data.text("pass_phrase"));
    if pass_phrase.expose().len() > LONGEST_PASS_PHRASE {
        errors.add("pass_phrase", "Pass phrase must be 1,000 characters or fewer");
    }
    let Some((field, subject, bytes)) = source(form, errors).filter(|_| !errors.any()) else { return Ok(None) };
    let _one_at_a_time = OPENING.acquire().await.map_err(Error::internal)?;
    let opened = spawn_blocking(move || open_identity(&bytes, &pass_phrase)).await.map_err(Error::internal)?;
    match opened {
        Ok(identity) if identity.chain_pem.len() > LONGEST_CHAIN => {
            errors.add(field, format!("{subject} has certificates of more than 64 KiB"));
        }
        Ok(identity) => return Ok(Some(identity)),
        Err(problem) if problem.is_of_pass_phrase() => errors.add("pass_phrase", problem.to_string()),
        Err(problem) => errors.add(field, format!("{subject} {problem}")),
    }
    Ok(None)
}

/// What is to be opened, with its field and its name in messages.
fn source(form: &FormWithFiles, errors: &mut Errors) -> Option<(&'static str, &'static str, Vec<u8>)> {
    let file = form.files.iter().find(|file| file.name == "file");
    let text = pasted(&form.data);
    match (file, text.is_empty()) {
        (Some(_), false) => errors.add("pem", "Choose a file or paste text, not both"),
        (None, true) => errors.add("file", "Choose a file, or paste the text of one"),
        (Some(file), true) if file.bytes.is_empty() => errors.add("file", "The file is empty. Choose another one"),
        (Some(file), true) if file.bytes.len() > LARGEST_FILE => {
            errors.add("file", "The file must be 256 KiB or less. Choose one with this certificate alone");
        }
        (Some(file), true) => return Some(("file", "The file", file.bytes.to_vec())),
        (None, false) if text.len() > LARGEST_FILE => errors.add("pem", "The text must be 256 KiB or less"),
        (None, false) => return Some(("pem", "The text", text.into_bytes())),
    }
    None
}

fn pasted(data: &FormData) -> String {
    data.trimmed("pem")
}

/// The stored authorization with this client certificate and nothing else changed.
fn with_identity(stored: &Stored, identity: Identity) -> CheckedAuthorization {
    let method = stored.connector.method();
    let settings = Settings { client_certificate: identity.chain_pem, ..stored.settings.settings.clone() };
    let change = |field: SecretField| match field {
        SecretField::ClientKey => (field, SecretChange::Replace(identity.key_pem.clone())),
        _ => (field, SecretChange::Keep),
    };
    CheckedAuthorization {
        method,
        verify: stored.connector.verify_certificates,
        settings,
        oauth: matches!(method, Method::OAuth(_)).then(|| stored.oauth.clone()),
        secrets: SecretField::ALL.map(change).into(),
        token: SecretChange::Keep,
        ticked_origins: ApprovedOrigins::default(),
    }
}
