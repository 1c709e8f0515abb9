//! What every page has in common, and what no request can do.

mod headers;
mod hostile;
mod rules;
mod status;

use connectory::calls::Outcome;
use connectory::categories::CategoryStatus;
use connectory::connectors::Method;

use crate::calls::call;
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
    let payroll = app
        .value("SELECT id FROM connectors WHERE name = 'Payroll'")
        .await;
    let payroll = payroll.parse().expect("an id");
    for (outcome, status) in [
        (Outcome::Answered, Some(200)),
        (Outcome::Answered, Some(500)),
        (Outcome::Refused, None),
    ] {
        let mut call = call(app.clock.now(), payroll);
        (call.outcome, call.status) = (outcome, status);
        app.call_log.record(call);
    }
    app.call_log.finish().await;
    app.connector("Deleted").await;
    app.sql("UPDATE connectors SET deleted_at = now(), deleted_by = 'Ana' WHERE name = 'Deleted'")
        .await;
    app.sql("UPDATE connectors SET verify_certificates = false WHERE name = 'Maps'")
        .await;
    let ana = app.super_admin().await;
    (app, ana)
}
