//! Keys × connectors × what is wanted: every answer, compared with the table that was reviewed.
//!
//! `CONNECTORY_RENEW=1 cargo test --test it every_key` writes the table anew.

use super::*;

const REVIEWED: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/it/api/matrix.txt");

/// What is tried with every key: the words of the row, method and address below the connectors.
const WANTS: [(&str, &str, &str); 13] = [
    ("list connectors", "GET", ""),
    ("describe Ledger", "GET", "/ledger"),
    ("describe Orders", "GET", "/orders"),
    ("describe a connector that is not there", "GET", "/nowhere"),
    ("call Ledger’s read (GET)", "POST", "/ledger/endpoints/read/call"),
    ("call Ledger’s write (POST)", "POST", "/ledger/endpoints/write/call"),
    ("call an endpoint that is not there", "POST", "/ledger/endpoints/none/call"),
    ("call Orders’ read (GET)", "POST", "/orders/endpoints/read/call"),
    ("proxy GET to Ledger", "GET", "/ledger/proxy/x"),
    ("proxy POST to Ledger", "POST", "/ledger/proxy/x"),
    ("proxy GET to Orders", "GET", "/orders/proxy/x"),
    ("read Ledger’s token", "POST", "/ledger/token"),
    ("read Orders’ token", "POST", "/orders/token"),
];

/// The same below the collections.
const WANTS_OF_COLLECTIONS: [(&str, &str, &str); 5] = [
    ("list collections", "GET", ""),
    ("describe Books", "GET", "/books"),
    ("list the records of Books", "GET", "/books/records"),
    ("create a record of Books", "POST", "/books/records"),
    ("list the records of Ledger, which is no collection", "GET", "/ledger/records"),
];

#[tokio::test]
async fn every_key_opens_what_was_reviewed() {
    let world = World::new(|_| Reply::json(200, "{}")).await;
    let app = &world.app;
    let orders = app
        .connector_with("Orders", |new| {
            new.method = Method::Bearer;
            new.details.base_url = HttpUrl::parse(&world.api.url("/orders")).ok();
        })
        .await;
    give_token(app, orders, "another-token").await;
    let read = world.endpoint("read", "GET", "/x").await;
    world.endpoint("write", "POST", "/x").await;
    app.sql(&format!("INSERT INTO endpoints (id, connector_id, name, name_key, method, url, created_at, created_by, updated_at, updated_by) VALUES (gen_random_uuid(), '{orders}', 'read', 'read', 'GET', '/x', now(), 'Ana', now(), 'Ana')")).await;

    let books = Some(app.collection("Books", "").await);
    let ledger = Some(world.connector);
    let mut table = String::new();
    for (who, connector, endpoints, proxy, token, change) in [
        ("all connectors, everything", None, true, true, true, ""),
        ("all connectors, endpoints only", None, true, false, false, ""),
        ("Ledger, everything", ledger, true, true, true, ""),
        ("Ledger, endpoints only", ledger, true, false, false, ""),
        ("Ledger, its endpoint read only", ledger, false, false, false, "endpoint"),
        ("Ledger, the proxy only", ledger, false, true, false, ""),
        ("Ledger, the token only", ledger, false, false, true, ""),
        ("Books, the proxy only", books, false, true, false, ""),
        ("Books, endpoints only", books, true, false, false, ""),
        ("all connectors, everything, GET only", None, true, true, true, "methods = '{GET}'"),
        ("no connector at all", None, false, false, false, "none"),
        ("everything, expired", None, true, true, true, "expires_at = now() - interval '1 second'"),
        ("everything, revoked", None, true, true, true, "revoked_at = now()"),
    ] {
        let key = key_of_program(app, who).await;
        let id = app.value(&format!("SELECT id FROM api_keys WHERE prefix = '{}'", key.prefix())).await;
        if change != "none" {
            let scope = scope(app, &key, connector, endpoints, proxy, token).await;
            if change == "endpoint" {
                app.sql(&format!("INSERT INTO api_key_endpoints VALUES ('{scope}', '{read}')")).await;
            } else if !change.is_empty() {
                app.sql(&format!("UPDATE api_keys SET {change} WHERE id = '{id}'")).await;
            }
        }
        table.push_str(&format!("{who}\n"));
        for (what, method, path) in WANTS {
            let answer = Answer::of(world.bare(method, path).bearer_auth(key.expose())).await;
            table.push_str(&format!("    {what}: {}\n", told(&answer)));
        }
        for (what, method, path) in WANTS_OF_COLLECTIONS {
            let method = method.parse().expect("a method");
            let request = world.http.request(method, format!("http://{}/api/v1/collections{path}", app.address));
            let answer = Answer::of(request.bearer_auth(key.expose()).json(&serde_json::json!({}))).await;
            table.push_str(&format!("    {what}: {}\n", told(&answer)));
        }
    }
    compare(&table);
}

fn told(answer: &Answer) -> String {
    match answer.header("connectory-answer") {
        "upstream" => "the API’s answer".into(),
        _ if answer.status < 300 => format!("{} of {}", answer.status, keys_in(answer)),
        _ => format!("{} {}", answer.status, answer.problem()),
    }
}

/// What an answer of Connectory's own tells of.
fn keys_in(answer: &Answer) -> String {
    let document = answer.json();
    if document["records"].is_array() || document["data"].is_object() {
        return "records".into();
    }
    if document["members"].is_array() {
        return document["key"].as_str().unwrap_or_default().into();
    }
    if let Some(list) = document["connectors"].as_array().or(document["collections"].as_array()) {
        let keys: Vec<&str> = list.iter().filter_map(|one| one["key"].as_str()).collect();
        return if keys.is_empty() { "nothing".into() } else { keys.join(", ") };
    }
    if document["access_token"].is_string() {
        return "a token".into();
    }
    let endpoints = document["endpoints"].as_array().cloned().unwrap_or_default();
    let names: Vec<&str> = endpoints.iter().filter_map(|one| one["name"].as_str()).collect();
    format!(
        "{} (endpoints: {}; proxy: {}; token: {})",
        document["key"].as_str().unwrap_or_default(),
        if names.is_empty() { "none".into() } else { names.join(", ") },
        document["proxy"],
        document["token"]
    )
}

fn compare(table: &str) {
    if std::env::var("CONNECTORY_RENEW").is_ok() {
        std::fs::write(REVIEWED, table).expect("the table can be written");
        return;
    }
    let reviewed = std::fs::read_to_string(REVIEWED).unwrap_or_default();
    assert!(reviewed == table, "answers that were not reviewed:\n{table}");
}
