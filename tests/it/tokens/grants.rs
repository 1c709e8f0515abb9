//! What each grant renews its token with.

use super::*;

async fn at_django(grant: Grant, client: servers::Grant) -> (TestApp, AuthorizationServer, Uuid) {
    let app = site().await;
    let client = Client::confidential(CLIENT, CLIENT_SECRET, client);
    let server = AuthorizationServer::django(&Setup::with([client]));
    let id = oauth_connector(&app, grant, &server.urls.token, &server.urls.api).await;
    (app, server, id)
}

async fn grants(server: &AuthorizationServer) -> Vec<String> {
    let seen = server.seen().await.token;
    seen.into_iter().map(|request| request.grant_type).collect()
}

#[tokio::test]
async fn the_password_grant_refreshes_first_and_signs_in_when_that_is_refused() {
    let (app, server, id) = at_django(Grant::Password, servers::Grant::Password).await;
    app.store_secret(id, SecretField::OAuthPassword, "correct-horse").await;
    press(&app.super_admin().await).await.expect(303);
    app.advance(TimeDelta::hours(2));
    good(call(&app.keeper, id).await);
    assert_eq!(grants(&server).await, ["password", "refresh_token"]);

    server.revoke_all().await;
    server.reset().await;
    app.advance(TimeDelta::hours(2));
    let token = good(call(&app.keeper, id).await);
    assert_eq!(grants(&server).await, ["refresh_token", "password"]);
    assert_eq!(server.call_api(token.access.expose()).await, 200);

    // A server that fails has not said no: the password stays where it is.
    server.reset().await;
    server.fail(500, None).await;
    app.advance(TimeDelta::hours(2));
    problem(call(&app.keeper, id).await);
    assert_eq!(grants(&server).await, ["refresh_token"]);

    // A wrong password is tried once.
    server.reset().await;
    server.revoke_all().await;
    app.store_secret(id, SecretField::OAuthPassword, "wrong").await;
    app.advance(TimeDelta::hours(2));
    for _ in 0..10 {
        problem(call(&app.keeper, id).await);
    }
    assert_eq!(grants(&server).await, ["refresh_token", "password"]);
    assert_eq!(status(&app).await, "needs_reauthorization");
}

#[tokio::test]
async fn client_credentials_are_shown_again() {
    let client = servers::Grant::ClientCredentials;
    let (app, server, id) = at_django(Grant::ClientCredentials, client).await;
    let first = problem(call(&app.keeper, id).await);
    assert!(matches!(first, TokenProblem::NotAuthorized), "{first:?}");
    press(&app.super_admin().await).await.expect(303);
    for _ in 0..2 {
        app.advance(TimeDelta::hours(2));
        let token = good(call(&app.keeper, id).await);
        assert_eq!(server.call_api(token.access.expose()).await, 200);
    }
    assert_eq!(grants(&server).await, ["client_credentials"; 3]);
}

#[tokio::test]
async fn a_bearer_token_that_is_kept_fresh_is_asked_for_in_the_background() {
    let app = site().await;
    let server = Hostile::json(r#"{"access_token":"the-next","expires_in":3600}"#).await;
    let id = app.connector_with("Payroll", |new| new.method = Method::Bearer).await;
    let url = server.url("/token");
    app.sql(&format!("UPDATE authorizations SET keep_fresh = true, token_url = '{url}', token_user = 'svc'")).await;
    app.store_secret(id, SecretField::TokenPassword, "a-password").await;
    app.store_token(id, "the-first", Some(TimeDelta::hours(1))).await;
    app.advance(TimeDelta::minutes(54));
    app.run_due_work().await;
    assert_eq!(app.token(id).await.as_deref(), Some("the-first"));
    app.advance(TimeDelta::minutes(2));
    app.run_due_work().await;
    assert_eq!(app.token(id).await.as_deref(), Some("the-next"));
    assert_eq!(server.requests().len(), 1);
}

#[tokio::test]
async fn an_answer_without_a_refresh_token_keeps_the_old_one() {
    let app = site().await;
    let server = Hostile::json(r#"{"access_token":"the-next","expires_in":3600}"#).await;
    let id = renewed_at(&app, &server.url("/token")).await;
    let before = stored(&app).await;
    for _ in 0..2 {
        app.advance(TimeDelta::hours(2));
        assert_eq!(good(call(&app.keeper, id).await).access.expose(), "the-next");
    }
    let after = stored(&app).await;
    assert_eq!(after[0][1], before[0][1], "the refresh token");
    assert_eq!(after[0][3], "read", "the scope");
    for request in server.requests() {
        assert!(request.body.contains("refresh_token=the-refresh-token"));
    }
}
