//! What somebody may not view they do not find: in no list, number, search, file, chart or choice.

use connectory::access::Permission::{
    CallConnectors, CreateConnectors, DeleteConnectors, EditConnectors, ManageUsers, ViewActivity, ViewAuditLog,
    ViewCategories, ViewConnectors,
};
use connectory::calls::Outcome;
use connectory::connectors::Method;

use super::*;
use crate::calls::call;
use crate::support::{Browser, Page, strs};

/// Payroll is closed, Ledger open; both failing and unchecked, in one category and called once.
pub(super) struct World {
    pub app: TestApp,
    pub payroll: Uuid,
    ledger: Uuid,
    category: Uuid,
}

impl World {
    pub async fn new() -> World {
        let app = TestApp::start().await;
        let category = app.category("Finance").await;
        let mut ids = Vec::new();
        for name in ["Payroll", "Ledger"] {
            let id = app
                .connector_with(name, |new| {
                    new.categories = vec![category];
                    new.method = Method::Bearer;
                    new.details.description = "Money of the city".into();
                })
                .await;
            let mut call = call(app.clock.now(), id);
            call.connector_name = name.into();
            call.outcome = Outcome::Failed;
            app.call_log.record(call);
            ids.push(id);
        }
        app.call_log.finish().await;
        app.sql("UPDATE connectors SET status = 'failing', verify_certificates = false").await;
        close(&app, ids[0]).await;
        World { app, payroll: ids[0], ledger: ids[1], category }
    }

    pub async fn everything(&self) -> Browser {
        let all = [
            CreateConnectors,
            DeleteConnectors,
            CallConnectors,
            ViewCategories,
            ViewActivity,
            ViewAuditLog,
            ManageUsers,
        ];
        self.app.person(&all).await
    }
}

#[tokio::test]
async fn a_connector_that_is_not_open_to_somebody_is_in_no_list_and_no_number() {
    let world = World::new().await;
    let ben = world.everything().await;
    for query in ["", "?q=money", "?status=failing", "?auth_method=bearer", &format!("?category={}", world.category)] {
        let page = ben.get(&format!("/connectors{query}")).await.expect(200);
        assert_eq!(strs(&page.row_heads()), ["Ledger"], "{query}");
        assert!(page.table_foot().ends_with("of 1 data connector"), "{query}: {}", page.table_foot());
    }
    let page = ben.get("/connectors?q=payroll").await.expect(200);
    assert!(page.text().contains("No results"));
    let categories = ben.get("/categories").await.expect(200);
    assert!(categories.text().contains("1 connector in Finance"), "{}", categories.text());
    let home = ben.get("/").await.expect(200);
    assert!(home.text().contains("Ledger") && !home.text().contains("Payroll"), "{}", home.text());
    assert!(home.has_link("Failing: 1") && home.text().contains("1 call"), "{}", home.text());

    // Whom it lists sees it, and a super admin.
    list(&world.app, world.payroll, ben.user().id, "{view}").await;
    for person in [&ben, &world.app.super_admin().await] {
        let page = person.get("/connectors").await.expect(200);
        assert_eq!(strs(&page.row_heads()), ["Ledger", "Payroll"]);
        assert!(person.get("/categories").await.text().contains("2 connectors in Finance"));
        assert!(person.get("/").await.text().contains("2 calls"));
    }
}

#[tokio::test]
async fn its_calls_are_in_no_log_file_or_chart() {
    let world = World::new().await;
    let ben = world.everything().await;
    let calls = ben.get("/calls").await.expect(200);
    assert!(calls.text().contains("Ledger") && !calls.text().contains("Payroll"), "{}", calls.text());
    assert!(calls.table_foot().ends_with("of 1 call"), "{}", calls.table_foot());
    let file = ben.get("/calls.csv").await.expect(200);
    assert!(file.html.contains("Ledger") && !file.html.contains("Payroll"));
    for query in [format!("connector={}", world.payroll), "q=x&caller=nobody".into()] {
        let page = ben.get(&format!("/calls?{query}")).await.expect(200);
        assert!(!page.text().contains("Payroll"), "{query}: {}", page.text());
    }
    let place = format!(
        "SELECT (extract(epoch FROM at) * 1000000)::bigint || '-' || id FROM calls WHERE connector_id = '{}'",
        world.payroll
    );
    let place = world.app.value(&place).await;
    ben.get(&format!("/calls/{place}")).await.expect(404);
    list(&world.app, world.payroll, ben.user().id, "{view}").await;
    ben.get(&format!("/calls/{place}")).await.expect(200);
    let calls = ben.get("/calls").await.expect(200);
    assert!(calls.table_foot().ends_with("of 2 calls"), "{}", calls.table_foot());
}

