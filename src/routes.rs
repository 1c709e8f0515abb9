//! Every route of the site: method, path, what it needs, handler. A route that does not stand here does not exist.

use std::collections::HashSet;

use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::Method;
use actix_web::middleware::{Next, from_fn};
use actix_web::{
    FromRequest, Handler, HttpRequest, HttpResponse, Responder, Route as ActixRoute, body::BoxBody,
    guard, web,
};

use crate::access::Permission::{
    CallConnectors, CreateCategories, CreateConnectors, DeleteCategories, DeleteConnectors,
    EditCategories, EditConnectors, ManageUsers, ViewActivity, ViewAuditLog, ViewCategories,
    ViewConnectors,
};
use crate::access::{Gate, Needs, gate};
use crate::web::{Error, Segment, assets};
use crate::{
    accounts, api, audit, authorization, calls, categories, connectors, endpoints, home, notices,
    openid, people, programs, rights, status, system,
};

/// One route.
pub struct Route {
    pub method: Method,
    pub path: &'static str,
    pub needs: Needs,
    handler: Box<dyn Fn() -> ActixRoute>,
}

/// The pages of a holder's API keys under the holder's own page: what looking at keys and revoking them needs, and what making
/// them and leading them further needs.
#[rustfmt::skip] // a table: a route a line
macro_rules! keys_of {
    ($holder:literal, $look:expr, $make:expr) => {
        vec![
            get(concat!($holder, "/keys/new"), $make, programs::new_key),
            post(concat!($holder, "/keys"), $make, programs::create_key),
            get(concat!($holder, "/keys/{key}"), $look, programs::show_key),
            post(concat!($holder, "/keys/{key}"), $make, programs::update_key),
            get(concat!($holder, "/keys/{key}/edit"), $make, programs::edit_key),
            get(concat!($holder, "/keys/{key}/revocation"), $look, programs::confirm_revocation),
            post(concat!($holder, "/keys/{key}/revocation"), $look, programs::revoke_key),
            get(concat!($holder, "/keys/{key}/connectors/new"), $make, programs::add_connector),
            get(concat!($holder, "/keys/{key}/connectors/{connector}"), $make, programs::edit_connector),
            post(concat!($holder, "/keys/{key}/connectors/{connector}"), $make, programs::allow_connector),
            get(concat!($holder, "/keys/{key}/connectors/{connector}/removal"), $look, programs::confirm_removal),
            post(concat!($holder, "/keys/{key}/connectors/{connector}/removal"), $look, programs::remove_connector),
        ]
    };
}

