//! The API keys tab.

use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use askama::Template;

use crate::access::Visit;
use crate::programs::{KeyTable, table_of_person};
use crate::web::{Error, Shell, page};

#[derive(Template)]
#[template(path = "accounts/keys.html")]
struct KeysPage {
    shell: Shell,
    keys: KeyTable,
}

pub async fn show(visit: Visit) -> Result<HttpResponse, Error> {
    let conn = visit.conn().await?;
    let keys = table_of_person(&visit, &conn).await?;
    let shell = visit.shell;
    page(StatusCode::OK, &KeysPage { shell, keys })
}
