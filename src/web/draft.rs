//! Forms that outlive the session in which they were typed.
//!
//! Rules: a form that is refused because its session has ended stays with the request as [`UnsavedForm`], for the layer
//! that stores it. One that comes back after signing in is a [`Draft`]: it is shown and never carried out. So
//! `Form::check` gives nothing for it, [`FormData`] alone refuses it, and a transaction that it reaches does not begin.
//! A handler that reads fields by itself takes [`TypedForm`] and shows a draft ([`FormData::is_draft`]).

use std::future::Future;
use std::pin::Pin;
use std::time::Duration;

use actix_web::dev::{Payload, ServiceRequest};
use actix_web::{FromRequest, HttpMessage, HttpRequest, web};
use uuid::Uuid;

use super::body::{Budget, Held};
use super::form_data::{LARGEST, LARGEST_SIGNED_OUT, fields_of, read};
use super::multipart::{is_multipart, read_parts};
use super::{Error, FormData};

/// The largest form with files whose fields are kept, in bytes. The files are not.
const LARGEST_WITH_FILES: usize = 12 * 1024 * 1024;

/// How long a form with files may take to arrive.
const ARRIVAL: Duration = Duration::from_secs(600);

/// A form that was refused for its session. Secrets are still in it.
pub struct UnsavedForm(pub FormData);

/// A form that its user gets back.
pub struct Draft {
    pub user: Uuid,
    pub data: FormData,
}

impl Draft {
    /// Said above the form.
    pub const NOT_SAVED: &str = "Your session had ended, so this was not saved. What you typed is here again, except passwords and other secrets. Check it, enter those again, and send it once more.";
}

/// Reads the form of a request that has no session, and leaves it with the request. `had_session` says that the cookie
/// of a session that has ended came with it; strangers can send 16 KiB at most.
pub async fn hold_unsaved(req: &mut ServiceRequest, had_session: bool) {
    let payload = req.take_payload();
    let data = match is_multipart(req.request()) {
        true if had_session => read_with_files(req.request(), payload).await,
        true => None,
        false => read(req.request(), payload, if had_session { LARGEST } else { LARGEST_SIGNED_OUT }).await.ok(),
    };
    if let Some(data) = data {
        req.extensions_mut().insert(UnsavedForm(data));
    }
}

async fn read_with_files(req: &HttpRequest, payload: Payload) -> Option<FormData> {
    let budget = req.app_data::<web::Data<Budget>>()?.clone().into_inner();
    let mut held = Held::of(&budget);
    let parts = read_parts(req, payload, (LARGEST_WITH_FILES, ARRIVAL), &mut held).await.ok()?;
    fields_of(&parts).ok()
}

/// The fields of a form, which may be a draft: then the handler shows them and changes nothing.
pub struct TypedForm(pub FormData);

impl FromRequest for TypedForm {
    type Error = Error;
    type Future = Pin<Box<dyn Future<Output = Result<TypedForm, Error>>>>;

    fn from_request(req: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let data = super::form_data::own_form(req, payload);
        Box::pin(async { data.await.map(TypedForm) })
    }
}
