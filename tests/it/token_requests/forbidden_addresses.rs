//! Where no request may go.

use super::*;

async fn refused(browser: &Browser, url: &str) -> String {
    let page = ask(browser, url, "ana", CANARY).await.expect(200);
    let said = refusal(&page);
    assert!(said[0].starts_with("Connectory does not connect to “"), "{url}: {said:?}");
    said[0].clone()
}

#[tokio::test]
async fn are_those_of_this_machine_unless_it_is_allowed() {
    let server = Hostile::json("{}").await;
    let app = TestApp::start_with(|site| site.outbound = Outbound::new(Policy::default()).expect("a runtime")).await;
    bearer(&app).await;
    let ana = app.person(&[EditConnectors]).await;
    let port = server.address().port();
    for host in [
        "127.0.0.1",
        "localhost",
        "LOCALHOST.",
        "a.localhost",
        "127.1",
        "2130706433",
        "0x7f000001",
        "0177.0.0.1",
        "[::1]",
        "[::ffff:127.0.0.1]",
        "[::ffff:7f00:1]",
    ] {
        let words = refused(&ana, &format!("http://{host}:{port}/token")).await;
        assert!(words.contains("a loopback address (Connectory's own machine)."), "{host}: {words}");
    }
    assert_eq!(server.connections(), 0);
}

#[tokio::test]
async fn are_always_those_of_the_program_itself() {
    let app = TestApp::start().await;
    bearer(&app).await;
    let ana = app.person(&[EditConnectors]).await;
    let port = app.address.port();
    for host in ["127.0.0.1", "localhost", "2130706433", "[::ffff:127.0.0.1]"] {
        let words = refused(&ana, &format!("http://{host}:{port}/healthz")).await;
        assert!(words.contains("where Connectory itself listens."), "{host}: {words}");
    }
}

#[tokio::test]
async fn are_always_those_of_metadata_in_every_spelling() {
    let app = TestApp::start().await;
    bearer(&app).await;
    let ana = app.person(&[EditConnectors]).await;
    for host in [
        "169.254.169.254",
        "169.254.169.254.",
        "2852039166",
        "0xa9fea9fe",
        "0251.0376.0251.0376",
        "169.16689662",
        "①⑥⑨.②⑤④.①⑥⑨.②⑤④",
        "169。254。169。254",
        "%31%36%39.254.169.254",
        "[::ffff:169.254.169.254]",
        "[::ffff:a9fe:a9fe]",
        "[64:ff9b::169.254.169.254]",
        "[2002:a9fe:a9fe::]",
        "[fd00:ec2::254]",
        "[fe80::1]",
        "168.63.129.16",
        "0.0.0.0",
        "[::]",
        "224.0.0.1",
        "255.255.255.255",
    ] {
        refused(&ana, &format!("http://{host}/latest/meta-data/")).await;
    }
}

#[tokio::test]
async fn refuse_a_renewal_as_well() {
    let app = TestApp::start().await;
    let id = bearer(&app).await;
    app.store_token(id, "the-token", None).await;
    app.sql(&format!("UPDATE authorizations SET keep_fresh = true, token_url = 'http://{}/metrics'", app.address))
        .await;
    let ana = app.person(&[EditConnectors]).await;
    let page = ana.get(TAB).await.form(RENEW).send().await.expect(200);
    assert!(refusal(&page)[0].contains("where Connectory itself listens."), "{:?}", refusal(&page));
    assert_eq!(app.token(id).await.as_deref(), Some("the-token"));
}
