//! The create form, and duplicating.

use connectory::access::Permission::{CreateCategories, CreateConnectors, EditConnectors};
use connectory::categories::{CategoryStatus, UNCATEGORIZED};
use connectory::connectors::Method;
use futures_util::future::join_all;

use super::error;
use crate::support::{FormFill, TestApp, strs};

/// The form with all that is asked for.
fn payroll(form: FormFill) -> FormFill {
    form.set("connector_name", "Payroll").set("description", "Salaries of the town")
}

#[tokio::test]
async fn a_connector_without_authentication_is_created_and_shown() {
    let app = TestApp::start().await;
    let ana = app.person(&[CreateConnectors]).await;
    let page = ana.get("/connectors").await.click("Create the first data connector").await.expect(200);
    assert_eq!(page.h1(), "Create Data Connector");
    let page = page
        .submit(|form| payroll(form).set("display_name", "Pay  roll ").set("base_url", "https://pay.example.org/v1"))
        .await
        .expect(303);
    let page = page.follow().await.expect(200);
    assert_eq!(
        (page.path.as_str(), page.flash().as_str()),
        ("/connectors/payroll/endpoints", "The Data Connector was created")
    );
    let page = page.click("Details").await.expect(200);
    let fields = ["connector_name", "display_name", "description", "base_url"].map(|id| page.field_value(id));
    assert_eq!(fields, ["Payroll", "Pay roll", "Salaries of the town", "https://pay.example.org/v1"]);
    assert_eq!(page.ticked("category"), [UNCATEGORIZED.to_string()]);
    let today = app.clock.now().format("%-d %b %Y").to_string();
    let row = ana.get("/connectors").await.rows().remove(0);
    let status = format!("Not tested yet Test Pay roll since {today}");
    let cells = [
        "Pay roll Payroll",
        "Salaries of the town",
        "No Auth",
        "Uncategorized",
        &status,
        &today,
        &today,
        "Edit Pay roll",
    ];
    assert_eq!(row, cells);
}

#[tokio::test]
async fn the_methods_lead_on_to_the_authorization_tab() {
    let app = TestApp::start().await;
    let ana = app.person(&[CreateConnectors]).await;
    for method in [Method::Basic, Method::Bearer, Method::ApiKey] {
        let page = ana.get("/connectors/new").await;
        let page = page
            .submit(|form| payroll(form).set("connector_name", method.code()).set("auth_method", method.code()))
            .await
            .expect(303);
        let key = method.code().replace('_', "-");
        assert_eq!(page.location(), Some(format!("/connectors/{key}/authorization").as_str()));
        let page = page.follow().await.expect(200);
        assert_eq!(
            (page.h1(), page.flash().as_str()),
            (format!("{}: Authorization", method.code()), "The Data Connector was created")
        );
        assert_eq!(app.value(&format!("SELECT status FROM connectors WHERE key = '{key}'")).await, "not_authorized");
    }
}

#[tokio::test]
async fn the_form_offers_what_can_be_chosen_with_the_usual_preselected() {
    let app = TestApp::start().await;
    app.category("Finance").await;
    app.category_with("Retired", CategoryStatus::Inactive).await;
    let ana = app.person(&[CreateConnectors, CreateCategories]).await;
    let page = ana.get("/connectors/new").await;
    assert_eq!(strs(&page.choices("category")), ["Finance", "Generated", "Uncategorized"]);
    assert_eq!(page.ticked("category"), [UNCATEGORIZED.to_string()]);
    assert_eq!(strs(&page.choices("auth_method"))[..2], ["No Auth", "Basic Auth"]);
    assert_eq!(page.field_value("auth_method"), "no_auth");
    assert_eq!(page.field_value("new_category"), "");
}

