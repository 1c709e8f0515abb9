//! The Access tab: saying what is open to everybody, and what to whom.

use connectory::access::Permission::{EditConnectors, ManageUsers, ViewConnectors};

use super::*;
use crate::support::{FormFill, Page, strs};

pub(super) const TAB: &str = "/connectors/payroll/access";

/// The changes of the newest audit line about access.
pub(super) async fn recorded(app: &TestApp) -> String {
    app.value("SELECT changes::text FROM audit_events WHERE kind = 'connector.access_saved' ORDER BY id DESC LIMIT 1")
        .await
}

pub(super) async fn stored(app: &TestApp) -> Vec<String> {
    let open = app.value("SELECT open_rights::text FROM connectors WHERE key = 'payroll'").await;
    let rows = app.rows("SELECT coalesce(u.name, g.name), r.rights::text FROM connector_rights r LEFT JOIN users u ON u.id = r.user_id LEFT JOIN groups g ON g.id = r.group_id ORDER BY 1");
    let listed = rows.await.into_iter().map(|row| row.join(" "));
    std::iter::once(open).chain(listed).collect()
}

/// The form by which somebody is listed; the search before it goes to the same address.
pub(super) fn adding(page: &Page) -> FormFill {
    let mut forms = page.all_forms(&format!("{TAB}/additions"));
    forms.pop().expect("a form")
}

pub(super) fn field(kind: &str, id: Uuid) -> String {
    format!("{kind}-{id}")
}

#[tokio::test]
async fn everything_is_open_to_everybody_at_first() {
    let app = TestApp::start().await;
    app.connector("Payroll").await;
    let ana = app.super_admin().await;
    let page = ana.get("/connectors/payroll/details").await.click("Access").await.expect(200);
    assert_eq!(page.h1(), "Payroll: Access");
    assert_eq!(strs(&page.ticked("everybody")), ["view", "call", "edit", "authorize"]);
    assert_eq!(strs(&page.row_heads()), ["Everybody with the permission"]);
    assert!(!page.text().contains("Kept to certain people"));
}

#[tokio::test]
async fn people_are_listed_and_what_is_open_is_closed() {
    let app = TestApp::start().await;
    app.connector("Payroll").await;
    let ana = app.super_admin().await;
    let ben = app.user_named("ben", "Ben Okafor", &[ViewConnectors]).await;
    let finance = group(&app, "Finance").await;
    let page = ana.get(TAB).await.click("Add users and groups").await.expect(200);
    let answer = adding(&page)
        .tick("member", &format!("user.{}", ben.id))
        .tick("member", &format!("group.{finance}"))
        .tick("right", "edit")
        .send()
        .await
        .expect(303);
    let page = answer.follow().await;
    assert_eq!(page.flash(), "2 entries were added");
    assert_eq!(stored(&app).await[1..], ["Ben Okafor {view,call,edit}", "Finance {view,call,edit}"]);
    let everything = "View, Call, Edit";
    assert!(recorded(&app).await.contains(everything), "{}", recorded(&app).await);

    let answer = page
        .form(TAB)
        .untick("everybody", "call")
        .untick("everybody", "edit")
        .untick("everybody", "authorize")
        .untick(&field("group", finance), "call")
        .untick(&field("group", finance), "edit")
        .send()
        .await
        .expect(303);
    let page = answer.follow().await;
    assert_eq!(page.flash(), "The access to the Data Connector was saved");
    assert_eq!(stored(&app).await, ["{view}", "Ben Okafor {view,call,edit}", "Finance {view}"]);
    assert!(page.text().contains("Kept to certain people"));
    let changes = recorded(&app).await;
    for words in ["Everybody with the permission", "View, Call, Edit, Authorize", "group Finance"] {
        assert!(changes.contains(words), "{words}: {changes}");
    }
    assert!(!changes.contains("Ben"), "what did not change is not recorded: {changes}");
}

#[tokio::test]
async fn view_goes_with_every_other_right() {
    let app = TestApp::start().await;
    let payroll = app.connector("Payroll").await;
    let ana = app.super_admin().await;
    let ben = app.user_named("ben", "Ben Okafor", &[]).await;
    list(&app, payroll, ben.id, "{view}").await;
    close(&app, payroll).await;
    let page = ana.get(TAB).await;
    assert!(!page.text().contains("Only super admins can use this data connector."));
    let answer = page
        .form(TAB)
        .tick("everybody", "call")
        .untick(&field("user", ben.id), "view")
        .tick(&field("user", ben.id), "edit")
        .send()
        .await
        .expect(303);
    let page = answer.follow().await;
    assert!(page.flash().contains("View goes with all other rights"), "{}", page.flash());
    assert_eq!(stored(&app).await, ["{view,call}"], "whoever is not viewing is not listed");
    page.form(TAB).untick("everybody", "view").untick("everybody", "call").send().await.expect(303);
    assert!(ana.get(TAB).await.text().contains("Only super admins can use this data connector."));
}

#[tokio::test]
async fn nobody_shuts_themselves_out() {
    let app = TestApp::start().await;
    let payroll = app.connector("Payroll").await;
    let manager = app.person(&[ManageUsers, EditConnectors]).await;
    let shut = async |page: &Page| page.form(TAB).untick("everybody", "view").untick("everybody", "edit").send().await;
    let refused = shut(&manager.get(TAB).await).await.expect(422);
    assert_eq!(refused.errors()[0].0, "everybody-view");
    assert_eq!(strs(&refused.ticked("everybody")), ["call", "authorize"], "what was ticked is still there");
    assert_eq!(stored(&app).await, ["{view,call,edit,authorize}"]);
    let team = group(&app, "Payroll office").await;
    put_into(&app, manager.user().id, team).await;
    list_group(&app, payroll, team, "{view}").await;
    shut(&manager.get(TAB).await).await.expect(303);
    manager.get(TAB).await.expect(200);
}

