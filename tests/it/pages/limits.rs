//! Large forms take no more memory than is set, and no small form is kept out by them.

use chrono::TimeDelta;
use reqwest::Method;
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;

use crate::support::{Browser, PASSWORD, Page, TestApp};

const MIB: usize = 1024 * 1024;

/// A form of a new category with a field that no page sends, of this many bytes.
async fn post_large(browser: &Browser, csrf: &str, size: usize) -> Page {
    let filler = "x".repeat(size);
    let fields = [("csrf", csrf), ("category_name", ""), ("filler", &filler)];
    let request = browser.request(Method::POST, "/categories").form(&fields);
    browser.send(request).await
}

/// Sends most of a large form, as whoever holds this cookie, and leaves it at that.
async fn begin_form(app: &TestApp, browser: &Browser) -> TcpStream {
    let mut stream = TcpStream::connect(app.address).await.expect("a connection");
    let cookie = browser.cookie("connectory").unwrap_or_default();
    let head = format!(
        "POST /categories HTTP/1.1\r\nHost: {0}\r\nOrigin: {1}\r\nCookie: connectory={cookie}\r\n\
         Content-Type: application/x-www-form-urlencoded\r\nContent-Length: 500000\r\n\r\n",
        app.address, app.public_url
    );
    stream.write_all(head.as_bytes()).await.expect("a head");
    let most = vec![b'x'; 450_000];
    stream.write_all(&most).await.expect("most of a form");
    stream
}

#[tokio::test]
async fn large_forms_are_refused_while_others_fill_the_memory_and_small_ones_are_taken() {
    // Half is for people: two large forms.
    let app = TestApp::start_with(|site| site.resources.body_memory = 2 * MIB).await;
    let ana = app.super_admin().await;
    let ben = app.user(&[]).await;
    let csrf = ana.csrf().await;
    post_large(&ana, &csrf, 400_000).await.expect(422);
    // The memory of a form that was answered comes back a little later, and until then another one may be refused.
    let mut held = Vec::new();
    let mut tries = 0;
    let refused = loop {
        if held.len() < 10 {
            held.push(begin_form(&app, &ana).await);
        }
        let page = post_large(&ana, &csrf, 400_000).await;
        tries += 1;
        if page.status == 503 || tries > 1_000 {
            break page.expect(503);
        }
    };
    assert_eq!(refused.h1(), "Connectory has too much to do at the moment");
    assert_eq!(refused.header("retry-after"), "5");
    let text = refused.text();
    assert!(text.contains("Too many large forms and answers"), "{text}");
    assert!(text.contains("go back and try again"), "{text}");
    post_large(&ana, &csrf, 10_000).await.expect(422);
    let visitor = app.browser();
    visitor.sign_in(&ben.username, PASSWORD).await.expect(303);
    drop(held);
    let mut tries = 0;
    while post_large(&ana, &csrf, 400_000).await.status == 503 {
        tries += 1;
        assert!(tries < 1_000, "the memory does not come back");
    }
}

#[tokio::test]
async fn who_has_not_signed_in_sends_small_forms_only() {
    let app = TestApp::start().await;
    let stranger = app.browser();
    let csrf = stranger.csrf().await;
    for (size, status) in [(10_000, 422), (20_000, 413)] {
        let filler = "x".repeat(size);
        let fields = [("csrf", csrf.as_str()), ("username", "ana"), ("x", &filler)];
        let page = stranger.post_exactly("/sign-in", &fields).await;
        assert_eq!(page.status, status, "{size}: {}", page.text());
        app.advance(TimeDelta::minutes(1));
    }
}
