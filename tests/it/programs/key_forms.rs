//! The form of a key: expiry, methods, where it leads.

use chrono::TimeDelta;
use connectory::access::Permission::ManageUsers;
use connectory::access::Wants;
use uuid::Uuid;

use super::{error, key_to_all, make_key, presented, program, recorded, told};
use crate::support::TestApp;

#[tokio::test]
async fn a_key_ends_when_its_form_says() {
    let app = TestApp::start().await;
    let ana = app.person(&[ManageUsers]).await;
    let address = program(&ana, "Billing").await;
    let page = ana.get(&format!("{address}/keys/new")).await;
    assert_eq!(page.ticked("expires"), ["90"], "the default");
    assert_eq!(page.ticked("leads"), ["chosen"], "the default");
    let days = |days| (app.clock.now() + TimeDelta::days(days)).format("%Y-%m-%d").to_string();
    let tomorrow = days(1);
    for (expires, date, ends) in [
        ("30", "", days(30)),
        ("90", "", days(90)),
        ("365", "", days(365)),
        ("never", "", String::new()),
        ("date", tomorrow.as_str(), tomorrow.clone()),
    ] {
        make_key(&ana, &address, |form| form.set("expires", expires).set("expires_on", date)).await.expect(200);
        let stored = app
            .value("SELECT to_char(expires_at AT TIME ZONE 'UTC', 'YYYY-MM-DD') FROM api_keys ORDER BY id DESC LIMIT 1")
            .await;
        assert_eq!(stored, ends, "{expires}");
    }
}

#[tokio::test]
async fn what_is_wrong_with_a_new_key_is_kept_with_what_to_do() {
    let app = TestApp::start().await;
    let ana = app.person(&[ManageUsers]).await;
    let address = program(&ana, "Billing").await;
    let new = async |field: &str, value: &str| {
        let (field, value) = (field.to_string(), value.to_string());
        make_key(&ana, &address, |form| match field.as_str() {
            "expires_on" => form.set("expires", "date").set("expires_on", &value),
            "key_name" => form.set("key_name", &value),
            _ => form.forge(&field, &value),
        })
        .await
        .expect(422)
    };
    for (field, value, message) in [
        ("key_name", "", "Enter a name"),
        (
            "key_name",
            "a<b",
            "A name can have letters, numbers, spaces, apostrophes, hyphens, underscores and full stops. Remove “<”.",
        ),
        ("expires_on", "", "Enter the date on which the key expires"),
        ("expires_on", "soon <b>", "Enter the date as year, month and day, such as 2027-03-31"),
        ("expires_on", "2020-01-01", "Enter a date after today"),
        ("expires_on", "3000-01-01", "Enter a date within the next ten years, or choose Never"),
        ("expires", "tomorrow", "Choose when the key expires"),
        // Only a stored key has an expiry that may stay.
        ("expires", "keep", "Choose when the key expires"),
        ("methods", "some", "Choose which HTTP methods the key may use"),
        ("leads", "nowhere", "Choose what the key can call"),
    ] {
        let page = new(field, value).await;
        assert_eq!(page.errors(), error(field, message), "{field}: {value}");
        assert!(!page.html.contains("soon <b>"));
        if matches!(field, "key_name" | "expires_on") {
            assert_eq!(page.field_value(field), value);
        }
    }
    let page = make_key(&ana, &address, |form| form.set("methods", "chosen")).await.expect(422);
    assert_eq!(page.errors(), error("http_method", "Tick at least one method, or choose All methods"));
    assert_eq!(app.count("SELECT count(*) FROM api_keys").await, 0);
}

#[tokio::test]
async fn only_the_ticked_methods_are_allowed() {
    let app = TestApp::start().await;
    let ana = app.person(&[ManageUsers]).await;
    let address = program(&ana, "Billing").await;
    let page = make_key(&ana, &address, |form| {
        form.set("methods", "chosen").set("leads", "all").tick("http_method", "GET").tick("http_method", "HEAD")
    })
    .await
    .expect(200);
    let text = page.field_value("api_key");
    let ask = async |method| told(&app, &text, Uuid::nil(), Wants::Endpoint { id: Uuid::nil(), method }).await;
    for (method, code) in [("GET", ""), ("HEAD", ""), ("POST", "method_not_allowed"), ("DELETE", "method_not_allowed")]
    {
        assert_eq!(ask(method).await, code, "{method}");
    }
    let page = page.click("See what it can call").await;
    assert!(page.text().contains("GET, HEAD"), "{}", page.text());
}

#[tokio::test]
async fn name_expiry_and_methods_can_be_changed_and_the_key_stays() {
    let app = TestApp::start().await;
    let ana = app.person(&[ManageUsers]).await;
    let address = program(&ana, "Billing").await;
    let (text, page) = key_to_all(&ana, &address).await;
    let before = app.value("SELECT expires_at FROM api_keys").await;
    let form = ana.get(&page).await.click("Edit name, expiry and methods").await.expect(200);
    assert_eq!(form.ticked("expires"), ["keep"]);
    let saved = form.submit(|form| form.set("key_name", "Hourly")).await.expect(303).follow().await;
    assert_eq!((saved.h1().as_str(), saved.flash().as_str()), ("Hourly: API key", "The API key was saved"));
    assert_eq!(app.value("SELECT expires_at FROM api_keys").await, before);
    let form = ana.get(&format!("{page}/edit")).await;
    let wrong = form.submit(|form| form.set("expires", "date").set("expires_on", "x")).await.expect(422);
    assert_eq!(wrong.field_value("expires_on"), "x");
    form.submit(|form| form.set("expires", "never").set("methods", "chosen").tick("http_method", "PUT"))
        .await
        .expect(303);
    assert_eq!(
        told(&app, &text, Uuid::nil(), Wants::Endpoint { id: Uuid::nil(), method: "GET" }).await,
        "method_not_allowed"
    );
    assert!(presented(&app, &text).await.is_ok());
    let lines = recorded(&app, "api_key.saved").await;
    assert!(lines[0][3].contains(r#"{"to": "Hourly", "from": "Nightly export", "field": "Name"}"#), "{}", lines[0][3]);
    assert!(lines[1][3].contains(r#""to": "Never""#) && lines[1][3].contains(r#""to": "PUT""#), "{}", lines[1][3]);
    assert_eq!(lines[1][2], format!("Hourly ({})", &text[..12]));
}
