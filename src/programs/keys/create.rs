//! Making a key, which this page shows once and nobody ever after.

use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use askama::Template;

use super::crumbs::Crumbs;
use super::form::KeyForm;
use super::holder::Holder;
use super::queries;
use crate::access::{ApiKey, RequestContext, password_again};
use crate::db::Conn;
use crate::web::{Error, Errors, Form, Layout, SaveError, TextField, page};

#[derive(Template)]
#[template(path = "programs/key_new.html")]
struct NewKeyPage {
    layout: Layout,
    crumbs: Crumbs,
    holder: Holder,
    form: KeyForm,
    /// The own password need not be entered again.
    confirmed: bool,
}

impl NewKeyPage {
    fn password_field(&self) -> Option<TextField> {
        (!self.confirmed).then(|| password_again(&Errors::default()))
    }
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

fn new_page(context: RequestContext, holder: Holder, form: KeyForm, status: StatusCode) -> Result<HttpResponse, Error> {
    page(
        status,
        &NewKeyPage {
            crumbs: Crumbs::to_holder(&holder, "Create key"),
            confirmed: context.is_confirmed(),
            layout: context.layout,
            holder,
            form,
        },
    )
}

pub async fn new(context: RequestContext) -> Result<HttpResponse, Error> {
    let holder = Holder::of(&context, &mut *context.conn().await?).await?;
    new_page(context, holder, KeyForm::empty(), StatusCode::OK)
}

pub async fn create(context: RequestContext, Form(data): Form) -> Result<HttpResponse, Error> {
    let holder = Holder::of(&context, &mut *context.conn().await?).await?;
    let mut form = KeyForm::read(&data);
    let checked = form.check(context.now());
    let everywhere = form.check_leads();
    let (Some(checked), Some(everywhere)) = (checked, everywhere) else {
        return new_page(context, holder, form, StatusCode::UNPROCESSABLE_ENTITY);
    };
    let key = ApiKey::random();
    let new = queries::NewKey { id: form.new_id, key: &key, checked: &checked, everywhere };
    let address = holder.key_address(form.new_id);
    let mut conn = context.conn().await?;
    match queries::create(&mut conn, &context.actor, context.now(), &holder, &new).await {
        Ok(()) => page(
            StatusCode::OK,
            &CreatedPage {
                crumbs: Crumbs::to_holder(&holder, &checked.name),
                layout: context.layout,
                name: checked.name,
                key,
                address,
                everywhere,
            },
        ),
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
    queries::find(conn, holder, form.new_id).await?;
    Ok(context.see_other_undone(
        address,
        "This key was created before and was already shown, once. If you do not have it, revoke it and create another one.",
    ))
}
