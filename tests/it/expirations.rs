//! What expires: the list, who sees what of it, the date that a person enters, and the calendar file.

use chrono::{DateTime, TimeDelta, Utc};
use connectory::access::Permission::{EditConnectors, ManageUsers, ViewConnectors};
use connectory::authorization::{SecretField, note_certificate_ends};
use connectory::connectors::{Grant, Method};
use uuid::Uuid;

use crate::api_keys::{Whose, key};
use crate::support::{Browser, Page, TestApp};

const LIST: &str = "/expirations";
const TAB: &str = "/connectors/payroll/authorization";

/// A connector of this method with a token that ends in so many days.
async fn with_token(app: &TestApp, name: &str, method: Method, days: i64) -> Uuid {
    let id = app.connector_with(name, |new| new.method = method).await;
    let now = app.clock.now();
    let (obtained, ends) = ((now - TimeDelta::days(60)).to_rfc3339(), (now + TimeDelta::days(days)).to_rfc3339());
    app.sql(&format!(
        "INSERT INTO tokens (connector_id, access_token, token_type, obtained_at, set_by, expires_at)
         VALUES ('{id}', 'x', 'Bearer', '{obtained}', 'Ana', '{ends}')"
    ))
    .await;
    id
}

async fn list(browser: &Browser, query: &str) -> Page {
    browser.get(&format!("{LIST}{query}")).await.expect(200)
}

/// Whose and what, in the order of the list.
fn of_and_what(page: &Page) -> Vec<String> {
    page.rows().iter().map(|row| format!("{} | {}", row[1], row[2])).collect()
}

#[tokio::test]
async fn everything_that_ends_is_listed_soonest_first() {
    let app = TestApp::start().await;
    with_token(&app, "Late", Method::Bearer, 80).await;
    with_token(&app, "Soon", Method::Bearer, 3).await;
    with_token(&app, "Over", Method::Bearer, -1).await;
    let renewed = with_token(&app, "Renewed", Method::OAuth(Grant::AuthorizationCode), 1).await;
    let refresh_ends = (app.clock.now() + TimeDelta::days(20)).to_rfc3339();
    app.sql(&format!(
        "UPDATE tokens SET refresh_token = 'x', refresh_from = obtained_at, refresh_expires_at = '{refresh_ends}' WHERE connector_id = '{renewed}'"
    ))
    .await;
    with_token(&app, "By itself", Method::OAuth(Grant::ClientCredentials), 1).await;
    let dated = app.connector_with("Dated", |new| new.method = Method::Basic).await;
    app.sql(&format!("UPDATE authorizations SET secrets_end_on = current_date + 400 WHERE connector_id = '{dated}'"))
        .await;
    let ana = app.person(&[ViewConnectors]).await;
    let page = ana.get("/connectors").await.click("Expirations").await.expect(200);
    assert_eq!(page.path, LIST);
    let all = of_and_what(&page);
    let expected = [
        "Over Access token | Access token",
        "Soon Access token | Access token",
        "Renewed Refresh token | Refresh token",
        "Late Access token | Access token",
        "Dated Secrets | Secrets",
    ];
    assert_eq!(all, expected, "what is renewed by itself is left out");
    assert!(page.rows()[0][0].contains("Expired") && page.rows()[1][0].contains("in 3 days"), "{:?}", page.rows());
    for (query, count) in [
        ("?within=expired", 1),
        ("?within=7", 1),
        ("?within=30", 2),
        ("?within=90", 3),
        ("?kind=refresh_token", 1),
        ("?kind=secrets&within=7", 0),
        ("?q=soo", 1),
        ("?size=10&sort=-ends", 5),
    ] {
        assert_eq!(list(&ana, query).await.rows().len(), count, "{query}");
    }
    assert!(list(&ana, "?kind=secrets&within=7").await.text().contains("Nothing matches these filters."));
    assert_eq!(list(&ana, "?q=soon").await.click("Soon Access token").await.path, "/connectors/soon/authorization");
    app.sql("UPDATE connectors SET deleted_at = now(), deleted_by = '' WHERE key = 'soon'").await;
    assert_eq!(list(&ana, "").await.rows().len(), 4, "nothing of the trash");
}

