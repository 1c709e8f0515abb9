//! The Overview of a connector: what opens from the list, and what each part shows to whom.

use connectory::access::Permission::{CallConnectors, EditConnectors, ViewActivity, ViewConnectors};
use connectory::authorization::SecretField;
use connectory::connectors::{Grant, Method};
use connectory::outbound::HttpUrl;
use uuid::Uuid;

use crate::calls::{call, program};
use crate::evidence::Basic;
use crate::support::upstream::{Reply, Upstream};
use crate::support::{Browser, Page, TestApp};

const OVERVIEW: &str = "/connectors/payroll";
const TAB: &str = "/connectors/payroll/authorization";

/// The buttons and button-like links of the health card.
fn repairs(page: &Page) -> Vec<String> {
    page.texts("[aria-labelledby=health] .btn")
}

async fn overview(browser: &Browser) -> Page {
    browser.get(OVERVIEW).await.expect(200)
}

async fn add_endpoint(app: &TestApp, connector: Uuid, name: &str, url: &str) -> Uuid {
    let id = Uuid::now_v7();
    app.sql(&format!(
        "INSERT INTO endpoints (id, connector_id, name, name_key, method, url, created_at, created_by, updated_at, updated_by)
         VALUES ('{id}', '{connector}', '{name}', '{name}', 'GET', '{url}', now(), '', now(), '')"
    ))
    .await;
    id
}

#[tokio::test]
async fn it_opens_from_the_list_and_the_details_are_the_next_tab() {
    let app = TestApp::start().await;
    app.connector("Payroll").await;
    let ana = app.super_admin().await;
    let page = ana.get("/connectors").await.click("Payroll").await.expect(200);
    assert_eq!((page.path.as_str(), page.h1().as_str()), (OVERVIEW, "Payroll: Overview"));
    let tabs = ["Overview", "Details", "Authorization", "Endpoints", "Activity", "Access"];
    assert_eq!(page.texts(".tabs a"), tabs);
    let details = page.click("Details").await.expect(200);
    let saved = details.submit(|form| form.set("description", "Books")).await.expect(303).follow().await;
    assert_eq!(saved.path, "/connectors/payroll/details", "after saving one stays there");
    assert!(overview(&ana).await.text().contains("Books"));
}

#[tokio::test]
async fn of_a_new_connector_every_part_says_that_it_is_empty() {
    let app = TestApp::start().await;
    app.connector("Payroll").await;
    let ana = app.person(&[EditConnectors, ViewActivity]).await;
    let page = overview(&ana).await;
    let text = page.text();
    for words in [
        "No call and no test has shown yet whether it works.",
        "No calls yet.",
        "It has not been called in the last 30 days.",
        "No endpoints yet.",
    ] {
        assert!(text.contains(words), "{words}: {text}");
    }
    assert!(page.has_link("Create the first endpoint"));
    assert_eq!(page.field_value("key"), "payroll");
    assert_eq!(page.field_value("proxy_path"), "/api/v1/connectors/payroll/proxy/");
    let curl = format!(
        "curl --header \"Authorization: Bearer $CONNECTORY_KEY\" '{}/api/v1/connectors/payroll/proxy/'",
        app.public_url
    );
    assert_eq!(page.field_value("curl"), curl);
}

