//! Every route of the site: method, path, what it needs, whether it asks for the own password again, handler. There are
//! no others.

use std::collections::HashSet;

use actix_session::SessionMiddleware;
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::Method;
use actix_web::middleware::{Next, from_fn};
use actix_web::{
    FromRequest, Handler, HttpRequest, HttpResponse, Responder, Route as ActixRoute, body::BoxBody, guard, web,
};

use crate::access::Asks::{self, Always, ByHandler, Never};
use crate::access::Permission::{
    CallConnectors, CreateCategories, CreateConnectors, DeleteCategories, DeleteConnectors, EditCategories,
    EditConnectors, ManageUsers, ViewActivity, ViewAuditLog, ViewCategories, ViewConnectors,
};
use crate::access::{AccessCheck, Needs, check_access, session_errors};
use crate::accounts::DbSessionStore;
use crate::collections::{import_pages, record_pages};
use crate::people::{groups, users};
use crate::programs::keys;
use crate::web::{Error, Segment, assets};
use crate::{
    accounts, api, audit, authorization, calls, categories, checks, collections, connectors, endpoints, expirations,
    home, notices, openid, overview, programs, providers, rights, status, system,
};

/// Only removes: with a borrowed browser it gives no more power than before.
const TAKES_AWAY: Asks = Never("it only takes away");

/// A secret goes only where calls send it.
const CHECKS: Asks = Never("it calls what calls may call");

/// What only shows something. A form that shows a secret is a POST.
const LOOKS: Asks = Never("it changes nothing");

/// A route, of a page or of the API.
pub struct Route {
    pub method: Method,
    pub path: &'static str,
    pub needs: Needs,
    pub asks: Asks,
}

/// A route that [`configure`] puts behind the session and the access check.
struct PageRoute {
    route: Route,
    handler: Box<dyn Fn() -> ActixRoute>,
}

/// The pages of a holder's API keys under the holder's own page: what looking at keys and revoking them needs, and what
/// making them and leading them further needs.
#[rustfmt::skip] // a table: a route a line
macro_rules! keys_of {
    ($holder:literal, $look:expr, $make:expr) => {
        vec![
            get(concat!($holder, "/keys/new"), $make, keys::new),
            post(concat!($holder, "/keys"), $make, Always, keys::create),
            get(concat!($holder, "/keys/{key}"), $look, keys::show),
            post(concat!($holder, "/keys/{key}"), $make, Always, keys::update),
            get(concat!($holder, "/keys/{key}/edit"), $make, keys::edit),
            get(concat!($holder, "/keys/{key}/revocation"), $look, keys::confirm_revocation),
            post(concat!($holder, "/keys/{key}/revocation"), $look, TAKES_AWAY, keys::revoke),
            get(concat!($holder, "/keys/{key}/replacement"), $make, keys::confirm_replacement),
            post(concat!($holder, "/keys/{key}/replacement"), $make, Always, keys::replace),
            get(concat!($holder, "/keys/{key}/connectors"), $make, keys::add_connectors),
            post(concat!($holder, "/keys/{key}/connectors"), $make, Always, keys::allow_connectors),
            get(concat!($holder, "/keys/{key}/connectors/new"), $make, keys::add_connector),
            get(concat!($holder, "/keys/{key}/connectors/{connector}"), $make, keys::edit_connector),
            post(concat!($holder, "/keys/{key}/connectors/{connector}"), $make, Always, keys::allow_connector),
            get(concat!($holder, "/keys/{key}/connectors/{connector}/removal"), $look, keys::confirm_removal),
            post(concat!($holder, "/keys/{key}/connectors/{connector}/removal"), $look, TAKES_AWAY, keys::remove_connector),
        ]
    };
}

/// Every route: of the pages, and of the API, which [`api::scope`] routes.
pub fn all() -> Vec<Route> {
    let of_api = api::routes().map(|(method, path, needs)| {
        let asks = Never("a program shows its key with each request");
        Route { method, path, needs, asks }
    });
    pages().into_iter().map(|page| page.route).chain(of_api).collect()
}

