//! Deleting an endpoint: a page that says what goes, and the button.

use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use askama::Template;

use super::editor::load;
use super::model::Endpoint;
use super::queries;
use crate::access::{RequestContext, Right};
use crate::connectors::Connector;
use crate::web::{Error, Form, Layout, SaveError, Segments, page};

#[derive(Template)]
#[template(path = "endpoints/delete.html")]
struct DeletePage {
    layout: Layout,
    connector: Connector,
    endpoint: Endpoint,
    /// Somebody has saved it since the person opened the page.
    changed: bool,
}

pub async fn confirm_delete(context: RequestContext, Segments([key, id]): Segments<2>) -> Result<HttpResponse, Error> {
    let (connector, endpoint) = load(&context, &*context.conn().await?, (&key, &id), Right::Edit).await?;
    delete_page(context, connector, endpoint, false)
}

fn delete_page(
    context: RequestContext,
    connector: Connector,
    endpoint: Endpoint,
    changed: bool,
) -> Result<HttpResponse, Error> {
    let status = if changed { StatusCode::CONFLICT } else { StatusCode::OK };
    page(status, &DeletePage { layout: context.layout, connector, endpoint, changed })
}

pub async fn delete(
    context: RequestContext,
    Segments([key, id]): Segments<2>,
    Form(data): Form,
) -> Result<HttpResponse, Error> {
    let (connector, endpoint) = load(&context, &*context.conn().await?, (&key, &id), Right::Edit).await?;
    let Some(seen) = data.seen_version(endpoint.version) else {
        return delete_page(context, connector, endpoint, true);
    };
    let mut conn = context.conn().await?;
    let (by, now) = (&context.actor, context.now());
    match queries::delete(&mut conn, by, now, (&endpoint, seen)).await {
        Ok(()) => {
            Ok(context.see_other(&format!("/connectors/{}/endpoints", connector.key), "The endpoint was deleted"))
        }
        Err(SaveError::Fault(fault)) => Err(fault),
        Err(_) => {
            let endpoint = queries::find(&conn, connector.id, endpoint.id).await?;
            delete_page(context, connector, endpoint, true)
        }
    }
}
