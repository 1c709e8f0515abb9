//! Replacing a key: a new one that can do the same, while the present one works for some hours more.

use actix_web::HttpResponse;
use askama::Template;

use super::expiry::Expiry;
use super::forms::ReplaceForm;
use super::holder::Holder;
use super::model::{Key, expiry_words};
use super::pages::{CreatedPage, Crumbs, EXCEEDS, find, repeated, unchanged};
use super::queries::{self, Replacement, Saved};
use crate::access::{ApiKey, RequestContext};
use crate::audit::Change;
use crate::web::form::Form;
use crate::web::{Error, Layout, SaveError, page};

#[derive(Template)]
#[template(path = "programs/key_replace.html")]
struct ReplacePage {
    layout: Layout,
    crumbs: Crumbs,
    key: Key,
    address: String,
    form: Form<ReplaceForm>,
}

fn replace_page(
    context: RequestContext,
    holder: &Holder,
    key: Key,
    form: Form<ReplaceForm>,
) -> Result<HttpResponse, Error> {
    let (crumbs, address) = (Crumbs::to_key(holder, &key, "Replace"), holder.key_address(key.id));
    page(form.errors.status(), &ReplacePage { layout: context.layout, crumbs, key, address, form })
}

pub async fn confirm(context: RequestContext) -> Result<HttpResponse, Error> {
    let (holder, key) = find(&context, &mut *context.conn().await?).await?;
    if key.is_revoked() {
        return unchanged(&context, &holder.key_address(key.id), SaveError::Stale);
    }
    replace_page(context, &holder, key, Form::new(ReplaceForm::default()))
}

/// Makes the new key, which this response alone shows.
pub async fn replace(context: RequestContext, mut form: Form<ReplaceForm>) -> Result<HttpResponse, Error> {
    let mut conn = context.conn().await?;
    let (holder, old) = find(&context, &mut conn).await?;
    let (id, key) = (form.new_id.0, ApiKey::random());
    let Some(ending) = form.check(|form, errors| form.checked(context.now(), errors)) else {
        return replace_page(context, &holder, old, form);
    };
    let replacement = Replacement { id, key: &key, ending: &ending };
    match queries::replace(&mut Change::new(&mut conn, &context), &holder, old.id, &replacement).await {
        Ok(Saved::Done) => {
            let access = match ending.end {
                Some(end) => format!("It can do what the key before can, which ends on {}.", expiry_words(Some(end))),
                None => "It can do what the key before could, which was revoked.".into(),
            };
            CreatedPage::new(&context, &holder, (id, &key), &old.name).with_access(access).respond()
        }
        Ok(Saved::Exceeds(field)) => {
            form.errors.add(field, EXCEEDS);
            replace_page(context, &holder, old, form)
        }
        Err(SaveError::Fault(fault)) => Err(fault),
        // A second press, before which the first may have revoked the old key; or another person has.
        Err(error) => match repeated(&context, &conn, &holder, id).await {
            Err(Error::NotFound) => unchanged(&context, &holder.key_address(old.id), error),
            answer => answer,
        },
    }
}