#[tokio::test]
async fn what_is_wrong_is_kept_with_what_to_do() {
    let app = TestApp::start().await;
    app.connector("Ledger").await;
    let ana = app.person(&[CreateConnectors]).await;
    let page = ana.get("/connectors/new").await;
    let (long_name, long_text) = ("é".repeat(256), "é".repeat(4001));
    for (field, typed, message) in [
        ("connector_name", "", "Enter a name"),
        ("connector_name", "\t\u{2003} ", "Enter a name"),
        (
            "connector_name",
            "a<b",
            "A name can have letters, numbers, spaces, apostrophes, hyphens, underscores and full stops. Remove “<”.",
        ),
        (
            "connector_name",
            "a/b",
            "A name can have letters, numbers, spaces, apostrophes, hyphens, underscores and full stops. Remove “/”.",
        ),
        (
            "connector_name",
            "a\u{202e}b",
            "A name can have letters, numbers, spaces, apostrophes, hyphens, underscores and full stops. Remove “U+202E”.",
        ),
        ("connector_name", &long_name, "Name must be 255 characters or fewer"),
        ("connector_name", " LEDGER ", "A data connector named “LEDGER” already exists"),
        ("display_name", &long_name, "Display name must be 255 characters or fewer"),
        ("description", "", "Enter a description"),
        ("description", &long_text, "Description must be 4,000 characters or fewer"),
        ("base_url", "example.org", "Base URL must start with https:// or http://"),
        ("base_url", "javascript:alert(1)", "Base URL must start with https:// or http://"),
        ("base_url", "https://u:p@example.org", "Base URL must not contain a user name or password"),
        ("base_url", "https://example.org/#x", "Base URL must not have a fragment (the part from #)"),
        ("base_url", "https://", "Base URL has no host name"),
    ] {
        let page = page.submit(|form| payroll(form).set(field, typed)).await.expect(422);
        assert_eq!(page.errors(), error(field, message), "{field} {typed}");
        assert_eq!(page.field_error(field).as_deref(), Some(message));
        assert_eq!(page.field_value(field), typed, "what was typed comes back");
        assert_eq!(page.title(), "Error: Create Data Connector – Connectory");
    }
    assert_eq!(app.count("SELECT count(*) FROM connectors").await, 1);
}

#[tokio::test]
async fn every_problem_is_said_at_once_and_everything_typed_is_kept() {
    let app = TestApp::start().await;
    let category = app.category("Finance").await.to_string();
    let ana = app.person(&[CreateConnectors]).await;
    let uncategorized = UNCATEGORIZED.to_string();
    let page = ana.get("/connectors/new").await;
    let refused = page.submit(|form| {
        form.set("base_url", "x")
            .set("auth_method", "bearer")
            .set("display_name", "Pay")
            .tick("category", &category)
            .untick("category", &uncategorized)
    });
    let refused = refused.await.expect(422);
    let fields: Vec<String> = refused.errors().into_iter().map(|(field, _)| field).collect();
    assert_eq!(strs(&fields), ["connector_name", "description", "base_url"]);
    assert!(refused.text().contains("There are 3 problems"));
    assert_eq!(
        (refused.field_value("auth_method").as_str(), refused.field_value("display_name").as_str()),
        ("bearer", "Pay")
    );
    assert_eq!(refused.ticked("category"), [category]);
    // The same form goes through once it is put right, and what was not touched is as it was.
    refused.submit(|form| payroll(form).set("base_url", "")).await.expect(303);
    assert_eq!(
        app.rows("SELECT method, display_name, base_url, category_names FROM connectors").await,
        [["bearer", "Pay", "", "Finance"]]
    );
}

#[tokio::test]
async fn at_least_one_active_category_is_asked_for() {
    let app = TestApp::start().await;
    let inactive = app.category_with("Retired", CategoryStatus::Inactive).await.to_string();
    let ana = app.person(&[CreateConnectors]).await;
    let page = ana.get("/connectors/new").await;
    for forged in [&inactive, "00000000-0000-7000-8000-00000000ffff", "x"] {
        let page = page.submit(|form| payroll(form).forge("category", forged)).await.expect(422);
        assert_eq!(page.errors(), error("category", "Choose at least one category"));
    }
    let uncategorized = UNCATEGORIZED.to_string();
    let page = page.submit(|form| payroll(form).untick("category", &uncategorized)).await.expect(422);
    assert_eq!(page.errors(), error("category", "Choose at least one category"));
    assert_eq!(app.count("SELECT count(*) FROM connectors").await, 0);
}

