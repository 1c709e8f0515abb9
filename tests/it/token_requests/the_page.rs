//! What the page puts first.

use super::*;

async fn asked(body: &'static str, status: u16) -> (TestApp, Page) {
    let app = TestApp::start().await;
    bearer(&app).await;
    let server = Hostile::start(answer(status, &[("Content-Type", "application/json")], body)).await;
    let page = ask(&app.person(&[EditConnectors]).await, &server.url("/token"), USER, CANARY).await.expect(200);
    (app, page)
}

#[tokio::test]
async fn keeping_a_token_fresh_comes_first_where_it_ends_within_a_day() {
    for (lifetime, first, warned) in [
        (r#"{"access_token":"the-token","expires_in":3600}"#, "Keep it fresh", true),
        (r#"{"access_token":"the-token","expires_in":86401}"#, "Use this token", false),
        (r#"{"access_token":"the-token"}"#, "Use this token", false),
    ] {
        let (_app, page) = asked(lifetime, 200).await;
        let buttons = page.texts("section.result form .row button");
        assert_eq!(buttons[0], first, "{lifetime}");
        assert_eq!(page.texts("section.result form .row button:not(.sec)"), [first]);
        assert_eq!(page.text().contains("After that, calls are refused."), warned, "{}", page.text());
    }
}

#[tokio::test]
async fn the_token_stands_before_the_form() {
    let (_app, page) = asked(r#"{"access_token":"the-token"}"#, 200).await;
    let (result, form) = (page.html.find("id=\"result\""), page.html.find("id=\"token_url\""));
    assert!(result.is_some() && result < form, "{}", page.html);
    assert!(page.attributes("details:has(#token_url)", "open").is_empty());
}

#[tokio::test]
async fn a_refusal_opens_and_links_the_fields_that_it_speaks_of() {
    for (error, links, is_open) in [
        ("invalid_client", vec!["#token_client_id", "#token_client_secret", "#token_request_style"], true),
        ("invalid_grant", vec!["#token_user", "#token_password"], false),
        ("invalid_scope", vec!["#token_scope"], true),
        ("made_up", vec![], false),
    ] {
        let body = format!(r#"{{"error":"{error}"}}"#).leak();
        let (_app, page) = asked(body, 400).await;
        assert_eq!(page.attributes(".note.bad a", "href"), links, "{error}");
        assert_eq!(!page.attributes("details.more", "open").is_empty(), is_open, "{error}");
        assert_eq!(links.iter().filter(|link| page.attribute(link, "name").is_none()).count(), 0);
    }
}

#[tokio::test]
async fn it_says_how_long_the_request_can_take() {
    let app = TestApp::start().await;
    bearer(&app).await;
    let ana = app.person(&[EditConnectors]).await;
    assert!(ana.get(REQUEST).await.text().contains("up to 30 seconds"));
    app.sql("UPDATE authorizations SET time_out = 60").await;
    assert!(ana.get(REQUEST).await.text().contains("up to 60 seconds"));
}
