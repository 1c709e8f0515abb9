//! What every page has in common, and what no request can do.

mod headers;
mod hostile;
mod rules;
mod status;

use connectory::categories::CategoryStatus;
use connectory::connectors::Method;

use crate::support::{Browser, TestApp};

/// A site in which every page has something to show.
async fn populated() -> (TestApp, Browser) {
    let app = TestApp::start().await;
    let category = app.category("Finance").await;
    app.category_with("Retired", CategoryStatus::Inactive).await;
    for (name, method) in [
        ("Payroll", Method::Bearer),
        ("Ledger", Method::Basic),
        ("Maps", Method::ApiKey),
        ("Weather", Method::NoAuth),
    ] {
        app.connector_with(name, |new| {
            new.method = method;
            new.categories = vec![category];
            new.display_name = format!("{name} 2.0");
        })
        .await;
    }
    app.sql(
        "INSERT INTO endpoints (id, connector_id, name, name_key, method, url, parameters, headers, body_kind, body, created_at, created_by, updated_at, updated_by)
         SELECT gen_random_uuid(), id, 'list', 'list', 'POST', '/orders/{{id}}', '[{\"name\": \"page\", \"value\": \"{{page|1}}\", \"required\": true}]',
             '[{\"name\": \"X-Trace\", \"value\": \"{{trace}}\", \"required\": false}]', 'json', '{\"n\": {{n}}}', now(), 'Ana', now(), 'Ana'
         FROM connectors WHERE name = 'Payroll'",
    )
    .await;
    app.connector("Deleted").await;
    app.sql("UPDATE connectors SET deleted_at = now(), deleted_by = 'Ana' WHERE name = 'Deleted'")
        .await;
    app.sql("UPDATE connectors SET verify_certificates = false WHERE name = 'Maps'")
        .await;
    let ana = app.super_admin().await;
    (app, ana)
}
