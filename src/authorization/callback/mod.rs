//! Coming back from the authorization server: the state is checked and spent, and its answer becomes a token.
//!
//! Each connector has a redirect URL of its own, and there is one for the whole site, where the state finds the connector.
//!
//! Rule: nothing that the address holds counts before the state has been found, belongs to this session, is unspent and
//! young. Danger: the address holds a code or a token. It is never logged, never shown, and never put into another
//! address.

use actix_web::http::StatusCode;
use actix_web::{HttpResponse, rt, web};
use askama::Template;
use tracing::Instrument;

mod exchange;
mod form_post;
mod posted;
mod problem;
mod shared;

pub use form_post::pass_on;
pub use shared::{take as take_shared, take_posted as take_posted_shared};

use exchange::{Response, complete};
use posted::Posted;
use problem::{Failure, error_page};

use super::model::RedirectUrl;
use super::tab::{Stored, load};
use crate::access::{RequestContext, Right};
use crate::connectors::{ConnectorHead, Grant, Method, Tab};
use crate::oauth::{CallbackError, CallbackParams};
use crate::outbound::Outbound;
use crate::vault::Vault;
use crate::web::{Error, Errors, ForeignForm, Layout, Segment, page, refuse_prefetch};

#[derive(Template)]
#[template(path = "authorization/implicit.html")]
struct ImplicitPage {
    layout: Layout,
    /// None where the redirect URL is shared: the connector is not known yet.
    head: Option<ConnectorHead>,
    errors: Errors,
    /// Where the form is sent.
    answers: String,
}

/// What handlers of a response need beside the context.
struct Tools {
    vault: web::Data<Vault>,
    outbound: web::Data<Outbound>,
}

/// Takes the answer in the query; for the implicit grant, whose answer stands behind the #, gives the page that sends
/// it on.
pub async fn take(
    context: RequestContext,
    vault: web::Data<Vault>,
    outbound: web::Data<Outbound>,
    Segment(key): Segment,
) -> Result<HttpResponse, Error> {
    if let Some(response) = refuse_prefetch(&context.req) {
        return response;
    }
    let stored = load(&context, &mut *context.conn().await?, &key, Right::Authorize).await?;
    let params = CallbackParams::from_query(context.req.query_string());
    let is_empty = matches!(params.outcome, Err(CallbackError::Empty));
    match stored.connector.method() {
        Method::OAuth(Grant::Implicit) if is_empty => {
            implicit_page(context, Some(&stored), Errors::default(), StatusCode::OK)
        }
        // One with a state may have begun before another method was saved; the page says so.
        _ if stored.sends_back() || params.state.is_some() => {
            let response = Response { arrived: RedirectUrl::Own, params };
            respond(context, Tools { vault, outbound }, stored, response).await
        }
        _ => Err(Error::NotFound),
    }
}

/// Takes the answer that a page of this site posts: the address with the fragment of the implicit grant, by the script or
/// pasted by a person, or the parameters that another site has posted before. The state is of this session, so no other
/// site can post one, and no CSRF token is asked for.
pub async fn take_posted(
    context: RequestContext,
    vault: web::Data<Vault>,
    outbound: web::Data<Outbound>,
    Segment(key): Segment,
    ForeignForm(data): ForeignForm,
) -> Result<HttpResponse, Error> {
    let stored = load(&context, &mut *context.conn().await?, &key, Right::Authorize).await?;
    let posted = Posted::of(&data);
    let params = posted.params_for(&stored, context.now());
    if !stored.sends_back() && params.state.is_none() {
        return Err(Error::NotFound);
    }
    let is_implicit = stored.connector.method() == Method::OAuth(Grant::Implicit);
    if is_implicit && matches!(params.outcome, Err(CallbackError::Empty)) {
        return posted_nothing(context, Some(&stored), &posted);
    }
    let response = Response { arrived: RedirectUrl::Own, params };
    respond(context, Tools { vault, outbound }, stored, response).await
}

/// The page once more, because what was posted there holds no response.
fn posted_nothing(context: RequestContext, stored: Option<&Stored>, posted: &Posted) -> Result<HttpResponse, Error> {
    let mut errors = Errors::default();
    errors.add("address", posted.problem());
    implicit_page(context, stored, errors, StatusCode::UNPROCESSABLE_ENTITY)
}

fn implicit_page(
    context: RequestContext,
    stored: Option<&Stored>,
    errors: Errors,
    status: StatusCode,
) -> Result<HttpResponse, Error> {
    let head = stored.map(|stored| ConnectorHead::new(&stored.connector, Tab::Authorization, &context.actor));
    let answers = match &head {
        Some(head) => format!("/connectors/{}/authorization/answers", head.key),
        None => "/oauth/answers".to_owned(),
    };
    page(status, &ImplicitPage { layout: context.layout, head, errors, answers })
}

async fn respond(
    context: RequestContext,
    tools: Tools,
    stored: Stored,
    response: Response,
) -> Result<HttpResponse, Error> {
    // A second click ends this request. The exchange goes on all the same, because its code is spent.
    let exchange = async move {
        let outcome = complete(&context, &tools, &stored, response).await;
        (context, stored, outcome)
    };
    let (context, stored, outcome) = rt::spawn(exchange.in_current_span()).await.map_err(Error::internal)?;
    match outcome {
        Ok(()) => {
            let back = format!("/connectors/{}/authorization", stored.connector.key);
            Ok(context.see_other(&back, "The data connector is authorized"))
        }
        Err(Failure::Refused(error)) => error_page(context, Some(&stored), error),
        Err(Failure::Fault(fault)) => Err(fault),
    }
}
