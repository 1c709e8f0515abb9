//! An address for every route.

use connectory::connectors;
use connectory::routes::Route;
use uuid::Uuid;

use super::group;
use crate::calls::call;
use crate::support::TestApp;

/// What the variable parts of paths stand for.
pub struct Examples {
    /// A category that cannot be deleted, because a connector has it.
    category: Uuid,
    /// Where a call is found in the log.
    call: String,
    style_sheet: String,
    program: Uuid,
    /// An endpoint of the connector.
    endpoint: Uuid,
}

/// A template of one's own; another one each time, because a form deletes it.
async fn template(app: &TestApp) -> String {
    let id = Uuid::now_v7();
    app.sql(&format!(
        "INSERT INTO connector_templates (id, name, name_key, method, base_url, variables, settings, created_at, created_by)
         VALUES ('{id}', '{id}', '{id}', 'no_auth', 'https://api.example.org', '[]', '{{}}', now(), '')"
    ))
    .await;
    id.to_string()
}

impl Examples {
    pub async fn create(app: &TestApp) -> Examples {
        let category = app.category("Finance").await;
        let connector = app
            .connector_with("Payroll", |new| {
                new.categories = vec![category];
                new.method = connectors::Method::Bearer;
            })
            .await;
        let call = call(app.clock.now(), connector);
        let place = format!("{}-{}", call.at.timestamp_micros(), call.id);
        app.call_log.record(call);
        app.call_log.finish().await;
        let endpoint = Uuid::now_v7();
        app.sql(&format!(
            "INSERT INTO endpoints (id, connector_id, name, name_key, method, url, created_at, created_by, updated_at, updated_by)
             VALUES ('{endpoint}', '{connector}', 'list', 'list', 'GET', '/orders/{{{{id}}}}', now(), 'Nobody', now(), 'Nobody')"
        ))
        .await;
        let page = app.browser().get("/nowhere").await;
        let style_sheet = page.attribute("link[rel=stylesheet]", "href").expect("a style sheet");
        app.founded().await;
        let program = Uuid::now_v7();
        app.sql(&format!("INSERT INTO programs (id, name, name_key, searched, created_at, created_by, updated_at, updated_by) VALUES ('{program}', 'Billing', 'billing', '', now(), '', now(), '')")).await;
        app.collection("Books", "").await;
        Examples { category, call: place, style_sheet, program, endpoint }
    }

    /// A path that fits the route.
    pub async fn path(&self, app: &TestApp, route: &Route) -> String {
        let key = if route.path.ends_with("/restorations") { self.trashed(app).await } else { "payroll".to_string() };
        let path = match route.path {
            "/static/{file}" => self.style_sheet.clone(),
            // Another one each time, because forms delete, switch off and promote.
            path if path.starts_with("/users/{id}") => path
                .replace("{id}", &app.user(&[]).await.id.to_string())
                // That has ended.
                .replace("{session}", &Uuid::now_v7().to_string()),
            path if path.starts_with("/profile/sessions/{session}") => {
                path.replace("{session}", &Uuid::now_v7().to_string())
            }
            path if path.starts_with("/groups/{id}") => {
                let name = format!("Group {}", Uuid::now_v7().simple());
                path.replace("{id}", &group(app, &name).await.to_string())
            }
            path if path.starts_with("/connectors/templates/{id}") => path.replace("{id}", &template(app).await),
            path if path.starts_with("/connectors/{key}") => {
                path.replace("{key}", &key).replace("{id}", &self.endpoint.to_string()).replace("{body}", "no-body")
            }
            path if path.starts_with("/checks/{run}") => path.replace("{run}", &checks(app).await),
            path if path.starts_with("/collections/{key}/imports/{id}") => {
                path.replace("{key}", "books").replace("{id}", &import(app).await)
            }
            path if path.starts_with("/collections/{key}") => {
                path.replace("{key}", "books").replace("{id}", &self.record(app).await).replace("{version}", "1")
            }
            path if path.starts_with("/categories/{id}") => path.replace("{id}", &self.category.to_string()),
            "/calls/{place}" => format!("/calls/{}", self.call),
            "/programs/{program}/keys/{key}/connectors" if route.method == actix_web::http::Method::GET => {
                let path = format!("/programs/{}/keys/{}/connectors", self.program, self.api_key(app).await);
                format!("{path}?connector=payroll")
            }
            path if path.starts_with("/programs/{program}") => path
                .replace("{program}", &self.program.to_string())
                .replace("{key}", &self.api_key(app).await)
                .replace("{connector}", "payroll"),
            // A program's: whoever comes in is told that there is no such key of theirs.
            path if path.starts_with("/profile/keys/{key}") => {
                path.replace("{key}", &self.api_key(app).await).replace("{connector}", "payroll")
            }
            path if path.starts_with("/api/v1/collections/{key}") => {
                path.replace("{key}", &key).replace("{id}", &Uuid::now_v7().to_string())
            }
            path if path.starts_with("/api/v1/connectors/{key}") => {
                path.replace("{key}", &key).replace("{name}", "list").replace("{path}", "orders")
            }
            "/audit/{id}" => {
                let line = app.value("SELECT id FROM audit_events ORDER BY id LIMIT 1");
                format!("/audit/{}", line.await)
            }
            path => path.to_string(),
        };
        assert!(!path.contains('{'), "{path} has no example: give Examples::path one");
        path
    }