#[tokio::test]
async fn a_method_that_is_not_offered_is_refused() {
    let app = TestApp::start().await;
    let ana = app.person(&[CreateConnectors]).await;
    for forged in ["", "none", "NO_AUTH"] {
        let page = ana
            .get("/connectors/new")
            .await
            .submit(|form| payroll(form).forge("auth_method", forged))
            .await
            .expect(422);
        assert_eq!(page.errors(), error("auth_method", "Choose an authentication type"));
    }
}

#[tokio::test]
async fn a_name_of_any_script_with_the_special_characters_reads_back_as_typed() {
    let app = TestApp::start().await;
    let ana = app.person(&[CreateConnectors]).await;
    let longest = "ß".repeat(255);
    for (typed, stored) in [
        ("Bureau's pay_roll-2.0", "Bureau's pay_roll-2.0"),
        ("Bureau’s  ledger ", "Bureau’s ledger"),
        ("東京 API", "東京 API"),
        ("हिन्दी सेवा", "हिन्दी सेवा"),
        ("e\u{301}te\u{301}", "été"),
        (longest.as_str(), longest.as_str()),
    ] {
        let page = ana
            .get("/connectors/new")
            .await
            .submit(|form| payroll(form).set("connector_name", typed))
            .await
            .expect(303);
        let page = page.follow().await.click("Details").await.expect(200);
        assert_eq!((page.field_value("connector_name").as_str(), page.h1()), (stored, format!("{stored}: Details")));
    }
}

#[tokio::test]
async fn a_description_of_several_lines_reads_back_as_typed() {
    let app = TestApp::start().await;
    let ana = app.person(&[CreateConnectors]).await;
    let text = "First line\n\n  indented <b>bold</b> & \"quoted\"\n{{variable}} – last";
    let page = ana.get("/connectors/new").await.submit(|form| payroll(form).set("description", text)).await.expect(303);
    let page = page.follow().await.click("Details").await;
    assert_eq!(page.field_value("description"), text);
    page.submit(|form| form).await.expect(303);
    assert_eq!(app.value("SELECT description FROM connectors").await, text, "saving it again changes nothing");
}

#[tokio::test]
async fn the_same_name_twenty_times_at_once_makes_one() {
    let app = TestApp::start().await;
    let ana = app.person(&[CreateConnectors]).await;
    let spellings = ["Café", "CAFÉ", " cafe\u{301} ", "CaFE\u{301}"];
    let pages = join_all((0..20).map(|_| ana.get("/connectors/new"))).await;
    let forms = pages
        .iter()
        .zip(spellings.iter().cycle())
        .map(|(page, name)| payroll(page.main_form()).set("connector_name", name));
    let answers = join_all(forms.map(|form| form.send())).await;
    assert_eq!(answers.iter().filter(|answer| answer.status == 303).count(), 1);
    assert_eq!(answers.iter().filter(|answer| answer.status == 422).count(), 19);
    assert_eq!(app.count("SELECT count(*) FROM connectors").await, 1);
}

#[tokio::test]
async fn names_that_share_a_slug_at_once_get_a_key_each() {
    let app = TestApp::start().await;
    let ana = app.person(&[CreateConnectors]).await;
    let names = ["Pay roll", "Pay-roll", "Pay.roll", "Pay_roll", "Páy roll", "Pay roll.", "'Pay roll'", "pay roll-"];
    let pages = join_all(names.iter().map(|_| ana.get("/connectors/new"))).await;
    let forms = pages.iter().zip(names).map(|(page, name)| payroll(page.main_form()).set("connector_name", name));
    let answers = join_all(forms.map(|form| form.send())).await;
    assert!(
        answers.iter().all(|answer| answer.status == 303),
        "{:?}",
        answers.iter().map(|answer| answer.status).collect::<Vec<_>>()
    );
    let keys = app.rows("SELECT key FROM connectors ORDER BY key").await.concat();
    assert_eq!(
        strs(&keys),
        ["pay-roll", "pay-roll-2", "pay-roll-3", "pay-roll-4", "pay-roll-5", "pay-roll-6", "pay-roll-7", "pay-roll-8"]
    );
}

