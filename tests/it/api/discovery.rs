//! Finding out what there is: only what the key leads to.

use super::*;

#[tokio::test]
async fn a_key_finds_its_connectors_with_endpoints_and_variables() {
    let world = World::new(|_| Reply::json(200, "{}")).await;
    let read = world.endpoint("Read it", "GET", "/orders/{{id}}?page={{page|1}}").await;
    world.endpoint("write", "POST", "/orders").await;
    let orders = world.app.connector("Orders").await;
    world.app.connector("Hidden").await;
    let list = world.get("").await.json();
    let keys: Vec<&str> =
        list["connectors"].as_array().expect("a list").iter().map(|one| one["key"].as_str().expect("a key")).collect();
    assert_eq!(keys, ["hidden", "ledger", "orders"]);
    assert!(list.get("next").is_none());

    let narrow = key_of_program(&world.app, "Narrow").await;
    scope(&world.app, &narrow, Some(orders), true, false, false).await;
    let some = scope(&world.app, &narrow, Some(world.connector), false, true, false).await;
    world.app.sql(&format!("INSERT INTO api_key_endpoints VALUES ('{some}', '{read}')")).await;
    let ask = |path: &str| Answer::of(world.bare("GET", path).bearer_auth(narrow.expose()));
    let list = ask("").await.json();
    assert_eq!(list["connectors"].as_array().map(Vec::len), Some(2));
    let ledger = ask("/ledger").await.json();
    assert_eq!(ledger["name"], "Ledger");
    assert_eq!((&ledger["proxy"], &ledger["token"]), (&true.into(), &false.into()));
    assert_eq!(
        ledger["endpoints"],
        serde_json::json!([{
            "name": "Read it", "description": "", "method": "GET",
            "variables": [{ "name": "id" }, { "name": "page", "default": "1" }],
            "href": "/api/v1/connectors/ledger/endpoints/Read%20it/call",
        }])
    );
    let called =
        Answer::of(world.request("POST", "/ledger/endpoints/Read%20it/call").body("{\"variables\":{\"id\":1}}")).await;
    assert_eq!(called.status, 200);
    for path in ["/hidden", "/nowhere"] {
        let answer = ask(path).await;
        assert_eq!((answer.status, answer.problem().as_str()), (404, "connector_not_found"));
    }
}

#[tokio::test]
async fn a_long_list_goes_on_where_it_ended() {
    let world = World::new(|_| Reply::json(200, "{}")).await;
    for number in 1..=120 {
        world.app.connector(&format!("C {number:03}")).await;
    }
    let first = world.get("").await.json();
    assert_eq!(first["connectors"].as_array().map(Vec::len), Some(100));
    let next = first["next"].as_str().expect("more").strip_prefix("/api/v1/connectors").expect("a path");
    let rest = world.get(next).await.json();
    assert_eq!(rest["connectors"].as_array().map(Vec::len), Some(21));
    assert_eq!(rest["connectors"][20]["key"], "ledger");
    assert!(rest.get("next").is_none());
    for odd in ["?after=%00", "?after=%ff", "?after=&after=zzz", "?x"] {
        assert_eq!(world.get(odd).await.status, 200, "{odd}");
    }
}

#[tokio::test]
async fn a_connector_says_who_looks_after_it() {
    let world = World::new(|_| Reply::json(200, "{}")).await;
    let ben = world.app.user_named("ben", "Ben Okafor", &[]).await;
    world.app.sql(&format!("UPDATE connectors SET owner_user_id = '{}', contact = '#ledger', documentation_url = 'https://docs.example.org/#ledger', notes = 'Ask first' WHERE key = 'ledger'", ben.id)).await;
    let (list, ledger) = (world.get("").await.json(), world.get("/ledger").await.json());
    for entry in [&list["connectors"][0], &ledger] {
        let said = [&entry["owner"], &entry["contact"], &entry["documentation_url"]];
        assert_eq!(said, ["Ben Okafor", "#ledger", "https://docs.example.org/#ledger"]);
    }
    assert_eq!((&ledger["notes"], list["connectors"][0].get("notes")), (&"Ask first".into(), None));
}
