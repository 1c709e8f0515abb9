//! Collections: which a key sees, what it may do with their records, and the token of a collection's own connector.

use serde_json::json;

use super::*;

/// What most records of these tests are.
pub(super) const BOOK: &str = r#"{
    "type": "object", "required": ["title"],
    "properties": {
        "title": { "type": "string", "maxLength": 80 },
        "pages": { "type": "integer", "minimum": 1 },
        "price": { "type": "number" }
    }
}"#;

/// A site with the collection Books, and a program's key that opens everything.
pub(super) struct Library {
    pub app: TestApp,
    pub books: Uuid,
    pub key: String,
    http: reqwest::Client,
}

impl Library {
    pub async fn new(schema: &str) -> Library {
        let app = TestApp::start().await;
        let books = app.collection("Books", schema).await;
        let key = key_of_program(&app, "Billing").await;
        scope(&app, &key, None, true, true, true).await;
        Library { app, books, key: key.expose().to_string(), http: client() }
    }

    /// A request about the records of Books, with the key.
    pub fn request(&self, method: &str, path: &str) -> reqwest::RequestBuilder {
        self.bare(method, &format!("/collections/books/records{path}")).bearer_auth(&self.key)
    }

    /// A request to the API without a key.
    pub fn bare(&self, method: &str, path: &str) -> reqwest::RequestBuilder {
        let method = reqwest::Method::from_bytes(method.as_bytes()).expect("a method");
        self.http.request(method, format!("http://{}/api/v1{path}", self.app.address))
    }

    pub async fn get(&self, path: &str) -> Answer {
        Answer::of(self.request("GET", path)).await
    }

    /// Sends a body of this content type.
    pub async fn send(&self, method: &str, path: &str, content_type: &str, body: impl Into<reqwest::Body>) -> Answer {
        Answer::of(self.request(method, path).header("content-type", content_type).body(body)).await
    }

    pub async fn post(&self, body: impl Into<reqwest::Body>) -> Answer {
        self.send("POST", "", "application/json", body).await
    }

    /// Creates a record and gives its path below the list.
    pub async fn create(&self, body: &str) -> String {
        let answer = self.post(body.to_owned()).await;
        assert_eq!(answer.status, 201, "{}", answer.body);
        let location = answer.header("location");
        location.strip_prefix("/api/v1/collections/books/records").expect("an address below the list").to_owned()
    }
}

fn keys(list: &Answer) -> Vec<String> {
    let list = list.json();
    let collections = list["collections"].as_array().expect("a list");
    collections.iter().map(|one| one["key"].as_str().expect("a key").to_owned()).collect()
}

#[tokio::test]
async fn a_key_finds_the_collections_that_it_can_use_and_no_other_connectors() {
    let library = Library::new(BOOK).await;
    let app = &library.app;
    let shelves = app.collection("Shelves", "").await;
    app.connector("Ledger").await;
    let ask = |key: &str, path: &str| Answer::of(library.bare("GET", path).bearer_auth(key));
    assert_eq!(keys(&ask(&library.key, "/collections").await), ["books", "shelves"]);
    let books = ask(&library.key, "/collections/books").await.json();
    assert_eq!(books["schema"]["properties"]["pages"]["minimum"], 1);
    assert_eq!(books["members"], json!(["title", "pages", "price"]));
    assert_eq!((&books["name"], &books["records"]), (&json!("Books"), &json!("/api/v1/collections/books/records")));
    assert!(ask(&library.key, "/collections/shelves").await.json().get("schema").is_none());

    let narrow = key_of_program(app, "Narrow").await;
    scope(app, &narrow, Some(shelves), false, true, false).await;
    assert_eq!(keys(&ask(narrow.expose(), "/collections").await), ["shelves"]);
    for path in ["/collections/books", "/collections/books/records", "/collections/ledger", "/collections/nowhere"] {
        let answer = ask(narrow.expose(), path).await;
        assert_eq!((answer.status, answer.problem().as_str()), (404, "collection_not_found"), "{path}");
    }
    let answer = ask(&library.key, "/collections/ledger/records").await;
    assert_eq!((answer.status, answer.problem().as_str()), (404, "collection_not_found"), "a connector that is none");
}

