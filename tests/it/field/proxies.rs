//! Proxies as companies have them: with a sign-in, by SOCKS, for some hosts or some requests only. Real ones: tinyproxy and
//! microsocks.

use std::net::TcpListener;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use serde_json::json;
use tempfile::TempDir;

use super::connector;
use crate::api::World;
use crate::support::forward_proxy::ForwardProxy;
use crate::support::hostile::{Authority, Hostile, answer};
use crate::support::upstream::{Reply, Upstream};
use crate::support::{Browser, FormFill, Page};

const TAB: &str = "/connectors/ledger/authorization";
const RENEWALS: &str = "/connectors/ledger/authorization/token-renewals";
const PASSWORD: &str = "canary-pr0xy-pw";

/// A proxy in a process of its own; it stops when dropped.
struct RunningProxy {
    child: Child,
    port: u16,
    _folder: TempDir,
}

impl RunningProxy {
    /// tinyproxy, which wants user ana and the password.
    async fn http() -> RunningProxy {
        let (folder, port) = (tempfile::tempdir().expect("a folder"), free_port());
        let settings = folder.path().join("tinyproxy.conf");
        let text = format!(
            "Port {port}\nListen 127.0.0.1\nTimeout 30\nMaxClients 20\nAllow 127.0.0.1\nBasicAuth ana {PASSWORD}\n"
        );
        std::fs::write(&settings, text).expect("a file");
        let mut command = Command::new("tinyproxy");
        command.arg("-d").arg("-c").arg(&settings);
        RunningProxy::start(command, port, folder).await
    }

    /// microsocks, which wants the same.
    async fn socks() -> RunningProxy {
        let port = free_port();
        let mut command = Command::new("microsocks");
        // It connects to the first address of a name, which must be one of IPv4.
        command.args(["-i", "127.0.0.1", "-b", "127.0.0.1", "-p", &port.to_string(), "-u", "ana", "-P", PASSWORD]);
        RunningProxy::start(command, port, tempfile::tempdir().expect("a folder")).await
    }

