//! Stored values that this program does not know: each is an error that names its row, never a default.

use connectory::authorization::SecretField;
use serde_json::json;

use super::*;
use crate::support::program::{Installation, Program};

/// Lets any value be written.
const NO_CHECKS: &str = "DO $$ DECLARE c record; BEGIN
    FOR c IN SELECT conrelid::regclass AS place, conname FROM pg_constraint WHERE contype = 'c' AND conrelid IN
        ('connectors'::regclass, 'authorizations'::regclass, 'oauth_clients'::regclass, 'endpoints'::regclass, 'categories'::regclass)
    LOOP EXECUTE format('ALTER TABLE %s DROP CONSTRAINT %I', c.place, c.conname); END LOOP; END $$";

/// What calls need of a connector, and a value of each that cannot be read.
const OF_CONNECTORS: [(&str, &str, &str); 11] = [
    ("connectors", "method", "'none_such'"),
    ("connectors", "base_url", "'nonsense'"),
    ("authorizations", "api_key_place", "'elsewhere'"),
    ("authorizations", "basic_charset", "'ebcdic'"),
    ("authorizations", "access_token_place", "'elsewhere'"),
    ("authorizations", "ca_trust", "'nobody'"),
    ("authorizations", "proxy_url", "'nonsense'"),
    ("authorizations", "expired_statuses", "'often'"),
    ("authorizations", "time_out", "-1"),
    ("authorizations", "concurrency", "-1"),
    ("authorizations", "stream_idle", "-1"),
];

/// The same of an endpoint.
const OF_ENDPOINTS: [(&str, &str); 11] = [
    ("method", "'FETCH'"),
    ("url", "'/a/../b'"),
    ("parameters", "'\"x\"'"),
    ("headers", "'[{\"name\": 1}]'"),
    ("body_kind", "'yaml'"),
    ("form", "'{}'"),
    ("time_out", "-1"),
    ("retries", "-1"),
    ("paging", "'often'"),
    ("paging_next", "'no pointer'"),
    ("paging_items", "'no pointer'"),
];

/// And of a client that gets its tokens itself.
const OF_CLIENTS: [(&str, &str); 6] = [
    ("authentication", "'magic'"),
    ("scope_separator", "'tab'"),
    ("body_format", "'yaml'"),
    ("token_url", "'nonsense'"),
    ("refresh_url", "'nonsense'"),
    ("lifetime", "-1"),
];

/// A program that serves a world's database and whose log can be read when it has stopped.
struct Served {
    world: World,
    program: Program,
    /// Its address and its folder.
    here: Installation,
}

impl Served {
    async fn new() -> Served {
        let world = World::new(|_| Reply::json(200, "{}")).await;
        world.app.sql(NO_CHECKS).await;
        let here = world.app.another_program().set("CONNECTORY_LOG", "warn");
        let program = here.serve();
        Served { world, program, here }
    }

    async fn status(&self, method: &str, path: &str) -> u16 {
        let address = self.here.address;
        let url = format!("http://{address}/api/v1/connectors/ledger/{path}");
        let method = reqwest::Method::from_bytes(method.as_bytes()).expect("a method");
        let request = self.world.http.request(method, url);
        let request = request.bearer_auth(&self.world.key).json(&json!({}));
        Answer::of(request).await.status
    }

    async fn proxied(&self) -> u16 {
        self.status("GET", "proxy/x").await
    }

    async fn called(&self) -> u16 {
        self.status("POST", "endpoints/order/call").await
    }

    /// Writes a value, gives what `statuses` are once it counts, and writes the one of before.
    async fn with<T>(&self, place: (&str, &str, &str), look: impl AsyncFnOnce() -> T) -> T {
        let (table, column, bad) = place;
        let app = &self.world.app;
        app.sql(&format!("CREATE TABLE was AS SELECT {column} FROM {table}; UPDATE {table} SET {column} = {bad}"))
            .await;
        let found = look().await;
        app.sql(&format!("UPDATE {table} SET {column} = (SELECT {column} FROM was); DROP TABLE was")).await;
        found
    }
}