#[tokio::test]
async fn a_key_is_never_the_address_of_another_page() {
    let app = TestApp::start().await;
    let ana = app.person(&[CreateConnectors]).await;
    for (name, key) in
        [("New", "new-connector"), ("Trash", "trash-connector"), ("東京", "dong-jing"), ("東經", "dong-jing-2")]
    {
        let page =
            ana.get("/connectors/new").await.submit(|form| payroll(form).set("connector_name", name)).await.expect(303);
        assert_eq!(page.location(), Some(format!("/connectors/{key}/endpoints").as_str()));
        assert_eq!(page.follow().await.expect(200).h1(), format!("{name}: Endpoints"));
    }
}

#[tokio::test]
async fn pressing_save_twice_creates_one_and_shows_it_both_times() {
    let app = TestApp::start().await;
    let ana = app.person(&[CreateConnectors]).await;
    let page = ana.get("/connectors/new").await;
    let answers = join_all([page.submit(payroll), page.submit(payroll)]).await;
    for answer in answers.iter().chain([&page.submit(payroll).await]) {
        assert_eq!((answer.status, answer.location()), (303, Some("/connectors/payroll/endpoints")));
    }
    assert_eq!(app.count("SELECT count(*) FROM connectors").await, 1);
    assert_eq!(app.count("SELECT count(*) FROM audit_events WHERE kind = 'connector.created'").await, 1);
}

#[tokio::test]
async fn somebody_elses_form_id_does_not_lead_to_their_connector() {
    let app = TestApp::start().await;
    let id = app.connector("Ledger").await.to_string();
    let ana = app.person(&[CreateConnectors]).await;
    let page = ana.get("/connectors/new").await.submit(|form| payroll(form).forge("new_id", &id)).await;
    assert!(page.status < 500, "{}", page.status);
    assert_eq!(app.rows("SELECT name FROM connectors").await, [["Ledger"]]);
}

#[tokio::test]
async fn a_duplicate_has_everything_but_secrets_under_a_free_name() {
    let app = TestApp::start().await;
    let category = app.category("Finance").await;
    let original = app
        .connector_with("Payroll", |new| {
            new.details.display_name = "Pay".into();
            new.method = Method::Basic;
            new.categories = vec![category, UNCATEGORIZED];
        })
        .await;
    app.sql(&format!(
        "UPDATE authorizations SET user_name = 'robot', ca_certificate = 'pem' WHERE connector_id = '{original}'"
    ))
    .await;
    app.sql(&format!("INSERT INTO secrets (connector_id, field, sealed, set_at, set_by) VALUES ('{original}', 'password', 'x', now(), 'Ana')")).await;
    app.sql(&format!("INSERT INTO tokens (connector_id, access_token, token_type, obtained_at, set_by) VALUES ('{original}', 'x', 'Bearer', now(), 'Ana')")).await;
    app.sql("UPDATE connectors SET verify_certificates = false").await;
    let ana = app.person(&[CreateConnectors]).await;
    for (name, key) in [("Payroll copy", "payroll-copy"), ("Payroll copy 2", "payroll-copy-2")] {
        let page = ana
            .get("/connectors/payroll/details")
            .await
            .form("/connectors/payroll/duplicates")
            .send()
            .await
            .expect(303)
            .follow()
            .await;
        assert_eq!(page.flash(), "The Data Connector was duplicated, without its secrets and tokens");
        assert_eq!(
            (page.path, app.value(&format!("SELECT name FROM connectors WHERE key = '{key}'")).await.as_str()),
            (format!("/connectors/{key}/details"), name)
        );
    }
    let facts = "SELECT c.display_name, c.description, c.base_url, c.method, c.enabled, c.verify_certificates, c.category_names, a.user_name, a.ca_certificate
        FROM connectors c JOIN authorizations a ON a.connector_id = c.id ORDER BY c.key";
    let facts = app.rows(facts).await;
    assert_eq!(facts[0], facts[1]);
    assert_eq!(app.count("SELECT count(*) FROM secrets").await, 1);
    assert_eq!(app.count("SELECT count(*) FROM tokens").await, 1);
    assert_eq!(app.value("SELECT status FROM connectors WHERE key = 'payroll-copy'").await, "not_authorized");
}

