//! Two who change a key at once, or where it leads.

use connectory::access::Permission::ManageUsers;

use super::{endpoint, key, program};
use crate::support::TestApp;

const CONFLICT: &str = "Someone else saved this first";

#[tokio::test]
async fn the_second_of_two_who_change_a_key_sees_both_versions() {
    let app = TestApp::start().await;
    let (ana, ben) = (app.person(&[ManageUsers]).await, app.person(&[ManageUsers]).await);
    let address = program(&ana, "Billing").await;
    let (_, page) = key(&ana, &address).await;
    let edit = format!("{page}/edit");
    let (anas, bens) = (ana.get(&edit).await, ben.get(&edit).await);
    let saved = anas.submit(|form| form.set("key_name", "Hourly")).await;
    saved.expect(303);
    let conflict = bens
        .submit(|form| form.set("key_name", "Daily").set("methods", "chosen").tick("http_method", "GET"))
        .await
        .expect(409);
    assert_eq!(conflict.h1(), CONFLICT);
    let said = format!("{} ({}) saved “Hourly” on", ana.user().name, ana.user().username);
    assert!(conflict.text().contains(&said), "{}", conflict.text());
    let differences = [["Name", "Hourly", "Daily"], ["HTTP methods", "All", "GET"]];
    assert_eq!(conflict.rows(), differences);
    let expires = app.value("SELECT expires_at FROM api_keys").await;
    conflict.form(&page).send().await.expect(303);
    let stored = app.rows("SELECT name, methods, expires_at FROM api_keys");
    assert_eq!(stored.await, [["Daily", "{GET}", expires.as_str()]]);
}

#[tokio::test]
async fn a_key_is_not_changed_by_a_form_that_does_not_know_where_it_leads() {
    let app = TestApp::start().await;
    app.connector("Payroll").await;
    let ana = app.person(&[ManageUsers]).await;
    let address = program(&ana, "Billing").await;
    let (_, page) = key(&ana, &address).await;
    let way = format!("{page}/connectors/payroll");
    let mut open = ana.get(&format!("{page}/edit")).await;
    for change in [way.clone(), format!("{way}/removal")] {
        let form = match change.ends_with("removal") {
            true => ana.get(&change).await,
            false => ana.get(&way).await,
        };
        form.main_form().send().await.expect(303);
        open.main_form().send().await.expect(409);
        open = ana.get(&format!("{page}/edit")).await;
    }
    let revocation = ana.get(&format!("{page}/revocation")).await;
    revocation.main_form().send().await.expect(303);
    let told = open.main_form().send().await.expect(303).follow().await;
    let words = "This key was revoked, so nothing about it can be changed any more.";
    assert!(told.text().contains(words), "{}", told.text());
}

#[tokio::test]
async fn the_second_of_two_who_lead_a_key_to_a_data_connector_sees_both_versions() {
    let app = TestApp::start().await;
    let payroll = app.connector("Payroll").await;
    let list = endpoint(&app, payroll, "list", "GET").await.to_string();
    let (ana, ben) = (app.person(&[ManageUsers]).await, app.person(&[ManageUsers]).await);
    let address = program(&ana, "Billing").await;
    let (_, page) = key(&ana, &address).await;
    let way = format!("{page}/connectors/payroll");

    // Added meanwhile.
    let (anas, bens) = (ana.get(&way).await, ben.get(&way).await);
    let added = anas.submit(|form| form.tick("proxy", "yes")).await;
    added.expect(303);
    let chosen = |form: crate::support::FormFill| form.set("endpoints", "chosen");
    let conflict = bens.submit(|form| chosen(form).tick("endpoint", &list));
    let conflict = conflict.await.expect(409);
    assert_eq!(conflict.h1(), CONFLICT);
    let said = format!("{} ({}) saved “Nightly export: Payroll”", ana.user().name, ana.user().username);
    assert!(conflict.text().contains(&said), "{}", conflict.text());
    let differences = [["Endpoints", "All", "list"], ["Proxy", "Allowed", "Not allowed"]];
    assert_eq!(conflict.rows(), differences);
    conflict.form(&way).send().await.expect(303);

    // Removed meanwhile, and added again: another one than the form was made from.
    let open = ben.get(&way).await;
    let removal = ana.get(&format!("{way}/removal")).await;
    removal.main_form().send().await.expect(303);
    let conflict = open.main_form().send().await.expect(409);
    let gone =
        [["Endpoints", "Empty", "list"], ["Proxy", "Empty", "Not allowed"], ["Access token", "Empty", "Not allowed"]];
    assert_eq!(conflict.rows(), gone);
    ana.get(&way).await.main_form().send().await.expect(303);
    open.main_form().send().await.expect(409);
    conflict.form(&way).send().await.expect(409);
    let stored = "SELECT all_endpoints, proxy, token FROM api_key_scopes";
    assert_eq!(app.rows(stored).await, [["t", "f", "f"]]);
}
