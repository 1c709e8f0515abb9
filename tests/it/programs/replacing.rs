//! Replacing a key: the new one can do the same at once, and the present one ends when the form says.

use chrono::TimeDelta;
use connectory::access::Permission::{EditConnectors, ManageUsers};
use connectory::access::Wants;

use super::{endpoint, error, key, key_to_all, program, recorded, told};
use crate::support::{Page, TestApp};

const PROXY: Wants<'static> = Wants::Proxy { method: "GET" };

fn new_key(page: &Page) -> String {
    page.field_value("api_key")
}

#[tokio::test]
async fn the_new_key_can_do_the_same_and_the_old_one_ends_after_a_day() {
    let app = TestApp::start().await;
    let (payroll, ledger) = (app.connector("Payroll").await, app.connector("Ledger").await);
    let list = endpoint(&app, payroll, "list", "GET").await;
    let create = endpoint(&app, payroll, "create", "POST").await;
    let ana = app.person(&[ManageUsers]).await;
    let address = program(&ana, "Billing").await;
    let (old, page) = key(&ana, &address).await;
    let form = ana.get(&format!("{page}/connectors/payroll")).await;
    let form = form.main_form().set("endpoints", "chosen").tick("endpoint", &list.to_string());
    form.send().await.expect(303);
    let form = ana.get(&format!("{page}/connectors/ledger")).await;
    form.submit(|form| form.tick("proxy", "yes").tick("token", "yes")).await.expect(303);

    let form = ana.get(&page).await.click("Replace").await.expect(200);
    assert_eq!(form.h1(), "Nightly export: Replace API key");
    let send = || form.main_form().confirmed().send();
    let created = send().await.expect(200);
    assert_eq!(created.header("cache-control"), "no-store");
    assert!(created.text().contains("It can do what the key before can, which ends on"), "{}", created.text());
    assert!(
        created.field_value("command").starts_with("curl --header \"Authorization: Bearer $CONNECTORY_KEY\" 'http")
    );
    let new = new_key(&created);
    let wants = |id, method| Wants::Endpoint { id, method };
    for text in [&old, &new] {
        assert_eq!(told(&app, text, payroll, wants(list, "GET")).await, "");
        assert_eq!(told(&app, text, payroll, wants(create, "POST")).await, "endpoint_not_allowed");
        assert_eq!(told(&app, text, payroll, PROXY).await, "proxy_not_allowed");
        assert_eq!(told(&app, text, ledger, PROXY).await, "");
        assert_eq!(told(&app, text, ledger, Wants::Token).await, "");
    }
    // A second press makes no second key, and does not show the first again.
    let again = send().await.expect(303).follow().await;
    assert!(again.flash().contains("already shown") && !again.html.contains(&new));
    assert_eq!(app.count("SELECT count(*) FROM api_keys").await, 2);

    let lines = recorded(&app, "api_key.replaced").await;
    assert!(lines[0][3].contains("Replaced by") && lines[0][3].contains(&new[..12]), "{:?}", lines[0]);
    app.advance(TimeDelta::hours(23));
    assert_eq!(told(&app, &old, ledger, PROXY).await, "");
    app.advance(TimeDelta::hours(2));
    assert_eq!(told(&app, &old, ledger, PROXY).await, "key_expired");
    assert_eq!(told(&app, &new, ledger, PROXY).await, "");
}

#[tokio::test]
async fn the_old_key_may_end_at_once_and_never_later_than_it_would_have() {
    let app = TestApp::start().await;
    let payroll = app.connector("Payroll").await;
    let ana = app.person(&[ManageUsers]).await;
    let address = program(&ana, "Billing").await;
    let (old, page) = key_to_all(&ana, &address).await;
    let form = ana.get(&format!("{page}/replacement")).await;
    let unknown = form.main_form().forge("ends", "9").confirmed().send().await.expect(422);
    assert_eq!(unknown.errors(), error("ends", "Choose when the present key ends"));
    let no_date = form.main_form().set("expires", "date").confirmed().send().await.expect(422);
    assert_eq!(no_date.errors(), error("expires_on", "Enter the date on which the key expires"));
    let send = || form.main_form().set("ends", "0").confirmed().send();
    let new = new_key(&send().await.expect(200));
    assert!(send().await.expect(303).follow().await.flash().contains("already shown"));
    assert_eq!(told(&app, &old, payroll, PROXY).await, "key_revoked");
    assert_eq!(told(&app, &new, payroll, Wants::Proxy { method: "GET" }).await, "proxy_not_allowed");
    // A revoked key has nothing to replace.
    ana.get(&format!("{page}/replacement")).await.expect(303);

    let (old, page) = key_to_all(&ana, &address).await;
    app.sql(&format!("UPDATE api_keys SET expires_at = '{}' WHERE prefix = '{}'", in_minutes(&app, 30), &old[..12]))
        .await;
    let form = ana.get(&format!("{page}/replacement")).await;
    form.main_form().confirmed().send().await.expect(200);
    app.advance(TimeDelta::minutes(31));
    assert_eq!(told(&app, &old, payroll, PROXY).await, "key_expired");
}

fn in_minutes(app: &TestApp, minutes: i64) -> String {
    (app.clock.now() + TimeDelta::minutes(minutes)).to_rfc3339()
}

#[tokio::test]
async fn who_may_not_let_a_program_do_what_the_key_does_cannot_replace_it() {
    let app = TestApp::start().await;
    app.connector("Payroll").await;
    let admin = app.super_admin().await;
    let address = program(&admin, "Billing").await;
    let (_, page) = key(&admin, &address).await;
    let form = admin.get(&format!("{page}/connectors/payroll")).await;
    form.submit(|form| form.tick("token", "yes")).await.expect(303);
    let ana = app.person(&[ManageUsers, EditConnectors]).await;
    let replace = async || {
        let form = ana.get(&format!("{page}/replacement")).await.expect(200);
        form.main_form().confirmed().send().await
    };
    for closed in ["{view,call,edit}", "{view,edit,authorize}"] {
        app.sql(&format!("UPDATE connectors SET open_rights = '{closed}'")).await;
        let refused = replace().await.expect(422);
        assert_eq!(refused.errors()[0].0, "ends", "{closed}");
    }
    assert_eq!(app.count("SELECT count(*) FROM api_keys").await, 1);
    app.sql("UPDATE connectors SET open_rights = '{view,call,edit,authorize}'").await;
    replace().await.expect(200);
}
