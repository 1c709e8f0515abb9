//! The page that deletes a connector says who would miss it.

use std::sync::Arc;

use chrono::TimeDelta;
use connectory::access::Permission::DeleteConnectors;
use connectory::calls::{Caller, CallerKind};
use uuid::Uuid;

use super::{call, program};
use crate::support::{TestApp, strs};

#[tokio::test]
async fn the_delete_page_says_who_used_it_how_often_and_when_last() {
    let app = TestApp::start().await;
    let (payroll, ledger) = (app.connector("Payroll").await, app.connector("Ledger").await);
    let ana = app.person(&[DeleteConnectors]).await;
    let page = ana.get("/connectors/payroll/delete").await.expect(200);
    assert!(page.text().contains("It has not been called in the last 30 days."), "{}", page.text());

    let now = app.clock.now();
    let person = Caller { kind: CallerKind::User, id: Uuid::from_u128(5), name: Arc::from("Ana Ruiz"), api_key: None };
    let callers = [
        (1, person),
        (2, program("Report")),
        (49, program("Report")),
        (50, program("Report")),
        (31 * 24, program("Long ago")),
    ];
    for (hours, caller) in callers {
        let mut call = call(now - TimeDelta::hours(hours), payroll);
        call.caller = caller;
        app.call_log.record(call);
    }
    app.call_log.record(call(now, ledger));
    app.call_log.finish().await;
    let page = ana.get("/connectors/payroll/delete").await.expect(200);
    assert!(page.text().contains("2 callers, 4 calls in the last 30 days."), "{}", page.text());
    let last = |hours| (now - TimeDelta::hours(hours)).format("%-d %B %Y, %H:%M UTC").to_string();
    let rows = page.rows();
    assert_eq!(
        rows.iter().map(|row| strs(row)).collect::<Vec<_>>(),
        [["Report Program", "3", &last(2)], ["Ana Ruiz Person", "1", &last(1)]]
    );

    let refused = ana.post("/connectors/payroll/delete", &[]).await.expect(409);
    assert!(refused.text().contains("2 callers, 4 calls"), "also when somebody saved it meanwhile");
}

#[tokio::test]
async fn of_many_callers_the_most_frequent_are_named() {
    let app = TestApp::start().await;
    let payroll = app.connector("Payroll").await;
    for number in 0..25 {
        for _ in 0..=number {
            let mut call = call(app.clock.now(), payroll);
            call.caller = program(&format!("Program {number:02}"));
            app.call_log.record(call);
        }
    }
    app.call_log.finish().await;
    let page = app.super_admin().await.get("/connectors/payroll/delete").await.expect(200);
    assert_eq!((page.rows().len(), page.row_heads()[0].as_str()), (20, "Program 24 Program"));
    assert!(page.text().contains("And 5 other callers."), "{}", page.text());
}
