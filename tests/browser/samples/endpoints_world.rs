//! The data connectors that the samples of endpoints are taken from, and the APIs behind them.

use connectory::authorization::SecretField;
use connectory::connectors::Method;
use connectory::outbound::HttpUrl;

use super::world::secret;
use crate::support::hostile::{Behaviour, Hostile, answer};
use crate::support::{Browser, TestApp};

/// The first endpoint.
const LIST: &str = "00000000-0000-7000-8000-0000000000e1";

/// APIs that answer for as long as they are held.
pub struct Apis {
    _held: Vec<Hostile>,
}

/// Endpoints of every kind: short and long, with and without rows, called and never called.
pub async fn fill(app: &TestApp, admin: &Browser) -> Apis {
    let json = r#"{"stations":[{"id":7,"name":"Town hall <b>","level":12.50},{"id":8,"name":"Market","level":null}],"next":"/stations?cursor=Zx19"}"#;
    let headers =
        [("Content-Type", "application/json; charset=utf-8"), ("ETag", "\"5e1-6b1\""), ("Set-Cookie", "sid=a-session")];
    let stations = Hostile::start(answer(200, &headers, json)).await;
    let missing = Hostile::start(answer(404, &[("Content-Type", "text/html")], "<h1>Nothing here</h1>")).await;
    let long = "A line of a long answer, with <markup> & more of it\n".repeat(3_000);
    let report = Hostile::start(answer(200, &[("Content-Type", "text/csv")], &long)).await;
    let picture = b"HTTP/1.1 200 OK\r\nContent-Type: image/png\r\nContent-Length: 8\r\n\r\n\x89PNG\r\n\x1a\n";
    let picture = Hostile::start(Behaviour::Answer(picture.to_vec())).await;
    for (name, url) in [
        ("Water levels", stations.url("/v2")),
        ("Lost pages", missing.url("/")),
        ("Long reports", report.url("/")),
        ("Pictures", picture.url("/")),
        ("Broken line", "http://127.0.0.1:1/".to_string()),
        ("Unused interface", "https://api.example.org/v1".to_string()),
    ] {
        app.connector_with(name, |new| new.details.base_url = HttpUrl::parse(&url).ok()).await;
    }
    let kept = app.connector_with("Kept secrets", |new| new.method = Method::Basic).await;
    secret(app, kept, SecretField::Password).await;
    endpoints(app).await;
    let called = format!("/connectors/water-levels/endpoints/{LIST}");
    let page = admin.open(&called).await;
    let answer = page.form(&called).press("Run").send().await;
    answer.expect(200);
    app.call_log.finish().await;
    Apis { _held: vec![stations, missing, report, picture] }
}

/// Each has an id that samples can name.
async fn endpoints(app: &TestApp) {
    let rows = r#"[{"name":"from","value":"{{from}}","required":true},{"name":"limit","value":"{{limit|50}}","required":false}]"#;
    let headers = r#"[{"name":"Accept-Language","value":"{{language|de}}","required":false}]"#;
    let sample = r#"{"from": "2026-11-01", "station": {"id": 7}}"#;
    let long = "Everything that was measured at a station on the river since the measuring of levels began";
    for (id, key, name, method, url, rows, headers, kind, body, sample) in [
        (1, "water-levels", "list", "GET", "/stations", rows, headers, "none", "", sample),
        (
            2,
            "water-levels",
            "create",
            "POST",
            "/stations",
            "[]",
            "[]",
            "json",
            "{\n  \"name\": {{station.name}}\n}",
            "",
        ),
        (3, "water-levels", "export", "POST", "/exports", "[]", "[]", "xml", "<export from=\"{{from}}\"/>", ""),
        (
            4,
            "water-levels",
            long,
            "GET",
            "/stations/{{station.id}}/measurements/of/everything/that/there/is/with/a/long/address?from={{from}}&until={{until}}",
            "[]",
            "[]",
            "none",
            "",
            "",
        ),
        (5, "water-levels", "going", "DELETE", "/stations/{{station.id}}", "[]", "[]", "none", "", ""),
        (6, "water-levels", "two editors", "GET", "/stations", "[]", "[]", "none", "", ""),
        (7, "water-levels", "changing", "GET", "/stations", "[]", "[]", "none", "", ""),
    ] {
        app.sql(&format!(
            "INSERT INTO endpoints (id, connector_id, name, name_key, description, method, url, parameters, headers, body_kind, body, sample, created_at, created_by, updated_at, updated_by)
             SELECT '00000000-0000-7000-8000-0000000000e{id}', id, '{name}', lower('{name}'), 'What {name} is for', '{method}', '{url}', '{rows}', '{headers}', '{kind}', '{body}', '{sample}', now(), 'Ana', now(), 'Ana'
             FROM connectors WHERE key = '{key}'"
        ))
        .await;
    }
}
