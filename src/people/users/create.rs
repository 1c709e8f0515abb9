//! Creating a user: the form, and the page with the link by which the person sets a password.

use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use askama::Template;

use super::forms::UserForm;
use super::queries;
use crate::access::Visit;
use crate::people::invitations::Shown;
use crate::people::permissions::coupling_words;
use crate::web::{Error, Form, SaveError, Shell, page};

#[derive(Template)]
#[template(path = "people/user_new.html")]
struct NewPage {
    shell: Shell,
    form: UserForm,
}

pub async fn new(visit: Visit) -> Result<HttpResponse, Error> {
    let form = UserForm::empty();
    page(StatusCode::OK, &NewPage { shell: visit.shell, form })
}

/// Answers with the link itself: it is shown by this very answer and never again.
pub async fn create(visit: Visit, Form(data): Form) -> Result<HttpResponse, Error> {
    let mut form = UserForm::read(&data);
    if let Some(checked) = form.check() {
        let (by, now, id) = (&visit.actor, visit.now(), form.new_id);
        let name = checked.name.clone();
        let mut conn = visit.conn().await?;
        match queries::create(&mut conn, by, now, id, checked).await {
            Ok((coupled, invitation)) => {
                let outcome = format!("The user was created{}", coupling_words(&coupled));
                return Shown::new(visit, id, name, &invitation, outcome).respond();
            }
            // The second press of the same form finds what the first has made, but not its link.
            Err(SaveError::Repeated) => {
                let outcome = "The user was created already, and the link was shown. If nobody has it, make a new one";
                return Ok(visit.see_other(&format!("/users/{id}"), outcome));
            }
            Err(SaveError::Fault(fault)) => return Err(fault),
            Err(_) => form.username_taken(),
        }
    }
    page(StatusCode::UNPROCESSABLE_ENTITY, &NewPage { shell: visit.shell, form })
}