/// What the chart of calls says of its highest column; where there is nothing to show there is no chart.
fn peak(page: &Page) -> String {
    let titles = page.texts("svg title");
    titles.into_iter().next().unwrap_or("None.".into())
}

#[tokio::test]
async fn charts_and_choices_leave_out_what_is_hidden() {
    let world = World::new().await;
    let ben = world.everything().await;
    let mut secret = call(world.app.clock.now(), world.payroll);
    secret.caller = crate::calls::program("Payroll nightly");
    world.app.call_log.record(secret);
    world.app.call_log.finish().await;
    let everywhere = |page: &Page| page.choices("caller");
    let caller = call(world.app.clock.now(), world.ledger).caller.id;
    let admin = world.app.super_admin().await;
    // All calls, those of a caller, those of a connector, and those of both.
    for (query, seen, all) in [
        (String::new(), "Peak 1 per", "Peak 3 per"),
        (format!("?caller={caller}"), "Peak 1 per", "Peak 2 per"),
        (format!("?connector={}", world.ledger), "Peak 1 per", "Peak 1 per"),
        (format!("?connector={}&caller={caller}", world.payroll), "None.", "Peak 1 per"),
    ] {
        for (person, words) in [(&ben, seen), (&admin, all)] {
            let page = person.get(&format!("/calls{query}")).await.expect(200);
            assert!(peak(&page).contains(words), "{query}: {}", peak(&page));
        }
    }
    let page = ben.get("/calls").await;
    assert!(!everywhere(&page).iter().any(|choice| choice.contains("Payroll")));
    assert!(!page.choices("connector").iter().any(|choice| choice.contains("Payroll")));
    let page = ben.get("/connectors/ledger/activity").await.expect(200);
    assert!(!everywhere(&page).iter().any(|choice| choice.contains("Payroll")));
    assert!(everywhere(&admin.get("/calls").await).iter().any(|choice| choice.contains("Payroll nightly")));
}

#[tokio::test]
async fn the_trash_shows_and_gives_back_only_what_is_open() {
    let world = World::new().await;
    let ben = world.everything().await;
    world.app.sql("UPDATE connectors SET deleted_at = now(), deleted_by = 'Ana'").await;
    let trash = ben.get("/connectors/trash").await.expect(200);
    assert!(trash.text().contains("Ledger") && !trash.text().contains("Payroll"));
    ben.post("/connectors/payroll/restorations", &[]).await.expect(404);
    list(&world.app, world.payroll, ben.user().id, "{view}").await;
    let trash = ben.get("/connectors/trash").await.expect(200);
    assert!(trash.has_form("/connectors/ledger/restorations"));
    assert!(
        trash.text().contains("Payroll") && !trash.has_form("/connectors/payroll/restorations"),
        "what would be refused is not offered"
    );
    let refused = ben.post("/connectors/payroll/restorations", &[]).await.expect(403);
    assert!(refused.text().contains("may restore this data connector"), "{}", refused.text());
    world.app.sql("UPDATE connector_rights SET rights = '{view,edit}'").await;
    let trash = ben.get("/connectors/trash").await.expect(200);
    let restore = trash.form("/connectors/payroll/restorations");
    restore.send().await.expect(303);
}

#[tokio::test]
async fn what_may_not_be_done_with_one_connector_is_not_offered_there() {
    let world = World::new().await;
    let ben = world.everything().await;
    open_for(&world.app, world.payroll, "{view}").await;
    let page = ben.get("/connectors").await.expect(200);
    for offered in ["Edit", "Delete", "Repair"] {
        assert!(page.has_link(&format!("{offered} Ledger")), "{offered}");
        assert!(!page.has_link(&format!("{offered} Payroll")), "{offered}");
    }
    let details = ben.get("/connectors/payroll/details").await.expect(200);
    assert!(!details.has_form("/connectors/payroll/details") && !details.has_form("/connectors/payroll/duplicates"));
    assert!(!details.has_link("Delete"));
    assert!(details.text().contains("Kept to certain people"));
    let refused = ben.get("/connectors/payroll/endpoints/new").await.expect(403);
    assert_eq!(refused.h1(), "This is kept to certain people");
    assert!(refused.text().contains("You are not among those who may edit this data connector."), "{}", refused.text());
    // Whoever lacks the permission is told that instead.
    let viewer = world.app.person(&[ViewConnectors]).await;
    let refused = viewer.get("/connectors/ledger/endpoints/new").await.expect(403);
    assert!(refused.text().contains("“Edit Data Connectors”"));
}

