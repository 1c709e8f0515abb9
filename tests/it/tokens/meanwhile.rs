//! What happens to a renewal when something else happens meanwhile.

use super::*;

/// Renews the ended token, and does something else while the server thinks.
async fn renewed_while(site: &Authorized, meanwhile: impl AsyncFnOnce()) -> Result<LiveToken, TokenProblem> {
    site.app.advance(TimeDelta::hours(2));
    site.server.delay(Duration::from_millis(1500)).await;
    let both = async {
        site.server.seen_when_arrived(1).await;
        meanwhile().await;
    };
    tokio::join!(call(&site.app.keeper, site.id), both).0
}

/// The next renewal works, so nothing was lost.
async fn renews_once_more(site: &Authorized) {
    site.server.reset().await;
    site.app.advance(TimeDelta::hours(2));
    let token = good(call(&site.app.keeper, site.id).await);
    assert_eq!(site.server.call_api(token.access.expose()).await, 200);
    assert_eq!(site.server.seen().await.arrived, 1);
}

#[tokio::test]
async fn somebody_looks_and_is_told() {
    let site = authorized().await;
    let look = async || {
        let tab = site.admin.get(TAB).await;
        let now = fact(&tab, "Now");
        assert_eq!(now, "The server is being asked for a new token. Refresh");
        assert!(tab.has_link("Refresh"));
    };
    good(renewed_while(&site, look).await);
    let tab = site.admin.get(TAB).await;
    assert!(!tab.texts("dl.kv dt").contains(&"Now".to_string()));
}

#[tokio::test]
async fn the_connections_are_cut() {
    let site = authorized().await;
    let cut = async || site.app.cut_connections().await;
    good(renewed_while(&site, cut).await);
    renews_once_more(&site).await;
}

#[tokio::test]
async fn the_database_is_away_for_longer_than_the_lease() {
    let site = authorized().await;
    let (app, server) = (&site.app, &site.server);
    let other = app.another_keeper();
    app.advance(TimeDelta::hours(2));
    server.delay(Duration::from_millis(500)).await;
    let outage = async {
        server.seen_when_arrived(1).await;
        app.take_database_away().await;
        while server.seen().await.token.is_empty() {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        // The answer has come and cannot be stored; the lease runs out.
        tokio::time::sleep(Duration::from_millis(600)).await;
        app.advance(TimeDelta::minutes(10));
        app.give_database_back().await;
        good(call(&other, site.id).await)
    };
    let (here, there) = tokio::join!(call(&app.keeper, site.id), outage);
    assert_eq!(good(here).access.expose(), there.access.expose());
    assert_eq!(server.seen().await.arrived, 1);
    renews_once_more(&site).await;
}

#[tokio::test]
async fn whoever_holds_the_lease_has_died() {
    let Authorized { app, server, id, .. } = authorized().await;
    app.advance(TimeDelta::hours(2));
    let held = |until: &str| format!("UPDATE renewals SET lease_id = gen_random_uuid(), lease_until = {until}");
    // A clock that was put back leaves a lease for the next century.
    for until in ["to_timestamp(0)", "'2123-01-01'"] {
        app.sql(&held(until)).await;
        good(call(&app.keeper, id).await);
        app.advance(TimeDelta::hours(2));
    }
    assert_eq!(server.seen().await.arrived, 2);
}

#[tokio::test]
async fn settings_are_saved_that_leave_the_tokens() {
    let site = authorized().await;
    let tab = site.admin.get(TAB).await;
    let save = async || {
        tab.form(TAB).set("expired_statuses", "401,403").send().await.expect(303);
        let details = site.admin.get(DETAILS).await.main_form();
        details.set("description", "another").send().await.expect(303);
    };
    good(renewed_while(&site, save).await);
    renews_once_more(&site).await;
}

#[tokio::test]
async fn the_connector_is_disconnected() {
    let site = authorized().await;
    let address = format!("{TAB}/disconnections");
    let page = site.admin.get(&address).await;
    let disconnect = async || {
        page.form(&address).send().await.expect(303);
    };
    let no = problem(renewed_while(&site, disconnect).await);
    assert!(matches!(no, TokenProblem::NotAuthorized), "{no:?}");
    assert!(stored(&site.app).await.is_empty());
    assert_eq!(status(&site.app).await, "not_authorized");
}

#[tokio::test]
async fn the_base_url_is_moved() {
    let site = authorized().await;
    let details = site.admin.get(DETAILS).await;
    let moved = async || {
        let form = details.main_form().set("base_url", "https://collector.example.net");
        form.send().await.expect(303);
    };
    let token = good(renewed_while(&site, moved).await);
    let elsewhere = HttpUrl::parse("https://collector.example.net/x").expect("a URL");
    assert!(!token.origins.allow(&elsewhere), "a renewal approves nothing");
}

#[tokio::test]
async fn somebody_authorizes_anew() {
    let site = authorized().await;
    let anew = async || give(&site.app, site.id, Some("another-refresh-token")).await;
    let token = good(renewed_while(&site, anew).await);
    assert_eq!(token.access.expose(), "the-token");
    assert_eq!(site.app.token(site.id).await.as_deref(), Some("the-token"));
}

#[tokio::test]
async fn the_connector_is_disabled_or_deleted_and_comes_back() {
    let site = authorized().await;
    for (away, back) in [("enabled = false", "enabled = true"), ("deleted_at = now()", "deleted_at = NULL")] {
        let set = async |what: &str| site.app.sql(&format!("UPDATE connectors SET {what}")).await;
        let no = problem(renewed_while(&site, async || set(away).await).await);
        assert!(matches!(no, TokenProblem::Disabled), "{no:?}");
        set(back).await;
        renews_once_more(&site).await;
        site.server.reset().await;
    }
}

#[tokio::test]
async fn the_program_stops() {
    let site = authorized().await;
    site.app.advance(TimeDelta::hours(2));
    site.server.delay(Duration::from_millis(500)).await;
    let keeper = &site.app.keeper;
    {
        // Whoever asked goes away.
        let asking = std::pin::pin!(call(keeper, site.id));
        let arrived = std::pin::pin!(site.server.seen_when_arrived(1));
        futures_util::future::select(asking, arrived).await;
    }
    keeper.finish().await;
    assert_eq!(site.server.seen().await.token.len(), 1);
    renews_once_more(&site).await;
}

#[tokio::test]
async fn many_things_at_once_never_wait_for_each_other_in_a_circle() {
    let site = authorized_with(|setup| setup.rotate = false).await;
    let (app, id) = (&site.app, site.id);
    let deadlocks = "SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()";
    let other = app.another_keeper();
    for round in 0..15 {
        app.advance(TimeDelta::hours(25));
        let details = site.admin.get(DETAILS).await.main_form();
        let form = if round % 2 == 0 { details.untick("enabled", "yes") } else { details.tick("enabled", "yes") };
        let switching = form.send();
        let (page, ..) =
            tokio::join!(switching, call(&app.keeper, id), call(&other, id), app.run_due_work(), other.renew_due(),);
        page.expect(303);
    }
    // Whoever is gone has reported.
    app.cut_connections().await;
    assert_eq!(app.count(deadlocks).await, 0);
}
