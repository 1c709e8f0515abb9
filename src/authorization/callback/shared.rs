//! The redirect URL of the whole site, for servers that take one address only: the state finds the connector.
//!
//! Danger: the address does not tell the servers apart, so one of them could send a code of another one here (mix-up, RFC
//! 9700 section 4.4). The state is of one connector and one session, and a response that names its issuer counts only for
//! a connector with that Issuer (RFC 9207). Of servers that do not name themselves, only those should share the address
//! that trust each other.

use actix_web::http::StatusCode;
use actix_web::{HttpResponse, web};

use super::exchange::Response;
use super::posted::Posted;
use super::problem::error_page;
use super::{Tools, implicit_page, posted_nothing, respond};
use crate::access::{RequestContext, Right};
use crate::authorization::model::RedirectUrl;
use crate::authorization::tab::{Stored, load};
use crate::connectors::{self, Grant, Method};
use crate::oauth::{CallbackError, CallbackParams, connector_of_response};
use crate::outbound::Outbound;
use crate::vault::Vault;
use crate::web::{CsrfKey, Error, Errors, ForeignForm, refuse_prefetch};

/// Takes the answer in the query; without one, gives the page that sends on what stands behind the #.
pub async fn take(
    context: RequestContext,
    vault: web::Data<Vault>,
    outbound: web::Data<Outbound>,
) -> Result<HttpResponse, Error> {
    if let Some(response) = refuse_prefetch(&context.req) {
        return response;
    }
    let query = context.req.query_string();
    let params = CallbackParams::from_query(query);
    if query.is_empty() {
        return implicit_page(context, None, Errors::default(), StatusCode::OK);
    }
    match find(&context, &params).await? {
        Ok(stored) => {
            let response = Response { arrived: RedirectUrl::Shared, params };
            respond(context, Tools { vault, outbound }, stored, response).await
        }
        Err(error) => error_page(context, None, error.into()),
    }
}

/// Takes the answer that a page of this site posts, as at the address of a connector.
pub async fn take_posted(
    context: RequestContext,
    vault: web::Data<Vault>,
    outbound: web::Data<Outbound>,
    ForeignForm(data): ForeignForm,
) -> Result<HttpResponse, Error> {
    let posted = Posted::of(&data);
    let params = posted.params(false, context.now(), None);
    let stored = match find(&context, &params).await? {
        Ok(stored) => stored,
        Err(CallbackError::Empty) => return posted_nothing(context, None, &posted),
        Err(error) => return error_page(context, None, error.into()),
    };
    let params = posted.params_for(&stored, context.now());
    let is_implicit = stored.connector.method() == Method::OAuth(Grant::Implicit);
    if is_implicit && matches!(params.outcome, Err(CallbackError::Empty)) {
        return posted_nothing(context, None, &posted);
    }
    let response = Response { arrived: RedirectUrl::Shared, params };
    respond(context, Tools { vault, outbound }, stored, response).await
}

/// The connector whose request has this state.
async fn find(context: &RequestContext, params: &CallbackParams) -> Result<Result<Stored, CallbackError>, Error> {
    let mut conn = context.conn().await?;
    let connector = match connector_of_response(&mut conn, params, CsrfKey::hash_of(&context.req)).await? {
        Ok(connector) => connector,
        Err(error) => return Ok(Err(error)),
    };
    let key = connectors::key_of(&mut conn, context.actor.visibility, connector).await?;
    load(context, &mut conn, &key, Right::Authorize).await.map(Ok)
}
