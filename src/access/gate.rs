//! The gate in front of every route: finds out who asks, whether they may, whether it is still them, and what stands
//! around the page.

use std::rc::Rc;

use actix_session::SessionExt;
use actix_web::HttpMessage;
use actix_web::body::BoxBody;
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::Method;
use actix_web::middleware::Next;

use super::reauthentication::{Asks, ask_again};
use super::sessions::{self, SessionRow};
use super::{Actor, Needs, Permission, SignInGuard, client_address};
use crate::web::{CsrfKey, Error, Flash, Layout, NavItem, Person, RequestId, Theme, VisitorAddress, Zone};

/// What the gate asks the application for.
#[derive(Clone)]
pub struct Gate {
    pub guard: SignInGuard,
    /// Scheme, host and port of the site's own pages, compared with a request's `Origin`.
    pub origin: Rc<str>,
}

/// Lets a request through to its route, or answers it.
pub async fn gate(
    gate: Gate,
    (needs, asks): (Needs, Asks),
    mut req: ServiceRequest,
    next: Next<BoxBody>,
) -> Result<ServiceResponse, actix_web::Error> {
    let Admitted { zone, new } = match admit(&gate, needs, &req) {
        Ok(admitted) => admitted,
        Err(error) => return Ok(req.error_response(error)),
    };
    if asks == Asks::Always {
        match ask_again(&gate.guard, &mut req).await {
            Ok(None) => {}
            Ok(Some(page)) => return Ok(req.into_response(page)),
            Err(error) => return Ok(req.error_response(error)),
        }
    }
    let mut response = zone.reads(next.call(req)).await?;
    if let Some(new) = new {
        let added = response.response_mut().add_cookie(&gate.guard.cookies.csrf_cookie(&new));
        added.map_err(Error::internal)?;
    }
    Ok(response)
}

/// What the gate does besides for a request that it lets through.
struct Admitted {
    /// In which the person reads.
    zone: Zone,
    /// The CSRF key that a browser without session and key gets.
    new: Option<CsrfKey>,
}