/// The site on one screen.
#[rustfmt::skip] // a table: a route a line
pub fn all() -> Vec<Route> {
    use Needs::{Nothing, SignIn, SuperAdmin};
    let may = Needs::Permission;
    let of_programs = keys_of!("/programs/{program}", may(ManageUsers), may(ManageUsers));
    let of_people = keys_of!("/profile", SignIn, may(CallConnectors));
    let mut all = vec![
        get("/", SignIn, home::show),
        get("/first-run", Nothing, accounts::first_run),
        post("/first-run", Nothing, accounts::create_first),
        get("/sign-in", Nothing, accounts::sign_in),
        post("/sign-in", Nothing, accounts::create_session),
        post("/sign-out", SignIn, accounts::sign_out),
        post("/sign-in/attempts", Nothing, openid::begin),
        get("/sign-in/callback", Nothing, openid::take_answer),
        get("/connectors", may(ViewConnectors), connectors::list),
        post("/connectors", may(CreateConnectors), connectors::create),
        get("/connectors/new", may(CreateConnectors), connectors::new),
        get("/connectors/trash", may(DeleteConnectors), connectors::trash),
        get("/connectors/{key}", may(ViewConnectors), connectors::edit),
        post("/connectors/{key}", may(EditConnectors), connectors::update),
        get("/connectors/{key}/delete", may(DeleteConnectors), connectors::confirm_delete),
        post("/connectors/{key}/delete", may(DeleteConnectors), connectors::delete),
        post("/connectors/{key}/restorations", may(DeleteConnectors), connectors::restore),
        post("/connectors/{key}/duplicates", may(CreateConnectors), connectors::duplicate),
        get("/connectors/{key}/activity", may(ViewActivity), calls::of_connector),
        get("/connectors/{key}/activity/changes", may(ViewActivity), connectors::changes),
        get("/connectors/{key}/access", may(ManageUsers), rights::edit),
        post("/connectors/{key}/access", may(ManageUsers), rights::update),
        get("/connectors/{key}/access/additions", may(ManageUsers), rights::choose),
        post("/connectors/{key}/access/additions", may(ManageUsers), rights::add),
        get("/connectors/{key}/access/users", may(ManageUsers), rights::who),
        get("/calls", may(ViewActivity), calls::list),
        get("/calls.csv", may(ViewActivity), calls::download),
        get("/calls/{place}", may(ViewActivity), calls::show),
        get("/connectors/{key}/authorization", may(ViewConnectors), authorization::edit),
        post("/connectors/{key}/authorization", may(EditConnectors), authorization::update),
        get("/connectors/{key}/authorization/token-requests", may(EditConnectors), authorization::new_token_request),
        post("/connectors/{key}/authorization/token-requests", may(EditConnectors), authorization::create_token_request),
        post("/connectors/{key}/authorization/token", may(EditConnectors), authorization::take_token),
        post("/connectors/{key}/authorization/token-renewals", may(EditConnectors), authorization::renew_token),
        post("/connectors/{key}/authorization/attempts", may(EditConnectors), authorization::create_attempt),
        get("/connectors/{key}/authorization/callback", may(EditConnectors), authorization::take_answer),
        post("/connectors/{key}/authorization/callback", may(EditConnectors), authorization::take_fragment),
        get("/connectors/{key}/authorization/disconnections", may(EditConnectors), authorization::confirm_disconnection),
        post("/connectors/{key}/authorization/disconnections", may(EditConnectors), authorization::disconnect),
        get("/connectors/{key}/authorization/approvals", may(EditConnectors), authorization::new_approval),
        post("/connectors/{key}/authorization/approvals", may(EditConnectors), authorization::approve_origins),
        get("/connectors/{key}/authorization/token-reveals", may(EditConnectors), authorization::ask_reveal),
        post("/connectors/{key}/authorization/token-reveals", may(EditConnectors), authorization::reveal_token),
        get("/connectors/{key}/endpoints", may(ViewConnectors), endpoints::list),
        post("/connectors/{key}/endpoints", may(EditConnectors), endpoints::create),
        get("/connectors/{key}/endpoints/new", may(EditConnectors), endpoints::new),
        get("/connectors/{key}/endpoints/{id}", may(ViewConnectors), endpoints::edit),
        post("/connectors/{key}/endpoints/{id}", may(EditConnectors), endpoints::update),
        get("/connectors/{key}/endpoints/{id}/delete", may(EditConnectors), endpoints::confirm_delete),
        post("/connectors/{key}/endpoints/{id}/runs", may(CallConnectors), endpoints::run),
        get("/connectors/{key}/run-bodies/{body}", may(CallConnectors), endpoints::download),
        post("/connectors/{key}/endpoints/{id}/delete", may(EditConnectors), endpoints::delete),
        get("/categories", may(ViewCategories), categories::list),
        post("/categories", may(CreateCategories), categories::create),
        get("/categories/new", may(CreateCategories), categories::new),
        get("/categories/{id}/edit", may(EditCategories), categories::edit),
        post("/categories/{id}", may(EditCategories), categories::update),
        get("/categories/{id}/delete", may(DeleteCategories), categories::confirm_delete),
        post("/categories/{id}/delete", may(DeleteCategories), categories::delete),
        get("/api/v1", SignIn, api::description),
        get("/audit", may(ViewAuditLog), audit::list),
        post("/audit/exports", may(ViewAuditLog), audit::export),
        get("/audit/{id}", may(ViewAuditLog), audit::show),
        get("/programs", may(ManageUsers), programs::list),
        post("/programs", may(ManageUsers), programs::create),
        get("/programs/new", may(ManageUsers), programs::new),
        get("/programs/{program}", may(ManageUsers), programs::show),
        post("/programs/{program}", may(ManageUsers), programs::update),
        get("/programs/{program}/edit", may(ManageUsers), programs::edit),
        get("/programs/{program}/delete", may(ManageUsers), programs::confirm_delete),
        post("/programs/{program}/delete", may(ManageUsers), programs::delete),
        get("/notices", SuperAdmin, notices::show),
        get("/system", SuperAdmin, system::show),
        get("/profile", SignIn, accounts::profile),
        post("/profile", SignIn, accounts::update_profile),
        get("/profile/password", SignIn, accounts::ask_password),
        post("/profile/password", SignIn, accounts::change_password),
        get("/profile/sessions", SignIn, accounts::own_sessions),
        post("/profile/sessions/{session}/sign-outs", SignIn, accounts::end_own_session),
        get("/profile/sign-outs", SignIn, accounts::ask_sign_outs),
        post("/profile/sign-outs", SignIn, accounts::end_own_sessions),
        get("/profile/keys", SignIn, accounts::own_keys),
        get("/profile/provider", SignIn, openid::connection),
        post("/profile/provider/attempts", SignIn, openid::connect),
        post("/profile/provider/removals", SignIn, openid::disconnect),
        get("/users", may(ManageUsers), people::list_users),
        post("/users", may(ManageUsers), people::create_user),
        get("/users/new", may(ManageUsers), people::new_user),
        get("/users/{id}", may(ManageUsers), people::edit_user),
        post("/users/{id}", may(ManageUsers), people::update_user),
        get("/users/{id}/deactivations", may(ManageUsers), people::confirm_deactivation),
        post("/users/{id}/deactivations", may(ManageUsers), people::deactivate),
        post("/users/{id}/reactivations", may(ManageUsers), people::reactivate),
        get("/users/{id}/sign-outs", may(ManageUsers), people::confirm_sign_out),
        post("/users/{id}/sign-outs", may(ManageUsers), people::sign_out),
        get("/users/{id}/sessions", may(ManageUsers), people::sessions),
        post("/users/{id}/sessions/{session}/sign-outs", may(ManageUsers), people::end_session),
        get("/users/{id}/invitations", may(ManageUsers), people::confirm_invitation),
        post("/users/{id}/invitations", may(ManageUsers), people::create_invitation),
        get("/users/{id}/disconnections", may(ManageUsers), people::confirm_disconnection),
        post("/users/{id}/disconnections", may(ManageUsers), people::disconnect),
        get("/users/{id}/groups/new", may(ManageUsers), people::choose_groups),
        post("/users/{id}/groups", may(ManageUsers), people::join_groups),
        get("/users/{id}/group-removals", may(ManageUsers), people::confirm_leaving),
        post("/users/{id}/group-removals", may(ManageUsers), people::leave_groups),
        get("/users/{id}/super-admin", SuperAdmin, people::confirm_super_admin),
        post("/users/{id}/super-admin", SuperAdmin, people::set_super_admin),
        get("/users/{id}/delete", may(ManageUsers), people::confirm_user_delete),
        post("/users/{id}/delete", may(ManageUsers), people::delete_user),
        get("/groups", may(ManageUsers), people::list_groups),
        post("/groups", may(ManageUsers), people::create_group),
        get("/groups/new", may(ManageUsers), people::new_group),
        get("/groups/{id}", may(ManageUsers), people::edit_group),
        post("/groups/{id}", may(ManageUsers), people::update_group),
        get("/groups/{id}/members", may(ManageUsers), people::members),
        post("/groups/{id}/members", may(ManageUsers), people::add_members),
        get("/groups/{id}/members/new", may(ManageUsers), people::choose_members),
        post("/groups/{id}/removals", may(ManageUsers), people::remove_members),
        get("/groups/{id}/delete", may(ManageUsers), people::confirm_group_delete),
        post("/groups/{id}/delete", may(ManageUsers), people::delete_group),
        get("/set-password", Nothing, people::set_password),
        post("/set-password", Nothing, people::open_invitation),
        post("/set-password/password", Nothing, people::take_invitation),
        get("/static/{file}", Nothing, asset),
        get("/favicon.ico", Nothing, favicon),
        get("/healthz", Nothing, status::alive),
        get("/readyz", Nothing, status::ready),
        get("/metrics", Nothing, status::metrics),
    ];
    all.extend(of_programs);
    all.extend(of_people);
    all.extend(for_programs());
    all
}

