//! The home page: the first page of the navigation that a person may open, a word of explanation for who may open none.

use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use askama::Template;

use crate::access::Visit;
use crate::web::{Error, Shell, page};

#[derive(Template)]
#[template(path = "accounts/nothing.html")]
struct NothingPage {
    shell: Shell,
}

pub async fn show(visit: Visit) -> Result<HttpResponse, Error> {
    if let Some(item) = visit.shell.nav.first() {
        // The outcome of the last action goes along: this answer is no page, so it keeps its cookie.
        return Ok(visit.go(item.href));
    }
    page(StatusCode::OK, &NothingPage { shell: visit.shell })
}
