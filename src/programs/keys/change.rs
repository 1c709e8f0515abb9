//! Changing a key's name, expiry and methods.

use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use askama::Template;

use super::crumbs::Crumbs;
use super::form::KeyForm;
use super::holder::Holder;
use super::model::Key;
use super::queries::{WaysOf, lead_beyond};
use super::{queries, show};
use crate::access::Visit;
use crate::web::{Error, Form, SaveError, Shell, page};

#[derive(Template)]
#[template(path = "programs/key_edit.html")]
struct EditPage {
    shell: Shell,
    crumbs: Crumbs,
    key: Key,
    address: String,
    form: KeyForm,
}

fn edit_page(
    visit: Visit,
    holder: &Holder,
    key: Key,
    form: KeyForm,
    status: StatusCode,
) -> Result<HttpResponse, Error> {
    page(
        status,
        &EditPage {
            crumbs: Crumbs::to_key(holder, &key, "Edit"),
            address: holder.key_address(key.id),
            shell: visit.shell,
            key,
            form,
        },
    )
}

pub async fn edit(visit: Visit) -> Result<HttpResponse, Error> {
    let (holder, key) = show::find(&visit, &mut *visit.conn().await?).await?;
    if key.is_revoked() {
        let address = holder.key_address(key.id);
        return show::unchanged(&visit, &address, SaveError::Stale);
    }
    let form = KeyForm::of(&key);
    edit_page(visit, &holder, key, form, StatusCode::OK)
}

/// Why a key is not given more.
const BEYOND: &str = "Choose no more than the key has: it leads to a data connector that is kept to certain people, and you are not among those who may call it";

pub async fn update(visit: Visit, Form(data): Form) -> Result<HttpResponse, Error> {
    let mut conn = visit.conn().await?;
    let (holder, key) = show::find(&visit, &mut conn).await?;
    let mut form = KeyForm::read_for(&data, &key);
    let mut checked = form.check(visit.now());
    if let Some(wider) = checked.as_ref().and_then(|new| key.widened_by(new))
        && lead_beyond(&conn, &visit.actor, WaysOf::Key(key.id)).await?
    {
        form.errors.add(wider, BEYOND);
        checked = None;
    }
    let Some(checked) = checked else {
        let status = StatusCode::UNPROCESSABLE_ENTITY;
        return edit_page(visit, &holder, key, form, status);
    };
    let address = holder.key_address(key.id);
    let (by, now) = (&visit.actor, visit.now());
    match queries::update(&mut conn, by, now, &holder, key.id, &checked).await {
        Ok(()) => Ok(visit.see_other(&address, "The API key was saved")),
        Err(error) => show::unchanged(&visit, &address, error),
    }
}