/// The pages on one screen.
#[rustfmt::skip] // a table: a route a line
fn pages() -> Vec<PageRoute> {
    use Needs::{Nothing, Open, SignIn, SuperAdmin};
    let may = Needs::Permission;
    let of_programs = keys_of!("/programs/{program}", may(ManageUsers), may(ManageUsers));
    let of_people = keys_of!("/profile", SignIn, may(CallConnectors));
    let mut pages = vec![
        get("/", SignIn, home::show),
        get("/first-run", Nothing, accounts::first_run),
        post("/first-run", Nothing, Never("there is no account yet: it asks for the one-time code"), accounts::create_first),
        get("/sign-in", Nothing, accounts::sign_in),
        post("/sign-in", Nothing, Never("before sign-in"), accounts::create_session),
        post("/sign-out", SignIn, TAKES_AWAY, accounts::sign_out),
        post("/sign-in/attempts", Nothing, Never("before sign-in"), openid::begin),
        get("/sign-in/callback", Nothing, openid::callback),
        get("/connectors", may(ViewConnectors), connectors::list),
        post("/connectors", may(CreateConnectors), Never("a new connector holds no secret"), connectors::create),
        get("/connectors/new", may(CreateConnectors), connectors::new),
        get("/connectors/templates", may(CreateConnectors), providers::list),
        get("/connectors/templates/{id}", may(CreateConnectors), providers::new),
        post("/connectors/templates/{id}", may(CreateConnectors), Never("the secrets of a new connector are those that the form holds"), providers::create),
        get("/connectors/templates/{id}/delete", may(CreateConnectors), providers::confirm_delete),
        post("/connectors/templates/{id}/delete", may(CreateConnectors), TAKES_AWAY, providers::delete),
        get("/connectors/trash", may(DeleteConnectors), connectors::trash),
        get("/expirations", may(ViewConnectors), expirations::list),
        get("/expirations/calendar.ics", may(ViewConnectors), expirations::calendar),
        get("/checks", may(ViewConnectors), checks::list),
        post("/checks", may(EditConnectors), CHECKS, checks::check_all),
        get("/checks/new", may(EditConnectors), checks::confirm_all),
        get("/checks/{run}", may(ViewConnectors), checks::show),
        post("/checks/{run}/cancellation", may(EditConnectors), TAKES_AWAY, checks::cancel),
        get("/connectors/{key}/checks", may(ViewConnectors), checks::history),
        post("/connectors/{key}/checks", may(EditConnectors), CHECKS, checks::create),
        post("/connectors/{key}/checks/schedule", may(EditConnectors), CHECKS, checks::update),
        get("/connectors/{key}", may(ViewConnectors), overview::show),
        get("/connectors/{key}/details", may(ViewConnectors), connectors::edit),
        post("/connectors/{key}/details", may(EditConnectors), Never("another origin waits for approval"), connectors::update),
        get("/connectors/{key}/programs", may(ManageUsers), keys::allow_program),
        get("/connectors/{key}/delete", may(DeleteConnectors), connectors::confirm_delete),
        post("/connectors/{key}/delete", may(DeleteConnectors), TAKES_AWAY, connectors::delete),
        post("/connectors/{key}/restorations", may(DeleteConnectors), Always, connectors::restore),
        post("/connectors/{key}/duplicates", may(CreateConnectors), Never("a copy holds no secret"), endpoints::duplicate),
        get("/connectors/{key}/template", may(CreateConnectors), providers::new_template),
        post("/connectors/{key}/template", may(CreateConnectors), Never("a template holds no secret"), providers::save_template),
        get("/connectors/{key}/activity", may(ViewActivity), calls::of_connector),
        get("/connectors/{key}/activity/changes", may(ViewActivity), connectors::changes),
        get("/connectors/{key}/access", may(ManageUsers), rights::edit),
        post("/connectors/{key}/access", may(ManageUsers), Always, rights::update),
        get("/connectors/{key}/access/additions", may(ManageUsers), rights::choose),
        post("/connectors/{key}/access/additions", may(ManageUsers), Always, rights::add),
        get("/connectors/{key}/access/users", may(ManageUsers), rights::who),
        get("/calls", may(ViewActivity), calls::list),
        get("/calls.csv", may(ViewActivity), calls::download),
        get("/calls/{place}", may(ViewActivity), calls::show),
        get("/connectors/{key}/authorization", may(ViewConnectors), authorization::edit),
        post("/connectors/{key}/authorization", may(EditConnectors), ByHandler("when it replaces or removes stored secrets"), authorization::update),
        get("/connectors/{key}/authorization/token-requests", may(EditConnectors), authorization::new_token_request),
        post("/connectors/{key}/authorization/token-requests", may(EditConnectors), Never("it sends secrets that are typed into its own form"), authorization::create_token_request),
        post("/connectors/{key}/authorization/token", may(EditConnectors), Never("it stores what the same person has just asked for"), authorization::take_token),
        post("/connectors/{key}/authorization/token-renewals", may(EditConnectors), Never("it changes nothing that is stored but the token"), authorization::renew_token),
        post("/connectors/{key}/authorization/attempts", may(EditConnectors), Never("the authorization server asks the person"), authorization::create_attempt),
        get("/connectors/{key}/authorization/callback", may(EditConnectors), authorization::take_answer),
        post("/connectors/{key}/authorization/callback", Open, Never("it passes on what another site posts"), authorization::pass_answer_on),
        post("/connectors/{key}/authorization/answers", may(EditConnectors), Never("the authorization server has asked the person"), authorization::take_posted_answer),
        get("/connectors/{key}/authorization/device", may(EditConnectors), authorization::show_device_request),
        post("/connectors/{key}/authorization/device", may(EditConnectors), Never("the authorization server asks the person"), authorization::create_device_request),
        post("/connectors/{key}/authorization/device/cancellation", may(EditConnectors), TAKES_AWAY, authorization::cancel_device),
        get("/oauth/callback", may(EditConnectors), authorization::take_shared_answer),
        post("/oauth/callback", Open, Never("it passes on what another site posts"), authorization::pass_answer_on),
        post("/oauth/answers", may(EditConnectors), Never("the authorization server has asked the person"), authorization::take_posted_shared_answer),
        get("/connectors/{key}/authorization/disconnections", may(EditConnectors), authorization::confirm_disconnection),
        post("/connectors/{key}/authorization/disconnections", may(EditConnectors), TAKES_AWAY, authorization::disconnect),
        get("/connectors/{key}/authorization/approvals", may(EditConnectors), authorization::new_approval),
        post("/connectors/{key}/authorization/approvals", may(EditConnectors), Always, authorization::approve_origins),
        get("/connectors/{key}/authorization/further-secrets", may(EditConnectors), authorization::edit_further_secrets),
        post("/connectors/{key}/authorization/further-secrets", may(EditConnectors), ByHandler("when it replaces or removes a stored one"), authorization::update_further_secrets),
        get("/connectors/{key}/authorization/client-certificate", may(EditConnectors), authorization::edit_client_certificate),
        post("/connectors/{key}/authorization/client-certificate", may(EditConnectors), ByHandler("when it replaces a stored key"), authorization::update_client_certificate),
        get("/connectors/{key}/authorization/token-reveals", may(EditConnectors), authorization::ask_reveal),
        post("/connectors/{key}/authorization/token-reveals", may(EditConnectors), Always, authorization::reveal_token),
        get("/connectors/{key}/endpoints", may(ViewConnectors), endpoints::list),
        post("/connectors/{key}/endpoints", may(EditConnectors), Never("another origin waits for approval"), endpoints::create),
        get("/connectors/{key}/endpoints/new", may(EditConnectors), endpoints::new),
        get("/connectors/{key}/endpoints/{id}", may(ViewConnectors), endpoints::edit),
        post("/connectors/{key}/endpoints/{id}", may(EditConnectors), Never("another origin waits for approval"), endpoints::update),
        get("/connectors/{key}/endpoints/{id}/delete", may(EditConnectors), endpoints::confirm_delete),
        post("/connectors/{key}/endpoints/{id}/runs", may(CallConnectors), Never("a call, not a change"), endpoints::run),
        get("/connectors/{key}/run-bodies/{body}", may(CallConnectors), endpoints::download),
        post("/connectors/{key}/endpoints/{id}/delete", may(EditConnectors), TAKES_AWAY, endpoints::delete),
        get("/categories", may(ViewCategories), categories::list),
        post("/categories", may(CreateCategories), Never("categories give no power"), categories::create),
        get("/categories/new", may(CreateCategories), categories::new),
        get("/categories/{id}/edit", may(EditCategories), categories::edit),
        post("/categories/{id}", may(EditCategories), Never("categories give no power"), categories::update),
        get("/categories/{id}/delete", may(DeleteCategories), categories::confirm_delete),
        post("/categories/{id}/delete", may(DeleteCategories), Never("categories give no power"), categories::delete),
        get("/collections", may(ViewConnectors), collections::list),
        post("/collections", may(CreateConnectors), Never("its token calls this collection only"), collections::create),
        get("/collections/new", may(CreateConnectors), collections::new),
        get("/collections/{key}/edit", may(EditConnectors), collections::edit),
        post("/collections/{key}/edit", may(EditConnectors), Never("it changes no address and no secret"), collections::update),
        get("/collections/{key}", may(ViewConnectors), collections::list_records),
        post("/collections/{key}/exports", may(ViewConnectors), Never("it changes nothing but the audit log"), collections::export),
        get("/collections/{key}/imports/new", may(CallConnectors), import_pages::new),
        post("/collections/{key}/imports", may(CallConnectors), Never("records give no power"), import_pages::create),
        get("/collections/{key}/imports/{id}", may(CallConnectors), import_pages::show),
        post("/collections/{key}/imports/{id}/cancellation", may(CallConnectors), TAKES_AWAY, import_pages::cancel),
        get("/collections/{key}/records/new", may(CallConnectors), record_pages::new),
        post("/collections/{key}/records", may(CallConnectors), Never("records give no power"), record_pages::create),
        get("/collections/{key}/records/{id}", may(ViewConnectors), record_pages::edit),
        post("/collections/{key}/records/{id}", may(CallConnectors), Never("records give no power"), record_pages::update),
        get("/collections/{key}/records/{id}/delete", may(CallConnectors), record_pages::confirm_delete),
        post("/collections/{key}/records/{id}/delete", may(CallConnectors), TAKES_AWAY, record_pages::delete),
        get("/collections/{key}/records/{id}/versions", may(ViewConnectors), record_pages::history),
        get("/collections/{key}/records/{id}/versions/{version}/edit", may(CallConnectors), record_pages::restore),
        get("/api/v1", SignIn, api::description),
        get("/help", SignIn, home::help),
        get("/audit", may(ViewAuditLog), audit::list),
        post("/audit/exports", may(ViewAuditLog), Always, audit::export),
        get("/audit/{id}", may(ViewAuditLog), audit::show),
        get("/programs", may(ManageUsers), programs::list),
        post("/programs", may(ManageUsers), Always, programs::create),
        get("/programs/new", may(ManageUsers), programs::new),
        get("/programs/{program}", may(ManageUsers), programs::show),
        post("/programs/{program}", may(ManageUsers), Always, programs::update),
        get("/programs/{program}/edit", may(ManageUsers), programs::edit),
        get("/programs/{program}/delete", may(ManageUsers), programs::confirm_delete),
        post("/programs/{program}/delete", may(ManageUsers), TAKES_AWAY, programs::delete),
        get("/notices", SuperAdmin, notices::show),
        post("/notices/tests", SuperAdmin, Never("it sends a test notice to those who get notices anyway"), notices::test),
        get("/system", SuperAdmin, system::show),
        get("/profile", SignIn, accounts::profile),
        post("/profile", SignIn, Never("name and looks give no power"), accounts::update_profile),
        get("/profile/password", SignIn, accounts::ask_password),
        post("/profile/password", SignIn, Never("its own form asks for the current password, every time"), accounts::change_password),
        get("/profile/sessions", SignIn, accounts::own_sessions),
        post("/profile/sessions/{session}/sign-outs", SignIn, TAKES_AWAY, accounts::end_own_session),
        get("/profile/sign-outs", SignIn, accounts::ask_sign_outs),
        post("/profile/sign-outs", SignIn, TAKES_AWAY, accounts::end_own_sessions),
        get("/profile/keys", SignIn, accounts::own_keys),
        get("/profile/provider", SignIn, openid::connection),
        post("/profile/provider/attempts", SignIn, ByHandler("not of a person without a password, who proves their identity here"), openid::connect),
        post("/profile/provider/removals", SignIn, Always, openid::disconnect),
        get("/users", may(ManageUsers), users::list),
        post("/users", may(ManageUsers), Always, users::create),
        get("/users/new", may(ManageUsers), users::new),
        get("/users/{id}", may(ManageUsers), users::edit),
        post("/users/{id}", may(ManageUsers), Always, users::update),
        get("/users/{id}/deactivations", may(ManageUsers), users::confirm_deactivation),
        post("/users/{id}/deactivations", may(ManageUsers), TAKES_AWAY, users::deactivate),
        post("/users/{id}/reactivations", may(ManageUsers), Always, users::reactivate),
        get("/users/{id}/sign-outs", may(ManageUsers), users::confirm_sign_out),
        post("/users/{id}/sign-outs", may(ManageUsers), TAKES_AWAY, users::sign_out),
        get("/users/{id}/sessions", may(ManageUsers), users::sessions),
        post("/users/{id}/sessions/{session}/sign-outs", may(ManageUsers), TAKES_AWAY, users::end_session),
        get("/users/{id}/invitations", may(ManageUsers), users::confirm_invitation),
        post("/users/{id}/invitations", may(ManageUsers), Always, users::create_invitation),
        get("/users/{id}/disconnections", may(ManageUsers), users::confirm_disconnection),
        post("/users/{id}/disconnections", may(ManageUsers), TAKES_AWAY, users::disconnect),
        get("/users/{id}/groups/new", may(ManageUsers), users::choose_groups),
        post("/users/{id}/groups", may(ManageUsers), Always, users::join_groups),
        get("/users/{id}/group-removals", may(ManageUsers), users::confirm_leaving),
        post("/users/{id}/group-removals", may(ManageUsers), TAKES_AWAY, users::leave_groups),
        get("/users/{id}/super-admin", SuperAdmin, users::confirm_super_admin),
        post("/users/{id}/super-admin", SuperAdmin, Always, users::set_super_admin),
        get("/users/{id}/delete", may(ManageUsers), users::confirm_delete),
        post("/users/{id}/delete", may(ManageUsers), TAKES_AWAY, users::delete),
        get("/groups", may(ManageUsers), groups::list),
        post("/groups", may(ManageUsers), Always, groups::create),
        get("/groups/new", may(ManageUsers), groups::new),
        get("/groups/{id}", may(ManageUsers), groups::edit),
        post("/groups/{id}", may(ManageUsers), Always, groups::update),
        get("/groups/{id}/members", may(ManageUsers), groups::members),
        post("/groups/{id}/members", may(ManageUsers), Always, groups::add),
        get("/groups/{id}/members/new", may(ManageUsers), groups::choose),
        post("/groups/{id}/removals", may(ManageUsers), TAKES_AWAY, groups::remove),
        get("/groups/{id}/delete", may(ManageUsers), groups::confirm_delete),
        post("/groups/{id}/delete", may(ManageUsers), TAKES_AWAY, groups::delete),
        get("/set-password", Nothing, accounts::set_password_page),
        post("/set-password", Nothing, Never("not signed in: the link itself is the credential"), accounts::open_invitation),
        post("/set-password/password", Nothing, Never("not signed in: the link itself is the credential"), accounts::take_invitation),
        get("/static/{file}", Open, asset),
        get("/favicon.ico", Open, favicon),
        get("/healthz", Open, status::alive),
        get("/readyz", Open, status::ready),
        get("/metrics", Open, status::metrics),
    ];
    pages.extend(of_programs);
    pages.extend(of_people);
    pages
}

