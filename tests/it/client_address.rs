//! Where visitors and programs come from, with a proxy in front and without.

use connectory::access::TrustedProxies;

use crate::support::{Browser, PASSWORD, TestApp};

/// Whom the client says to be, and whom the proxy has seen.
const NAMED: &str = "198.51.100.1, 192.0.2.7";

async fn site(proxies: &[&str]) -> TestApp {
    let networks = proxies.iter().map(|text| text.parse().expect("a network"));
    let proxies = TrustedProxies::new(networks.collect());
    TestApp::start_with(|site| site.proxies = proxies).await
}

/// Signs in by a request that names addresses on its way.
async fn sign_in(visitor: &Browser, username: &str, password: &str) -> u16 {
    let csrf = visitor.csrf().await;
    let fields = [("csrf", csrf.as_str()), ("username", username), ("password", password)];
    let request = visitor.request(reqwest::Method::POST, "/sign-in");
    let request = request.header("X-Forwarded-For", NAMED).form(&fields);
    visitor.send(request).await.status
}

#[tokio::test]
async fn a_trusted_proxys_word_counts_and_nobody_elses() {
    for (proxies, address) in [
        (&["127.0.0.0/8"][..], "192.0.2.7"),
        (&["127.0.0.0/8", "192.0.2.0/24"], "198.51.100.1"),
        (&["10.0.0.0/8"], "127.0.0.1"),
        (&[], "127.0.0.1"),
    ] {
        let app = site(proxies).await;
        let user = app.user(&[]).await;
        assert_eq!(sign_in(&app.browser(), &user.username, PASSWORD).await, 303);
        for column in [
            "SELECT address FROM audit_events WHERE kind = 'session.started'",
            "SELECT address FROM sessions WHERE user_id IS NOT NULL",
        ] {
            assert_eq!(app.value(column).await, address, "{proxies:?}");
        }
    }
}

#[tokio::test]
async fn guessing_behind_a_proxy_holds_up_the_one_address_that_guesses() {
    let app = site(&["127.0.0.0/8"]).await;
    let user = app.user(&[]).await;
    let guesser = app.browser();
    let mut status = 422;
    for _ in 0..12 {
        status = sign_in(&guesser, &user.username, "a wrong guess").await;
    }
    assert_eq!(status, 429);
    // Without the header the proxy's own address counts.
    app.browser().sign_in(&user.username, PASSWORD).await.expect(303);
}
