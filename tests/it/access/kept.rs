//! Every route of one connector for people who have all permissions and are listed there for some rights, or for none.

use actix_web::http::Method;
use connectory::access::{Needs, Permission};
use connectory::routes::{self, Route};

use super::examples::Examples;
use crate::openid::site_of_nobody;
use crate::support::{Browser, Page, TestApp};

/// What a route asks of the connector's own list.
#[derive(Clone, Copy, PartialEq, Debug)]
enum Asks {
    /// That the connector is in sight.
    Sight,
    Call,
    Edit,
    Authorize,
}

/// The reviewed table: a route of one connector that does not stand here fails the test.
#[rustfmt::skip] // a table: a route a line
const TABLE: &[(&str, &str, Asks)] = &[
    ("GET", "/connectors/{key}", Asks::Sight),
    ("GET", "/connectors/{key}/details", Asks::Sight),
    ("POST", "/connectors/{key}/details", Asks::Edit),
    ("GET", "/connectors/{key}/delete", Asks::Edit),
    ("POST", "/connectors/{key}/delete", Asks::Edit),
    ("POST", "/connectors/{key}/restorations", Asks::Edit),
    ("POST", "/connectors/{key}/duplicates", Asks::Edit),
    ("GET", "/connectors/{key}/activity", Asks::Sight),
    ("GET", "/connectors/{key}/activity/changes", Asks::Sight),
    ("GET", "/connectors/{key}/checks", Asks::Sight),
    ("POST", "/connectors/{key}/checks", Asks::Authorize),
    ("POST", "/connectors/{key}/checks/schedule", Asks::Authorize),
    ("GET", "/connectors/{key}/programs", Asks::Call),
    ("GET", "/connectors/{key}/access", Asks::Sight),
    ("POST", "/connectors/{key}/access", Asks::Sight),
    ("GET", "/connectors/{key}/access/additions", Asks::Sight),
    ("POST", "/connectors/{key}/access/additions", Asks::Sight),
    ("GET", "/connectors/{key}/access/users", Asks::Sight),
    ("GET", "/connectors/{key}/template", Asks::Edit),
    ("POST", "/connectors/{key}/template", Asks::Edit),
    ("GET", "/connectors/{key}/authorization", Asks::Sight),
    ("POST", "/connectors/{key}/authorization", Asks::Authorize),
    ("GET", "/connectors/{key}/authorization/token-requests", Asks::Authorize),
    ("POST", "/connectors/{key}/authorization/token-requests", Asks::Authorize),
    ("POST", "/connectors/{key}/authorization/token", Asks::Authorize),
    ("POST", "/connectors/{key}/authorization/token-renewals", Asks::Authorize),
    ("POST", "/connectors/{key}/authorization/attempts", Asks::Authorize),
    ("GET", "/connectors/{key}/authorization/callback", Asks::Authorize),
    ("POST", "/connectors/{key}/authorization/answers", Asks::Authorize),
    ("GET", "/connectors/{key}/authorization/device", Asks::Authorize),
    ("POST", "/connectors/{key}/authorization/device", Asks::Authorize),
    ("POST", "/connectors/{key}/authorization/device/cancellation", Asks::Authorize),
    ("GET", "/connectors/{key}/authorization/disconnections", Asks::Authorize),
    ("POST", "/connectors/{key}/authorization/disconnections", Asks::Authorize),
    ("GET", "/connectors/{key}/authorization/further-secrets", Asks::Authorize),
    ("POST", "/connectors/{key}/authorization/further-secrets", Asks::Authorize),
    ("GET", "/connectors/{key}/authorization/client-certificate", Asks::Authorize),
    ("POST", "/connectors/{key}/authorization/client-certificate", Asks::Authorize),
    ("GET", "/connectors/{key}/authorization/approvals", Asks::Authorize),
    ("POST", "/connectors/{key}/authorization/approvals", Asks::Authorize),
    ("GET", "/connectors/{key}/authorization/token-reveals", Asks::Authorize),
    ("POST", "/connectors/{key}/authorization/token-reveals", Asks::Authorize),
    ("GET", "/connectors/{key}/endpoints", Asks::Sight),
    ("POST", "/connectors/{key}/endpoints", Asks::Edit),
    ("GET", "/connectors/{key}/endpoints/new", Asks::Edit),
    ("GET", "/connectors/{key}/endpoints/{id}", Asks::Sight),
    ("POST", "/connectors/{key}/endpoints/{id}", Asks::Edit),
    ("GET", "/connectors/{key}/endpoints/{id}/delete", Asks::Edit),
    ("POST", "/connectors/{key}/endpoints/{id}/runs", Asks::Call),
    ("GET", "/connectors/{key}/run-bodies/{body}", Asks::Call),
    ("POST", "/connectors/{key}/endpoints/{id}/delete", Asks::Edit),
];

