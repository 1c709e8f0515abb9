//! The access check of every page: who asks, whether they may, whether it is still them; and the layout of the page.

use std::rc::Rc;

use actix_session::SessionExt;
use actix_web::HttpMessage;
use actix_web::body::BoxBody;
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::Method;
use actix_web::middleware::Next;

use super::reauthentication::{Asks, ask_again};
use super::sessions::{self, SessionRow};
use super::{Actor, Permission, SignInGuard, client_address};
use crate::web::{
    CsrfKey, Draft, Error, Flash, Layout, NavItem, Person, RequestId, VisitorAddress, Zone, hold_unsaved,
};

/// What a route needs.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Needs {
    /// A file or a probe, which loads no session and is not checked at all.
    Open,
    /// Nothing: the page is for everybody, signed in or not.
    Nothing,
    /// Any signed-in person.
    SignIn,
    /// A signed-in person with this permission.
    Permission(Permission),
    /// An API key; a session does not count.
    ApiKey,
    /// A signed-in super admin.
    SuperAdmin,
}

impl Needs {
    /// Lets the actor through, or says why not.
    fn check(self, actor: Option<&Actor>) -> Result<(), Error> {
        match (self, actor) {
            (Needs::Open | Needs::Nothing, _) | (Needs::SignIn, Some(_)) => Ok(()),
            (_, None) | (Needs::ApiKey, _) => Err(Error::SignIn),
            (Needs::SuperAdmin, Some(actor)) if actor.super_admin => Ok(()),
            (Needs::SuperAdmin, Some(_)) => Err(Error::NotSuperAdmin),
            (Needs::Permission(permission), Some(actor)) if actor.may(permission) => Ok(()),
            (Needs::Permission(permission), Some(_)) => Err(Error::Forbidden(permission.label())),
        }
    }
}

/// What the check needs of the application.
#[derive(Clone)]
pub struct AccessCheck {
    pub guard: SignInGuard,
    /// Scheme, host and port of the site's own pages, compared with a request's `Origin`.
    pub origin: Rc<str>,
}

/// Lets a request through to its route, or answers it.
pub async fn check_access(
    check: AccessCheck,
    (needs, asks): (Needs, Asks),
    mut req: ServiceRequest,
    next: Next<BoxBody>,
) -> Result<ServiceResponse, actix_web::Error> {
    let Admitted { zone, new_key, draft } = match admit(&check, needs, &req) {
        Ok(admitted) => admitted,
        Err(error) => {
            if matches!(error, Error::SignIn) && req.method() == Method::POST {
                let had_session = req.get_session().get(sessions::ENDED).is_ok_and(|ended| ended == Some(true));
                hold_unsaved(&mut req, had_session).await;
            }
            return Ok(req.error_response(error));
        }
    };
    if let Some(Draft { data, .. }) = draft {
        // It is shown, not carried out, so no password is asked for.
        req.extensions_mut().insert(data.into_draft());
    } else if asks == Asks::Always {
        match ask_again(&check.guard, &mut req).await {
            Ok(None) => {}
            Ok(Some(page)) => return Ok(req.into_response(page)),
            Err(error) => return Ok(req.error_response(error)),
        }
    }
    let mut response = zone.reads(next.call(req)).await?;
    if let Some(key) = new_key {
        let added = response.response_mut().add_cookie(&key.cookie(check.guard.cookies));
        added.map_err(Error::internal)?;
    }
    Ok(response)
}

/// What the check does besides for a request that it lets through.
struct Admitted {
    /// In which the person reads.
    zone: Zone,
    /// The CSRF key that a browser without session and key gets.
    new_key: Option<CsrfKey>,
    /// The form that its user gets back.
    draft: Option<Draft>,
}

/// Checks the request and leaves actor, CSRF key and layout with it.
fn admit(check: &AccessCheck, needs: Needs, req: &ServiceRequest) -> Result<Admitted, Error> {
    // The error page, too, needs its layout.
    let (session, error) = match session_of(req) {
        Ok(session) => (session, None),
        Err(error) => (None, Some(error)),
    };
    let (row, session_key) = session.unzip();
    let known_key = session_key.or_else(|| CsrfKey::of_cookie(check.guard.cookies, req.request()));
    let is_new = known_key.is_none();
    let key = known_key.unwrap_or_else(CsrfKey::random);
    let layout = layout(check, req, &key, row.as_ref());
    let zone = layout.zone;
    let actor = row.map(|row| Rc::new(Actor::of_session(row, req.request())));
    fill_log_span(req, actor.as_deref());
    let mut extensions = req.extensions_mut();
    extensions.insert(layout);
    extensions.insert(key.clone());
    if let Some(actor) = &actor {
        extensions.insert(Rc::clone(actor));
    }
    let draft = extensions.remove::<Draft>();
    drop(extensions);
    if let Some(error) = error {
        return Err(error);
    }
    if draft.is_none() {
        own_site_only(check, req)?;
    }
    needs.check(actor.as_deref())?;
    if draft.as_ref().is_some_and(|draft| actor.and_then(|actor| actor.id) != Some(draft.user)) {
        return Err(Error::NotFound);
    }
    Ok(Admitted { zone, new_key: is_new.then_some(key), draft })
}

