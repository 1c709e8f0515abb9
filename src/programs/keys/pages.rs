//! A key's own page, creating one, which is shown once, by the response, changing its name, expiry and methods, revoking
//! it, and the table of a holder's keys.

use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use askama::Template;
use askama::filters::HtmlSafe;
use chrono::{DateTime, Utc};
use uuid::Uuid;

use super::expiry::Expiry;
use super::forms::KeyForm;
use super::holder::Holder;
use super::model::{Key, KeyState, Scope, expiry_words};
use super::queries::{self, NewKey, Saved};
use crate::access::{ApiKey, RequestContext};
use crate::audit::Change;
use crate::db::Conn;
use crate::web::form::Form;
use crate::web::{
    Confirmation, ConflictPage, Error, Fact, FormData, LastSave, Layout, SaveError, counted, date_time, page, relative,
    segment,
};

/// The breadcrumb of a page about keys.
#[derive(Template)]
#[template(path = "programs/crumbs.html")]
pub(super) struct Crumbs {
    pub trail: Vec<(String, String)>,
    here: String,
}

impl HtmlSafe for Crumbs {}

impl Crumbs {
    /// To a page of the holder itself.
    pub fn to_holder(holder: &Holder, here: &str) -> Crumbs {
        let trail = if holder.is_program() {
            vec![("/programs".into(), "Programs".into()), (holder.address(), holder.name.clone())]
        } else {
            vec![(holder.address(), "Your profile".into()), (holder.list_address(), "API keys".into())]
        };
        Crumbs { trail, here: here.to_string() }
    }

    /// To a page of one of its keys.
    pub fn to_key(holder: &Holder, key: &Key, here: &str) -> Crumbs {
        let mut crumbs = Crumbs::to_holder(holder, here);
        crumbs.trail.push((holder.key_address(key.id), key.name.clone()));
        crumbs
    }
}

/// The table of a holder's keys, on the page of a program and on one's own.
#[derive(Template)]
#[template(path = "programs/key_table.html")]
pub struct KeyTable {
    holder: Holder,
    keys: Vec<Key>,
    /// There are older ones.
    more: bool,
    /// The table has links.
    works: bool,
    now: DateTime<Utc>,
}

impl HtmlSafe for KeyTable {}

/// The keys of the signed-in person.
pub async fn table_of_person(context: &RequestContext, conn: &Conn) -> Result<KeyTable, Error> {
    KeyTable::of(conn, Holder::person(context)?, context.now()).await
}

impl KeyTable {
    pub async fn of(conn: &Conn, holder: Holder, now: DateTime<Utc>) -> Result<KeyTable, Error> {
        let mut keys = queries::list(conn, &holder).await?;
        let more = keys.len() > queries::MOST_SHOWN;
        keys.truncate(queries::MOST_SHOWN);
        Ok(KeyTable { holder, keys, more, works: true, now })
    }

    /// The same without links, for a page that asks something else.
    pub fn without_links(self) -> KeyTable {
        KeyTable { works: false, ..self }
    }

    fn caption(&self) -> String {
        counted(self.keys.len(), "API key", "API keys")
    }
}

/// The holder and the key of an address.
pub(super) async fn find(context: &RequestContext, conn: &mut Conn) -> Result<(Holder, Key), Error> {
    let holder = Holder::of(context, conn).await?;
    let id = segment(&context.req, "key")?;
    let key = queries::find(conn, &holder, id).await?;
    Ok((holder, key))
}

/// The answer to a change of a key that could not be made: that it was revoked meanwhile, or the fault.
pub(super) fn unchanged(context: &RequestContext, address: &str, error: SaveError) -> Result<HttpResponse, Error> {
    match error {
        SaveError::Fault(fault) => Err(fault),
        _ => {
            Ok(context.see_other_undone(address, "This key was revoked, so nothing about it can be changed any more."))
        }
    }
}

#[derive(Template)]
#[template(path = "programs/key.html")]
struct KeyPage {
    layout: Layout,
    crumbs: Crumbs,
    holder: Holder,
    key: Key,
    scopes: Vec<Scope>,
    /// A call that the key may make, as a command.
    example: Option<String>,
    now: DateTime<Utc>,
}

