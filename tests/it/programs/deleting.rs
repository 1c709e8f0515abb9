//! Deleting a program.

use connectory::access::Permission::ManageUsers;

use super::{key_to_all, presented, program, recorded};
use crate::support::{TestApp, strs};

#[tokio::test]
async fn the_page_shows_its_keys_and_what_it_called_lately() {
    let app = TestApp::start().await;
    let payroll = app.connector("Payroll").await;
    let ana = app.person(&[ManageUsers]).await;
    let address = program(&ana, "Billing").await;
    let id = address.rsplit('/').next().expect("an id");
    key_to_all(&ana, &address).await;
    let hour = |connector: &str, days: u32, calls: u32| {
        format!("INSERT INTO call_hours (hour, connector_id, endpoint_id, caller_id, caller_kind, caller_name, calls, errors, latencies, last_at)
            VALUES (now() - interval '{days} days', '{connector}', '00000000-0000-0000-0000-000000000000', '{id}', 'program', 'Billing', {calls}, 0, '{{}}', now() - interval '{days} days')")
    };
    let gone = uuid::Uuid::now_v7().to_string();
    for (connector, days, calls) in
        [(payroll.to_string(), 1, 1200), (payroll.to_string(), 2, 4), (gone, 3, 1), (payroll.to_string(), 31, 9)]
    {
        app.sql(&hour(&connector, days, calls)).await;
    }
    let page = ana.get(&address).await.click("Delete this program").await.expect(200);
    assert_eq!(page.h1(), "Are you sure you want to delete “Billing”?");
    let rows = page.rows();
    assert_eq!(strs(&rows[0][..2]), ["Payroll", "1,204 calls"]);
    assert_eq!(strs(&rows[1][..2]), ["Deleted", "1 call"]);
    assert!(page.text().contains("Nightly export"), "its key");
}

#[tokio::test]
async fn its_keys_go_with_it() {
    let app = TestApp::start().await;
    let ana = app.person(&[ManageUsers]).await;
    let address = program(&ana, "Billing").await;
    let (text, _) = key_to_all(&ana, &address).await;
    assert!(presented(&app, &text).await.is_ok());
    let page = ana.get(&format!("{address}/delete")).await;
    let page = page.submit(|form| form).await.expect(303).follow().await;
    assert_eq!((page.path.as_str(), page.flash().as_str()), ("/programs", "The program was deleted"));
    assert_eq!(presented(&app, &text).await.err(), Some("key_unknown"));
    let lines = recorded(&app, "program.deleted").await;
    assert_eq!(lines[0][2], "Billing");
    assert!(lines[0][3].contains(&text[..12]) && !lines[0][3].contains(&text[12..]), "{}", lines[0][3]);
    for table in ["api_keys", "api_key_scopes"] {
        assert_eq!(app.count(&format!("SELECT count(*) FROM {table}")).await, 0);
    }
}

#[tokio::test]
async fn one_that_somebody_has_saved_meanwhile_is_looked_at_once_more() {
    let app = TestApp::start().await;
    let ana = app.person(&[ManageUsers]).await;
    let address = program(&ana, "Billing").await;
    let page = ana.get(&format!("{address}/delete")).await;
    let ben = app.person(&[ManageUsers]).await;
    let edit = ben.get(&format!("{address}/edit")).await;
    edit.submit(|form| form.set("description", "Do not delete")).await.expect(303);
    let page = page.submit(|form| form).await.expect(409);
    assert!(page.flash().starts_with("Not deleted."));
    page.submit(|form| form).await.expect(303);
    assert_eq!(app.count("SELECT count(*) FROM programs").await, 0);
}