#[tokio::test]
async fn without_anything_that_ends_the_page_says_what_it_will_show() {
    let app = TestApp::start().await;
    let page = list(&app.person(&[ViewConnectors]).await, "").await;
    assert!(page.text().contains("Nothing expires"), "{}", page.text());
    app.person(&[]).await.get(LIST).await.expect(403);
    app.person(&[]).await.get("/expirations/calendar.ics").await.expect(403);
}

#[tokio::test]
async fn people_see_what_ends_of_the_connectors_that_they_see_and_keys_as_they_may() {
    let app = TestApp::start().await;
    let hidden = with_token(&app, "Hidden", Method::Bearer, 3).await;
    app.sql(&format!("UPDATE connectors SET open_rights = '{{}}' WHERE id = '{hidden}'")).await;
    let ana = app.super_admin().await;
    let (ben, cleo) = (app.person(&[ViewConnectors]).await, app.person(&[ViewConnectors, ManageUsers]).await);
    let ends = (app.clock.now() + TimeDelta::days(5)).to_rfc3339();
    let program = Uuid::now_v7();
    app.sql(&format!(
        "INSERT INTO programs (id, name, name_key, searched, created_at, created_by, updated_at, updated_by)
         VALUES ('{program}', 'Billing', 'billing', ' billing', now(), 'Ana', now(), 'Ana')"
    ))
    .await;
    key(&app, Whose::Program(program)).await;
    key(&app, Whose::User(ben.user().id)).await;
    app.sql(&format!(
        "UPDATE api_keys SET expires_at = '{ends}'; UPDATE api_keys SET name = 'Laptop' WHERE user_id IS NOT NULL"
    ))
    .await;
    let seen = |page: &Page, words: &str| page.rows().iter().any(|row| row[1].contains(words));
    for (person, hidden, program, laptop) in
        [(&ana, true, true, true), (&ben, false, false, true), (&cleo, false, true, true)]
    {
        let page = list(person, "").await;
        let found = (seen(&page, "Hidden"), seen(&page, "Billing"), seen(&page, "Laptop"));
        assert_eq!(found, (hidden, program, laptop), "{:?}", page.rows());
        let file = person.get("/expirations/calendar.ics").await.expect(200).html;
        assert_eq!((file.contains("Hidden"), file.contains("Billing")), (hidden, program));
    }
    app.sql("UPDATE api_keys SET revoked_at = now(), revoked_by = ''").await;
    assert_eq!(list(&ben, "").await.rows().len(), 0, "a revoked key ends nothing");
}

#[tokio::test]
async fn the_end_of_the_secrets_is_entered_beside_them() {
    let app = TestApp::start().await;
    let id = app.connector_with("Payroll", |new| new.method = Method::ApiKey).await;
    app.store_secret(id, SecretField::ApiKey, "canary-5f1c77").await;
    let ana = app.person(&[EditConnectors]).await;
    let save = async |text: &str| {
        ana.get(TAB).await.form(TAB).set("api_key_name", "X-Key").set("secrets_end_on", text).send().await
    };
    for (typed, message) in [
        ("tomorrow", "Enter the date as year, month and day, such as 2027-03-31"),
        ("2020-01-01", "Enter a date after today"),
        ("9999-01-01", "Enter a date within the next hundred years"),
    ] {
        let page = save(typed).await.expect(422);
        assert_eq!(page.field_error("secrets_end_on").as_deref(), Some(message), "{typed}");
        assert_eq!(page.field_value("secrets_end_on"), typed, "what was typed is still there");
    }
    let day = (app.clock.now() + TimeDelta::days(40)).format("%Y-%m-%d").to_string();
    save(&day).await.expect(303);
    assert_eq!(ana.get(TAB).await.field_value("secrets_end_on"), day);
    let changes = app.value("SELECT changes FROM audit_events ORDER BY at DESC, id DESC LIMIT 1").await;
    assert!(changes.contains("Secrets expire on") && changes.contains(&day), "{changes}");
    assert_eq!(of_and_what(&list(&ana, "").await), ["Payroll Secrets | Secrets"]);
    let viewer = app.person(&[ViewConnectors]).await;
    assert!(viewer.get(TAB).await.text().contains(&day), "people who may only look see it");
    assert!(viewer.get("/connectors/payroll").await.text().contains(&day), "and so says the Overview");

    // One that has passed stays as it is.
    app.advance(TimeDelta::days(50));
    let ana = app.person(&[EditConnectors]).await;
    ana.get(TAB).await.form(TAB).set("time_out", "20").send().await.expect(303);
    assert!(list(&ana, "?within=expired").await.text().contains("Payroll"));
    ana.get(TAB).await.form(TAB).set("secrets_end_on", "").send().await.expect(303);
    assert!(list(&ana, "").await.text().contains("Nothing expires"));
}