    async fn start(mut command: Command, port: u16, folder: TempDir) -> RunningProxy {
        let child = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn();
        let proxy = RunningProxy { child: child.expect("the proxy is installed"), port, _folder: folder };
        for _ in 0..500 {
            if tokio::net::TcpStream::connect(("127.0.0.1", port)).await.is_ok() {
                return proxy;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        panic!("{command:?} does not listen");
    }
}

impl Drop for RunningProxy {
    fn drop(&mut self) {
        _ = self.child.kill();
        _ = self.child.wait();
    }
}

fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").and_then(|socket| socket.local_addr()).expect("a free port").port()
}

async fn save(browser: &Browser, fill: impl FnOnce(FormFill) -> FormFill) -> Page {
    fill(browser.get(TAB).await.expect(200).form(TAB)).send().await
}

/// Enters the password of the proxy, and a new token, which goes the same way.
fn sign_in(form: FormFill, choice: &str, password: &str) -> FormFill {
    let form = form.set("proxy_user", "ana").set("proxy_password", password);
    let form = if choice.is_empty() { form } else { form.set("proxy_password_choice", choice) };
    form.confirmed()
}

/// Calls until the answer is this one: what was saved is known a little later.
async fn call_until(world: &World, status: u16, words: &str) {
    let mut last = String::new();
    for _ in 0..200 {
        let answer = world.call("user", json!({})).await;
        if answer.status == status && answer.body.contains(words) {
            return;
        }
        last = format!("{} {}", answer.status, answer.body);
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("not {status} {words}, but {last}");
}

async fn test(browser: &Browser) -> String {
    browser.get(TAB).await.form(TAB).press("Test connection").send().await.expect(200).text()
}

#[tokio::test]
async fn a_proxy_that_asks_for_a_sign_in_gets_user_and_password() {
    let (http, socks) = (RunningProxy::http().await, RunningProxy::socks().await);
    let authority = Authority::new("Ours");
    let plain = Hostile::start(answer(200, &[], "{}")).await;
    let tls = Hostile::start_tls(answer(200, &[], "{}"), &authority.issue("localhost"), None).await;
    for proxy in [format!("http://127.0.0.1:{}", http.port), format!("socks5://127.0.0.1:{}", socks.port)] {
        // A name, which the proxy looks up, and an address.
        for url in [tls.url_by_name("/v1"), plain.url("/v1")] {
            let (world, ana) = connector("no_auth", &url).await;
            let set = |form: FormFill| form.set("proxy_url", &proxy).set("ca_certificate", &authority.pem());
            save(&ana, set).await.expect(303);
            call_until(&world, 502, "asks for a sign-in").await;
            save(&ana, |form| sign_in(form, "", "wrong")).await.expect(303);
            if proxy.starts_with("http:") && url.starts_with("http:") {
                // So tinyproxy answers to a wrong password; the API could answer so too.
                call_until(&world, 401, "").await;
            } else {
                call_until(&world, 502, "does not accept this connector's user and password").await;
            }
            save(&ana, |form| sign_in(form, "replace", PASSWORD)).await.expect(303);
            call_until(&world, 200, "").await;
            let tested = test(&ana).await;
            assert!(tested.contains("The API answered 200") && tested.contains("(the proxy)"), "{tested}");
            assert!(!ana.get(TAB).await.html.contains(PASSWORD));
        }
    }
    for seen in plain.requests().iter().chain(&tls.requests()) {
        assert!(!format!("{seen:?}").to_lowercase().contains("proxy-authorization"), "{seen:?}");
    }
}

/// Requests to the token server: Find settings, a new token, Test connection, and the revocation when it is
/// disconnected.
#[tokio::test]
async fn every_request_signs_in_at_the_proxy() {
    let (http, socks) = (RunningProxy::http().await, RunningProxy::socks().await);
    for proxy in [format!("http://127.0.0.1:{}", http.port), format!("socks5h://127.0.0.1:{}", socks.port)] {
        let server = Upstream::start(|seen| match seen.path() {
            "/token" => Reply::json(200, r#"{"access_token":"canary-token","token_type":"Bearer","expires_in":3600}"#),
            "/.well-known/openid-configuration" => {
                let issuer = format!("http://{}", seen.header("host").unwrap_or_default());
                Reply::json(200, &json!({ "issuer": issuer, "token_endpoint": format!("{issuer}/token") }).to_string())
            }
            _ => Reply::json(200, "{}"),
        })
        .await;
        let (world, ana) = connector("oauth_client_credentials", &server.url("/v1")).await;
        save(&ana, |form| {
            let form = form.set("token_url", &server.url("/token")).set("revocation_url", &server.url("/revoke"));
            let form = form.set("issuer", &server.url("")).set("client_id", "app").set("client_secret", "s");
            form.set("proxy_url", &proxy)
        })
        .await
        .expect(303);
        let actions = async || {
            let found = ana.get(TAB).await.form(TAB).press("Find settings").send().await.text();
            let renewed = ana.get(TAB).await.form(RENEWALS).send().await;
            (found, renewed, test(&ana).await)
        };
        let (found, renewed, tested) = actions().await;
        for said in [found, renewed.expect(200).text(), tested] {
            assert!(said.contains("asks for a sign-in"), "{proxy}: {said}");
        }
        assert!(server.seen().is_empty());

        save(&ana, |form| sign_in(form, "", PASSWORD)).await.expect(303);
        let (found, renewed, tested) = actions().await;
        assert!(found.contains("Nothing is saved yet."), "{found}");
        renewed.expect(303);
        assert!(tested.contains("The API answered 200"), "{tested}");
        call_until(&world, 200, "").await;
        let disconnection = "/connectors/ledger/authorization/disconnections";
        let asked = ana.get(disconnection).await.expect(200).form(disconnection);
        let flash = asked.press("Disconnect").send().await.expect(303).follow().await.flash();
        assert!(flash.contains("revoked at"), "{flash}");
        let seen = server.seen();
        for path in ["/.well-known/openid-configuration", "/token", "/v1", "/v1/user", "/revoke"] {
            assert!(seen.iter().any(|seen| seen.path() == path), "{path}");
        }
        let is_by_http = proxy.starts_with("http:");
        assert!(
            seen.iter().all(|seen| seen.header("via").is_some_and(|via| via.contains("tinyproxy")) == is_by_http),
            "all went through the proxy"
        );
        assert!(seen.iter().all(|seen| seen.header("proxy-authorization").is_none()));
    }
}

/// A token request of a connector with a bearer token, which a person starts.
#[tokio::test]
async fn get_access_token_signs_in_at_the_proxy() {
    let proxy = RunningProxy::http().await;
    let server =
        Hostile::start(answer(200, &[("Content-Type", "application/json")], r#"{"access_token":"t0ken"}"#)).await;
    let (_world, ana) = connector("bearer", "http://api.example.org/v1").await;
    let url = format!("http://127.0.0.1:{}", proxy.port);
    save(&ana, |form| sign_in(form.set("proxy_url", &url), "", PASSWORD)).await.expect(303);
    let request = "/connectors/ledger/authorization/token-requests";
    let form = ana.get(request).await.expect(200).form(request).set("token_url", &server.url("/token"));
    let form = form.set("token_user", "svc").set("token_password", "pw").confirmed();
    let page = form.press("Get Access Token").send().await.expect(200);
    assert!(page.text().contains("Access token received."), "{}", page.text());
    assert!(server.request().header("via").is_some_and(|via| via.contains("tinyproxy")));
}

#[tokio::test]
async fn hosts_that_are_listed_are_reached_without_the_proxy() {
    let api = Hostile::start(answer(200, &[], "{}")).await;
    for (exceptions, calls) in [("", 1), ("10.0.0.0/8, .corp.example", 1), ("*.corp.example, 127.0.0.0/8", 0)] {
        let proxy = ForwardProxy::start().await;
        let (world, ana) = connector("no_auth", &api.url("/v1")).await;
        save(&ana, |form| form.set("proxy_url", &proxy.url()).set("proxy_exceptions", exceptions)).await.expect(303);
        assert_eq!(world.call("user", json!({})).await.status, 200);
        assert_eq!(proxy.asked().len(), calls, "{exceptions}");
    }
    let (_world, ana) = connector("no_auth", &api.url("/v1")).await;
    let page = save(&ana, |form| form.set("proxy_exceptions", "10.0.0.0/33")).await.expect(422);
    let error = page.field_error("proxy_exceptions").unwrap_or_default();
    assert!(error.starts_with("Hosts without the proxy has “10.0.0.0/33”, which is neither a network"), "{error}");
    assert_eq!(page.field_value("proxy_exceptions"), "10.0.0.0/33");
}

#[tokio::test]
async fn a_proxy_can_be_for_token_requests_or_calls_only() {
    let token = r#"{"access_token":"canary-token","token_type":"Bearer","expires_in":3600}"#;
    let json = [("Content-Type", "application/json")];
    let (api, server) = (Hostile::start(answer(200, &[], "{}")).await, Hostile::start(answer(200, &json, token)).await);
    for (chosen, of_tokens, of_calls) in [("both", true, true), ("tokens", true, false), ("calls", false, true)] {
        let proxy = ForwardProxy::start().await;
        let (world, ana) = connector("oauth_client_credentials", &api.url("/v1")).await;
        save(&ana, |form| {
            let form = form.set("token_url", &server.url("/token")).set("client_id", "app").set("client_secret", "s");
            form.set("proxy_url", &proxy.url()).set("proxy_use", chosen)
        })
        .await
        .expect(303);
        ana.get(TAB).await.form(RENEWALS).send().await.expect(303);
        call_until(&world, 200, "").await;
        let asked = proxy.asked();
        assert_eq!(asked.iter().any(|line| line.starts_with("POST")), of_tokens, "{chosen}: {asked:?}");
        assert_eq!(asked.iter().any(|line| line.starts_with("GET")), of_calls, "{chosen}: {asked:?}");
    }
}

#[tokio::test]
async fn the_password_of_a_proxy_goes_to_that_proxy_only() {
    let (proxy, other) = (Hostile::start(answer(200, &[], "{}")).await, Hostile::start(answer(200, &[], "{}")).await);
    let (world, ana) = connector("basic", "http://api.example.org/v1").await;
    save(&ana, |form| {
        let form = form.set("user_name", "svc").set("password", "pw").set("proxy_url", &proxy.url(""));
        sign_in(form, "", PASSWORD)
    })
    .await
    .expect(303);
    call_until(&world, 200, "").await;
    assert_eq!(proxy.request().header("proxy-authorization"), Some("Basic YW5hOmNhbmFyeS1wcjB4eS1wdw=="));
    let page = save(&ana, |form| form.set("proxy_url", &other.url(""))).await.expect(422);
    let again = |label| format!("{label} must be entered again or removed, because it would go through another proxy");
    assert_eq!(page.field_error("proxy_password"), Some(again("Password of the proxy")));
    assert_eq!(page.field_error("password"), Some(again("Password")));
    // Nor does it leave where the address was changed in another place, and the API's origins were approved.
    world.app.sql(&format!("UPDATE authorizations SET proxy_url = '{}'", other.url(""))).await;
    let approvals = "/connectors/ledger/authorization/approvals";
    let form = ana.get(approvals).await.expect(200).form(approvals);
    let origin = other.url("");
    form.tick("origin", &origin).confirmed().send().await.expect(303);
    call_until(&world, 200, "").await;
    let seen = other.requests();
    assert!(!seen.is_empty() && seen.iter().all(|seen| !format!("{seen:?}").contains("YW5hOmNhbmFyeS")), "{seen:?}");
    let changes = world.app.value("SELECT string_agg(changes::text, '') FROM audit_events").await;
    assert!(changes.contains("Password of the proxy") && !changes.contains(PASSWORD), "{changes}");
}

/// A form that is not saved sends a stored password to no other proxy either.
#[tokio::test]
async fn a_stored_password_is_sent_to_no_proxy_that_is_only_typed() {
    let (proxy, other) = (Hostile::start(answer(200, &[], "{}")).await, Hostile::start(answer(200, &[], "{}")).await);
    let (_world, ana) = connector("oauth_client_credentials", "http://api.example.org/v1").await;
    save(&ana, |form| {
        let form = form.set("token_url", "http://id.example.org/token").set("client_id", "app");
        let form = form.set("client_secret", "s").set("issuer", "http://id.example.org");
        sign_in(form.set("proxy_url", &proxy.url("")), "", PASSWORD)
    })
    .await
    .expect(303);
    for button in ["Find settings", "Test connection"] {
        ana.get(TAB).await.form(TAB).set("proxy_url", &other.url("")).press(button).send().await;
    }
    let seen = other.requests();
    assert!(!seen.is_empty() && seen.iter().all(|seen| !format!("{seen:?}").contains("YW5hOmNhbmFyeS")), "{seen:?}");
}

/// Requests that went directly, or were not made for it, would go through it.
#[tokio::test]
async fn more_use_of_a_proxy_needs_the_secrets_again() {
    let (_world, ana) = connector("basic", "http://api.example.org/v1").await;
    save(&ana, |form| {
        let form = form.set("user_name", "svc").set("password", "pw").set("proxy_url", "http://proxy.example:3128");
        form.set("proxy_use", "tokens").set("proxy_exceptions", "a.example.org, 10.0.0.0/8")
    })
    .await
    .expect(303);
    save(&ana, |form| form.set("proxy_exceptions", "10.0.0.0/8\na.example.org, b.example.org")).await.expect(303);
    for (name, value) in [("proxy_use", "both"), ("proxy_exceptions", "10.0.0.0/8")] {
        let page = save(&ana, |form| form.set(name, value)).await.expect(422);
        let again = "Password must be entered again or removed, because it would go through another proxy";
        assert_eq!(page.field_error("password").as_deref(), Some(again), "{name}");
    }
}

/// An API that repeats what it was sent; a proxy that passes its own sign-in on.
#[tokio::test]
async fn an_echo_of_the_password_is_masked() {
    let proxy = Hostile::start(answer(
        400,
        &[("Content-Type", "application/json")],
        &format!(
            r#"{{"error":"invalid_request","error_description":"no {PASSWORD} here, nor YW5hOmNhbmFyeS1wcjB4eS1wdw=="}}"#
        ),
    ))
    .await;
    let (world, ana) = connector("oauth_client_credentials", "http://api.example.org/v1").await;
    save(&ana, |form| {
        let form = form.set("token_url", "http://id.example.org/token").set("client_id", "app");
        sign_in(form.set("client_secret", "s3cret-of-app").set("proxy_url", &proxy.url("")), "", PASSWORD)
    })
    .await
    .expect(303);
    let page = ana.get(TAB).await.form(RENEWALS).send().await;
    assert!(page.text().contains("no ‹masked› here, nor ‹masked›"), "{}", page.text());
    world.app.sql("UPDATE connectors SET method = 'no_auth'").await;
    let tested = test(&ana).await;
    let stored = world.app.value("SELECT string_agg(e::text, '') FROM evidence e").await;
    for said in [page.text(), tested, stored] {
        assert!(!said.contains(PASSWORD) && !said.contains("YW5hOmNhbmFyeS"), "{said}");
    }
}

#[tokio::test]
async fn what_cannot_be_a_proxy_is_said_at_its_field() {
    let (_world, ana) = connector("no_auth", "https://api.example.org/v1").await;
    for (fields, name, message) in [
        (vec![("proxy_url", "ftp://p.example")], "proxy_url", "Proxy must start with http://, https:// or socks5://"),
        (
            vec![("proxy_url", "http://ana:pw@p.example:3128")],
            "proxy_url",
            "Proxy must not contain a user name or password: enter them in the fields for them",
        ),
        (vec![("proxy_user", "ana")], "proxy_user", "Enter the address of the proxy, or remove its user"),
        (
            vec![("proxy_url", "http://p.example"), ("proxy_password", "pw")],
            "proxy_user",
            "Enter the user of the proxy, or remove its password",
        ),
        (
            vec![("proxy_url", "http://p.example"), ("proxy_user", "a:b")],
            "proxy_user",
            "User of the proxy must not contain a colon (:), which it cannot be sent with",
        ),
    ] {
        let fill = |form: FormFill| fields.iter().fold(form, |form, (name, value)| form.set(name, value));
        let page = save(&ana, fill).await.expect(422);
        assert_eq!(page.field_error(name).as_deref(), Some(message));
    }
}
