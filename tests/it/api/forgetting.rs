//! What is kept in memory is dropped at a change, on a notice at once, and without one after five seconds.

use connectory::db::ChangeListener;

use super::*;

/// How a site may hear of changes.
const DEAF: &str = "host=/nowhere/at/all dbname=none";

pub(super) async fn deaf() -> TestApp {
    TestApp::start_with(|site| {
        // Keys, too, are told by what never tells.
        site.changes = ChangeListener::new(DEAF);
        site.api_keys = connectory::access::ApiKeys::new(&site.clock, &site.changes);
    })
    .await
}

const CHANGES: [(&str, &str); 5] = [
    ("UPDATE api_keys SET revoked_at = now()", "key_revoked"),
    ("UPDATE programs SET active = false", "key_holder_inactive"),
    ("UPDATE connectors SET enabled = false", "connector_disabled"),
    ("UPDATE connectors SET deleted_at = now(), deleted_by = 'x'", "connector_not_found"),
    ("UPDATE connectors SET open_rights = '{view}'", "connector_not_found"),
];

#[tokio::test]
async fn a_change_counts_on_the_next_request_after_its_notice() {
    for (change, code) in CHANGES {
        let world = World::new(|_| Reply::json(200, "{}")).await;
        assert_eq!(world.proxied("/x").await.status, 200);
        world.app.sql(change).await;
        until(code, async || {
            let answer = world.proxied("/x").await;
            answer.status != 200 && answer.problem() == code
        })
        .await;
    }
}

#[tokio::test]
async fn without_a_notice_it_counts_within_five_seconds() {
    for (change, code) in CHANGES {
        let world = World::on(deaf().await, |_| Reply::json(200, "{}")).await;
        assert_eq!(world.proxied("/x").await.status, 200);
        world.app.sql(change).await;
        assert_eq!(world.proxied("/x").await.status, 200, "nobody has told");
        world.app.advance(TimeDelta::seconds(5));
        assert_eq!(world.proxied("/x").await.problem(), code);
    }
}

#[tokio::test]
async fn a_token_that_was_replaced_or_forgotten_is_not_used_any_more() {
    for app in [TestApp::start().await, deaf().await] {
        let world = World::on(app, |_| Reply::json(200, "{}")).await;
        world.proxied("/x").await;
        give_token(&world.app, world.connector, "another-token").await;
        world.app.advance(TimeDelta::seconds(5));
        assert_eq!(world.proxied("/x").await.status, 200);
        assert_eq!(world.api.last().header("authorization"), Some("Bearer another-token"));
        world.app.sql("DELETE FROM tokens").await;
        world.app.advance(TimeDelta::seconds(5));
        assert_eq!(world.proxied("/x").await.problem(), "connector_not_authorized");
    }
}

#[tokio::test]
async fn calls_in_their_usual_course_ask_the_database_nothing() {
    let world = World::new(|_| Reply::json(200, "{}")).await;
    world.endpoint("read", "GET", "/orders").await;
    for _ in 0..3 {
        world.proxied("/x").await;
        world.call("read", Value::Null).await;
    }
    world.app.take_database_away().await;
    for _ in 0..10 {
        assert_eq!(world.proxied("/x").await.status, 200);
        let body = Answer::of(world.request("POST", "/ledger/endpoints/read/call")).await;
        assert_eq!(body.status, 200, "{}", body.body);
    }
    world.app.advance(TimeDelta::seconds(6));
    let answer = world.proxied("/x").await;
    assert!(["keys_unavailable", "database_unavailable"].contains(&answer.problem().as_str()));
    assert_eq!(answer.header("retry-after"), "5");
    world.app.give_database_back().await;
    until("calls go through again", async || world.proxied("/x").await.status == 200).await;
}