/// What each operation answers to a key, in the order GET list, POST, GET, PUT, PATCH, DELETE.
async fn answers(library: &Library, key: &str) -> Vec<String> {
    let id = library.create(r#"{"title": "Emil"}"#).await;
    let mut answers = Vec::new();
    for (method, path, content_type) in [
        ("GET", "", ""),
        ("POST", "", "application/json"),
        ("GET", &*id, ""),
        ("PUT", &*id, "application/json"),
        ("PATCH", &*id, "application/merge-patch+json"),
        ("DELETE", &*id, ""),
    ] {
        let request = library.bare(method, &format!("/collections/books/records{path}")).bearer_auth(key);
        let answer = Answer::of(request.header("content-type", content_type).body(r#"{"title": "Anton"}"#)).await;
        answers.push(if answer.status < 300 { answer.status.to_string() } else { answer.problem() });
    }
    answers
}

#[tokio::test]
async fn records_are_open_to_keys_that_may_use_the_proxy_with_their_methods() {
    let library = Library::new(BOOK).await;
    let app = &library.app;
    let all = ["200", "201", "200", "200", "200", "204"];
    assert_eq!(answers(&library, &library.key).await, all);
    for (name, proxy, methods, expected) in [
        ("with the proxy", true, "NULL", all),
        ("without the proxy", false, "NULL", ["proxy_not_allowed"; 6]),
        ("for GET", true, "'{GET}'", {
            let no = "method_not_allowed_to_key";
            ["200", no, "200", no, no, no]
        }),
    ] {
        let key = key_of_program(app, name).await;
        scope(app, &key, Some(library.books), true, proxy, true).await;
        app.sql(&format!("UPDATE api_keys SET methods = {methods} WHERE prefix = '{}'", key.prefix())).await;
        assert_eq!(answers(&library, key.expose()).await, expected, "{name}");
    }
    app.sql("UPDATE connectors SET enabled = false").await;
    until("refused", async || library.get("").await.status == 409).await;
    assert_eq!(library.get("").await.problem(), "connector_disabled");
    app.sql("UPDATE connectors SET enabled = true, deleted_at = now(), deleted_by = 'Ana'").await;
    until("gone", async || library.get("").await.status == 404).await;
    assert_eq!(library.get("").await.problem(), "collection_not_found");
}

#[tokio::test]
async fn changes_are_recorded_with_the_holder_of_the_key_and_without_values() {
    let library = Library::new(BOOK).await;
    let id = library.create(r#"{"title": "a secret title"}"#).await;
    library.send("PATCH", &id, "application/merge-patch+json", r#"{"pages": 7}"#).await;
    library.request("DELETE", &id).send().await.expect("an answer");
    let lines = "SELECT kind, actor_name, changes::text FROM audit_events WHERE kind LIKE 'record.%' ORDER BY id";
    let lines = library.app.rows(lines).await;
    let kinds: Vec<[&str; 2]> = lines.iter().map(|line| [&*line[0], &*line[1]]).collect();
    assert_eq!(kinds, [["record.created", "Billing"], ["record.saved", "Billing"], ["record.deleted", "Billing"]]);
    assert!(lines[1][2].contains("pages"), "{lines:?}");
    assert!(lines.iter().all(|line| !line[2].contains("secret")), "{lines:?}");
}

#[tokio::test]
async fn the_token_of_the_own_connector_opens_these_records_and_nothing_else() {
    let library = Library::new(BOOK).await;
    let app = &library.app;
    app.collection("Shelves", "").await;
    let token = app.token(library.books).await.expect("a token");
    assert_eq!(answers(&library, &token).await, ["200", "201", "200", "200", "200", "204"]);
    let by = app.value("SELECT created_by FROM records ORDER BY created_at DESC LIMIT 1").await;
    assert_eq!(by, "Data connector Books");
    for (method, path, status, code) in [
        ("GET", "/collections/shelves/records", 404, "collection_not_found"),
        ("POST", "/collections/shelves/records", 404, "collection_not_found"),
        ("GET", "/collections", 401, "key_unknown"),
        ("GET", "/collections/books", 401, "key_unknown"),
        ("GET", "/connectors", 401, "key_unknown"),
        ("GET", "/connectors/books", 401, "key_unknown"),
        ("POST", "/connectors/books/token", 401, "key_unknown"),
        ("GET", "/connectors/books/proxy", 401, "key_unknown"),
    ] {
        let answer = Answer::of(library.bare(method, path).bearer_auth(&token)).await;
        assert_eq!((answer.status, answer.problem().as_str()), (status, code), "{method} {path}");
    }
    assert_eq!(app.count("SELECT count(*) FROM audit_events WHERE kind = 'api_key.refused'").await, 0);
}

#[tokio::test]
async fn a_call_of_the_own_connector_is_no_loop_and_others_are() {
    let library = Library::new("").await;
    let token = library.app.token(library.books).await.expect("a token");
    let via = format!("1.1 {}", pseudonym(&library).await);
    let ask = async |path: &str, key: &str| {
        let answer = Answer::of(library.bare("GET", path).header("via", &via).bearer_auth(key)).await;
        if answer.status == 200 { "200".into() } else { answer.problem() }
    };
    assert_eq!(ask("/collections/books/records", &token).await, "200");
    assert_eq!(ask("/collections/books/records", &library.key).await, "loop_detected");
    assert_eq!(ask("/collections", &library.key).await, "loop_detected");
    assert_eq!(ask("/collections", &token).await, "loop_detected");
}

/// The name of the site in `Via`.
async fn pseudonym(library: &Library) -> String {
    let api = Upstream::start(|_| Reply::json(200, "{}")).await;
    let base_url = HttpUrl::parse(&api.url("/")).ok();
    library.app.connector_with("Echo", |new| new.details.base_url = base_url).await;
    Answer::of(library.bare("GET", "/connectors/echo/proxy/").bearer_auth(&library.key)).await.is_upstreams();
    let via = api.only().header("via").expect("a name").to_owned();
    via.split_once(' ').expect("a version").1.to_owned()
}

#[tokio::test]
async fn the_token_has_no_limit_of_its_own_and_ends_with_its_collection() {
    let library = Library::new("").await;
    let (app, path) = (&library.app, "/collections/books/records");
    let token = app.token(library.books).await.expect("a token");
    let ask = async || Answer::of(library.bare("GET", path).bearer_auth(&token)).await;
    let keys = app.count("SELECT count(*) FROM api_keys WHERE last_used_at IS NOT NULL").await;
    assert_eq!((ask().await.status, keys), (200, 0));
    app.sql("UPDATE connectors SET enabled = false").await;
    until("disabled", async || ask().await.status == 409).await;
    app.sql("UPDATE connectors SET enabled = true").await;
    until("enabled", async || ask().await.status == 200).await;
    app.sql("UPDATE connectors SET deleted_at = now(), deleted_by = 'Ana'").await;
    until("in the trash", async || ask().await.status == 401).await;
    assert_eq!(ask().await.problem(), "key_unknown");
    app.sql("UPDATE connectors SET deleted_at = NULL, deleted_by = NULL").await;
    until("restored", async || ask().await.status == 200).await;
    app.sql("UPDATE connectors SET deleted_at = now(), deleted_by = 'Ana'").await;
    app.sql("DELETE FROM connectors").await;
    until("deleted", async || ask().await.status == 401).await;
}

#[tokio::test]
async fn invented_tokens_are_slowed_down_like_unknown_keys() {
    let library = Library::new("").await;
    let ask = async |token: &str| {
        Answer::of(library.bare("GET", "/collections/books/records").bearer_auth(token)).await.status
    };
    let token = library.app.token(library.books).await.expect("a token");
    assert_eq!(ask(&token).await, 200);
    let mut seen = Vec::new();
    for _ in 0..60 {
        seen.push(ask(ApiKey::random().expose()).await);
    }
    assert_eq!((seen[0], seen[59]), (401, 429), "{seen:?}");
    assert_eq!(ask(&token).await, 200, "one that is known gets through");
}
