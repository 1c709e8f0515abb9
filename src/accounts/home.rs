//! The home page: the data connectors for whoever may see them, a word of explanation for others.

use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use askama::Template;

use crate::access::{Permission, Visit};
use crate::web::{Error, Shell, page};

#[derive(Template)]
#[template(path = "accounts/nothing.html")]
struct NothingPage {
    shell: Shell,
}

pub async fn show(visit: Visit) -> Result<HttpResponse, Error> {
    if visit.may(Permission::ViewConnectors) {
        // The outcome of the last action goes along: this answer is no page, so it keeps its cookie.
        return Ok(visit.go("/connectors"));
    }
    page(StatusCode::OK, &NothingPage { shell: visit.shell })
}