#[tokio::test]
async fn calls_callers_endpoints_and_changes_are_shown() {
    let app = TestApp::start().await;
    let id = app.connector("Payroll").await;
    let list = add_endpoint(&app, id, "list", "/orders").await;
    for number in 0..12 {
        add_endpoint(&app, id, &format!("more {number:02}"), "/more").await;
    }
    for (status, caller) in [(500, "Report"), (200, "Billing"), (200, "Billing")] {
        let mut call = call(app.clock.now(), id);
        call.endpoint = Some((list, "list".into()));
        (call.status, call.caller) = (Some(status), program(caller));
        app.call_log.record(call);
    }
    app.call_log.finish().await;
    let ana = app.person(&[EditConnectors, CallConnectors, ViewActivity]).await;
    ana.get("/connectors/payroll/details").await.submit(|form| form.set("display_name", "Pay")).await.expect(303);
    let page = overview(&ana).await;
    let week = page.texts("[aria-labelledby=week]").concat();
    assert!(week.contains("Last call") && week.contains("3 calls since"), "{week}");
    assert!(week.contains("1 of them an error (33%)"), "{week}");
    assert_eq!(page.texts("[aria-labelledby=week] svg title").len(), 2, "calls and errors");
    let callers = page.texts("[aria-labelledby=callers] th[scope=row]");
    assert_eq!(callers, ["Billing Program", "Report Program"]);
    let rows = page.texts("[aria-labelledby=endpoints] tbody tr");
    assert_eq!((rows.len(), &rows[0][..4]), (10, "list"));
    assert!(page.text().contains("13 endpoints"), "{}", page.text());
    assert_eq!(page.field_value("endpoint_path"), "POST /api/v1/connectors/payroll/endpoints/list/call");
    assert!(page.field_value("curl").contains("/endpoints/list/call'"));
    let changes = page.texts("[aria-labelledby=changes] li");
    assert!(changes[0].contains(&ana.user().name), "{changes:?}");
    let run = page.click("Run list").await.expect(200);
    assert_eq!(run.path, format!("/connectors/payroll/endpoints/{list}#sample").split('#').next().unwrap());
}

#[tokio::test]
async fn people_see_only_the_parts_that_they_may() {
    let app = TestApp::start().await;
    let id = app.connector("Payroll").await;
    add_endpoint(&app, id, "list", "/orders").await;
    app.call_log.record(call(app.clock.now(), id));
    app.call_log.finish().await;
    let page = overview(&app.person(&[ViewConnectors]).await).await;
    assert!(page.text().contains("People with the permission “View Activity” see them here."), "{}", page.text());
    assert!(!page.text().contains("Month-end report") && !page.text().contains("Recent changes"));
    assert!(!page.has_link("Run list") && repairs(&page).is_empty());
    app.person(&[]).await.get(OVERVIEW).await.expect(403);
}

#[tokio::test]
async fn text_that_people_have_written_is_shown_as_text() {
    let app = TestApp::start().await;
    app.connector_with("Payroll", |new| {
        new.details.description = "<script>alert(1)</script>".into();
        new.details.display_name = format!("<b>{}</b>", "long ".repeat(40));
    })
    .await;
    let page = overview(&app.super_admin().await).await;
    assert!(page.text().contains("<script>alert(1)</script>"));
    assert!(!page.html.contains("<script>alert") && !page.html.contains("<b>long"));
}

#[tokio::test]
async fn owner_contact_documentation_and_notes_are_shown() {
    let app = TestApp::start().await;
    app.connector("Payroll").await;
    let ana = app.person(&[EditConnectors]).await;
    assert!(overview(&ana).await.text().contains("OwnerNone"));
    let details = ana.get("/connectors/payroll/details").await;
    let owner = ana.user().username.clone();
    let filled = details.submit(|form| {
        form.set("owner", &owner)
            .set("contact", "accounting@example.org")
            .set("documentation_url", "https://docs.example.org/api")
            .set("notes", "Closed on <b>Sundays</b>.")
    });
    filled.await.expect(303);
    let page = overview(&ana).await;
    for words in [ana.user().name.as_str(), "accounting@example.org", "Closed on <b>Sundays</b>."] {
        assert!(page.text().contains(words), "{words}: {}", page.text());
    }
    assert!(page.links().contains(&("https://docs.example.org/api".into(), "https://docs.example.org/api".into())));
}

#[tokio::test]
async fn a_test_from_here_tests_what_is_stored_and_the_answer_counts() {
    let (app, api) = (TestApp::start().await, Upstream::start(|_| Reply::of(200, &[], "")).await);
    let id = app
        .connector_with("Payroll", |new| {
            new.method = Method::Basic;
            new.details.base_url = HttpUrl::parse(&api.url("/v1")).ok();
        })
        .await;
    app.sql("UPDATE authorizations SET user_name = 'svc'").await;
    let ana = app.person(&[EditConnectors]).await;
    let page = overview(&ana).await;
    assert!(page.text().contains("Not ready: the password is missing."), "{}", page.text());
    assert_eq!(repairs(&page), ["Repair on the Authorization tab"]);

    app.store_secret(id, SecretField::Password, "canary-5f1c77").await;
    let page = overview(&ana).await;
    assert_eq!(repairs(&page), ["Test connection"]);
    let tested = page.form(TAB).press("Test connection").send().await.expect(200);
    assert_eq!(tested.h1(), "Payroll: Authorization");
    assert!(tested.text().contains("Nothing was saved."), "{}", tested.text());
    let page = overview(&ana).await;
    assert!(page.text().contains("The API takes calls."), "{}", page.text());
    assert!(repairs(&page).is_empty(), "what works needs no repair");
}

