//! Where a key leads: adding data connectors among thousands, their endpoints, the proxy and the token.

use connectory::access::Permission::{CallConnectors, EditConnectors, ManageUsers};
use connectory::access::Wants;
use uuid::Uuid;

use super::{endpoint, error, key, program, recorded, told};
use crate::support::{TestApp, strs};

const PROXY: Wants<'static> = Wants::Proxy { method: "GET" };

fn get(id: Uuid) -> Wants<'static> {
    Wants::Endpoint { id, method: "GET" }
}

#[tokio::test]
async fn a_data_connector_is_found_added_changed_and_removed_without_a_script() {
    let app = TestApp::start().await;
    let payroll = app.connector("Payroll").await;
    let ledger = app.connector("Ledger").await;
    let list = endpoint(&app, payroll, "list", "GET").await;
    let create = endpoint(&app, payroll, "create", "POST").await;
    let foreign = endpoint(&app, ledger, "foreign", "GET").await;
    let ana = app.person(&[ManageUsers]).await;
    let address = program(&ana, "Billing").await;
    let (text, page) = key(&ana, &address).await;
    assert_eq!(told(&app, &text, payroll, PROXY).await, "connector_not_allowed");

    let search = ana.get(&page).await.expect(200);
    assert!(search.text().contains("It has no access yet"));
    let search = search.click("Add data connectors").await.expect(200);
    assert_eq!(strs(&search.choices("connector")), ["Ledger", "Payroll"]);
    let found = search.submit(|form| form.set("q", "PAYR")).await.expect(200);
    assert_eq!(strs(&found.choices("connector")), ["Payroll"]);
    let results = found.path.split('?').next().expect("a path").to_string();
    let choose = |form: crate::support::FormFill| form.press("Continue");
    let answer = choose(found.all_forms(&results).remove(1)).send().await.expect(422);
    assert_eq!(answer.errors(), error("connector", "Choose at least one data connector"));
    let form = choose(answer.all_forms(&results).remove(1).tick("connector", "payroll"));
    let form = form.send().await.expect(303).follow().await.expect(200);
    assert_eq!(form.h1(), "Nightly export: Payroll");
    assert_eq!(strs(&form.choices("endpoint")), ["create (POST)", "list (GET)"]);

    let nothing = form.submit(|form| form.set("endpoints", "chosen")).await.expect(422);
    let message = "Allow something: at least one endpoint, the proxy or the access token";
    assert_eq!(nothing.errors(), error("endpoints", message));
    // An endpoint of another data connector does not count.
    let chosen = || form.main_form().set("endpoints", "chosen");
    let forged = chosen().forge("endpoint", &foreign.to_string()).send().await;
    assert_eq!(forged.expect(422).errors(), error("endpoints", message));
    let saved = chosen().tick("endpoint", &list.to_string()).send().await.expect(303);
    let saved = saved.follow().await;
    assert_eq!(saved.flash(), "The key can now call “Payroll”");
    assert_eq!(strs(&saved.rows()[0][..4]), ["Payroll", "list", "No", "No"]);
    assert_eq!(told(&app, &text, payroll, get(list)).await, "");
    assert_eq!(told(&app, &text, payroll, get(create)).await, "endpoint_not_allowed");
    assert_eq!(told(&app, &text, payroll, get(foreign)).await, "endpoint_not_allowed");
    assert_eq!(told(&app, &text, payroll, PROXY).await, "proxy_not_allowed");
    assert_eq!(told(&app, &text, payroll, Wants::Token).await, "token_not_allowed");
    assert_eq!(told(&app, &text, ledger, get(foreign)).await, "connector_not_allowed");
    // It is no longer among those that can be added.
    let search = saved.click("Add data connectors").await;
    assert_eq!(strs(&search.choices("connector")), ["Ledger"]);

    let form = saved.click("Edit Payroll").await.expect(200);
    assert_eq!(form.ticked("endpoint"), [list.to_string()]);
    let form = form.main_form().set("endpoints", "all").tick("proxy", "yes").tick("token", "yes");
    let saved = form.send().await.expect(303).follow().await;
    assert_eq!(strs(&saved.rows()[0][..4]), ["Payroll", "All endpoints", "Yes", "May be read"]);
    for wants in [get(create), PROXY, Wants::Token] {
        assert_eq!(told(&app, &text, payroll, wants).await, "");
    }

    let confirm = saved.click("Remove Payroll").await.expect(200);
    let removed = confirm.submit(|form| form).await.expect(303).follow().await;
    assert_eq!(removed.flash(), "The key can no longer call “Payroll”");
    assert_eq!(told(&app, &text, payroll, PROXY).await, "connector_not_allowed");
    let lines = recorded(&app, "api_key.data").await;
    let kinds: Vec<&str> = lines.iter().map(|line| line[0].as_str()).collect();
    assert_eq!(
        kinds,
        ["api_key.data_connector_added", "api_key.data_connector_saved", "api_key.data_connector_removed"]
    );
    assert!(lines[1][3].contains(r#"{"to": "All", "from": "list", "field": "Endpoints"}, {"to": "Allowed", "from": "", "field": "Proxy"}, {"to": "Allowed", "from": "", "field": "Access token"}"#), "{}", lines[1][3]);
    assert!(lines[2][3].contains("Payroll"));
}

#[tokio::test]
async fn a_key_can_be_led_to_all_data_connectors() {
    let app = TestApp::start().await;
    let ana = app.person(&[ManageUsers]).await;
    let address = program(&ana, "Billing").await;
    let (text, page) = key(&ana, &address).await;
    let search = ana.get(&format!("{page}/connectors/new")).await;
    assert!(search.text().contains("This key can call every data connector already."));
    let form = search.click("Allow all data connectors instead").await.expect(200);
    assert!(form.text().contains("also for those that are made later"));
    let form = form.main_form().set("endpoints", "chosen").tick("proxy", "yes");
    form.send().await.expect(303);
    let later = app.connector("Made later").await;
    assert_eq!(told(&app, &text, later, PROXY).await, "");
    assert_eq!(told(&app, &text, later, get(Uuid::nil())).await, "endpoint_not_allowed");
    let page = ana.get(&page).await;
    assert!(page.text().contains("This key can call all data connectors,"));
    assert_eq!(strs(&page.rows()[0][..3]), ["All data connectors", "None", "Yes"]);
}

#[tokio::test]
async fn one_among_thousands_is_found_by_its_words() {
    let app = TestApp::start().await;
    app.connector_with("Straßenlaternen Süd", |new| new.details.description = "Welche sind aus?".into()).await;
    app.sql("INSERT INTO connectors (id, key, name, name_key, display_name, description, method, status, status_since, category_names, category_names_folded, own_folded, created_at, created_by, updated_at, updated_by)
        SELECT gen_random_uuid(), 'c-' || n, 'Connector ' || n, 'connector ' || n, '', '', 'none', 'healthy', now(), '', '', ' connector ' || n, now(), '', now(), '' FROM generate_series(1, 3000) n").await;
    let ana = app.person(&[ManageUsers]).await;
    let address = program(&ana, "Billing").await;
    let (_, page) = key(&ana, &address).await;
    let new = format!("{page}/connectors/new");
    let all = ana.get(&new).await.expect(200);
    assert_eq!(all.choices("connector").len(), 50);
    assert!(all.text().contains("Search to find others."));
    for (words, found) in [
        ("strassenlaternen", vec!["Straßenlaternen Süd"]),
        ("aus+SUD", vec!["Straßenlaternen Süd"]),
        ("connector+2999", vec!["Connector 2999"]),
        ("%25", vec![]),
        ("a%00b", vec![]),
    ] {
        let page = ana.get(&format!("{new}?q={words}")).await.expect(200);
        assert_eq!(strs(&page.choices("connector")), found, "{words}");
    }
    let page = ana.get(&format!("{new}?q=%3Cscript%3E")).await.expect(200);
    assert!(!page.html.contains("<script>") && page.text().contains("“<script>”"));
    // What is chosen cannot lead elsewhere.
    for elsewhere in ["..%2F..%2F", "%2F%2Fevil.example", "a%0D%0Ab", "%C3%BC"] {
        let page = ana.get(&format!("{new}?choose=yes&connector={elsewhere}")).await;
        page.expect(422);
    }
    ana.get(&format!("{page}/connectors/nothing", page = page_of(&new))).await.expect(404);
}

fn page_of(new: &str) -> &str {
    new.trim_end_matches("/connectors/new")
}

#[tokio::test]
async fn a_data_connector_in_the_trash_stays_until_it_is_gone_and_is_not_offered() {
    let app = TestApp::start().await;
    let payroll = app.connector("Payroll").await;
    let ana = app.person(&[ManageUsers]).await;
    let address = program(&ana, "Billing").await;
    let (_, page) = key(&ana, &address).await;
    let (_, other) = key(&ana, &address).await;
    ana.get(&format!("{page}/connectors/payroll")).await.submit(|form| form).await.expect(303);
    app.sql(&format!("UPDATE connectors SET deleted_at = now(), deleted_by = 'Ana' WHERE id = '{payroll}'")).await;
    assert_eq!(ana.get(&page).await.rows()[0][0], "Payroll In the trash");
    ana.get(&format!("{other}/connectors/payroll")).await.expect(404);
    assert!(ana.get(&format!("{other}/connectors/new")).await.choices("connector").is_empty());
    app.sql(&format!("DELETE FROM connectors WHERE id = '{payroll}'")).await;
    assert!(ana.get(&page).await.text().contains("It has no access yet"));
}

#[tokio::test]
async fn hostile_names_are_printed_as_text() {
    let app = TestApp::start().await;
    let payroll = app.connector("Payroll").await;
    app.sql("UPDATE connectors SET display_name = '<img src=x onerror=alert(1)>'").await;
    endpoint(&app, payroll, "<script>alert(2)</script>", "GET").await;
    let ana = app.super_admin().await;
    let address = program(&ana, "Billing").await;
    let (_, page) = key(&ana, &address).await;
    app.sql("UPDATE programs SET name = '\"><script>alert(3)</script>'; UPDATE api_keys SET name = '</textarea><script>alert(4)</script>', last_used_at = now(), last_used_address = '<b>'").await;
    let form = ana.get(&format!("{page}/connectors/payroll")).await.expect(200);
    let id = app.value("SELECT id FROM endpoints").await;
    let saved = form.submit(|form| form.set("endpoints", "chosen").tick("endpoint", &id)).await.expect(303);
    let mut pages = vec![form, saved.follow().await];
    for path in [
        "/programs",
        &address,
        &format!("{address}/edit"),
        &format!("{address}/delete"),
        &format!("{address}/keys/new"),
        &page,
        &format!("{page}/edit"),
        &format!("{page}/revocation"),
        &format!("{page}/connectors/new"),
        &format!("{page}/connectors/payroll/removal"),
    ] {
        pages.push(ana.get(path).await.expect(200));
    }
    for page in pages {
        for raw in ["<img src=x", "<script>alert", "</textarea><", "from <b>"] {
            assert!(!page.html.contains(raw), "{raw} on {}", page.path);
        }
    }
}

#[tokio::test]
async fn a_person_who_may_not_edit_is_not_offered_the_token_and_not_given_it() {
    let app = TestApp::start().await;
    let payroll = app.connector("Payroll").await;
    let ben = app.person(&[CallConnectors]).await;
    let (text, page) = key(&ben, "/profile").await;
    let form = ben.get(&format!("{page}/connectors/payroll")).await.expect(200);
    assert!(!form.text().contains("May read the access token"));
    let answer = form.main_form().tick("proxy", "yes").forge("token", "yes").send().await.expect(422);
    assert_eq!(answer.errors()[0].0, "token");
    assert!(answer.text().contains("“Edit Data Connectors”"));
    form.submit(|form| form.tick("proxy", "yes")).await.expect(303);
    assert_eq!(told(&app, &text, payroll, PROXY).await, "");
    let cleo = app.person(&[CallConnectors, EditConnectors]).await;
    let (text, page) = key(&cleo, "/profile").await;
    let form = cleo.get(&format!("{page}/connectors/payroll")).await.expect(200);
    form.submit(|form| form.tick("token", "yes")).await.expect(303);
    assert_eq!(told(&app, &text, payroll, Wants::Token).await, "");
}

#[tokio::test]
async fn several_data_connectors_are_added_at_once() {
    let app = TestApp::start().await;
    let payroll = app.connector("Payroll").await;
    let ledger = app.connector("Ledger").await;
    let closed = app.connector("Closed").await;
    let ana = app.person(&[ManageUsers]).await;
    let address = program(&ana, "Billing").await;
    let (text, page) = key(&ana, &address).await;
    let search = ana.get(&format!("{page}/connectors/new")).await.expect(200);
    let form = search.all_forms(&format!("{page}/connectors/new")).remove(1).press("Continue");
    let form = form.tick("connector", "payroll").tick("connector", "ledger").tick("connector", "closed");
    // Meanwhile one is open to certain people only.
    app.sql(&format!("UPDATE connectors SET open_rights = '{{view}}' WHERE id = '{closed}'")).await;
    let form = form.send().await.expect(303).follow().await.expect(200);
    assert_eq!(form.h1(), "Add 2 data connectors");
    assert!(form.text().contains("Ledger") && form.text().contains("Payroll") && !form.text().contains("Closed"));
    let nothing = form.submit(|form| form.set("endpoints", "chosen")).await.expect(422);
    assert_eq!(nothing.errors(), error("endpoints", "Allow something: the endpoints or the proxy"));
    assert_eq!(nothing.h1(), "Add 2 data connectors", "what was chosen is still there");
    let forged = form.main_form().forge("connector", "closed").send().await.expect(303).follow().await;
    assert!(forged.flash().starts_with("No data connector was added"), "{}", forged.flash());
    let saved = form.main_form().tick("proxy", "yes").send().await.expect(303).follow().await;
    assert_eq!(saved.flash(), "The key can now call 2 more data connectors");
    assert!(saved.field_value("command").contains("/api/v1/connectors/ledger/proxy/"), "{}", saved.html);
    for (connector, refusal) in [(payroll, ""), (ledger, ""), (closed, "connector_not_allowed")] {
        assert_eq!(told(&app, &text, connector, PROXY).await, refusal);
    }
    assert_eq!(recorded(&app, "api_key.data").await.len(), 2);
    let again = form.main_form().send().await.expect(303).follow().await;
    assert!(again.flash().contains("can call them already"), "{}", again.flash());
    ana.get(&format!("{page}/connectors?connector=nothing")).await.expect(303);
}

#[tokio::test]
async fn a_program_is_allowed_from_the_data_connector() {
    let app = TestApp::start().await;
    let payroll = app.connector("Payroll").await;
    let ana = app.person(&[ManageUsers]).await;
    let list = "/connectors/payroll/programs";
    assert!(ana.get(list).await.expect(200).text().contains("No program has an API key that can be used."));
    let address = program(&ana, "Billing").await;
    let (text, page) = key(&ana, &address).await;
    let (_, revoked) = key(&ana, &address).await;
    ana.get(&format!("{revoked}/revocation")).await.submit(|form| form).await.expect(303);
    let rows = ana.get(list).await.expect(200);
    assert_eq!(rows.rows().len(), 1);
    let link = format!("Allow Billing, Nightly export, {}", &text[..12]);
    let form = rows.click(&link).await.expect(200);
    assert_eq!(form.path, format!("{page}/connectors/payroll"));
    form.submit(|form| form.tick("proxy", "yes")).await.expect(303);
    assert_eq!(told(&app, &text, payroll, PROXY).await, "");
    assert!(ana.get(list).await.text().contains("Can call it"));
    app.sql("UPDATE connectors SET open_rights = '{view}'").await;
    ana.get(list).await.expect(403);
    app.sql("UPDATE connectors SET open_rights = '{}'").await;
    ana.get(list).await.expect(404);
    app.person(&[EditConnectors]).await.get(list).await.expect(403);
    let admin = app.super_admin().await;
    admin.get("/connectors/payroll/access").await.click("Allow a program").await.expect(200);
}