/// Checks the request and leaves actor, CSRF key and layout with it.
fn admit(gate: &Gate, needs: Needs, req: &ServiceRequest) -> Result<Admitted, Error> {
    let (actor, key, error) = match session_of(req) {
        Ok(Some((session, key))) => (Some(introduce(req, session)), Some(key), None),
        Ok(None) => (None, None, None),
        // The error page, too, wants its layout.
        Err(error) => (None, None, Some(error)),
    };
    let known = key.or_else(|| gate.guard.cookies.csrf_key(req.request()));
    let is_new = known.is_none();
    let key = known.unwrap_or_else(CsrfKey::random);
    tell_log(req, actor.as_ref().map(|(actor, _)| actor));
    equip(gate, req, &key, actor.as_ref());
    let zone = actor.as_ref().map_or(Zone::default(), |(_, looks)| looks.zone);
    let actor = actor.map(|(actor, _)| Rc::new(actor));
    if let Some(actor) = &actor {
        req.extensions_mut().insert(Rc::clone(actor));
    }
    req.extensions_mut().insert(key.clone());
    if let Some(error) = error {
        return Err(error);
    }
    own_site_only(gate, req)?;
    needs.check(actor.as_deref())?;
    let new = is_new.then_some(key);
    Ok(Admitted { zone, new })
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

/// How a person wants pages to look.
#[derive(Clone, Copy, Default)]
struct Looks {
    theme: Theme,
    zone: Zone,
}

fn introduce(req: &ServiceRequest, row: SessionRow) -> (Actor, Looks) {
    // A zone that the database of zones has no more is shown as UTC, and says so.
    let looks = Looks {
        theme: Theme::parse(&row.theme).unwrap_or_default(),
        zone: Zone::parse(&row.time_zone).unwrap_or_default(),
    };
    let actor = Actor {
        id: Some(row.user_id),
        session: Some(row.id),
        super_admin: row.super_admin,
        permissions: row.permissions(),
        visibility: row.visibility(),
        confirmed_at: row.confirmed_at,
        username: row.username,
        name: row.name,
        address: client_address(req.request()),
        request_id: request_id(req),
    };
    (actor, looks)
}

/// Every line that the request leaves in the log says where it comes from and who asks.
fn tell_log(req: &ServiceRequest, actor: Option<&Actor>) {
    let span = tracing::Span::current();
    let address = client_address(req.request());
    span.record("address", address.as_str());
    req.extensions_mut().insert(VisitorAddress(address));
    if let Some(actor) = actor {
        span.record("user", actor.username.as_str());
    }
}

fn request_id(req: &ServiceRequest) -> String {
    req.extensions().get::<RequestId>().map(|id| id.0.clone()).unwrap_or_default()
}

/// Leaves with the request what stands around its page.
fn equip(gate: &Gate, req: &ServiceRequest, key: &CsrfKey, actor: Option<&(Actor, Looks)>) {
    let looks = actor.map(|(_, looks)| *looks).unwrap_or_default();
    let layout = Layout {
        path: req.path().to_string(),
        nav: actor.map(|(actor, _)| navigation(actor)).unwrap_or_default(),
        activity: actor.map(|(actor, _)| activity(actor)).unwrap_or_default(),
        person: actor.map(|(actor, _)| Person { name: actor.name.clone() }),
        theme: looks.theme,
        zone: looks.zone,
        csrf: key.token(),
        flash: Flash::take(gate.guard.cookies, key, req.request()),
        request_id: request_id(req),
    };
    req.extensions_mut().insert(layout);
}

/// The pages of what has happened, each with its tab.
const ACTIVITY: &[(Permission, (&str, &str))] =
    &[(Permission::ViewActivity, ("/calls", "Calls")), (Permission::ViewAuditLog, ("/audit", "Audit log"))];

/// The pages among them that are for super admins.
const FOR_SUPER_ADMINS: [(&str, &str); 2] = [("/notices", "Notices"), ("/system", "System")];

/// Those that the person may open.
fn activity(actor: &Actor) -> Vec<(&'static str, &'static str)> {
    let open = ACTIVITY.iter().filter(|(permission, _)| actor.may(*permission));
    open.map(|(_, tab)| *tab).chain(FOR_SUPER_ADMINS.into_iter().filter(|_| actor.super_admin)).collect()
}

/// Only what the person may open.
fn navigation(actor: &Actor) -> Vec<NavItem> {
    let items = [
        (
            Permission::ViewConnectors,
            NavItem { href: "/connectors", label: "Connectors", section: "Data Connectors", also: &[] },
        ),
        (
            Permission::ViewCategories,
            NavItem { href: "/categories", label: "Categories", section: "Categories", also: &[] },
        ),
        (Permission::ManageUsers, NavItem { href: "/programs", label: "Programs", section: "", also: &[] }),
        (Permission::ManageUsers, NavItem { href: "/users", label: "People", section: "", also: &["/groups"] }),
    ];
    items
        .into_iter()
        .filter(|(permission, _)| actor.may(*permission))
        .map(|(_, item)| item)
        .chain(activity(actor).first().map(|&(href, _)| NavItem {
            href,
            label: "Activity",
            section: "",
            also: &["/audit", "/notices", "/system"],
        }))
        .collect()
}

/// Refuses changes that a browser sends from another site. The form's token is checked besides, by the form itself.
fn own_site_only(gate: &Gate, req: &ServiceRequest) -> Result<(), Error> {
    if matches!(*req.method(), Method::GET | Method::HEAD | Method::OPTIONS) {
        return Ok(());
    }
    let header = |name: &str| req.headers().get(name).and_then(|value| value.to_str().ok());
    let foreign_site = header("sec-fetch-site").is_some_and(|site| !matches!(site, "same-origin" | "none"));
    let own =
        |origin: &str| origin == &*gate.origin || origin.split_once("://").map(|(_, host)| host) == header("host");
    let foreign_origin = header("origin").is_some_and(|origin| !own(origin));
    if foreign_site || foreign_origin { Err(Error::StaleForm) } else { Ok(()) }
}
