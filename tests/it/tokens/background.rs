//! Renewing before anybody needs it.

use super::*;

/// How many requests have come by now, after the background work.
async fn renewed(site: &Authorized, after: TimeDelta) -> usize {
    site.app.advance(after);
    site.app.run_due_work().await;
    site.server.seen().await.arrived
}

#[tokio::test]
async fn happens_in_the_last_minutes_while_the_connector_is_in_use() {
    let site = authorized().await;
    let mut requests = 0;
    for _ in 0..3 {
        assert_eq!(renewed(&site, TimeDelta::minutes(54)).await, requests);
        requests += 1;
        assert_eq!(renewed(&site, TimeDelta::seconds(61)).await, requests);
        let token = good(call(&site.app.keeper, site.id).await);
        assert_eq!(site.server.call_api(token.access.expose()).await, 200);
    }
}

#[tokio::test]
async fn happens_in_the_last_tenth_of_a_short_life() {
    let site = authorized_with(|setup| setup.access_token_seconds = 600).await;
    assert_eq!(renewed(&site, TimeDelta::seconds(535)).await, 0);
    assert_eq!(renewed(&site, TimeDelta::seconds(6)).await, 1);
}

#[tokio::test]
async fn happens_once_a_day_where_nobody_calls() {
    let site = authorized().await;
    // It counts as in use for its first day.
    let mut first_day = 0;
    for _ in 0..25 {
        first_day = renewed(&site, TimeDelta::hours(1)).await;
    }
    assert!(first_day >= 20, "{first_day}");
    for day in 1..=3 {
        for _ in 0..24 {
            renewed(&site, TimeDelta::hours(1)).await;
        }
        let requests = site.server.seen().await.arrived;
        assert!(requests <= first_day + day, "{requests} on day {day}");
    }
    // The next call finds it in use again.
    let requests = site.server.seen().await.arrived;
    site.app.advance(TimeDelta::hours(2));
    good(call(&site.app.keeper, site.id).await);
    assert_eq!(renewed(&site, TimeDelta::minutes(56)).await, requests + 2);
}

#[tokio::test]
async fn leaves_alone_what_is_disabled_or_in_the_trash_until_it_comes_back() {
    let site = authorized().await;
    let admin = &site.admin;
    let switch = async |on: bool| {
        let form = admin.get(DETAILS).await.main_form();
        let form = if on { form.tick("enabled", "yes") } else { form.untick("enabled", "yes") };
        form.send().await.expect(303);
    };
    switch(false).await;
    assert_eq!(renewed(&site, TimeDelta::hours(5)).await, 0);
    let off = call(&site.app.keeper, site.id).await;
    assert!(matches!(problem(off), TokenProblem::Disabled));
    switch(true).await;
    assert_eq!(renewed(&site, TimeDelta::seconds(5)).await, 1);

    let gone = admin.get("/connectors/payroll/delete").await.expect(200).form("/connectors/payroll/delete");
    gone.send().await.expect(303);
    assert_eq!(renewed(&site, TimeDelta::hours(5)).await, 1);
    let gone = call(&site.app.keeper, site.id).await;
    assert!(matches!(problem(gone), TokenProblem::Disabled));
    let trash = admin.get("/connectors/trash").await.expect(200);
    trash.form("/connectors/payroll/restorations").send().await.expect(303);
    assert_eq!(renewed(&site, TimeDelta::seconds(5)).await, 2);
}

#[tokio::test]
async fn writes_the_use_of_a_connector_once_a_minute() {
    let Authorized { app, id, .. } = authorized().await;
    let at = async || app.value("SELECT xmin FROM renewals").await;
    app.advance(TimeDelta::minutes(2));
    good(call(&app.keeper, id).await);
    let first = at().await;
    for _ in 0..10 {
        app.advance(TimeDelta::seconds(5));
        good(call(&app.keeper, id).await);
    }
    assert_eq!(at().await, first);
    app.advance(TimeDelta::seconds(11));
    good(call(&app.keeper, id).await);
    assert_ne!(at().await, first);
}
