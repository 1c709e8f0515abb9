//! A token that the API refuses is replaced once.

use super::*;

fn refused(token: &LiveToken) -> Need {
    Need { refused: Some(token.version), ..Need::default() }
}

#[tokio::test]
async fn is_replaced_by_one_request_and_a_young_one_by_none() {
    let Authorized { app, server, id, .. } = authorized().await;
    let old = good(call(&app.keeper, id).await);
    app.advance(TimeDelta::minutes(5));
    let other = app.another_keeper();
    let both = [&app.keeper, &other];
    let all = (0..10).map(|number| both[number % 2].token(id, refused(&old)));
    let tokens: Vec<LiveToken> = join_all(all).await.into_iter().map(good).collect();
    assert!(tokens.iter().all(|token| token.version == old.version + 1));
    assert_eq!(server.seen().await.arrived, 1);

    for _ in 0..30 {
        let again = app.keeper.token(id, refused(&tokens[0])).await;
        assert!(matches!(problem(again), TokenProblem::RefusedYoung));
    }
    assert_eq!(server.seen().await.arrived, 1);
    app.advance(TimeDelta::seconds(61));
    good(app.keeper.token(id, refused(&tokens[0])).await);
    assert_eq!(server.seen().await.arrived, 2);
}

#[tokio::test]
async fn is_replaced_by_a_test_of_the_connection() {
    let Authorized { app, server, id, admin } = authorized().await;
    give_with(&app, id, "a-token-that-the-api-does-not-know", RefreshToken::Keep).await;
    app.advance(TimeDelta::minutes(5));
    let tab = admin.get(TAB).await;
    let tested = tab.form(TAB).press("Test connection").send().await;
    let text = tested.expect(200).text();
    assert!(text.contains("The API answered 200"), "{text}");
    let seen = server.seen().await;
    assert_eq!((seen.arrived, seen.api.refused, seen.api.ok), (1, 1, 1));
}

#[tokio::test]
async fn of_a_connector_that_nobody_renews_needs_a_person() {
    let app = site().await;
    let id = renewed_at(&app, "https://login.example.org/token").await;
    give(&app, id, None).await;
    let token = good(call(&app.keeper, id).await);
    app.advance(TimeDelta::minutes(5));
    let again = app.keeper.token(id, refused(&token)).await;
    assert!(matches!(problem(again), TokenProblem::Ended));
}
