//! What a key may do with a data connector, or with all of them: adding, changing, removing.

use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use askama::Template;

use super::forms::{ScopeForm, SeveralForm};
use super::holder::Holder;
use super::model::{EVERY, EndpointChoice, Key, Scope, Target};
use super::pages::{Crumbs, find as find_key, unchanged};
use super::queries;
use crate::access::{RequestContext, Right};
use crate::audit::Change;
use crate::db::Conn;
use crate::web::form::Form;
use crate::web::{
    Confirmation, ConflictPage, Error, Errors, FormData, LastSave, Layout, SaveError, counted, page, searched, segment,
};

/// Finding the data connector that a key is to call, among thousands and without a script.
#[derive(Template)]
#[template(path = "programs/scope_search.html")]
struct SearchPage {
    layout: Layout,
    crumbs: Crumbs,
    holder: Holder,
    key: Key,
    search: String,
    found: Vec<Target>,
    /// There are more than are shown.
    more: bool,
    errors: Errors,
}

impl SearchPage {
    fn address(&self) -> String {
        format!("{}/connectors", self.holder.key_address(self.key.id))
    }

    /// The first choice has the id of the field: the error summary links to it.
    fn id(&self, index: &usize) -> String {
        match index {
            0 => "connector".into(),
            _ => format!("connector-{index}"),
        }
    }
}

/// Shows what fits the search. With `choose`, goes on to the chosen data connector.
pub async fn add(context: RequestContext) -> Result<HttpResponse, Error> {
    let mut conn = context.conn().await?;
    let (holder, key) = find_key(&context, &mut conn).await?;
    let address = holder.key_address(key.id);
    if key.is_revoked() {
        return unchanged(&context, &address, SaveError::Stale);
    }
    let query = context.req.query_string();
    let mut errors = Errors::default();
    if values(query, "choose").next().is_some() {
        match &values(query, "connector").collect::<Vec<_>>()[..] {
            [] => errors.add("connector", CHOOSE),
            [one] => return Ok(context.go(&format!("{address}/connectors/{one}"))),
            several => return Ok(context.go(&format!("{address}/connectors?{}", several_query(several)))),
        }
    }
    let search = searched(query);
    let mut found = queries::search(&conn, &context.actor, key.id, &search).await?;
    let more = found.len() > queries::MOST_FOUND;
    found.truncate(queries::MOST_FOUND);
    let crumbs = Crumbs::to_key(&holder, &key, "Add a data connector");
    page(errors.status(), &SearchPage { layout: context.layout, crumbs, holder, key, search, found, more, errors })
}

const CHOOSE: &str = "Choose at least one data connector";

/// The values of a query that can stand in a path, which the key of every data connector can.
fn values<'a>(query: &'a str, name: &'a str) -> impl Iterator<Item = String> + 'a {
    let is_key = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
    let pairs = form_urlencoded::parse(query.as_bytes()).filter(move |(key, _)| key == name);
    pairs.map(|(_, value)| value.into_owned()).filter(move |value| !value.is_empty() && value.bytes().all(is_key))
}

fn several_query(keys: &[String]) -> String {
    form_urlencoded::Serializer::new(String::new()).extend_pairs(keys.iter().map(|key| ("connector", key))).finish()
}

/// Allowing a key several data connectors at once.
#[derive(Template)]
#[template(path = "programs/scope_several.html")]
struct SeveralPage {
    layout: Layout,
    crumbs: Crumbs,
    address: String,
    targets: Vec<Target>,
    form: Form<SeveralForm>,
}

async fn several_page(context: RequestContext, form: Form<SeveralForm>) -> Result<HttpResponse, Error> {
    let mut conn = context.conn().await?;
    let (holder, key) = find_key(&context, &mut conn).await?;
    let address = holder.key_address(key.id);
    if key.is_revoked() {
        return unchanged(&context, &address, SaveError::Stale);
    }
    let targets = queries::targets(&conn, &context.actor, &form.connector).await?;
    if targets.is_empty() {
        return Ok(context.see_other_undone(&format!("{address}/connectors/new"), CHOOSE));
    }
    let crumbs = Crumbs::to_key(&holder, &key, "Add data connectors");
    page(form.errors.status(), &SeveralPage { layout: context.layout, crumbs, address, targets, form })
}