#[tokio::test]
async fn a_refusal_is_shown_with_the_words_of_the_api() {
    let answer = r#"{"error":"locked","message":"Account is locked"}"#;
    let site = Basic::new(move |_| Reply::json(401, answer)).await;
    let ana = &site.ana;
    overview(ana).await.form(TAB).press("Test connection").send().await.expect(200);
    let page = overview(ana).await;
    let health = page.texts("[aria-labelledby=health]").concat();
    assert!(health.contains("The API refuses the credential."), "{health}");
    assert!(health.contains("Account is locked"), "{health}");
    assert!(health.contains("Check user and password on the Authorization tab"), "{health}");
    assert_eq!(repairs(&page), ["Test connection"]);
}

#[tokio::test]
async fn there_is_one_button_and_it_is_the_one_of_the_authorization_tab() {
    let app = TestApp::start().await;
    let ana = app.person(&[EditConnectors]).await;
    let url = |text: &str| HttpUrl::parse(text).ok();
    for (name, method, wanted) in [
        ("Bearer", Method::Bearer, "Get Access Token"),
        ("Code", Method::OAuth(Grant::AuthorizationCode), "Authorize"),
        ("Client", Method::OAuth(Grant::ClientCredentials), "Get Access Token"),
        ("Empty", Method::OAuth(Grant::ClientCredentials), "Repair on the Authorization tab"),
    ] {
        let id = app
            .connector_with(name, |new| {
                new.method = method;
                new.details.base_url = url("https://api.example.org");
            })
            .await;
        if name != "Empty" {
            app.sql(&format!(
                "INSERT INTO oauth_clients (connector_id, authorize_url, token_url, client_id)
                 VALUES ('{id}', 'https://sso.example.org/a', 'https://sso.example.org/t', 'web')"
            ))
            .await;
            app.store_secret(id, SecretField::ClientSecret, "canary").await;
        }
        let key = name.to_lowercase();
        let page = ana.get(&format!("/connectors/{key}")).await.expect(200);
        assert_eq!(repairs(&page), [wanted], "{name}");
        if wanted != "Repair on the Authorization tab" {
            let tab = ana.get(&format!("/connectors/{key}/authorization")).await.expect(200);
            let primary = tab.texts("[aria-labelledby=state] .btn:not(.sec):not([hidden])");
            assert_eq!(primary, [wanted], "{name}");
        }
    }
    app.connector_with("Off", |new| new.details.enabled = false).await;
    let page = ana.get("/connectors/off").await.expect(200);
    assert_eq!(repairs(&page), ["Enable"]);
}

#[tokio::test]
async fn origins_that_wait_for_approval_are_listed() {
    let app = TestApp::start().await;
    let id = app
        .connector_with("Payroll", |new| {
            new.method = Method::Basic;
            new.details.base_url = HttpUrl::parse("https://api.example.org").ok();
        })
        .await;
    app.store_secret(id, SecretField::Password, "canary-5f1c77").await;
    add_endpoint(&app, id, "list", "https://elsewhere.example.org/orders").await;
    let page = overview(&app.person(&[EditConnectors]).await).await;
    assert!(page.text().contains("https://elsewhere.example.org"), "{}", page.text());
    assert_eq!(page.click("Approve origins").await.expect(200).path, format!("{TAB}/approvals"));
    let viewer = overview(&app.person(&[ViewConnectors]).await).await;
    assert!(viewer.text().contains("A person who may authorize this data connector can approve them."));
}

#[tokio::test]
async fn the_connector_of_a_collection_has_no_repair() {
    let app = TestApp::start().await;
    app.collection("Books", "").await;
    let page = app.super_admin().await.get("/connectors/books").await.expect(200);
    assert!(repairs(&page).is_empty(), "{:?}", repairs(&page));
}
