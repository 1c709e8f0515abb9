//! A response that the authorization server has the browser post to the redirect URL (OAuth 2.0 Form Post Response Mode).
//!
//! The post comes from another site, so no session cookie comes with it. The response is a page of this site whose form
//! posts the same parameters once more, now with the cookie. Rule: this page reads nothing that is stored and changes
//! nothing; what it passes on is checked as if it had come in an address. Danger: it holds a code or a token, which
//! stands in this page alone, and in no address.

use actix_web::http::StatusCode;
use actix_web::{HttpRequest, HttpResponse, web};
use askama::Template;

use crate::access::{RateLimit, client_address};
use crate::oauth::known_parameters;
use crate::web::{Error, ForeignForm, Layout, page};

#[derive(Template)]
#[template(path = "authorization/form_post.html")]
struct FormPostPage {
    layout: Layout,
    /// Where the form is sent.
    answers: String,
    parameters: Vec<(&'static str, String)>,
}

/// Takes the post of another site, and gives the page that sends its parameters on.
pub async fn pass_on(
    req: HttpRequest,
    layout: Layout,
    rate_limit: web::Data<RateLimit>,
    ForeignForm(data): ForeignForm,
) -> Result<HttpResponse, Error> {
    rate_limit.take(&client_address(&req)).map_err(Error::TooMany)?;
    let parent = req.path().strip_suffix("/callback").ok_or(Error::NotFound)?;
    let parameters = known_parameters(data.carried());
    page(StatusCode::OK, &FormPostPage { layout, answers: format!("{parent}/answers"), parameters })
}
