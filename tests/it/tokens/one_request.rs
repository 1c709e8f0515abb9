//! However many want the token, and wherever: one request.

use super::*;

/// This many calls at once by each of these keepers.
async fn calls(keepers: &[&TokenKeeper], id: Uuid, each: usize) -> Vec<LiveToken> {
    let all = (0..each).flat_map(|_| keepers.iter().map(|keeper| call(keeper, id)));
    join_all(all).await.into_iter().map(good).collect()
}

/// The one answered request was granted.
async fn asked_once(server: &AuthorizationServer) {
    let seen = server.seen().await;
    let statuses: Vec<u16> = seen.token.iter().map(|request| request.status).collect();
    assert_eq!((seen.arrived, statuses), (1, vec![200]));
}

#[tokio::test]
async fn for_fifty_calls_of_one_instance_and_of_two() {
    let Authorized { app, server, id, .. } = authorized().await;
    let other = app.another_keeper();
    for keepers in [vec![&app.keeper], vec![&app.keeper, &other]] {
        app.advance(TimeDelta::hours(2));
        server.delay(Duration::from_millis(300)).await;
        let tokens = calls(&keepers, id, 50 / keepers.len()).await;
        asked_once(&server).await;
        let first = tokens[0].access.expose();
        assert!(tokens.iter().all(|token| token.access.expose() == first));
        assert_eq!(server.call_api(first).await, 200);
        server.reset().await;
    }
}

#[tokio::test]
async fn of_a_server_that_takes_fifteen_seconds() {
    let Authorized { app, server, id, .. } = authorized().await;
    let other = app.another_keeper();
    app.advance(TimeDelta::hours(2));
    server.delay(Duration::from_secs(15)).await;
    calls(&[&app.keeper, &other], id, 5).await;
    asked_once(&server).await;
}

#[tokio::test]
async fn when_two_instances_look_after_it_at_once() {
    let Authorized { app, server, .. } = authorized().await;
    let other = app.another_keeper();
    app.advance(TimeDelta::minutes(56));
    server.delay(Duration::from_millis(300)).await;
    let (one, two) = tokio::join!(app.keeper.renew_due(), other.renew_due());
    assert!(one.is_ok() && two.is_ok());
    asked_once(&server).await;
}

#[tokio::test]
async fn that_background_work_has_begun_serves_calls_and_people() {
    let Authorized { app, server, id, admin } = authorized().await;
    let other = app.another_keeper();
    app.advance(TimeDelta::hours(2));
    server.delay(Duration::from_millis(500)).await;
    let calling = async {
        server.seen_when_arrived(1).await;
        tokio::join!(call(&app.keeper, id), call(&other, id), press(&admin))
    };
    let (background, (here, there, page)) = tokio::join!(app.keeper.renew_due(), calling);
    background.expect("the background work");
    good(here);
    good(there);
    assert_eq!(page.expect(303).follow().await.flash(), "The token was renewed");
    asked_once(&server).await;
}

#[tokio::test]
async fn renews_again_and_again_with_rotated_refresh_tokens() {
    let Authorized { app, server, id, .. } = authorized().await;
    for _ in 0..4 {
        app.advance(TimeDelta::hours(2));
        let token = good(call(&app.keeper, id).await);
        assert_eq!(server.call_api(token.access.expose()).await, 200);
    }
    let seen = server.seen().await;
    assert!(seen.token.iter().all(|request| request.status == 200));
    assert_eq!(seen.arrived, 4);
}

#[tokio::test]
async fn a_token_that_lives_long_enough_costs_none() {
    let Authorized { app, server, id, .. } = authorized().await;
    let wanting = |minutes| {
        let need = Need { min_ttl: TimeDelta::minutes(minutes), ..Need::default() };
        app.keeper.token(id, need)
    };
    app.advance(TimeDelta::minutes(45));
    let first = good(wanting(10).await);
    assert_eq!(server.seen().await.arrived, 0);
    let second = good(wanting(20).await);
    assert_ne!(first.version, second.version);
    assert_eq!(server.seen().await.arrived, 1);
    // More than it lives from the start: half its life is enough.
    for _ in 0..5 {
        assert_eq!(good(wanting(600).await).version, second.version);
    }
    assert_eq!(server.seen().await.arrived, 1);
}
