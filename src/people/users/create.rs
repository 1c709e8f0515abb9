//! Creating a user: the form, and the page with the link by which the person sets a password.

use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use askama::Template;

use super::forms::UserForm;
use super::queries;
use crate::access::RequestContext;
use crate::people::invitations::Shown;
use crate::people::permissions::coupling_words;
use crate::web::{Error, Form, Layout, SaveError, page};

#[derive(Template)]
#[template(path = "people/user_new.html")]
struct NewPage {
    layout: Layout,
    form: UserForm,
}

pub async fn new(context: RequestContext) -> Result<HttpResponse, Error> {
    let form = UserForm::empty();
    page(StatusCode::OK, &NewPage { layout: context.layout, form })
}

/// Answers with the link itself: it is shown by this very answer and never again.
pub async fn create(context: RequestContext, Form(data): Form) -> Result<HttpResponse, Error> {
    let mut form = UserForm::read(&data);
    if let Some(checked) = form.check() {
        let (by, now, id) = (&context.actor, context.now(), form.new_id);
        let name = checked.name.clone();
        let mut conn = context.conn().await?;
        match queries::create(&mut conn, by, now, id, checked).await {
            Ok((coupled, invitation)) => {
                let outcome = format!("The user was created{}", coupling_words(&coupled));
                return Shown::new(context, id, name, &invitation, outcome).respond();
            }
            // The second press of the same form finds what the first has made, but not its link.
            Err(SaveError::Repeated) => {
                let outcome = "The user was created already, and the link was shown. If nobody has it, make a new one";
                return Ok(context.see_other(&format!("/users/{id}"), outcome));
            }
            Err(SaveError::Fault(fault)) => return Err(fault),
            Err(_) => form.username_taken(),
        }
    }
    page(StatusCode::UNPROCESSABLE_ENTITY, &NewPage { layout: context.layout, form })
}
