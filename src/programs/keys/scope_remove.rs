//! Leading a key to a data connector no more.

use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use askama::Template;

use super::crumbs::Crumbs;
use super::scope::Place;
use super::{queries, show};
use crate::access::Visit;
use crate::web::{Error, Form, SaveError, Shell, page};

#[derive(Template)]
#[template(path = "programs/scope_remove.html")]
struct RemovePage {
    shell: Shell,
    crumbs: Crumbs,
    place: Place,
}

pub async fn confirm(visit: Visit) -> Result<HttpResponse, Error> {
    let place = Place::find(&visit, &mut *visit.conn().await?).await?;
    if place.key.is_revoked() {
        return show::unchanged(&visit, &place.key_address(), SaveError::Stale);
    }
    if place.scope.is_none() {
        return Err(Error::NotFound);
    }
    page(
        StatusCode::OK,
        &RemovePage { crumbs: Crumbs::to_key(&place.holder, &place.key, "Remove"), shell: visit.shell, place },
    )
}

pub async fn remove(visit: Visit, Form(_): Form) -> Result<HttpResponse, Error> {
    let mut conn = visit.conn().await?;
    let place = Place::find(&visit, &mut conn).await?;
    let (by, now, to) = (&visit.actor, visit.now(), (place.key.id, &place.target));
    match queries::remove_scope(&mut conn, by, now, &place.holder, to).await {
        // The second press finds that the first has removed it.
        Ok(_) => {
            let outcome = format!("The key no longer leads to “{}”", place.target.label);
            Ok(visit.see_other(&place.key_address(), outcome))
        }
        Err(error) => show::unchanged(&visit, &place.key_address(), error),
    }
}
