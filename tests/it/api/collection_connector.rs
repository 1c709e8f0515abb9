//! The connector of a collection calls this program itself: the one exception of the address guard, and no other.

use connectory::access::Permission::{CallConnectors, ViewActivity};
use connectory::outbound::{Outbound, Policy};
use serde_json::json;

use super::*;

const BOOK: &str = r#"{"type": "object", "required": ["title"], "properties": {"title": {"type": "string"}, "pages": {"type": "integer"}}}"#;

impl World {
    async fn call_books(&self, endpoint: &str, variables: Value) -> Answer {
        let body = json!({ "variables": variables });
        Answer::of(self.request("POST", &format!("/books/endpoints/{endpoint}/call")).json(&body)).await
    }

    /// Adds an endpoint to the connector of Books, which the editor would refuse.
    async fn plant(&self, name: &str, url: &str) {
        self.app.sql(&format!(
            "INSERT INTO endpoints (id, connector_id, name, name_key, method, url, created_at, created_by, updated_at, updated_by)
             SELECT gen_random_uuid(), id, '{name}', '{name}', 'GET', '{url}', now(), '', now(), '' FROM connectors WHERE key = 'books'")).await;
    }
}

/// A site that is opened at this address, and a server in the place of its own listener.
async fn in_place_of_the_listener(
    public: &str,
    script: impl Fn(&Seen) -> Reply + Send + Sync + 'static,
) -> (World, Upstream) {
    let own = Upstream::start(script).await;
    let listener = own.address;
    let app = TestApp::start_with(|site| {
        let public_url = HttpUrl::parse(public).ok();
        let policy = Policy { allow_loopback: true, own: vec![listener], public: public_url, ..Policy::default() };
        site.outbound = Outbound::new(policy).expect("a runtime");
        site.public_url = public.to_owned();
    })
    .await;
    let world = World::on(app, |_| Reply::json(200, "{}")).await;
    world.app.collection("Books", "").await;
    (world, own)
}

#[tokio::test]
async fn a_program_uses_a_collection_through_its_endpoints_and_the_proxy() {
    let world = World::new(|_| Reply::json(200, "{}")).await;
    world.app.collection("Books", BOOK).await;
    let created = world.call_books("CreateRecord", json!({ "record": { "title": "Emil", "pages": 224 } })).await;
    assert_eq!(created.is_upstreams().status, 201, "{created:?}");
    let id = created.json()["id"].as_str().expect("an id").to_string();
    let refused = world.call_books("CreateRecord", json!({ "record": { "pages": 1 } })).await;
    assert_eq!(refused.is_upstreams().status, 422, "{refused:?}");
    let updated =
        world.call_books("UpdateRecord", json!({ "id": id, "record": { "title": "Emil and the Detectives" } })).await;
    assert_eq!(updated.is_upstreams().status, 200, "{updated:?}");
    let found = world.call_books("GetRecord", json!({ "id": id })).await;
    assert_eq!(found.is_upstreams().json()["data"], json!({ "title": "Emil and the Detectives" }));
    let listed = world.call_books("ListAll", json!({ "limit": 10, "sort": "-title" })).await;
    assert_eq!(listed.is_upstreams().json()["records"][0]["id"], id.as_str());

    let proxied = world.request("POST", "/books/proxy").json(&json!({ "title": "Konrad" }));
    let proxied = Answer::of(proxied).await;
    assert_eq!(proxied.is_upstreams().status, 201, "{proxied:?}");
    let listed = world.get("/books/proxy?filter.title=Konrad").await;
    assert_eq!(listed.is_upstreams().json()["records"].as_array().expect("records").len(), 1);

    let deleted = world.call_books("DeleteRecord", json!({ "id": id })).await;
    assert_eq!(deleted.is_upstreams().status, 204, "{deleted:?}");
    assert_eq!(world.call_books("GetRecord", json!({ "id": id })).await.is_upstreams().status, 404);
    assert_eq!(world.app.count("SELECT count(*) FROM records").await, 1);
    world.wait_for_log(9).await;
    let names = world.log("endpoint_name, status").await;
    assert_eq!(names.len(), 9, "a call is logged once: {names:?}");
    assert_eq!(names[0], ["CreateRecord", "201"]);
}

#[tokio::test]
async fn a_person_runs_its_endpoints_and_finds_the_call() {
    let world = World::new(|_| Reply::json(200, "{}")).await;
    let app = &world.app;
    app.collection("Books", "").await;
    let ana = app.person(&[CallConnectors, ViewActivity]).await;
    let page = ana.get("/connectors/books/endpoints").await.click("ListAll").await.expect(200);
    let address = page.path.clone();
    let page = page.form(&format!("{address}/runs")).send().await.expect(200);
    let outcome = page.texts("main .note[data-focus] h2").join(" ");
    assert!(outcome.starts_with("200 OK in "), "{outcome}");
    assert!(page.text().contains("\"records\": []"), "{}", page.text());
    assert!(!page.html.contains("cty_"), "the token is masked");
    app.call_log.finish().await;
    assert!(ana.get("/connectors/books/activity").await.text().contains("ListAll"));
}

#[tokio::test]
async fn its_token_is_not_given_out() {
    let world = World::new(|_| Reply::json(200, "{}")).await;
    world.app.collection("Books", "").await;
    let answer = Answer::of(world.request("POST", "/books/token")).await;
    assert_eq!(answer.problem(), "connector_without_token");
    let listed = world.get("/books").await;
    assert_eq!(listed.json()["token"], false, "{listed:?}");
}

#[tokio::test]
async fn its_calls_go_to_the_own_listener_whatever_the_public_address_is() {
    for public in ["https://connectory.example.org", "http://connectory.example.org:8080"] {
        let (world, own) = in_place_of_the_listener(public, |_| Reply::json(200, "{}")).await;
        // No setting of the connection counts.
        world.app.sql("UPDATE authorizations SET proxy_url = 'http://127.0.0.1:1'").await;
        let answer = world.get("/books/proxy/x?limit=1").await;
        assert_eq!(answer.is_upstreams().status, 200, "{answer:?}");
        let seen = own.only();
        assert_eq!(seen.target, "/api/v1/collections/books/records/x?limit=1");
        assert_eq!(
            format!("{}://{}", &public[..public.find(':').unwrap_or(0)], seen.header("host").expect("a host")),
            public
        );
        assert!(seen.header("authorization").is_some_and(|token| token.starts_with("Bearer cty_")));
    }
}

#[tokio::test]
async fn no_other_connector_reaches_the_own_listener() {
    let (world, own) = in_place_of_the_listener("https://connectory.example.org", |_| Reply::json(200, "{}")).await;
    // The listener answers the collection's connector, so a connection to it exists.
    assert_eq!(world.get("/books/proxy").await.is_upstreams().status, 200);
    let path = "/api/v1/collections/books/records";
    for base in [format!("https://connectory.example.org{path}"), own.url(path)] {
        world.app.sql(&format!("UPDATE connectors SET base_url = '{base}' WHERE key = 'ledger'")).await;
        world.app.approve_origins(world.connector).await;
        let answer = world.proxied("").await;
        assert_eq!(answer.problem(), "api_address_refused", "{base}");
    }
    assert_eq!(own.seen().len(), 1);
}

#[tokio::test]
async fn it_calls_nothing_but_its_collection() {
    let public = "https://connectory.example.org";
    let (world, own) = in_place_of_the_listener(public, |_| Reply::json(200, "{}")).await;
    let planted = [
        ("pages", "/connectors"),
        ("calls", "/api/v1/connectors"),
        ("other", "/api/v1/collections/wages/records"),
        ("alike", "/api/v1/collections/books/records-of-others"),
        ("above", "/api/v1/collections/books"),
    ];
    for (name, path) in planted {
        world.plant(name, &format!("{public}{path}")).await;
    }
    for (name, path) in planted {
        let answer = world.call_books(name, json!({})).await;
        assert_eq!(answer.problem(), "host_not_allowed", "{path}");
    }
    for path in ["/../../wages/records", "/%2e%2e/%2e%2e/wages/records"] {
        let answer = world.get(&format!("/books/proxy{path}")).await;
        assert_ne!(answer.status, 200, "{path}");
    }
    // Even with another base URL, behind the program's back, the guard keeps it within the API of collections.
    for (key, base) in
        [("one", "/connectors"), ("two", "/api/v1/connectors/ledger/proxy"), ("three", "/api/v1/collections")]
    {
        world.app.collection(key, "").await;
        world.app.sql(&format!("UPDATE connectors SET base_url = '{public}{base}' WHERE key = '{key}'")).await;
        let answer = world.get(&format!("/{key}/proxy")).await;
        assert_eq!(answer.problem(), "api_address_refused", "{base}");
    }
    assert_eq!(own.seen().len(), 0);
}

#[tokio::test]
async fn a_redirect_takes_it_nowhere_else() {
    for to in ["/connectors", "/api/v1/connectors", "https://connectory.example.org/sign-in", "http://127.0.0.1:1/x"] {
        let script = move |_: &Seen| Reply::of(302, &[("location", to)], "{}");
        let (world, own) = in_place_of_the_listener("https://connectory.example.org", script).await;
        let answer = world.call_books("ListAll", json!({})).await;
        assert_ne!(answer.status, 200, "{to}");
        assert_eq!(own.seen().len(), 1, "{to}");
    }
}