    /// A record that has an earlier version; another one each time, because forms delete it.
    async fn record(&self, app: &TestApp) -> String {
        let id = Uuid::now_v7();
        app.sql(&format!(
            "INSERT INTO records (collection_id, id, data, version, created_at, created_by, updated_at, updated_by)
             SELECT id, '{id}', '{{}}', 2, now(), '', now(), '' FROM connectors WHERE key = 'books';
             INSERT INTO record_versions (collection_id, record_id, version, data, saved_at, saved_by)
             SELECT id, '{id}', 1, '{{}}', now(), '' FROM connectors WHERE key = 'books'"
        ))
        .await;
        id.to_string()
    }

    /// A key of the program that leads to Payroll; another one each time, since one can be revoked once only.
    async fn api_key(&self, app: &TestApp) -> String {
        let id = Uuid::now_v7();
        app.sql(&format!(
            "INSERT INTO api_keys (id, hash, prefix, name, program_id, created_at, created_by) VALUES ('{id}', '{id}', 'cty_x', 'Nightly', '{}', now(), '');
             INSERT INTO api_key_scopes (id, api_key_id, connector_id) SELECT gen_random_uuid(), '{id}', id FROM connectors WHERE key = 'payroll'",
            self.program
        ))
        .await;
        id.to_string()
    }

    /// The key of a connector in the trash; another one each time, since restoring takes it out.
    async fn trashed(&self, app: &TestApp) -> String {
        let id = app.connector(&format!("Trashed {}", Uuid::now_v7().simple())).await;
        app.sql(&format!("UPDATE connectors SET deleted_at = now(), deleted_by = 'Nobody' WHERE id = '{id}'")).await;
        app.value(&format!("SELECT key FROM connectors WHERE id = '{id}'")).await
    }
}

/// Checks that wait; others each time, because forms cancel them.
async fn checks(app: &TestApp) -> String {
    let run = Uuid::now_v7();
    app.sql(&format!(
        "INSERT INTO check_runs (id, started_at, started_by, connectors) VALUES ('{run}', now(), '', 1);
         INSERT INTO checks (id, connector_id, run_id, requested_at)
         SELECT gen_random_uuid(), id, '{run}', now() FROM connectors WHERE key = 'payroll'"
    ))
    .await;
    run.to_string()
}

/// An import that goes on; another one each time, because forms cancel it.
async fn import(app: &TestApp) -> String {
    let id = Uuid::now_v7();
    app.sql(&format!(
        "INSERT INTO imports (id, collection_id, file_name, size, state, created_at, created_by, updated_at)
         SELECT '{id}', id, 'books.csv', 10, 'running', now(), '', now() + interval '1 year' FROM connectors WHERE key = 'books'"
    ))
    .await;
    id.to_string()
}
