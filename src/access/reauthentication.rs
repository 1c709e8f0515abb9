//! Asking for the own password again: what every route that changes something says of itself, and the page that asks.
//!
//! Rule: the gate asks, so no handler can forget to. The page carries the fields that were posted and posts them again
//! to the same address, so nothing typed is lost. Danger: secrets must not be among them; what takes secrets in its
//! form is [`Asks::ByHandler`].

use std::rc::Rc;

use actix_web::dev::ServiceRequest;
use actix_web::http::StatusCode;
use actix_web::{HttpMessage, HttpResponse};
use askama::Template;

use super::confirmation::{self, NO_PASSWORD};
use super::{Actor, SignInGuard, password_again};
use crate::web::{Error, Errors, Form, Layout, OWN_PASSWORD, TextField, page};

/// Whether a route that changes something asks for the own password again, which counts for 15 minutes in that session.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Asks {
    /// Every time, before the handler runs. For everything that gives power: rights, accounts, keys, tokens, exports.
    Always,
    /// The handler asks, by [`SignInGuard::confirm`], because only some of what the form can hold needs it; the text
    /// says what.
    ByHandler(&'static str),
    /// Never, for this reason.
    Never(&'static str),
}

/// The page that asks. It holds what was posted.
#[derive(Template)]
#[template(path = "access/reauthentication.html")]
struct ReauthenticationPage<'a> {
    layout: Layout,
    /// The address that was posted to.
    action: &'a str,
    /// What was posted there.
    fields: Vec<(&'a str, &'a str)>,
    errors: Errors,
    /// The person has a password; else they show at the sign-in provider that it is them.
    has_password: bool,
}

impl ReauthenticationPage<'_> {
    fn password_field(&self) -> TextField {
        password_again(&self.errors)
    }
}

/// Lets a request through if the person has entered their own password, in the posted form or a short time before. Else
/// answers with the page that asks for it.
pub(super) async fn ask_again(guard: &SignInGuard, req: &mut ServiceRequest) -> Result<Option<HttpResponse>, Error> {
    let actor = req.extract::<Actor>().await?;
    if confirmation::counts(actor.confirmed_at, guard.clock.now()) {
        return Ok(None);
    }
    let Form(data) = req.extract::<Form>().await?;
    let refusal = guard.check_entered(req.request(), &actor, &data).await?;
    let Some(refusal) = refusal else {
        let confirmed_at = Some(guard.clock.now());
        let actor = Actor { confirmed_at, ..actor };
        req.extensions_mut().insert(Rc::new(actor));
        // The body has been read: the handler's form is this.
        req.extensions_mut().insert(data);
        return Ok(None);
    };
    let mut errors = Errors::default();
    // Whoever was not asked yet has made no mistake.
    if data.get(OWN_PASSWORD).is_some() || refusal == NO_PASSWORD {
        errors.add(OWN_PASSWORD, refusal);
    }
    let answer = ReauthenticationPage {
        layout: req.extract::<Layout>().await?,
        action: req.uri().path_and_query().map_or("/", |uri| uri.as_str()),
        fields: data.carried().collect(),
        errors,
        has_password: refusal != NO_PASSWORD,
    };
    page(StatusCode::UNPROCESSABLE_ENTITY, &answer).map(Some)
}