#[tokio::test]
async fn whoever_does_not_see_a_connector_cannot_open_it_up() {
    let app = TestApp::start().await;
    let payroll = app.connector("Payroll").await;
    close(&app, payroll).await;
    let manager = app.person(&[ManageUsers, EditConnectors]).await;
    for path in ["", "/additions", "/users"] {
        manager.get(&format!("{TAB}{path}")).await.expect(404);
    }
    for path in ["", "/additions"] {
        manager.post(&format!("{TAB}{path}"), &[("everybody", "view")]).await.expect(404);
    }
    assert_eq!(stored(&app).await, ["{}"]);
    let viewer = app.person(&[ViewConnectors, EditConnectors]).await;
    viewer.get(TAB).await.expect(403);
}

#[tokio::test]
async fn adding_asks_for_somebody_and_knows_its_bounds() {
    let app = TestApp::start().await;
    let payroll = app.connector("Payroll").await;
    let ana = app.super_admin().await;
    let additions = format!("{TAB}/additions");
    let refused = adding(&ana.get(&additions).await).untick("right", "call").send().await.expect(422);
    assert_eq!(refused.errors(), [("member-0".to_string(), "Select users or groups".to_string())]);
    assert!(refused.ticked("right").is_empty(), "what was ticked is still there");

    app.sql(&format!(
        "WITH made AS (INSERT INTO groups (id, name, name_key, search_text, created_at, updated_at)
            SELECT gen_random_uuid(), 'Group ' || n, 'group ' || n, ' group ' || n, now(), now() FROM generate_series(1, 201) n RETURNING id, name)
         INSERT INTO connector_rights (id, connector_id, group_id, rights) SELECT gen_random_uuid(), '{payroll}', id, '{{view}}' FROM made WHERE name <> 'Group 201'"
    ))
    .await;
    let page = ana.get(&format!("{additions}?q=group+201")).await.expect(200);
    let value = page.attribute("input[name=member]", "value").expect("a group");
    let refused = adding(&page).tick("member", &value).send().await.expect(422);
    assert!(refused.errors()[0].1.contains("200 users and groups"));
    assert_eq!(strs(&refused.ticked("member")), [value.as_str()]);
    let nobody = ana.get(&format!("{additions}?q=zeppelin")).await.expect(200);
    assert!(nobody.text().contains("No one else matches “zeppelin”"));
    // Sent twice, or by somebody who has made it up, it changes nothing.
    let before = stored(&app).await;
    ana.post(&additions, &[("member", "user.00000000-0000-0000-0000-000000000000")]).await.expect(303);
    assert_eq!(stored(&app).await, before);
}

#[tokio::test]
async fn the_page_says_why() {
    let app = TestApp::start().await;
    let payroll = app.connector("Payroll").await;
    let ana = app.super_admin().await;
    let ben = app.user_named("ben", "Ben Okafor", &[EditConnectors]).await;
    let olga = app.user_named("olga", "Olga Off", &[]).await;
    let (inner, outer) = (group(&app, "Accounting").await, group(&app, "Finance").await);
    app.sql(&format!("INSERT INTO group_groups (group_id, member_group_id) VALUES ('{outer}', '{inner}')")).await;
    app.sql(&format!(
        "INSERT INTO group_permissions (group_id, permission) VALUES ('{inner}', 'call-data-connectors')"
    ))
    .await;
    put_into(&app, ben.id, inner).await;
    list_group(&app, payroll, outer, "{view,call}").await;
    open_for(&app, payroll, "{view}").await;
    let page = ana.get("/connectors/payroll/access/users").await.expect(200);
    assert_eq!(page.h1(), "Payroll: Who can use it, and why");
    let rows = page.rows();
    let row = |name: &str| {
        let found = rows.iter().find(|row| row[0].starts_with(name));
        found.unwrap_or_else(|| panic!("{name}: {}", page.text())).clone()
    };
    let ben = row("Ben Okafor");
    assert_eq!(strs(&ben[1..5]), ["Yes", "Yes", "No", "No"]);
    for reason in [
        "View Data Connectors: own.",
        "Call Data Connectors: group Accounting.",
        "Edit Data Connectors: own.",
        "Open to everybody with the permission: View.",
        "Group Finance through Accounting is listed here: View, Call.",
    ] {
        assert!(ben[5].contains(reason), "{reason}: {}", ben[5]);
    }
    let off = row("Olga Off");
    assert_eq!(strs(&off[1..5]), ["No", "No", "No", "No"]);
    assert!(off[5].contains("Not granted: Edit Data Connectors, View Data Connectors, Call Data Connectors."));
    assert!(row(&ana.user().name)[5].contains("Super admin: passes every check."));
    app.sql(&format!("UPDATE users SET active = false WHERE id = '{}'", olga.id)).await;
    assert!(!ana.get("/connectors/payroll/access/users").await.text().contains("Olga Off"));
    let none = ana.get("/connectors/payroll/access/users?q=zeppelin").await.expect(200);
    assert!(none.text().contains("No active user fits “zeppelin”."));
}
