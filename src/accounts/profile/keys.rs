//! The API keys tab.

use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use askama::Template;

use crate::access::RequestContext;
use crate::programs::{KeyTable, table_of_person};
use crate::web::{Error, Layout, page};

#[derive(Template)]
#[template(path = "accounts/keys.html")]
struct KeysPage {
    layout: Layout,
    keys: KeyTable,
}

pub async fn show(context: RequestContext) -> Result<HttpResponse, Error> {
    let conn = context.conn().await?;
    let keys = table_of_person(&context, &conn).await?;
    let layout = context.layout;
    page(StatusCode::OK, &KeysPage { layout, keys })
}
