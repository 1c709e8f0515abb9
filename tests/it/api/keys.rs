//! Who calls: an API key and nothing else.

use connectory::access::Permission;

use super::*;

#[tokio::test]
async fn a_session_counts_for_nothing_here() {
    let world = World::new(|_| Reply::json(200, "{}")).await;
    let admin = world.app.super_admin().await;
    let answer = admin.get("/api/v1/connectors/ledger/proxy/x").await;
    assert_eq!(answer.status, 401);
    assert!(answer.text().contains("key_missing"));
}

#[tokio::test]
async fn keys_that_are_none_are_refused_and_too_many_slowed_down() {
    let world = World::new(|_| Reply::json(200, "{}")).await;
    let show =
        async |value: &str| Answer::of(world.bare("GET", "/ledger/proxy/x").header("Authorization", value)).await;
    for value in ["", "Bearer", "Bearer ", "Basic Y3R5Og==", "Bearer\t", "Token x"] {
        let answer = show(value).await;
        assert_eq!((answer.status, answer.problem().as_str()), (401, "key_missing"), "{value:?}");
        assert_eq!(answer.header("www-authenticate"), "Bearer realm=\"Connectory\"");
    }
    let unknown = ApiKey::random();
    for value in ["x", unknown.expose(), &world.key[..world.key.len() - 1]] {
        let answer = show(&format!("Bearer {value}")).await;
        assert_eq!((answer.status, answer.problem().as_str()), (401, "key_unknown"), "{value}");
    }
    let mut slowed = None;
    for _ in 0..40 {
        let answer = show(&format!("Bearer {}", unknown.expose())).await;
        if answer.status == 429 {
            slowed = Some(answer);
            break;
        }
    }
    let slowed = slowed.expect("too many");
    assert_eq!(slowed.problem(), "too_many_unknown_keys");
    assert!(slowed.header("retry-after").parse::<u64>().is_ok_and(|seconds| seconds > 0));
    // Who has a key is not held up by a neighbour that guesses.
    assert_eq!(world.proxied("/x").await.status, 200);
    assert!(world.api.seen().len() == 1);
}

#[tokio::test]
async fn the_use_of_a_key_is_noted() {
    let world = World::new(|_| Reply::json(200, "{}")).await;
    world.proxied("/x").await;
    world.app.advance(TimeDelta::minutes(2));
    world.app.run_due_work().await;
    let used = world.app.rows("SELECT last_used_at IS NOT NULL, last_used_address FROM api_keys").await;
    assert_eq!(used, [["t", "127.0.0.1"]]);
}

#[tokio::test]
async fn a_persons_key_calls_as_the_person_and_loses_the_right_with_the_person() {
    let world = World::new(|_| Reply::json(200, "{}")).await;
    let ben = world.app.person(&[Permission::CallConnectors]).await;
    let id = ben.user().id;
    world.app.sql(&format!("UPDATE api_keys SET program_id = NULL, user_id = '{id}'")).await;
    until("it is Ben's", async || world.proxied("/x").await.status == 200).await;
    world.wait_for_log(1).await;
    world
        .app
        .sql(&format!("DELETE FROM user_permissions WHERE user_id = '{id}' AND permission = 'call-data-connectors'"))
        .await;
    until("the right is gone", async || {
        let answer = world.proxied("/x").await;
        answer.status == 403 && answer.problem() == "key_holder_not_permitted"
    })
    .await;
    let callers = world.log("caller_kind, caller_id").await;
    assert!(callers.contains(&vec!["user".to_string(), id.to_string()]), "{callers:?}");
}
