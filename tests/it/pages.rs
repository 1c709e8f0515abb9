//! What every page has in common, and what no request can do.

mod headers;
mod hostile;
mod limits;
mod rules;
mod status;

pub use headers::missing_headers;

use connectory::access::Permission;
use connectory::calls::Outcome;
use connectory::categories::CategoryStatus;
use connectory::connectors::Method;
use uuid::Uuid;

use crate::calls::call;
use crate::openid::site_of_nobody;
use crate::support::{Browser, TestApp};

/// A site in which every page has something to show.
async fn populated() -> (TestApp, Browser) {
    let app = site_of_nobody().await;
    let category = app.category("Finance").await;
    app.category_with("Retired", CategoryStatus::Inactive).await;
    for (name, method) in
        [("Payroll", Method::Bearer), ("Ledger", Method::Basic), ("Maps", Method::ApiKey), ("Weather", Method::NoAuth)]
    {
        app.connector_with(name, |new| {
            new.method = method;
            new.categories = vec![category];
            new.details.display_name = format!("{name} 2.0");
        })
        .await;
    }
    let payroll = app.value("SELECT id FROM connectors WHERE name = 'Payroll'").await;
    let payroll = payroll.parse().expect("an id");
    for (outcome, status) in [(Outcome::Answered, Some(200)), (Outcome::Answered, Some(500)), (Outcome::Refused, None)]
    {
        let mut call = call(app.clock.now(), payroll);
        (call.outcome, call.status) = (outcome, status);
        app.call_log.record(call);
    }
    app.call_log.finish().await;
    app.sql(
        "INSERT INTO endpoints (id, connector_id, name, name_key, method, url, parameters, headers, body_kind, body, created_at, created_by, updated_at, updated_by)
         SELECT gen_random_uuid(), id, 'list', 'list', 'POST', '/orders/{{id}}', '[{\"name\": \"page\", \"value\": \"{{page|1}}\", \"required\": true}]',
             '[{\"name\": \"X-Trace\", \"value\": \"{{trace}}\", \"required\": false}]', 'json', '{\"n\": {{n}}}', now(), 'Ana', now(), 'Ana'
         FROM connectors WHERE name = 'Payroll'",
    )
    .await;
    app.collection("Books", r#"{"properties": {"title": {"type": "string"}}}"#).await;
    app.connector("Deleted").await;
    app.sql("UPDATE connectors SET deleted_at = now(), deleted_by = 'Ana' WHERE name = 'Deleted'").await;
    app.sql("UPDATE connectors SET verify_certificates = false WHERE name = 'Maps'").await;
    let ana = app.super_admin().await;
    let ben = app.user_named("ben", "Ben Okafor", &[Permission::ViewActivity]).await;
    let group = Uuid::now_v7();
    app.sql(&format!(
        "INSERT INTO groups (id, name, name_key, description, created_at, updated_at) VALUES ('{group}', 'Accounting', 'accounting', 'Who keeps the books', now(), now());
         INSERT INTO group_permissions VALUES ('{group}', 'view-data-connectors');
         INSERT INTO group_users (group_id, user_id) VALUES ('{group}', '{}')",
        ben.id
    ))
    .await;
    let (program, owner) = (Uuid::now_v7(), ana.user().id);
    app.sql(&format!(
        "INSERT INTO programs (id, name, name_key, searched, created_at, created_by, updated_at, updated_by) VALUES ('{program}', 'Billing', 'billing', '', now(), '', now(), '');
         INSERT INTO api_keys (id, hash, prefix, name, program_id, created_at, created_by) VALUES (gen_random_uuid(), 'a', 'cty_a', 'Nightly', '{program}', now(), '');
         INSERT INTO api_keys (id, hash, prefix, name, user_id, created_at, created_by) VALUES (gen_random_uuid(), 'b', 'cty_b', 'Own', '{owner}', now(), '');
         INSERT INTO api_key_scopes (id, api_key_id, connector_id) SELECT gen_random_uuid(), k.id, c.id FROM api_keys k, connectors c WHERE c.name = 'Payroll'"
    ))
    .await;
    (app, ana)
}

/// A route's path with the example in it that fits.
async fn fill_in(app: &TestApp, path: &str) -> String {
    let query = match path {
        path if path.starts_with("/users/") => "SELECT id FROM users WHERE username = 'ben'",
        path if path.starts_with("/groups/") => "SELECT id FROM groups",
        _ => "SELECT id FROM categories WHERE name = 'Finance'",
    };
    let holder = if path.starts_with("/profile") { "user_id" } else { "program_id" };
    let key = format!("SELECT id FROM api_keys WHERE {holder} IS NOT NULL");
    let mut filled = path.replace("{connector}", "payroll");
    for (variable, query) in [("{id}", query), ("{program}", "SELECT id FROM programs"), ("{key}", &key)] {
        if filled.contains(variable) {
            filled = filled.replace(variable, &app.value(query).await);
        }
    }
    filled
}
