//! Calls of every method make and break the health, in the batches of the call log.

use connectory::calls::{Call, Shown};
use connectory::connectors::ApiOutcome;
use serde_json::json;

use super::*;
use crate::api::World;

impl World {
    /// The health once this many calls have been written.
    async fn health_after(&self, calls: i64) -> String {
        self.wait_for_log(calls).await;
        self.app.value("SELECT status FROM connectors").await
    }

    /// A call whose response may break off.
    async fn call_somehow(&self) {
        if let Ok(answer) = self.request("GET", "/ledger/proxy/x").send().await {
            _ = answer.bytes().await;
        }
    }
}

/// A connector of each method, whose credential is stored.
async fn of_method(world: &World, method: Method) {
    world.app.sql(&format!("UPDATE connectors SET method = '{}'", method.code())).await;
    world.app.sql("UPDATE authorizations SET user_name = 'svc', api_key_name = 'X-Key'").await;
    if let Some(field) = method.call_secret() {
        world.app.store_secret(world.connector, field, "canary-5f1c77").await;
    }
}

const METHODS: [Method; 6] =
    [Method::NoAuth, Method::Basic, Method::ApiKey, Method::Bearer, Method::Digest, Method::AwsSignature];

#[tokio::test]
async fn that_all_fail_never_make_a_connector_healthy() {
    type Script = fn() -> Reply;
    let answers: [(Script, &str); 5] = [
        (|| Reply::json(401, "{}"), "refused"),
        (|| Reply::json(403, "{}"), "refused"),
        (|| Reply::json(500, "{}"), "failing"),
        (|| Reply::raw([]).closing(), "failing"),
        (|| Reply::raw(*b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf").closing(), "failing"),
    ];
    for method in METHODS {
        for (answer, expected) in answers {
            let world = World::new(move |_| answer()).await;
            of_method(&world, method).await;
            for calls in 1..=4 {
                world.call_somehow().await;
                assert_eq!(world.health_after(calls).await, expected, "{method:?}");
            }
        }
    }
}

#[tokio::test]
async fn that_the_api_takes_make_it_healthy_whatever_the_method() {
    for method in METHODS {
        for status in [200, 204, 302, 400, 404, 422] {
            let world = World::new(move |_| Reply::json(status, "")).await;
            of_method(&world, method).await;
            world.proxied("/x").await;
            assert_eq!(world.health_after(1).await, "healthy", "{method:?} {status}");
        }
    }
}

#[tokio::test]
async fn that_say_nothing_of_the_credential_leave_it_untested() {
    const LIMITED: &[(&str, &str)] = &[("Retry-After", "60")];
    for (status, headers) in [(429, LIMITED), (403, LIMITED), (407, &[]), (408, &[])] {
        let world = World::new(move |_| Reply::of(status, headers, "{}")).await;
        for _ in 0..5 {
            world.proxied("/x").await;
        }
        assert_eq!(world.health_after(5).await, "not_tested", "{status}");
    }
}

#[tokio::test]
async fn one_5xx_is_no_news_three_are_and_a_success_ends_them() {
    let world = World::new(|seen| match seen.number {
        0 | 2 | 6.. => Reply::json(200, "{}"),
        _ => Reply::json(500, "{}"),
    })
    .await;
    let mut all = Vec::new();
    for calls in 1..=7 {
        world.proxied("/x").await;
        all.push(world.health_after(calls).await);
    }
    assert_eq!(all, ["healthy", "healthy", "healthy", "healthy", "healthy", "failing", "healthy"]);
    assert_eq!(world.app.value("SELECT message FROM evidence").await, "");
}

#[tokio::test]
async fn of_one_endpoint_that_fails_do_not_mark_the_others() {
    for status in [401, 403, 500] {
        let world = World::new(move |seen| match seen.path() {
            "/v1/good" => Reply::json(200, "{}"),
            _ => Reply::json(status, "{}"),
        })
        .await;
        world.endpoint("good", "GET", "/good").await;
        world.endpoint("bad", "GET", "/bad").await;
        world.app.sql("UPDATE tokens SET expires_at = NULL").await;
        world.call("good", json!({})).await;
        for calls in 2..=9 {
            world.call("bad", json!({})).await;
            assert_eq!(world.health_after(calls).await, "healthy", "{status}");
        }
        world.app.advance(TimeDelta::hours(2));
        world.call("bad", json!({})).await;
        assert_eq!(world.health_after(10).await, "healthy", "{status}");
    }
}

#[tokio::test]
async fn that_are_refused_after_success_make_it_refused_with_the_words_of_the_api() {
    let echo = r#"{"message":"Token revoked","sent":"s3cret-t0ken-of-the-api"}"#;
    let world = World::new(move |seen| match seen.number {
        0 => Reply::json(200, "{}"),
        _ => Reply::json(401, echo),
    })
    .await;
    for (expected, calls) in ["healthy", "healthy", "healthy", "refused"].into_iter().zip(1..) {
        world.proxied("/x").await;
        assert_eq!(world.health_after(calls).await, expected);
    }
    let admin = world.app.super_admin().await;
    let page = admin.get("/connectors/ledger/authorization").await;
    let said = fact(&page, "Last failure");
    assert!(said.ends_with("The API answered 401 Unauthorized. The API said: “Token revoked”"), "{said}");
    assert!(!page.html.contains("s3cret-t0ken"));
}

#[tokio::test]
async fn whose_body_says_that_the_token_has_ended_are_refused() {
    let world = World::new(|_| Reply::json(200, r#"{"error":{"code":"token_expired"}}"#)).await;
    world.app.sql("UPDATE authorizations SET expired_body = '/error/code = token_expired'").await;
    assert_eq!(world.proxied("/x").await.status, 200);
    assert_eq!(world.health_after(1).await, "refused");
}

#[tokio::test]
async fn that_began_with_the_secret_before_say_nothing_of_the_new_one() {
    let world = World::new(|_| Reply::json(200, "{}").held()).await;
    of_method(&world, Method::Basic).await;
    let admin = world.app.super_admin().await;
    let ((), answer) = tokio::join!(
        async {
            world.api.wait_for(1).await;
            let tab = "/connectors/ledger/authorization";
            let form = admin.get(tab).await.form(tab).set("password_choice", "replace").set("password", "another");
            form.confirmed().send().await.expect(303);
            world.api.go_on();
        },
        world.proxied("/x")
    );
    assert_eq!((answer.status, world.health_after(1).await.as_str()), (200, "not_tested"));
}

#[tokio::test]
async fn in_a_row_that_the_api_takes_are_written_once_a_minute() {
    let world = World::new(|_| Reply::json(200, "{}")).await;
    let written = async |calls| {
        world.wait_for_log(calls).await;
        world.app.value("SELECT xmin::text || taken_at FROM evidence").await
    };
    world.proxied("/x").await;
    let first = written(1).await;
    for (path, calls) in ["/a", "/b", "/c", "/a"].into_iter().zip(2..) {
        world.proxied(path).await;
        assert_eq!(written(calls).await, first, "no statement for each call");
    }
    world.app.advance(TimeDelta::minutes(1));
    world.proxied("/x").await;
    assert_ne!(written(6).await, first);
}

#[tokio::test]
async fn that_connectory_refuses_say_nothing_of_the_api() {
    let world = World::new(|_| Reply::json(200, "{}")).await;
    world.app.sql("UPDATE tokens SET origins = '{}'").await;
    assert_eq!(world.proxied("/x").await.status, 403);
    assert_eq!(world.health_after(1).await, "not_tested");
}

/// A call of an endpoint that showed this.
fn shown(app: &TestApp, id: Uuid, outcome: ApiOutcome) -> Call {
    Call { shown: Some(Shown::only(outcome)), ..crate::calls::call(app.clock.now(), id) }
}

#[tokio::test]
async fn of_two_instances_count_together_within_a_second() {
    let app = TestApp::start().await;
    let id = app.connector("Payroll").await;
    let (one, other) = (&app.call_log, app.another_call_log());
    let health = async || app.value("SELECT status FROM connectors").await;
    one.record(shown(&app, id, ApiOutcome::Taken));
    one.finish().await;
    assert_eq!(health().await, "healthy");

    // Two failures there: what this instance remembers is outdated, and its next success must end them.
    for _ in 0..2 {
        other.record(shown(&app, id, ApiOutcome::Failed));
    }
    other.finish().await;
    let began = std::time::Instant::now();
    while app.value("SELECT run FROM evidence").await != "0" {
        assert!(began.elapsed() < std::time::Duration::from_secs(1), "the other instance was not heard");
        one.record(shown(&app, id, ApiOutcome::Taken));
        one.finish().await;
    }
    assert_eq!(health().await, "healthy");

    // Failures on both sides are one run.
    for log in [&other, one, &other] {
        assert_eq!(health().await, "healthy");
        log.record(shown(&app, id, ApiOutcome::Failed));
        log.finish().await;
    }
    assert_eq!(health().await, "failing");
    // Either instance can end it.
    one.record(shown(&app, id, ApiOutcome::Taken));
    one.finish().await;
    assert_eq!(health().await, "healthy");
}

#[tokio::test]
async fn of_a_connector_that_was_deleted_meanwhile_hinder_no_others() {
    let app = TestApp::start().await;
    let id = app.connector("Payroll").await;
    app.call_log.record(shown(&app, Uuid::now_v7(), ApiOutcome::Taken));
    app.call_log.record(shown(&app, id, ApiOutcome::Taken));
    app.call_log.finish().await;
    assert_eq!(app.value("SELECT status FROM connectors").await, "healthy");
}

#[tokio::test]
async fn are_not_lost_while_the_database_is_away() {
    let app = TestApp::start().await;
    let id = app.connector("Payroll").await;
    app.take_database_away().await;
    app.call_log.record(shown(&app, id, ApiOutcome::Refused));
    app.give_database_back().await;
    app.call_log.finish().await;
    assert_eq!(app.value("SELECT status FROM connectors").await, "refused");
}
