//! What a key may do with a data connector, or with all of them: the same page adds and changes.

use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use askama::Template;

use super::crumbs::Crumbs;
use super::holder::Holder;
use super::model::{EndpointChoice, Key, Scope, Target};
use super::scope_form::ScopeForm;
use super::{queries, show};
use crate::access::{RequestContext, Right};
use crate::db::Conn;
use crate::web::{ConflictPage, Error, Form, FormData, LastSave, Layout, SaveError, page, segment};

#[derive(Template)]
#[template(path = "programs/scope.html")]
struct ScopePage {
    layout: Layout,
    crumbs: Crumbs,
    place: Place,
    form: ScopeForm,
}

/// What an address under a key leads to.
pub(super) struct Place {
    pub holder: Holder,
    pub key: Key,
    pub target: Target,
    /// The way that there is already.
    pub scope: Option<Scope>,
    endpoints: Vec<EndpointChoice>,
}

impl Place {
    /// What the address names; a data connector in the trash only while the key leads to it.
    pub async fn find(context: &RequestContext, conn: &mut Conn) -> Result<Place, Error> {
        let (mut holder, key) = show::find(context, conn).await?;
        let connector = segment(&context.req, "connector")?;
        let target = queries::target(conn, &context.actor, &connector).await?;
        let scope = queries::scope_of(conn, &context.actor, key.id, &target).await?;
        holder.may_read_tokens &= target.may_be_opened(&context.actor, Right::Authorize);
        if target.trashed && scope.is_none() {
            return Err(Error::NotFound);
        }
        let endpoints = queries::endpoints_of(conn, &target).await?;
        Ok(Place { holder, key, target, scope, endpoints })
    }

    /// Refuses whoever may not lead keys to the target.
    fn require_open(&self, context: &RequestContext) -> Result<(), Error> {
        if self.target.may_be_opened(&context.actor, Right::Call) {
            Ok(())
        } else {
            Err(Error::NotListed(Right::Call.code()))
        }
    }

    /// Where the key's page is.
    pub fn key_address(&self) -> String {
        self.holder.key_address(self.key.id)
    }

    pub fn address(&self) -> String {
        format!("{}/connectors/{}", self.key_address(), self.target.key)
    }

    /// The version that a form of it is made from.
    fn version(&self) -> i32 {
        Scope::version_of(self.scope.as_ref())
    }
}

fn scope_page(
    context: RequestContext,
    place: Place,
    form: ScopeForm,
    status: StatusCode,
) -> Result<HttpResponse, Error> {
    page(
        status,
        &ScopePage {
            crumbs: Crumbs::to_key(&place.holder, &place.key, &place.target.label),
            layout: context.layout,
            place,
            form,
        },
    )
}

pub async fn edit(context: RequestContext) -> Result<HttpResponse, Error> {
    let place = Place::find(&context, &mut *context.conn().await?).await?;
    if place.key.is_revoked() {
        return show::unchanged(&context, &place.key_address(), SaveError::Stale);
    }
    place.require_open(&context)?;
    let form = place.scope.as_ref().map_or_else(ScopeForm::empty, ScopeForm::of);
    scope_page(context, place, form, StatusCode::OK)
}

pub async fn save(context: RequestContext, Form(data): Form) -> Result<HttpResponse, Error> {
    let mut conn = context.conn().await?;
    let place = Place::find(&context, &mut conn).await?;
    place.require_open(&context)?;
    let mut form = ScopeForm::read(&data);
    let Some(seen) = data.seen_version(place.version()) else {
        return changed(context, &place, &form, &data);
    };
    if let Some(checked) = form.check(&place.holder, &place.endpoints) {
        let (by, now) = (&context.actor, context.now());
        let to = (place.key.id, &place.target, seen);
        let label = &place.target.label;
        let outcome = match queries::save_scope(&mut conn, by, now, &place.holder, to, &checked).await {
            Ok(true) => format!("What the key may do with “{label}” was saved"),
            Ok(false) => format!("The key now leads to “{label}”"),
            Err(SaveError::InUse) => {
                form.endpoint_gone();
                let place = Place::find(&context, &mut conn).await?;
                return scope_page(context, place, form, StatusCode::UNPROCESSABLE_ENTITY);
            }
            Err(SaveError::Fault(fault)) => return Err(fault),
            Err(_) => {
                let place = Place::find(&context, &mut conn).await?;
                return changed(context, &place, &form, &data);
            }
        };
        return Ok(context.see_other(&place.key_address(), outcome));
    }
    scope_page(context, place, form, StatusCode::UNPROCESSABLE_ENTITY)
}

/// The answer to a form of a way that was changed, added or removed meanwhile, or whose key was revoked.
fn changed(context: RequestContext, theirs: &Place, mine: &ScopeForm, data: &FormData) -> Result<HttpResponse, Error> {
    if theirs.key.is_revoked() {
        return show::unchanged(&context, &theirs.key_address(), SaveError::Stale);
    }
    let scope = theirs.scope.as_ref();
    let (by, at) = scope.and_then(Scope::last_change).unwrap_or(theirs.key.last_change());
    let saved = LastSave { by, at: Some(at), version: theirs.version() };
    let subject = format!("{}: {}", theirs.key.name, theirs.target.label);
    let page = ConflictPage::new(context.layout, &subject, &theirs.address(), saved).fields(data.carried());
    // Of a way that there is not any more, all is empty.
    let stored = scope.map(|scope| ScopeForm::of(scope).words(&theirs.endpoints));
    let stored = stored.map(|words| words.map(|(_, words)| words)).unwrap_or_default();
    let pairs = mine.words(&theirs.endpoints).into_iter().zip(stored);
    pairs.fold(page, |page, ((label, mine), theirs)| page.difference(label, theirs, mine)).respond()
}