#[tokio::test]
async fn a_made_up_id_of_a_new_connector_leads_to_none_that_is_hidden() {
    let world = World::new().await;
    let ben = world.everything().await;
    let pressed_again = async |id: Uuid, name: &str| {
        let page = ben.get("/connectors/new").await.expect(200);
        let form = page.form("/connectors").set("connector_name", name);
        let form = form.set("description", "x");
        form.forge("new_id", &id.to_string()).send().await
    };
    let seen = pressed_again(world.ledger, "Other").await.expect(303);
    assert_eq!(seen.location(), Some("/connectors/ledger/endpoints"));
    pressed_again(world.payroll, "Other").await.expect(404);
    list(&world.app, world.payroll, ben.user().id, "{view}").await;
    let seen = pressed_again(world.payroll, "Other").await.expect(303);
    assert_eq!(seen.location(), Some("/connectors/payroll/endpoints"));
}

#[tokio::test]
async fn the_tabs_of_other_permissions_ask_for_sight_alone() {
    let app = TestApp::start().await;
    let payroll = app.connector("Payroll").await;
    for (permission, tab) in [(ManageUsers, "access"), (ViewActivity, "activity")] {
        let ben = app.person(&[]).await;
        let code = permission.code();
        app.sql(&format!("INSERT INTO user_permissions (user_id, permission) VALUES ('{}', '{code}')", ben.user().id))
            .await;
        let path = format!("/connectors/payroll/{tab}");
        open_for(&app, payroll, "{view,call,edit,authorize}").await;
        ben.get("/connectors/payroll/details").await.expect(403);
        ben.get(&path).await.expect(200);
        close(&app, payroll).await;
        ben.get(&path).await.expect(404);
        list(&app, payroll, ben.user().id, "{view}").await;
        ben.get(&path).await.expect(200);
    }
}

#[tokio::test]
async fn a_change_of_the_lists_acts_on_the_next_request() {
    let world = World::new().await;
    let ben = world.app.person(&[EditConnectors]).await;
    let team = group(&world.app, "Payroll office").await;
    list_group(&world.app, world.payroll, team, "{view,edit}").await;
    ben.get("/connectors/payroll/details").await.expect(404);
    put_into(&world.app, ben.user().id, team).await;
    let page = ben.get("/connectors/payroll/details").await.expect(200);
    assert!(page.has_form("/connectors/payroll/details"));
    world.app.sql("DELETE FROM group_users").await;
    page.form("/connectors/payroll/details").send().await.expect(404);
    open_for(&world.app, world.payroll, "{view,call,edit,authorize}").await;
    ben.get("/connectors/payroll/details").await.expect(200);
}

#[tokio::test]
async fn a_copy_is_kept_to_the_same_people() {
    let world = World::new().await;
    let ben = world.everything().await;
    list(&world.app, world.payroll, ben.user().id, "{view,edit}").await;
    ben.post("/connectors/payroll/duplicates", &[]).await.expect(303);
    let rows = world.app.rows(
        "SELECT c.open_rights::text, r.user_id::text, r.rights::text FROM connectors c JOIN connector_rights r ON r.connector_id = c.id WHERE c.key = 'payroll-copy'",
    );
    let user = ben.user().id.to_string();
    assert_eq!(rows.await, [["{}", user.as_str(), "{view,edit}"]]);
    let cleo = world.everything().await;
    cleo.get("/connectors/payroll-copy/details").await.expect(404);
}

#[tokio::test]
async fn the_audit_log_tells_its_readers_all_but_leads_only_to_what_is_open() {
    let world = World::new().await;
    let ben = world.everything().await;
    let log = ben.get("/audit").await.expect(200);
    let links = log.links();
    assert!(log.text().contains("Payroll"));
    assert!(links.iter().any(|(_, href)| href == "/connectors/ledger"));
    assert!(!links.iter().any(|(_, href)| href == "/connectors/payroll"));
}

#[tokio::test]
async fn lines_of_what_was_deleted_for_good_are_seen_by_super_admins_alone_while_something_is_closed() {
    let world = World::new().await;
    let ben = world.everything().await;
    world
        .app
        .sql(&format!(
            "UPDATE connectors SET deleted_at = now() WHERE id = '{0}'; DELETE FROM connectors WHERE id = '{0}'",
            world.ledger
        ))
        .await;
    assert!(!ben.get("/calls").await.text().contains("Ledger"));
    assert!(world.app.super_admin().await.get("/calls").await.text().contains("Ledger"));
}
