//! A renewal while somebody changes the connector.

use super::*;

/// A token server that answers one request when it is told to.
async fn patient_server() -> (String, oneshot::Receiver<()>, oneshot::Sender<()>) {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let url = format!("http://{}/token", listener.local_addr().expect("an address"));
    let ((asked, has_been_asked), (go, may_answer)) = (oneshot::channel(), oneshot::channel());
    tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.expect("a connection");
        assert_ne!(stream.read(&mut [0; 4096]).await.expect("a request"), 0);
        asked.send(()).expect("the test waits");
        may_answer.await.expect("the test says when");
        let body = r#"{"access_token":"the-new-token"}"#;
        let answer = format!(
            "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{body}",
            body.len()
        );
        stream.write_all(answer.as_bytes()).await.expect("the answer goes out");
    });
    (url, has_been_asked, go)
}

/// Renews the token, and does something else while the server thinks.
async fn renewed_while(app: &TestApp, id: Uuid, meanwhile: impl AsyncFnOnce(&Browser)) -> Page {
    let (url, asked, go) = patient_server().await;
    app.sql(&format!("UPDATE authorizations SET keep_fresh = true, token_url = '{url}', token_user = 'svc'")).await;
    app.store_token(id, "the-old-token", None).await;
    app.store_secret(id, SecretField::TokenPassword, CANARY).await;
    let ana = app.super_admin().await;
    let renewal = ana.get(TAB).await.form(RENEW).send();
    let both = async {
        asked.await.expect("the server is asked");
        meanwhile(&ana).await;
        go.send(()).expect("the server waits");
    };
    tokio::join!(renewal, both).0
}

#[tokio::test]
async fn does_not_approve_a_host_that_was_changed_meanwhile() {
    let app = TestApp::start().await;
    let id = bearer(&app).await;
    let page = renewed_while(&app, id, async |browser| {
        let details = browser.get(DETAILS).await.main_form();
        let form = details.set("base_url", "https://collector.example.net");
        form.send().await.expect(303);
    });
    page.await.expect(303);
    assert_ne!(app.token(id).await, None);
    let origins = app.value("SELECT array_to_string(origins, ' ') FROM tokens").await;
    assert!(!origins.contains("collector"), "{origins}");
}

#[tokio::test]
async fn does_not_overwrite_a_token_that_was_entered_meanwhile() {
    let app = TestApp::start().await;
    let id = bearer(&app).await;
    let page = renewed_while(&app, id, async |browser| {
        browser
            .get(TAB)
            .await
            .form(TAB)
            .set("token_choice", "replace")
            .set("token", "pasted")
            .confirmed()
            .send()
            .await
            .expect(303);
    });
    page.await.expect(303);
    assert_eq!((app.token(id).await.as_deref(), audit(&app, "token.renewed").await), (Some("pasted"), 0));
}

#[tokio::test]
async fn is_stored_when_nothing_else_was_changed() {
    let app = TestApp::start().await;
    let id = bearer(&app).await;
    renewed_while(&app, id, async |_| {}).await.expect(303);
    assert_eq!((app.token(id).await.as_deref(), audit(&app, "token.renewed").await), (Some("the-new-token"), 1));
}

#[tokio::test]
async fn of_a_token_that_is_not_kept_fresh_does_not_exist() {
    let app = TestApp::start().await;
    let id = bearer(&app).await;
    app.store_token(id, "the-token", None).await;
    let ana = app.person(&[EditConnectors]).await;
    assert!(!ana.get(TAB).await.has_form(RENEW));
    ana.post(RENEW, &[]).await.expect(404);
}
