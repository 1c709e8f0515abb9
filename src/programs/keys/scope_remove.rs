//! Leading a key to a data connector no more.

use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use askama::Template;

use super::crumbs::Crumbs;
use super::scope::Place;
use super::{queries, show};
use crate::access::RequestContext;
use crate::web::{Error, Form, Layout, SaveError, page};

#[derive(Template)]
#[template(path = "programs/scope_remove.html")]
struct RemovePage {
    layout: Layout,
    crumbs: Crumbs,
    place: Place,
}

pub async fn confirm(context: RequestContext) -> Result<HttpResponse, Error> {
    let place = Place::find(&context, &mut *context.conn().await?).await?;
    if place.key.is_revoked() {
        return show::unchanged(&context, &place.key_address(), SaveError::Stale);
    }
    if place.scope.is_none() {
        return Err(Error::NotFound);
    }
    page(
        StatusCode::OK,
        &RemovePage { crumbs: Crumbs::to_key(&place.holder, &place.key, "Remove"), layout: context.layout, place },
    )
}

pub async fn remove(context: RequestContext, Form(_): Form) -> Result<HttpResponse, Error> {
    let mut conn = context.conn().await?;
    let place = Place::find(&context, &mut conn).await?;
    let (by, now, to) = (&context.actor, context.now(), (place.key.id, &place.target));
    match queries::remove_scope(&mut conn, by, now, &place.holder, to).await {
        // The second press finds that the first has removed it.
        Ok(_) => {
            let outcome = format!("The key no longer leads to “{}”", place.target.label);
            Ok(context.see_other(&place.key_address(), outcome))
        }
        Err(error) => show::unchanged(&context, &place.key_address(), error),
    }
}
