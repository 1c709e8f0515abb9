//! Creating a key, which is shown once, by the response.

use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use askama::Template;

use super::expiry::Expiry;
use super::forms::KeyForm;
use super::holder::Holder;
use super::pages::Crumbs;
use super::queries::{self, NewKey};
use crate::access::{ApiKey, RequestContext};
use crate::audit::Change;
use crate::db::Conn;
use crate::web::form::Form;
use crate::web::{Error, Layout, SaveError, page};

#[derive(Template)]
#[template(path = "programs/key_new.html")]
struct NewKeyPage {
    layout: Layout,
    crumbs: Crumbs,
    holder: Holder,
    form: Form<KeyForm>,
    /// The own password need not be entered again.
    confirmed: bool,
}

/// The page that shows the key.
#[derive(Template)]
#[template(path = "programs/key_created.html")]
struct CreatedPage {
    layout: Layout,
    crumbs: Crumbs,
    key: ApiKey,
    name: String,
    /// Where the key's own page is.
    address: String,
    everywhere: bool,
}

fn new_page(context: RequestContext, holder: Holder, form: Form<KeyForm>) -> Result<HttpResponse, Error> {
    let (crumbs, confirmed) = (Crumbs::to_holder(&holder, "Create key"), context.is_confirmed());
    page(form.errors.status(), &NewKeyPage { layout: context.layout, crumbs, holder, form, confirmed })
}

pub async fn new(context: RequestContext) -> Result<HttpResponse, Error> {
    let holder = Holder::of(&context, &mut *context.conn().await?).await?;
    new_page(context, holder, Form::new(KeyForm::empty()))
}

pub async fn create(context: RequestContext, mut form: Form<KeyForm>) -> Result<HttpResponse, Error> {
    let mut conn = context.conn().await?;
    let holder = Holder::of(&context, &mut conn).await?;
    let Some((checked, everywhere)) = form.check(|form, errors| form.checked_new(context.now(), errors)) else {
        return new_page(context, holder, form);
    };
    let (id, key) = (form.new_id.0, ApiKey::random());
    let address = holder.key_address(id);
    let new = NewKey { id, key: &key, checked: &checked, everywhere };
    match queries::create(&mut Change::new(&mut conn, &context), &holder, &new).await {
        Ok(()) => {
            let (crumbs, layout) = (Crumbs::to_holder(&holder, &checked.name), context.layout);
            page(StatusCode::OK, &CreatedPage { layout, crumbs, key, name: checked.name, address, everywhere })
        }
        Err(SaveError::Repeated) => repeated(&context, &conn, &holder, &form, &address).await,
        Err(SaveError::Fault(fault)) => Err(fault),
        // The program was deleted meanwhile.
        Err(_) => Err(Error::NotFound),
    }
}

/// The second press of the same form, or a page loaded again: the first has made the key and shown it.
async fn repeated(
    context: &RequestContext,
    conn: &Conn,
    holder: &Holder,
    form: &KeyForm,
    address: &str,
) -> Result<HttpResponse, Error> {
    queries::find(conn, holder, form.new_id.0).await?;
    Ok(context.see_other_undone(
        address,
        "This key was created before and was already shown, once. If you do not have it, revoke it and create another one.",
    ))
}
