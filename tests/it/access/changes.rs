//! A change of permissions acts on the next request.

use connectory::access::Permission::{DeleteConnectors, EditConnectors, ViewConnectors};

use super::member_of_nested_group;
use crate::support::TestApp;

#[tokio::test]
async fn a_permission_that_is_taken_away_is_gone_on_the_next_request() {
    let app = TestApp::start().await;
    app.connector("Payroll").await;
    let ben = app.person(&[DeleteConnectors]).await;
    let page = ben.get("/connectors/payroll/delete").await.expect(200);
    app.sql(&format!(
        "DELETE FROM user_permissions WHERE user_id = '{}' AND permission = 'delete-data-connectors'",
        ben.user().id
    ))
    .await;
    page.submit(|form| form).await.expect(403);
    assert_eq!(app.count("SELECT count(*) FROM connectors WHERE deleted_at IS NOT NULL").await, 0);
    ben.get("/connectors/payroll/details").await.expect(200);
}

#[tokio::test]
async fn a_permission_without_the_one_it_requires_does_not_count() {
    let app = TestApp::start().await;
    let ben = app.person(&[EditConnectors]).await;
    app.sql(&format!(
        "DELETE FROM user_permissions WHERE user_id = '{}' AND permission = 'view-data-connectors'",
        ben.user().id
    ))
    .await;
    ben.get("/connectors").await.expect(403);
    ben.post("/connectors/payroll/details", &[]).await.expect(403);
}

#[tokio::test]
async fn leaving_a_group_ends_its_permissions_on_the_next_request() {
    let app = TestApp::start().await;
    let member = member_of_nested_group(&app, &[ViewConnectors]).await;
    member.get("/connectors").await.expect(200);
    app.sql("DELETE FROM group_groups").await;
    member.get("/connectors").await.expect(403);
}

#[tokio::test]
async fn a_deactivated_user_is_signed_out_on_the_next_request() {
    let app = TestApp::start().await;
    let ben = app.person(&[ViewConnectors]).await;
    app.sql(&format!("UPDATE users SET active = false WHERE id = '{}'", ben.user().id)).await;
    let page = ben.get("/connectors").await.expect(303);
    assert_eq!(page.location(), Some("/sign-in?next=%2Fconnectors"));
}