#[tokio::test]
async fn the_longest_name_can_be_duplicated_too() {
    let app = TestApp::start().await;
    let longest = "Ä".repeat(255);
    app.connector(&longest).await;
    let key = app.value("SELECT key FROM connectors").await;
    let ana = app.person(&[CreateConnectors]).await;
    let copies = format!("/connectors/{key}/duplicates");
    for _ in 0..2 {
        ana.get(&format!("/connectors/{key}/details")).await.form(&copies).send().await.expect(303);
    }
    let names = app.rows("SELECT name FROM connectors ORDER BY created_at").await.concat();
    assert_eq!(names[1..], [format!("{} copy", "Ä".repeat(250)), format!("{} copy 2", "Ä".repeat(248))]);
}

#[tokio::test]
async fn who_may_only_edit_does_not_create() {
    let app = TestApp::start().await;
    app.connector("Payroll").await;
    let ben = app.person(&[EditConnectors]).await;
    ben.get("/connectors/new").await.expect(403);
    ben.post("/connectors", &[("connector_name", "x"), ("description", "x")]).await.expect(403);
    ben.post("/connectors/payroll/duplicates", &[]).await.expect(403);
    assert_eq!(app.count("SELECT count(*) FROM connectors").await, 1);
}

#[tokio::test]
async fn a_category_is_created_with_the_connector_or_not_at_all() {
    let app = TestApp::start().await;
    let ana = app.person(&[CreateConnectors, CreateCategories]).await;
    app.category("Finance").await;
    let page = ana.get("/connectors/new").await;
    let taken = page.submit(|form| payroll(form).set("new_category", "finance")).await.expect(422);
    assert_eq!(taken.field_error("new_category").as_deref(), Some("A category named “finance” already exists"));
    let invalid = taken.submit(|form| form.set("new_category", "<")).await.expect(422);
    assert!(invalid.field_error("new_category").is_some());
    // Nothing of it is stored if the connector is not.
    app.connector("Payroll").await;
    let refused = invalid.submit(|form| form.set("new_category", "Street works")).await.expect(422);
    assert_eq!(refused.errors(), error("connector_name", "A data connector named “Payroll” already exists"));
    assert_eq!(app.count("SELECT count(*) FROM categories WHERE name = 'Street works'").await, 0);
    refused.submit(|form| form.set("connector_name", "Ledger")).await.expect(303);
    assert_eq!(app.value("SELECT category_names FROM connectors WHERE name = 'Ledger'").await, "Street works");
    assert_eq!(app.value("SELECT connectors FROM categories WHERE name = 'Street works'").await, "1");
    assert_eq!(
        app.count("SELECT count(*) FROM audit_events WHERE kind = 'category.created' AND actor_id IS NOT NULL").await,
        1
    );
    // Without the permission for categories there is no such field, and one that is sent does nothing.
    let ben = app.person(&[CreateConnectors]).await;
    let page = ben.get("/connectors/new").await;
    assert!(!page.html.contains("new_category"));
    page.submit(|form| payroll(form).set("connector_name", "Stock").forge("new_category", "Mine")).await.expect(303);
    assert_eq!(app.value("SELECT category_names FROM connectors WHERE name = 'Stock'").await, "Uncategorized");
}