/// What people are listed for, beyond nothing.
const LISTED: &[(&str, &[Asks])] = &[
    ("{}", &[]),
    ("{view}", &[Asks::Sight]),
    ("{view,call}", &[Asks::Sight, Asks::Call]),
    ("{view,edit}", &[Asks::Sight, Asks::Edit]),
    ("{view,authorize}", &[Asks::Sight, Asks::Authorize]),
];

fn of_one_connector() -> Vec<Route> {
    let mut routes = routes::all();
    routes.retain(|route| route.path.starts_with("/connectors/{key}") && route.needs != Needs::Open);
    routes
}

#[tokio::test]
async fn every_route_of_a_connector_asks_the_connector_itself() {
    let app = site_of_nobody().await;
    let examples = Examples::create(&app).await;
    let all: Vec<Permission> = Permission::all().collect();
    let mut wrong = Vec::new();
    for (rights, gives) in LISTED {
        let ben = app.person(&all).await;
        for route in of_one_connector() {
            let method = route.method.as_str();
            let asks = TABLE
                .iter()
                .find(|(known, path, _)| *known == method && *path == route.path)
                .map(|(_, _, asks)| *asks)
                .unwrap_or_else(|| panic!("{method} {} is not in the table", route.path));
            let path = examples.path(&app, &route).await;
            keep_all_to(&app, &ben, rights).await;
            let page = asked(&ben, &route.method, &path).await;
            if !fits(&page, asks, gives) {
                wrong.push(format!("{method} {} with {rights}: {} {}", route.path, page.status, page.text()));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert_eq!(TABLE.len(), of_one_connector().len(), "routes that are no more");
}

#[tokio::test]
async fn whoever_may_only_call_does_not_run_an_endpoint_that_is_not_saved() {
    let app = site_of_nobody().await;
    Examples::create(&app).await;
    let ben = app.person(&Permission::all().collect::<Vec<_>>()).await;
    keep_all_to(&app, &ben, "{view,call}").await;
    let path = "/connectors/payroll/endpoints/new/runs";
    let refused = ben.post(path, &[]).await.expect(403);
    assert!(refused.text().contains("may edit this data connector"), "{}", refused.text());
    keep_all_to(&app, &ben, "{view,edit}").await;
    let refused = ben.post(path, &[]).await.expect(403);
    assert!(refused.text().contains("may call this data connector"));
    keep_all_to(&app, &ben, "{view,call,edit}").await;
    let answer = ben.post(path, &[]).await;
    assert!(![403, 404].contains(&answer.status), "{}", answer.text());
}

/// Whether an answer follows from what the route asks and the person is listed for.
fn fits(page: &Page, asks: Asks, gives: &[Asks]) -> bool {
    let kept = page.status == 403 && page.text().contains("kept to certain people");
    let missing = page.status == 404 && page.h1() == "Page not found";
    match (gives.contains(&Asks::Sight), gives.contains(&asks)) {
        (false, _) => missing,
        (true, false) => kept,
        // Some answer that there is no token, or nothing to disconnect.
        (true, true) => !kept && page.status < 500 && (page.status != 404 || asks == Asks::Authorize),
    }
}

async fn keep_all_to(app: &TestApp, person: &Browser, rights: &str) {
    let user = person.user().id;
    app.sql("DELETE FROM connector_rights; UPDATE connectors SET open_rights = '{}'").await;
    if rights != "{}" {
        app.sql(&format!(
            "INSERT INTO connector_rights (id, connector_id, user_id, rights) SELECT gen_random_uuid(), id, '{user}', '{rights}' FROM connectors"
        ))
        .await;
    }
}

async fn asked(person: &Browser, method: &Method, path: &str) -> Page {
    if *method == Method::GET { person.get(path).await } else { person.post(path, &[]).await }
}