#[tokio::test]
async fn no_call_goes_out_by_a_setting_that_cannot_be_read() {
    let served = Served::new().await;
    let (world, app) = (&served.world, &served.world.app);
    app.store_secret(world.connector, SecretField::Password, "s3cret").await;
    app.sql("UPDATE connectors SET method = 'basic'; UPDATE authorizations SET user_name = 'ana'").await;
    let id = world.endpoint("order", "GET", "/orders").await;
    until("calls arrive", async || served.proxied().await == 200).await;
    for (table, column, bad) in OF_CONNECTORS {
        served
            .with((table, column, bad), async || {
                until(column, async || served.proxied().await == 500).await;
                assert_eq!(served.called().await, 500, "{column}");
                let before = world.api.seen().len();
                assert_eq!((served.proxied().await, world.api.seen().len()), (500, before));
            })
            .await;
        until("it works again", async || served.proxied().await == 200).await;
    }
    for (column, bad) in OF_ENDPOINTS {
        served
            .with(("endpoints", column, bad), async || {
                until(column, async || served.called().await == 500).await;
                assert_eq!(served.proxied().await, 200, "the proxy needs no endpoint");
            })
            .await;
        until("it works again", async || served.called().await == 200).await;
    }
    let seen = world.api.seen();
    assert!(seen.iter().all(|seen| seen.header("authorization") == Some("Basic YW5hOnMzY3JldA==")));
    assert!(seen.iter().all(|seen| ["/v1/x", "/v1/orders"].contains(&seen.path())));
    let (connector, id) = (world.connector.to_string(), id.to_string());
    let (_, log) = served.program.stop();
    for (table, column, _) in OF_CONNECTORS {
        assert!(names(&log, table, column, &connector), "{table}.{column}: {log}");
    }
    for (column, _) in OF_ENDPOINTS {
        assert!(names(&log, "endpoints", column, &id), "{column}: {log}");
    }
    assert!(!log.contains("none_such") && !log.contains("nonsense"), "{log}");
}

#[tokio::test]
async fn no_token_is_asked_for_by_a_setting_that_cannot_be_read() {
    let served = Served::new().await;
    let (world, app) = (&served.world, &served.world.app);
    let server = Upstream::json(r#"{"access_token": "t", "token_type": "Bearer"}"#).await;
    // One value is bad at each moment: the program renews by itself, and must never find all of them good.
    let (mut before, first) = (OF_CLIENTS[0].0, OF_CLIENTS[0].1);
    app.sql(&format!(
        "UPDATE tokens SET obtained_at = now() - interval '2 hours', expires_at = now() - interval '1 hour';
         UPDATE connectors SET method = 'oauth_client_credentials';
         INSERT INTO oauth_clients (connector_id, token_url, client_id) VALUES ('{}', '{}', 'web');
         CREATE TABLE was AS SELECT * FROM oauth_clients; UPDATE oauth_clients SET {before} = {first}",
        world.connector,
        server.url("/token")
    ))
    .await;
    until("the change counts", async || served.proxied().await == 500).await;
    let seen = world.api.seen().len();
    for (column, bad) in OF_CLIENTS.into_iter().skip(1) {
        app.sql(&format!("UPDATE oauth_clients SET {before} = (SELECT {before} FROM was), {column} = {bad}")).await;
        assert_eq!(served.proxied().await, 500, "{column}");
        before = column;
    }
    assert_eq!((server.seen().len(), world.api.seen().len()), (0, seen));
    let connector = world.connector.to_string();
    let (_, log) = served.program.stop();
    for (column, _) in OF_CLIENTS {
        assert!(names(&log, "oauth_clients", column, &connector), "{column}: {log}");
    }
}

/// Whether a line of the log names table, column and row (or the row's key).
fn names(log: &str, table: &str, column: &str, row: &str) -> bool {
    log.lines()
        .any(|line| line.contains(&format!("{table}.{column}")) && (line.contains(row) || line.contains("row ledger")))
}

#[tokio::test]
async fn lists_show_a_row_that_cannot_be_read_and_its_own_pages_do_not_open() {
    let app = TestApp::start().await;
    app.sql(NO_CHECKS).await;
    for name in ["Ledger", "Payroll"] {
        app.connector(name).await;
    }
    app.category("Finance").await;
    let ana = app.super_admin().await;
    for (column, bad) in [("method", "none_such"), ("status", "well")] {
        app.sql(&format!("CREATE TABLE was AS SELECT {column} FROM connectors LIMIT 1; UPDATE connectors SET {column} = '{bad}' WHERE key = 'ledger'"))
            .await;
        let list = ana.get("/connectors").await.expect(200);
        let rows = list.rows();
        assert_eq!(rows.len(), 2, "{rows:?}");
        for row in &rows {
            let is_bad = row.iter().any(|cell| cell.contains("Unreadable"));
            assert_eq!(is_bad, row.iter().any(|cell| cell.contains("Ledger")), "{row:?}");
        }
        for order in ["method", "status"] {
            ana.get(&format!("/connectors?sort={order}")).await.expect(200);
        }
        for tab in ["", "/authorization", "/endpoints"] {
            let page = ana.get(&format!("/connectors/ledger{tab}")).await.expect(500);
            assert!(page.text().contains("Reference: ") && !page.html.contains(bad));
            ana.get(&format!("/connectors/payroll{tab}")).await.expect(200);
        }
        ana.get("/").await.expect(200);
        app.sql(&format!("UPDATE connectors SET {column} = (SELECT {column} FROM was); DROP TABLE was")).await;
        ana.get("/connectors/ledger/details").await.expect(200);
    }
    app.sql("UPDATE categories SET status = 'asleep' WHERE name = 'Finance'").await;
    let list = ana.get("/categories").await.expect(200);
    assert!(list.text().contains("Unreadable") && list.text().contains("Active"));
    list.click("Finance").await.expect(500);
}