/// The operations of the interface for programs, which have a way of their own: no session, no page.
fn for_programs() -> impl Iterator<Item = Route> {
    api::routes().map(|(method, path, needs)| Route {
        method,
        path,
        needs,
        handler: Box::new(|| web::to(api::serve)),
    })
}

fn get<F, Args>(path: &'static str, needs: Needs, handler: F) -> Route
where
    F: Handler<Args>,
    Args: FromRequest + 'static,
    F::Output: Responder + 'static,
{
    let handler = move || {
        web::route()
            .guard(guard::Any(guard::Get()).or(guard::Head()))
            .to(handler.clone())
    };
    Route {
        method: Method::GET,
        path,
        needs,
        handler: Box::new(handler),
    }
}

fn post<F, Args>(path: &'static str, needs: Needs, handler: F) -> Route
where
    F: Handler<Args>,
    Args: FromRequest + 'static,
    F::Output: Responder + 'static,
{
    Route {
        method: Method::POST,
        path,
        needs,
        handler: Box::new(move || web::post().to(handler.clone())),
    }
}

/// Puts every route behind its gate.
pub fn configure(config: &mut web::ServiceConfig, door: &Gate) {
    // First, because calls come more often than pages are opened; a scope without a pattern, which would be matched at each.
    let is_for_programs =
        guard::fn_guard(|request| api::is_for_programs(request.head().uri.path()));
    config.service(
        web::scope("/api")
            .guard(is_for_programs)
            .default_service(web::to(api::serve)),
    );
    let mut routes = all();
    routes.retain(|route| !api::is_for_programs(route.path));
    let mut paths: Vec<&'static str> = routes.iter().map(|route| route.path).collect();
    let mut seen = HashSet::new();
    paths.retain(|path| seen.insert(*path));
    for path in paths {
        let same_path = routes.iter().filter(|route| route.path == path);
        let resource = same_path.fold(web::resource(path), |resource, route| {
            // Files and probes are for everybody, at any time: they do not even ask who comes.
            let handler = (route.handler)();
            let open = matches!(
                path,
                "/static/{file}" | "/favicon.ico" | "/healthz" | "/readyz" | "/metrics"
            );
            resource.route(if open {
                handler
            } else {
                behind(door, route.needs, handler)
            })
        });
        config.service(resource.default_service(behind(
            door,
            Needs::Nothing,
            web::to(method_not_allowed),
        )));
    }
    config.default_service(behind(door, Needs::Nothing, web::to(not_found)));
}

fn behind(door: &Gate, needs: Needs, route: ActixRoute) -> ActixRoute {
    let door = door.clone();
    route.wrap(from_fn(
        move |req: ServiceRequest,
              next: Next<BoxBody>|
              -> std::pin::Pin<
            Box<dyn Future<Output = Result<ServiceResponse, actix_web::Error>>>,
        > { Box::pin(gate(door.clone(), needs, req, next)) },
    ))
}

async fn asset(req: HttpRequest, Segment(file): Segment) -> Result<HttpResponse, Error> {
    assets::find(&file)
        .map(|asset| assets::respond(asset, &req))
        .ok_or(Error::NotFound)
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
