//! Forms with wrong input, as a screen reader meets them: what is wrong is announced, stands at its field, and no button
//! is switched off without a reason.

use connectory::connectors::Method;

use crate::support::{Browser, Page, TestApp, words};

const TAB: &str = "/connectors/payroll/authorization";

async fn admin_of(method: Method) -> (TestApp, Browser) {
    let app = TestApp::start().await;
    app.connector_with("Payroll", |new| new.method = method).await;
    let ana = app.super_admin().await;
    (app, ana)
}

/// The error of a field is in the summary, which gets the focus, and the field is bound to it.
fn is_announced(page: &Page, field: &str) {
    assert!(page.title().starts_with("Error: "), "{}", page.title());
    let summary = page.all("[aria-labelledby=error-summary]").next().expect("a summary");
    assert_eq!((summary.attr("tabindex"), summary.attr("data-focus")), (Some("-1"), Some("")));
    assert!(page.attributes("[aria-labelledby=error-summary] a", "href").contains(&format!("#{field}")));
    let (selector, id) = (format!("[id='{field}']"), format!("{field}-error"));
    assert_eq!(page.attribute(&selector, "aria-invalid").as_deref(), Some("true"));
    let described = page.attribute(&selector, "aria-describedby").unwrap_or_default();
    assert!(described.split(' ').any(|part| part == id), "{described}");
    assert!(!page.texts(&format!("[id='{id}']")).is_empty());
}

#[tokio::test]
async fn a_wrong_secret_is_announced_and_bound_to_its_field() {
    let (app, ana) = admin_of(Method::ApiKey).await;
    let wrong = async |choice: &str| {
        let form = ana.get(TAB).await.form(TAB).set("api_key_name", "X-Key").set("api_key", "k\u{1}ey");
        let page = if choice.is_empty() { form } else { form.set("api_key_choice", choice) };
        page.send().await.expect(422)
    };
    is_announced(&wrong("").await, "api_key");
    let form = ana.get(TAB).await.form(TAB).set("api_key_name", "X-Key").set("api_key", "k3y-one");
    form.send().await.expect(303);
    is_announced(&wrong("replace").await, "api_key");
    assert!(!wrong("replace").await.html.contains("k\u{1}ey"));
    drop(app);
}

#[tokio::test]
async fn no_button_is_switched_off_beside_an_error() {
    let (_app, ana) = admin_of(Method::Basic).await;
    let further = format!("{TAB}/further-secrets");
    for (address, action, field) in [
        (TAB, TAB, "user_name"),
        ("/connectors/new", "/connectors", "connector_name"),
        ("/connectors/payroll/endpoints/new", "/connectors/payroll/endpoints", "endpoint_name"),
        (further.as_str(), further.as_str(), "further_name"),
    ] {
        let form = ana.get(address).await.expect(200).form(action);
        let page = if field == "further_name" { form.set("value", "v") } else { form.set(field, "") };
        let page = page.send().await.expect(422);
        is_announced(&page, field);
        assert!(page.attributes("button[disabled], input[disabled]", "name").is_empty(), "{address}");
        assert!(page.buttons().iter().all(|button| !button.is_empty()));
    }
}

#[tokio::test]
async fn each_control_has_a_name_and_buttons_beside_a_field_name_it() {
    let (_app, ana) = admin_of(Method::ApiKey).await;
    for address in [TAB.into(), format!("{TAB}/further-secrets"), "/profile/keys/new".into(), "/profile".into()] {
        let page = ana.get(&address).await.expect(200);
        let controls = "input:not([type=hidden]), select, textarea, button";
        for control in page.all(controls) {
            let id = control.attr("id").unwrap_or_default();
            let labels = page.texts(&format!("label[for='{id}']"));
            let named = control.attr("aria-label").is_some_and(|name| !name.trim().is_empty())
                || control.attr("aria-labelledby").is_some()
                || labels.iter().any(|label| !label.is_empty())
                || (control.value().name() == "button" && !words(control).is_empty());
            assert!(named, "{address}: {}", control.html());
        }
        for button in page.all("button[data-reveal]") {
            let field = button.attr("data-reveal").unwrap_or_default().trim_start_matches('#');
            let label = page.texts(&format!("label[for='{field}']")).concat().to_lowercase();
            let name = button.attr("aria-label").unwrap_or_default().to_lowercase();
            let rest = name.strip_prefix("show ").unwrap_or_default();
            assert!(!rest.is_empty() && label.contains(rest), "{address}: {name} for {label}");
        }
    }
}