impl KeyPage {
    fn address(&self) -> String {
        self.holder.key_address(self.key.id)
    }

    /// Its settings may be changed.
    fn may_change(&self) -> bool {
        !self.key.is_revoked()
    }

    /// It may be allowed more.
    fn may_widen(&self) -> bool {
        self.may_change() && self.holder.may_have_keys()
    }

    fn caption(&self) -> String {
        counted(self.scopes.len(), "entry", "entries")
    }

    fn in_words(&self, time: &DateTime<Utc>) -> String {
        relative(time, &self.now)
    }
}

pub async fn show(context: RequestContext) -> Result<HttpResponse, Error> {
    let mut conn = context.conn().await?;
    let (holder, key) = find(&context, &mut conn).await?;
    let scopes = queries::scopes_of(&conn, &context.actor, key.id).await?;
    let example = scopes.iter().filter(|_| !key.is_revoked()).find_map(|scope| scope.example(&context.address));
    let (crumbs, now) = (Crumbs::to_holder(&holder, &key.name), context.now());
    page(StatusCode::OK, &KeyPage { layout: context.layout, crumbs, holder, key, scopes, example, now })
}

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
pub(super) struct CreatedPage {
    layout: Layout,
    crumbs: Crumbs,
    key: ApiKey,
    name: String,
    /// Where the key's own page is.
    address: String,
    /// Where programs ask for what they may call.
    list_url: String,
    /// What it can call already, as a sentence; data connectors are to be chosen if it is `None`.
    access: Option<String>,
}

impl CreatedPage {
    pub fn new(context: &RequestContext, holder: &Holder, (id, key): (Uuid, &ApiKey), name: &str) -> CreatedPage {
        CreatedPage {
            layout: context.layout.clone(),
            crumbs: Crumbs::to_holder(holder, name),
            key: key.clone(),
            name: name.into(),
            address: holder.key_address(id),
            list_url: format!("{}/api/v1/connectors", context.address.as_ref()),
            access: None,
        }
    }

    pub fn with_access(self, access: impl Into<String>) -> CreatedPage {
        CreatedPage { access: Some(access.into()), ..self }
    }

    pub fn respond(&self) -> Result<HttpResponse, Error> {
        page(StatusCode::OK, self)
    }
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
    let new = NewKey { id, key: &key, checked: &checked, everywhere };
    match queries::create(&mut Change::new(&mut conn, &context), &holder, &new).await {
        Ok(()) => {
            let created = CreatedPage::new(&context, &holder, (id, &key), &checked.name);
            match everywhere {
                true => created.with_access("It may call all endpoints of all data connectors.").respond(),
                false => created.respond(),
            }
        }
        Err(SaveError::Repeated) => repeated(&context, &conn, &holder, id).await,
        Err(SaveError::Fault(fault)) => Err(fault),
        // The program was deleted meanwhile.
        Err(_) => Err(Error::NotFound),
    }
}

/// The second press of the same form, or a page loaded again: the first has made the key and shown it.
pub(super) async fn repeated(
    context: &RequestContext,
    conn: &Conn,
    holder: &Holder,
    id: Uuid,
) -> Result<HttpResponse, Error> {
    queries::find(conn, holder, id).await?;
    Ok(context.see_other_undone(
        &holder.key_address(id),
        "This key was created before and was already shown, once. If you do not have it, revoke it and create another one.",
    ))
}

#[derive(Template)]
#[template(path = "programs/key_edit.html")]
struct EditPage {
    layout: Layout,
    crumbs: Crumbs,
    key: Key,
    address: String,
    form: Form<KeyForm>,
}

impl EditPage {
    fn kept(&self) -> Option<String> {
        Some(expiry_words(self.key.expires_at))
    }
}

fn edit_page(context: RequestContext, holder: &Holder, key: Key, form: Form<KeyForm>) -> Result<HttpResponse, Error> {
    let (crumbs, address) = (Crumbs::to_key(holder, &key, "Edit"), holder.key_address(key.id));
    page(form.errors.status(), &EditPage { layout: context.layout, crumbs, key, address, form })
}

