//! People are named by what they cannot choose: nobody does something in another one's name, or in the program's.

use crate::support::{Browser, Page, TestApp, formulas};

/// Saves the profile with another name.
async fn call_oneself(browser: &Browser, name: &str) -> Page {
    let page = browser.get("/profile").await.expect(200);
    page.form("/profile").set("full_name", name).send().await
}

/// Who has done what the newest lines tell.
async fn actors(reader: &Browser, query: &str) -> Vec<String> {
    let page = reader.get(&format!("/audit?{query}")).await.expect(200);
    page.rows().iter().map(|row| row[2].clone()).collect()
}

#[tokio::test]
async fn who_takes_a_colleagues_name_is_told_by_the_user_name() {
    let app = TestApp::start().await;
    let ana = app.super_admin().await;
    let ben = app.user_named("ben", "Ben Okafor", &[]).await;
    let ben = app.signed_in(ben).await;
    call_oneself(&ben, &ana.user().name).await.expect(303);
    ben.get("/profile/sessions").await.expect(200);
    let shown = format!("{} (ben)", ana.user().name);
    app.advance(chrono::TimeDelta::seconds(1));
    call_oneself(&ben, "Ben Okafor").await.expect(303);
    assert_eq!(actors(&ana, "event=profile.saved").await, [shown.clone(), "Ben Okafor (ben)".into()]);

    // All lines of a person are those of the account, whatever it was called.
    let page = ana.get("/audit?event=profile.saved").await;
    let href = page.attribute("tbody th a", "href").expect("a line");
    let line = ana.get(&href).await.expect(200);
    let all = line.click(&format!("All entries of {shown}")).await;
    let all = all.expect(200);
    let who: Vec<String> = all.rows().iter().map(|row| row[2].clone()).collect();
    assert!(who.len() >= 3 && who.iter().all(|who| who.ends_with("(ben)")));
    assert!(all.text().contains(&format!("Only by {shown}")));
    // The name leads to the person.
    let person = line.click(&shown).await.expect(200);
    assert!(person.text().contains("Ben Okafor"), "{}", person.h1());
    let deeds = person.click("What Ben Okafor did").await.expect(200);
    assert_eq!(deeds.rows().len(), who.len());
}

#[tokio::test]
async fn files_tell_them_apart_too() {
    let app = TestApp::start().await;
    let ana = app.super_admin().await;
    let ben = app.user_named("ben", "Ben Okafor", &[]).await;
    let ben = app.signed_in(ben).await;
    call_oneself(&ben, &ana.user().name).await.expect(303);
    for (button, expected) in
        [("Export as CSV", "Ben Okafor (ben),"), ("Export as JSON Lines", r#""actor_username":"ben""#)]
    {
        let page = ana.get("/audit?event=profile.saved").await;
        let form = page.form("/audit/exports").press(button);
        let form = match form.value(connectory::access::OWN_PASSWORD) {
            Some(_) => form.confirmed(),
            None => form,
        };
        let file = form.send().await.expect(200).html;
        assert!(file.contains(expected), "{file}");
        if button.ends_with("CSV") {
            assert!(file.contains(",User name\r\n") && file.contains(",ben\r\n"));
            assert_eq!(formulas(file.trim_start_matches('\u{feff}')), [""; 0]);
        }
    }
}

#[tokio::test]
async fn nobody_passes_for_the_program() {
    let app = TestApp::start().await;
    let ana = app.super_admin().await;
    let ben = app.user_named("ben", "Ben Okafor", &[]).await;
    let ben = app.signed_in(ben).await;
    for name in ["Connectory", "command line", "C\u{f6}nnectory", "ＣＯＮＮＥＣＴＯＲＹ"] {
        let page = call_oneself(&ben, name).await.expect(422);
        let error = page.field_error("full_name").unwrap_or_default();
        assert!(error.contains("Connectory itself is called so"), "{error}");
        assert_eq!(page.field_value("full_name"), name);
    }
    // Not even who came by such a name before it was refused.
    app.sql("UPDATE users SET name = 'Connectory' WHERE username = 'ben'").await;
    app.browser().sign_in("ben", crate::support::PASSWORD).await.expect(303);
    app.chain().await;
    assert_eq!(actors(&ana, "event=session.started&thing=ben").await[0], "Connectory (ben)");
    app.connector("Payroll").await;
    assert_eq!(actors(&ana, "event=connector.created").await, ["command line Program"]);
}

#[tokio::test]
async fn lines_of_earlier_versions_show_what_they_have() {
    let app = TestApp::start().await;
    let ana = app.super_admin().await;
    let insert = |id: &str, name: &str| {
        format!(
            "INSERT INTO audit_events (id, at, actor_id, actor_name, address, request_id, kind, subject_name, changes)
             VALUES (gen_random_uuid(), now(), {id}, '{name}', '', '', 'test.made', '{name}', '[]')"
        )
    };
    app.sql(&insert("gen_random_uuid()", "Connectory")).await;
    app.sql(&insert("NULL", "Connectory")).await;
    app.chain().await;
    let mut who = actors(&ana, "event=test.made").await;
    who.sort();
    assert_eq!(who, ["Connectory (user name not recorded)", "Connectory Program"]);
    assert_eq!(app.fault().await, None);
}
