//! Changing a key's name, expiry and methods.

use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use askama::Template;

use super::crumbs::Crumbs;
use super::form::KeyForm;
use super::holder::Holder;
use super::model::Key;
use super::queries::Saved;
use super::{queries, show};
use crate::access::RequestContext;
use crate::web::{ConflictPage, Error, Form, FormData, LastSave, Layout, SaveError, page};

#[derive(Template)]
#[template(path = "programs/key_edit.html")]
struct EditPage {
    layout: Layout,
    crumbs: Crumbs,
    key: Key,
    address: String,
    form: KeyForm,
}

fn edit_page(
    context: RequestContext,
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
            layout: context.layout,
            key,
            form,
        },
    )
}

pub async fn edit(context: RequestContext) -> Result<HttpResponse, Error> {
    let (holder, key) = show::find(&context, &mut *context.conn().await?).await?;
    if key.is_revoked() {
        let address = holder.key_address(key.id);
        return show::unchanged(&context, &address, SaveError::Stale);
    }
    let form = KeyForm::of(&key);
    edit_page(context, &holder, key, form, StatusCode::OK)
}

/// Why a key is not given more.
const BEYOND: &str = "Choose no more than the key has: it leads to a data connector that is kept to certain people, and you are not among those who may call it";

pub async fn update(context: RequestContext, Form(data): Form) -> Result<HttpResponse, Error> {
    let mut conn = context.conn().await?;
    let (holder, key) = show::find(&context, &mut conn).await?;
    let mut form = KeyForm::read_for(&data, &key);
    let Some(seen) = data.seen_version(key.version) else {
        return changed(context, &holder, &key, &form, &data);
    };
    if let Some(checked) = form.check(context.now()) {
        let (by, now, row) = (&context.actor, context.now(), (&holder, key.id, seen));
        match queries::update(&mut conn, by, now, row, &checked).await {
            Ok(Saved::Done) => {
                let address = holder.key_address(key.id);
                return Ok(context.see_other(&address, "The API key was saved"));
            }
            Ok(Saved::LeadsBeyond(wider)) => form.errors.add(wider, BEYOND),
            Err(SaveError::Fault(fault)) => return Err(fault),
            Err(_) => {
                let (holder, key) = show::find(&context, &mut conn).await?;
                return changed(context, &holder, &key, &form, &data);
            }
        }
    }
    edit_page(context, &holder, key, form, StatusCode::UNPROCESSABLE_ENTITY)
}

/// The answer to a form of a key that was changed or revoked meanwhile.
fn changed(
    context: RequestContext,
    holder: &Holder,
    theirs: &Key,
    mine: &KeyForm,
    data: &FormData,
) -> Result<HttpResponse, Error> {
    let address = holder.key_address(theirs.id);
    if theirs.is_revoked() {
        return show::unchanged(&context, &address, SaveError::Stale);
    }
    let (by, at) = theirs.last_change();
    let saved = LastSave { by, at: Some(at), version: theirs.version };
    let differences = mine.differences(theirs, context.now()).into_iter();
    let page = ConflictPage::new(context.layout, &theirs.name, &address, saved)
        .back(format!("{address}/edit"))
        .fields(data.carried());
    differences.fold(page, |page, (label, theirs, mine)| page.difference(label, theirs, mine)).respond()
}
