//! Keeping a data connector to certain people, by keyboard alone.

use connectory::access::Permission::ViewConnectors;
use serde_json::json;
use thirtyfour::Key;

use super::Window;
use super::keyboard::Typist;
use crate::support::TestApp;

const TICKED: &str = "return [...document.querySelectorAll('tbody tr')].map(row => [...row.querySelectorAll(':checked')].map(box => box.value).join(' '))";

async fn ticked(window: &Window) -> Vec<String> {
    serde_json::from_value(window.script(TICKED, json!([])).await).expect("rows of codes")
}

#[tokio::test]
async fn a_connector_is_kept_to_one_person_by_keyboard_alone() {
    let app = TestApp::start().await;
    app.connector("Payroll").await;
    let ben = app.user_named("ben", "Ben Okafor", &[ViewConnectors]).await;
    let window = Window::open(&app).await;
    let ana = app.super_admin().await;
    app.confirm(&ana).await;
    window.be(&ana).await;
    let typist = Typist { window: &window };
    window.go("/connectors").await;
    typist.follow("Payroll").await;
    typist.follow("Access").await;
    typist.follow("Add users and groups").await;
    typist.fill("Name or user name", "okafor").await;
    typist.follow("Find").await;
    typist.tab_to("Ben Okafor (ben)").await;
    window.key(Key::Space).await;
    typist.follow("Add selected").await;
    typist.focus_is_on_the_outcome("1 entry was added").await;
    assert_eq!(ticked(&window).await, ["view call edit authorize", "view call"]);

    // What View is unticked for goes with it, in its row alone.
    typist.tab_to("View for everybody with the permission").await;
    window.key(Key::Space).await;
    assert_eq!(ticked(&window).await, ["", "view call"]);
    typist.follow("Save").await;
    typist.focus_is_on_the_outcome("The access to the Data Connector was saved").await;
    assert_eq!(ticked(&window).await, ["", "view call"]);
    let (viewer, other) = (app.signed_in(ben).await, app.person(&[ViewConnectors]).await);
    viewer.get("/connectors/payroll/details").await.expect(200);
    other.get("/connectors/payroll/details").await.expect(404);
}