/// The page for what the query chooses.
pub async fn several(context: RequestContext) -> Result<HttpResponse, Error> {
    let connector = values(context.req.query_string(), "connector").take(queries::MOST_FOUND).collect();
    several_page(context, Form::new(SeveralForm { connector, endpoints: "all".into(), proxy: false })).await
}

/// Allows them all, with one audit entry for each.
pub async fn save_several(context: RequestContext, mut form: Form<SeveralForm>) -> Result<HttpResponse, Error> {
    let Some(new) = form.check(SeveralForm::checked) else {
        return several_page(context, form).await;
    };
    let mut conn = context.conn().await?;
    let (holder, key) = find_key(&context, &mut conn).await?;
    let address = holder.key_address(key.id);
    let targets = queries::targets(&conn, &context.actor, &form.connector).await?;
    match queries::add_scopes(&mut Change::new(&mut conn, &context), &holder, (key.id, &targets), &new).await {
        Ok(0) => Ok(context.see_other_undone(
            &address,
            "No data connector was added: the key can call them already, or you may not allow them.",
        )),
        Ok(added) => {
            let connectors = counted(added, "more data connector", "more data connectors");
            Ok(context.see_other(&address, format!("The key can now call {connectors}")))
        }
        Err(error) => unchanged(&context, &address, error),
    }
}

#[derive(Template)]
#[template(path = "programs/scope.html")]
struct ScopePage {
    layout: Layout,
    crumbs: Crumbs,
    at: KeyTarget,
    form: Form<ScopeForm>,
}

/// What an address below a key names: the key, and a data connector or all of them.
struct KeyTarget {
    holder: Holder,
    key: Key,
    target: Target,
    /// What the key may do with it already.
    scope: Option<Scope>,
    endpoints: Vec<EndpointChoice>,
}

impl KeyTarget {
    /// What the address names; a data connector in the trash only while the key can call it.
    async fn find(context: &RequestContext, conn: &mut Conn) -> Result<KeyTarget, Error> {
        let (mut holder, key) = find_key(context, conn).await?;
        let connector: String = segment(&context.req, "connector")?;
        let target = queries::target(conn, &context.actor, &connector).await?;
        let scope = queries::scope_of(conn, &context.actor, key.id, &target).await?;
        holder.may_read_tokens &= target.may_be_allowed(&context.actor, Right::Authorize);
        if target.trashed && scope.is_none() {
            return Err(Error::NotFound);
        }
        let endpoints = queries::endpoints_of(conn, &target).await?;
        Ok(KeyTarget { holder, key, target, scope, endpoints })
    }

    /// Refuses a person who may not let keys call the target.
    fn require_allowed(&self, context: &RequestContext) -> Result<(), Error> {
        if self.target.may_be_allowed(&context.actor, Right::Call) {
            Ok(())
        } else {
            Err(Error::NotListed(Right::Call.code()))
        }
    }

    /// Where the key's page is.
    fn key_address(&self) -> String {
        self.holder.key_address(self.key.id)
    }

    fn address(&self) -> String {
        format!("{}/connectors/{}", self.key_address(), self.target.key)
    }

    /// The version that a form of it is made from.
    fn version(&self) -> i32 {
        Scope::version_of(self.scope.as_ref())
    }
}

fn scope_page(context: RequestContext, at: KeyTarget, form: Form<ScopeForm>) -> Result<HttpResponse, Error> {
    let crumbs = Crumbs::to_key(&at.holder, &at.key, &at.target.label);
    page(form.errors.status(), &ScopePage { layout: context.layout, crumbs, at, form })
}

pub async fn edit(context: RequestContext) -> Result<HttpResponse, Error> {
    let at = KeyTarget::find(&context, &mut *context.conn().await?).await?;
    if at.key.is_revoked() {
        return unchanged(&context, &at.key_address(), SaveError::Stale);
    }
    at.require_allowed(&context)?;
    let form = Form::new(at.scope.as_ref().map_or_else(ScopeForm::empty, ScopeForm::of));
    scope_page(context, at, form)
}

const ENDPOINT_GONE: &str = "An endpoint that you ticked has just been deleted. Look at the list once more.";