#[tokio::test]
async fn a_client_certificate_says_itself_when_it_ends() {
    use crate::support::hostile::Issued;

    let app = TestApp::start().await;
    app.connector_with("Payroll", |new| new.method = Method::NoAuth).await;
    let ana = app.person(&[EditConnectors]).await;
    let client = Issued::self_signed("mine");
    let form = ana.get(TAB).await.form(TAB);
    let form = form.set("client_certificate", &client.certificate_pem).set("client_key", &client.key_pem);
    form.send().await.expect(303);
    assert_eq!(of_and_what(&list(&ana, "").await), ["Payroll Client certificate | Client certificate"]);
    assert!(ana.get("/connectors/payroll").await.text().contains("Client certificate ends"));

    // A version before has stored the certificate alone.
    let stored = app.value("SELECT client_certificate_ends_at FROM authorizations").await;
    app.sql("UPDATE authorizations SET client_certificate_ends_at = NULL").await;
    note_certificate_ends(&mut *app.conn().await).await.expect("it is noted");
    assert_eq!(app.value("SELECT client_certificate_ends_at FROM authorizations").await, stored);
}

#[tokio::test]
async fn the_calendar_file_is_one_that_calendars_read() {
    let app = TestApp::start().await;
    let long = format!("Zürich, Lohn; \\ {}", "給与 ".repeat(30));
    with_token(&app, "Payroll", Method::Bearer, 3).await;
    app.sql(&format!("UPDATE connectors SET display_name = '{long}'")).await;
    let ana = app.person(&[ViewConnectors]).await;
    let file = ana.get("/expirations/calendar.ics").await.expect(200);
    assert_eq!(file.header("content-type"), "text/calendar; charset=utf-8");
    assert!(file.header("content-disposition").contains("expirations.ics"));
    let text = &file.html;
    assert!(text.starts_with("BEGIN:VCALENDAR\r\n") && text.ends_with("END:VCALENDAR\r\n"), "{text}");
    assert!(!text.replace("\r\n", "").contains(['\r', '\n']), "every line ends in CRLF");
    for line in text.split("\r\n") {
        assert!(line.len() <= 75, "{} octets: {line}", line.len());
    }
    let unfolded = text.replace("\r\n ", "");
    let value = |name: &str| {
        let line = unfolded.split("\r\n").find(|line| line.starts_with(name)).unwrap_or_else(|| panic!("no {name}"));
        line[name.len()..].to_string()
    };
    assert_eq!((value("VERSION:"), value("BEGIN:VE")), ("2.0".into(), "VENT".into()));
    let stamp = |time: DateTime<Utc>| time.format("%Y%m%dT%H%M%SZ").to_string();
    let ends = app.value("SELECT expires_at::text FROM tokens").await;
    let ends: DateTime<Utc> = ends.parse().or_else(|_| format!("{ends}:00").parse()).expect("a time");
    assert_eq!((value("DTSTAMP:"), value("DTSTART:")), (stamp(app.clock.now()), stamp(ends)));
    let summary = value("SUMMARY:");
    assert!(summary.starts_with("Access token ends: Zürich\\, Lohn\\; \\\\ 給与"), "{summary}");
    assert!(value("URL:").ends_with("/connectors/payroll/authorization"));

    // An end that moves keeps its UID.
    let uid = value("UID:");
    app.sql("UPDATE tokens SET expires_at = expires_at + interval '9 days'").await;
    assert!(ana.get("/expirations/calendar.ics").await.html.contains(&uid));
}