pub async fn edit(context: RequestContext) -> Result<HttpResponse, Error> {
    let (holder, key) = find(&context, &mut *context.conn().await?).await?;
    if key.is_revoked() {
        return unchanged(&context, &holder.key_address(key.id), SaveError::Stale);
    }
    let form = Form::new(KeyForm::of(&key));
    edit_page(context, &holder, key, form)
}

/// Why a key is not given more, or replaced.
pub(super) const EXCEEDS: &str = "This key can do more with a data connector than you may allow: it is open to certain people only, and you are not among those who may call it or read its token. Ask one of them";

pub async fn update(context: RequestContext, mut form: Form<KeyForm>) -> Result<HttpResponse, Error> {
    let mut conn = context.conn().await?;
    let (holder, key) = find(&context, &mut conn).await?;
    let Some(seen) = form.seen_version(key.version) else {
        return changed(context, &holder, &key, &form);
    };
    if let Some(new) = form.check(|form, errors| form.checked(Some(&key), context.now(), errors)) {
        match queries::update(&mut Change::new(&mut conn, &context), &holder, (key.id, seen), &new).await {
            Ok(Saved::Done) => return Ok(context.see_other(&holder.key_address(key.id), "The API key was saved")),
            Ok(Saved::Exceeds(wider)) => form.errors.add(wider, EXCEEDS),
            Err(SaveError::Fault(fault)) => return Err(fault),
            Err(_) => {
                let (holder, key) = find(&context, &mut conn).await?;
                return changed(context, &holder, &key, &form);
            }
        }
    }
    edit_page(context, &holder, key, form)
}

/// The answer to a form of a key that was changed or revoked meanwhile.
fn changed(
    context: RequestContext,
    holder: &Holder,
    theirs: &Key,
    mine: &Form<KeyForm>,
) -> Result<HttpResponse, Error> {
    let address = holder.key_address(theirs.id);
    if theirs.is_revoked() {
        return unchanged(&context, &address, SaveError::Stale);
    }
    let (by, at) = theirs.last_change();
    let saved = LastSave { by, at: Some(at), version: theirs.version };
    let differences = mine.differences(theirs, context.now()).into_iter();
    let page = ConflictPage::new(context.layout, &theirs.name, &address, saved)
        .back(format!("{address}/edit"))
        .fields(mine.data.carried());
    differences.fold(page, |page, (label, theirs, mine)| page.difference(label, theirs, mine)).respond()
}

pub async fn confirm_revocation(context: RequestContext) -> Result<HttpResponse, Error> {
    let (holder, key) = find(&context, &mut *context.conn().await?).await?;
    let (address, name) = (holder.key_address(key.id), &key.name);
    if key.is_revoked() {
        return unchanged(&context, &address, SaveError::Stale);
    }
    let last_used = key.last_used_at.map_or("Never".into(), |at| {
        let from = match key.last_used_address.as_str() {
            "" => String::new(),
            address => format!(", from {address}"),
        };
        format!("{}, on {}{from}", relative(&at, &context.now()), date_time(&at))
    });
    Confirmation {
        title: format!("Revoke API key, {name}"),
        crumbs: Crumbs::to_key(&holder, &key, "").trail,
        step: "Revoke",
        question: format!("Are you sure you want to revoke “{name}”?"),
        sentences: vec![
            "Calls with it are refused at once. This cannot be undone: programs that use it need another key.".into(),
        ],
        facts: vec![
            Fact::code("Begins with", &key.prefix),
            Fact::text("Can call", key.can_call()),
            Fact::text("Last used", last_used),
        ],
        action: format!("{address}/revocation"),
        button: format!("Revoke “{name}”"),
        back: (address, "Keep it"),
        ..Confirmation::default()
    }
    .respond(context.layout, StatusCode::OK)
}

pub async fn revoke(context: RequestContext, _: FormData) -> Result<HttpResponse, Error> {
    let mut conn = context.conn().await?;
    let (holder, key) = find(&context, &mut conn).await?;
    let address = holder.key_address(key.id);
    match queries::revoke(&mut Change::new(&mut conn, &context), &holder, key.id).await {
        // The second press finds what the first has done.
        Ok(()) | Err(SaveError::Stale) => {
            Ok(context.see_other(&address, "The API key was revoked. Calls with it are refused."))
        }
        Err(error) => unchanged(&context, &address, error),
    }
}