pub async fn save(context: RequestContext, mut form: Form<ScopeForm>) -> Result<HttpResponse, Error> {
    let mut conn = context.conn().await?;
    let at = KeyTarget::find(&context, &mut conn).await?;
    at.require_allowed(&context)?;
    let Some(seen) = form.seen_version(at.version()) else {
        return changed(context, &at, &form);
    };
    let Some(new) = form.check(|form, errors| form.checked(&at.holder, &at.endpoints, errors)) else {
        return scope_page(context, at, form);
    };
    let (label, scope) = (&at.target.label, (at.key.id, &at.target, seen));
    match queries::save_scope(&mut Change::new(&mut conn, &context), &at.holder, scope, &new).await {
        Ok(true) => Ok(context.see_other(&at.key_address(), format!("What the key may do with “{label}” was saved"))),
        Ok(false) => Ok(context.see_other(&at.key_address(), format!("The key can now call “{label}”"))),
        Err(SaveError::InUse) => {
            form.errors.add("endpoints", ENDPOINT_GONE);
            let at = KeyTarget::find(&context, &mut conn).await?;
            scope_page(context, at, form)
        }
        Err(SaveError::Fault(fault)) => Err(fault),
        Err(_) => {
            let theirs = KeyTarget::find(&context, &mut conn).await?;
            changed(context, &theirs, &form)
        }
    }
}

/// The answer to a form of a scope that was changed, added or removed meanwhile, or whose key was revoked.
fn changed(context: RequestContext, theirs: &KeyTarget, mine: &Form<ScopeForm>) -> Result<HttpResponse, Error> {
    if theirs.key.is_revoked() {
        return unchanged(&context, &theirs.key_address(), SaveError::Stale);
    }
    let scope = theirs.scope.as_ref();
    let (by, at) = scope.and_then(Scope::last_change).unwrap_or(theirs.key.last_change());
    let saved = LastSave { by, at: Some(at), version: theirs.version() };
    let subject = format!("{}: {}", theirs.key.name, theirs.target.label);
    let page = ConflictPage::new(context.layout, &subject, &theirs.address(), saved).fields(mine.data.carried());
    // Of a scope that was removed, all is empty.
    let stored = scope.map(|scope| ScopeForm::of(scope).words(&theirs.endpoints));
    let stored = stored.map(|words| words.map(|(_, words)| words)).unwrap_or_default();
    let pairs = mine.words(&theirs.endpoints).into_iter().zip(stored);
    pairs.fold(page, |page, ((label, mine), theirs)| page.difference(label, theirs, mine)).respond()
}

pub async fn confirm_removal(context: RequestContext) -> Result<HttpResponse, Error> {
    let at = KeyTarget::find(&context, &mut *context.conn().await?).await?;
    if at.key.is_revoked() {
        return unchanged(&context, &at.key_address(), SaveError::Stale);
    }
    if at.scope.is_none() {
        return Err(Error::NotFound);
    }
    let (label, name) = (&at.target.label, &at.key.name);
    let what = match at.target.is_every() {
        true => "to data connectors that it cannot call by name",
        false => "to this data connector",
    };
    Confirmation {
        title: format!("Remove {label}, API key {name}"),
        crumbs: Crumbs::to_key(&at.holder, &at.key, "").trail,
        step: "Remove",
        question: format!("Remove “{label}” from “{name}”?"),
        sentences: vec![format!("Calls with this key {what} are refused at once. You can add it again.").into()],
        action: format!("{}/removal", at.address()),
        button: format!("Remove “{label}”"),
        back: (at.key_address(), "Keep it"),
        ..Confirmation::default()
    }
    .respond(context.layout, StatusCode::OK)
}

pub async fn remove(context: RequestContext, _: FormData) -> Result<HttpResponse, Error> {
    let mut conn = context.conn().await?;
    let at = KeyTarget::find(&context, &mut conn).await?;
    let change = &mut Change::new(&mut conn, &context);
    match queries::remove_scope(change, &at.holder, (at.key.id, &at.target)).await {
        // The second press finds that the first has removed it.
        Ok(()) => {
            let outcome = format!("The key can no longer call “{}”", at.target.label);
            Ok(context.see_other(&at.key_address(), outcome))
        }
        Err(error) => unchanged(&context, &at.key_address(), error),
    }
}
