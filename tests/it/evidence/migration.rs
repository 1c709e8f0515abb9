//! What the first start with evidence makes of the connectors of the version before.

use super::*;

const UP: &str = include_str!("../../../migrations/2026-11-30-150001_health_from_evidence/up.sql");
const DOWN: &str = include_str!("../../../migrations/2026-11-30-150001_health_from_evidence/down.sql");

/// A connector that the version before called healthy.
async fn before(app: &TestApp, name: &str, method: Method) -> Uuid {
    let id = app.connector_with(name, |new| new.method = method).await;
    app.sql(&format!("UPDATE connectors SET status = 'healthy' WHERE id = '{id}'")).await;
    id
}

/// Calls of the hours before, each as hours ago, outcome and status.
async fn called(app: &TestApp, id: Uuid, calls: &[(i64, &str, &str)]) {
    for (hours, outcome, status) in calls {
        let mut call = crate::calls::call(app.clock.now() - TimeDelta::hours(*hours), id);
        call.outcome = connectory::calls::Outcome::parse(outcome).expect("an outcome");
        call.status = status.parse().ok();
        app.call_log.record(call);
    }
    app.call_log.finish().await;
}

#[tokio::test]
async fn healthy_without_evidence_becomes_not_tested_yet_and_the_rest_stays() {
    let app = TestApp::start().await;
    app.sql(DOWN).await;
    let ids = [
        ("Never called", Method::NoAuth),
        ("Refused always", Method::Basic),
        ("Taken once", Method::Basic),
        ("Taken before the secret", Method::ApiKey),
        ("Not found", Method::NoAuth),
        ("Issued", Method::OAuth(connectory::connectors::Grant::ClientCredentials)),
        ("Pasted", Method::Bearer),
    ];
    let mut made = Vec::new();
    for (name, method) in ids {
        made.push(before(&app, name, method).await);
    }
    let [_, refused, taken, earlier, not_found, issued, pasted] = made[..] else { panic!("seven") };
    let other = before(&app, "Fails", Method::NoAuth).await;
    app.sql(&format!("UPDATE connectors SET status = 'failing' WHERE id = '{other}'")).await;
    called(&app, refused, &[(1, "answered", "401"), (2, "failed", ""), (3, "answered", "500")]).await;
    called(&app, taken, &[(1, "answered", "401"), (5, "answered", "200"), (9, "answered", "200")]).await;
    called(&app, earlier, &[(5, "answered", "200")]).await;
    called(&app, not_found, &[(2, "answered", "404")]).await;
    let secret = |id: Uuid, field: &str, hours: i64| {
        format!(
            "INSERT INTO secrets (connector_id, field, sealed, set_at, set_by) VALUES ('{id}', '{field}', '', now() - interval '{hours} hours', 'Ana');"
        )
    };
    let token = |id: Uuid| {
        format!(
            "INSERT INTO tokens (connector_id, access_token, token_type, obtained_at, set_by) VALUES ('{id}', '', 'Bearer', now(), 'Ana');"
        )
    };
    app.sql(&[secret(taken, "password", 8), secret(earlier, "api_key", 4), token(issued), token(pasted)].concat())
        .await;
    app.sql(UP).await;
    let states = app.rows("SELECT name, status FROM connectors ORDER BY name").await;
    let states: Vec<(&str, &str)> = states.iter().map(|row| (row[0].as_str(), row[1].as_str())).collect();
    assert_eq!(
        states,
        [
            ("Fails", "failing"),
            ("Issued", "healthy"),
            ("Never called", "not_tested"),
            ("Not found", "healthy"),
            ("Pasted", "not_tested"),
            ("Refused always", "not_tested"),
            ("Taken before the secret", "not_tested"),
            ("Taken once", "healthy"),
        ]
    );
    let five_hours = format!(
        "SELECT count(*) FROM evidence WHERE connector_id = '{taken}' AND taken_at BETWEEN now() - interval '5 hours 1 minute' AND now() - interval '4 hours 59 minutes'"
    );
    assert_eq!(app.count(&five_hours).await, 1);

    // Back again, the version before knows every word.
    app.sql(&format!("UPDATE connectors SET status = 'refused' WHERE id = '{refused}'")).await;
    app.sql(DOWN).await;
    assert_eq!(app.count("SELECT count(*) FROM connectors WHERE status IN ('refused', 'not_tested')").await, 0);
    app.sql(UP).await;
}