/// What the session store has found of the request's session.
fn session_of(req: &ServiceRequest) -> Result<Option<(SessionRow, CsrfKey)>, Error> {
    if let Some(error) = sessions::take_session_error() {
        return Err(error);
    }
    let state = req.get_session();
    let row = state.get(sessions::SESSION).map_err(Error::internal)?;
    Ok(row.zip(state.get(sessions::CSRF_KEY).map_err(Error::internal)?))
}

/// Every line that the request leaves in the log says where it comes from and who asks.
fn fill_log_span(req: &ServiceRequest, actor: Option<&Actor>) {
    let span = tracing::Span::current();
    let address = client_address(req.request());
    span.record("address", address.as_str());
    req.extensions_mut().insert(VisitorAddress(address));
    if let Some(actor) = actor {
        span.record("user", actor.username.as_str());
    }
}

/// What stands around the page of this request.
fn layout(check: &AccessCheck, req: &ServiceRequest, key: &CsrfKey, row: Option<&SessionRow>) -> Layout {
    let layout = Layout {
        path: req.path().to_string(),
        csrf: key.token(),
        flash: match req.extensions().contains::<Draft>() {
            true => Some(Flash::not_done(Draft::NOT_SAVED)),
            false => Flash::take(check.guard.cookies, key, req.request()),
        },
        request_id: RequestId::of(req.request()),
        ..Layout::default()
    };
    let Some(row) = row else {
        return layout;
    };
    let permissions = row.permissions();
    let may = |permission| row.super_admin || permissions.contains(permission);
    let activity = activity(may, row.super_admin);
    Layout {
        nav: navigation(may, &activity),
        activity,
        person: Some(Person { name: row.name.clone() }),
        theme: row.theme,
        // A zone that the database of zones has no more is shown as UTC, and says so.
        zone: Zone::parse(&row.time_zone).unwrap_or_default(),
        ..layout
    }
}

/// The pages of what has happened, each with its tab.
const ACTIVITY: &[(Permission, (&str, &str))] =
    &[(Permission::ViewActivity, ("/calls", "Calls")), (Permission::ViewAuditLog, ("/audit", "Audit log"))];

/// The pages among them that are for super admins.
const FOR_SUPER_ADMINS: [(&str, &str); 2] = [("/notices", "Notices"), ("/system", "System")];

/// Those that the person may open.
fn activity(may: impl Fn(Permission) -> bool, super_admin: bool) -> Vec<(&'static str, &'static str)> {
    let open = ACTIVITY.iter().filter(|(permission, _)| may(*permission));
    open.map(|(_, tab)| *tab).chain(FOR_SUPER_ADMINS.into_iter().filter(|_| super_admin)).collect()
}

/// The main navigation: only what the person may open.
fn navigation(may: impl Fn(Permission) -> bool, activity: &[(&'static str, &'static str)]) -> Vec<NavItem> {
    let nav = |href, label, section, also| NavItem { href, label, section, also };
    let items = [
        (
            Permission::ViewConnectors,
            nav("/connectors", "Connectors", "Data Connectors", &["/collections", "/expirations", "/checks"]),
        ),
        (Permission::ViewCategories, nav("/categories", "Categories", "Categories", &[])),
        (Permission::ViewConnectors, nav("/collections", "", "Collections", &[])),
        (Permission::ViewConnectors, nav("/expirations", "", "Expirations", &[])),
        (Permission::ViewConnectors, nav("/checks", "", "Checks", &[])),
        (Permission::ManageUsers, nav("/programs", "Programs", "", &[])),
        (Permission::ManageUsers, nav("/users", "People", "", &["/groups"])),
    ];
    items
        .into_iter()
        .filter(|(permission, _)| may(*permission))
        .map(|(_, item)| item)
        .chain(activity.first().map(|&(href, _)| nav(href, "Activity", "", &["/audit", "/notices", "/system"])))
        .collect()
}

/// Refuses changes that a browser sends from another site. The form's token is checked besides, by the form itself.
fn own_site_only(check: &AccessCheck, req: &ServiceRequest) -> Result<(), Error> {
    if matches!(*req.method(), Method::GET | Method::HEAD | Method::OPTIONS) {
        return Ok(());
    }
    let header = |name: &str| req.headers().get(name).and_then(|value| value.to_str().ok());
    let foreign_site = header("sec-fetch-site").is_some_and(|site| !matches!(site, "same-origin" | "none"));
    let own =
        |origin: &str| origin == &*check.origin || origin.split_once("://").map(|(_, host)| host) == header("host");
    let foreign_origin = header("origin").is_some_and(|origin| !own(origin));
    if foreign_site || foreign_origin { Err(Error::StaleForm) } else { Ok(()) }
}
