//! The own name, time zone and theme.

use connectory::access::Permission::ViewConnectors;

use crate::support::{Browser, FormFill, Page, TestApp};

async fn save(person: &Browser, fill: impl FnOnce(FormFill) -> FormFill) -> Page {
    person.get("/profile").await.submit(fill).await
}

#[tokio::test]
async fn a_person_changes_name_time_zone_and_theme() {
    let app = TestApp::start().await;
    let ben = app.person(&[ViewConnectors]).await;
    let page = ben.get("/profile").await.expect(200);
    assert_eq!(page.attribute("html", "data-theme"), None);
    let page = save(&ben, |form| {
        form.set("full_name", "  Ben   O’Kafor ").set("time_zone", "America/New_York").set("theme", "dark")
    });
    let page = page.await.expect(303).follow().await;
    assert_eq!(page.flash(), "Your profile was saved");
    assert_eq!(page.field_value("full_name"), "Ben O’Kafor");
    assert!(page.texts("footer")[0].contains("Times are in America/New York"));
    let form = page.main_form();
    assert_eq!(form.value("time_zone"), Some("America/New_York"));
    assert_eq!(form.value("theme"), Some("dark"));
    let id = ben.user().id;
    let query = format!("SELECT changes FROM audit_events WHERE subject_id = '{id}' AND kind = 'profile.saved'");
    let changes = app.value(&query).await;
    for field in ["Name", "Time zone", "Theme"] {
        assert!(changes.contains(&format!("\"{field}\"")), "{changes}");
    }
    // Whoever searches for the new name finds it.
    let ana = app.super_admin().await;
    assert_eq!(ana.get("/users?q=kafor").await.row_heads(), ["Ben O’Kafor"]);
}

#[tokio::test]
async fn the_theme_is_written_by_the_server_on_every_page() {
    let app = TestApp::start().await;
    let ben = app.person(&[]).await;
    for (theme, attribute, scheme) in
        [("dark", Some("dark"), "dark"), ("light", Some("light"), "light"), ("auto", None, "light dark")]
    {
        save(&ben, |form| form.set("theme", theme)).await.expect(303);
        for path in ["/profile/password", "/nowhere", "/users"] {
            let page = ben.get(path).await;
            let written = page.attribute("html", "data-theme");
            assert_eq!(written.as_deref(), attribute, "{path}");
            let painted = page.attribute("meta[name=color-scheme]", "content");
            assert_eq!(painted.as_deref(), Some(scheme), "{path}");
        }
    }
}

#[tokio::test]
async fn bad_input_is_said_at_its_field_and_kept() {
    let app = TestApp::start().await;
    let ben = app.person(&[]).await;
    for (name, message) in [
        (" ", "Enter your name"),
        ("Ben\u{202e}", "A name cannot have control characters. Type it again"),
        (&"x".repeat(256), "Name must be 255 characters or fewer"),
    ] {
        let page = save(&ben, |form| form.set("full_name", name).set("theme", "dark"));
        let page = page.await.expect(422);
        assert_eq!(page.field_error("full_name").as_deref(), Some(message));
        assert_eq!(page.main_form().value("theme"), Some("dark"));
    }
    let page = save(&ben, |form| form.forge("time_zone", "Mars/Olympus").forge("theme", "<b>"));
    let page = page.await.expect(422);
    let fields: Vec<String> = page.errors().into_iter().map(|(field, _)| field).collect();
    assert_eq!(fields, ["time_zone", "theme"]);
    assert_eq!(app.count("SELECT count(*) FROM audit_events WHERE kind = 'profile.saved'").await, 0);
}

#[tokio::test]
async fn a_name_is_printed_as_text() {
    let app = TestApp::start().await;
    let ben = app.person(&[]).await;
    let page = save(&ben, |form| form.set("full_name", "<b>Ben</b>\"'&"));
    let page = page.await.expect(303).follow().await;
    assert!(!page.html.contains("<b>Ben"));
    assert_eq!(page.field_value("full_name"), "<b>Ben</b>\"'&");
}

#[tokio::test]
async fn who_saves_second_sees_both_versions() {
    let app = TestApp::start().await;
    let ben = app.person(&[]).await;
    let page = ben.get("/profile").await;
    save(&ben, |form| form.set("theme", "light")).await.expect(303);
    let page = page.submit(|form| form.set("time_zone", "Europe/Madrid")).await.expect(409);
    assert_eq!(page.h1(), "Someone else saved this first");
    assert_eq!(page.row_heads(), ["Time zone", "Theme"]);
    page.submit(|form| form).await.expect(303);
    assert_eq!(
        app.rows(&format!("SELECT time_zone, theme FROM users WHERE id = '{}'", ben.user().id)).await,
        [["Europe/Madrid", "auto"]]
    );
}

#[tokio::test]
async fn a_zone_that_is_none_any_more_reads_as_utc() {
    let app = TestApp::start().await;
    let ben = app.person(&[]).await;
    app.sql("UPDATE users SET time_zone = 'Mars/Olympus'").await;
    let page = ben.get("/profile").await.expect(200);
    assert!(page.texts("footer")[0].contains("Times are in UTC"));
    assert_eq!(page.main_form().value("time_zone"), Some("UTC"));
}
