//! Whose forms are taken: besides `access::forms`, what somebody without a session and a doubled field can do.

use super::*;
use crate::support::PASSWORD;

#[tokio::test]
async fn no_open_form_is_taken_from_somebody_without_a_page_of_ours() {
    let World { app, examples, .. } = &World::new().await;
    let user = app.user(&[]).await;
    let foreign = app.browser().csrf().await;
    for route in all_routes() {
        if route.method != Method::POST || route.needs != Needs::Nothing {
            continue;
        }
        let path = examples.path(app, &route).await;
        // A visitor who has no cookie yet, as when another site sends the form first.
        for csrf in ["", "x", foreign.as_str()] {
            let fields = [("csrf", csrf), ("username", user.username.as_str()), ("password", PASSWORD)];
            let page = app.browser().post_exactly(&path, &fields).await;
            assert_eq!(page.status, 403, "{path} with “{csrf}”: {}", page.text());
        }
    }
    let sessions = "SELECT count(*) FROM sessions WHERE user_id = ";
    let of_user = format!("{sessions}'{}'", user.id);
    assert_eq!(app.count(&of_user).await, 0);
}

#[tokio::test]
async fn a_token_counts_in_its_own_field_and_place_only() {
    let World { app, ana, .. } = &World::new().await;
    let csrf = ana.csrf().await;
    let before = app.count("SELECT count(*) FROM categories").await;
    let name = ("category_name", "Forged");
    for fields in [
        vec![("csrf", "wrong"), ("csrf", csrf.as_str()), name],
        vec![("csrf", ""), ("csrf", csrf.as_str()), name],
        vec![("CSRF", csrf.as_str()), name],
        vec![("csrf[]", csrf.as_str()), name],
        vec![("csrf ", csrf.as_str()), name],
    ] {
        ana.post_exactly("/categories", &fields).await.expect(403);
    }
    for header in ["x-csrf-token", "csrf", "x-xsrf-token"] {
        let request = ana.request(reqwest::Method::POST, "/categories");
        let request = request.header(header, &csrf).form(&[name]);
        ana.send(request).await.expect(403);
    }
    let json = format!("{{\"csrf\":\"{csrf}\",\"category_name\":\"Forged\"}}");
    for kind in ["application/json", "text/plain"] {
        let request = ana.request(reqwest::Method::POST, "/categories");
        let request = request.header("content-type", kind).body(json.clone());
        ana.send(request).await.expect(400);
    }
    let count = app.count("SELECT count(*) FROM categories").await;
    assert_eq!(count, before);
}