fn get<F, Args>(path: &'static str, needs: Needs, handler: F) -> PageRoute
where
    F: Handler<Args>,
    Args: FromRequest + 'static,
    F::Output: Responder + 'static,
{
    let handler = move || web::route().guard(guard::Any(guard::Get()).or(guard::Head())).to(handler.clone());
    PageRoute { route: Route { method: Method::GET, path, needs, asks: LOOKS }, handler: Box::new(handler) }
}

fn post<F, Args>(path: &'static str, needs: Needs, asks: Asks, handler: F) -> PageRoute
where
    F: Handler<Args>,
    Args: FromRequest + 'static,
    F::Output: Responder + 'static,
{
    let handler = move || web::post().to(handler.clone());
    PageRoute { route: Route { method: Method::POST, path, needs, asks }, handler: Box::new(handler) }
}

/// What stands before the pages: the session, and the access check.
#[derive(Clone)]
pub struct PageLayers {
    pub check: AccessCheck,
    pub sessions: SessionMiddleware<DbSessionStore>,
}

/// Puts every page behind session and access check.
pub fn configure(config: &mut web::ServiceConfig, layers: &PageLayers) {
    // First, because calls come more often than pages are opened.
    config.service(api::scope());
    let pages = pages();
    let mut paths: Vec<&'static str> = pages.iter().map(|page| page.route.path).collect();
    let mut seen = HashSet::new();
    paths.retain(|path| seen.insert(*path));
    for path in paths {
        let same_path = pages.iter().filter(|page| page.route.path == path);
        let resource = same_path.fold(web::resource(path), |resource, PageRoute { route, handler }| {
            let is_open = route.needs == Needs::Open;
            resource.route(if is_open { handler() } else { behind(layers, (route.needs, route.asks), handler()) })
        });
        config.service(resource.default_service(behind(layers, (Needs::Nothing, LOOKS), web::to(method_not_allowed))));
    }
    config.default_service(behind(layers, (Needs::Nothing, LOOKS), web::to(not_found)));
}

fn behind(layers: &PageLayers, rules: (Needs, Asks), route: ActixRoute) -> ActixRoute {
    let PageLayers { check, sessions } = layers.clone();
    let route = route.wrap(from_fn(
        move |req: ServiceRequest,
              next: Next<BoxBody>|
              -> std::pin::Pin<Box<dyn Future<Output = Result<ServiceResponse, actix_web::Error>>>> {
            Box::pin(check_access(check.clone(), rules, req, next))
        },
    ));
    route.wrap(sessions).wrap(from_fn(session_errors))
}

async fn asset(req: HttpRequest, Segment(file): Segment) -> Result<HttpResponse, Error> {
    assets::find(&file).map(|asset| assets::respond(asset, &req)).ok_or(Error::NotFound)
}

async fn favicon(req: HttpRequest) -> Result<HttpResponse, Error> {
    assets::favicon(&req).ok_or(Error::NotFound)
}

async fn not_found() -> Result<HttpResponse, Error> {
    Err(Error::NotFound)
}

async fn method_not_allowed() -> Result<HttpResponse, Error> {
    Err(Error::MethodNotAllowed)
}
