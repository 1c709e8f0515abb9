//! Groups: creating, changing, deleting, and the list of them.

use chrono::TimeDelta;
use connectory::access::Permission::{CreateConnectors, EditConnectors, ViewActivity, ViewConnectors};
use futures_util::future::join_all;

use super::{group, history, manager, put_group, put_user};
use crate::support::{TestApp, strs};

#[tokio::test]
async fn a_group_is_created_with_permissions_and_asks_for_members() {
    let app = TestApp::start().await;
    let boss = manager(&app).await;
    let page = boss.get("/groups").await.expect(200);
    assert!(page.text().contains("No groups yet"));
    let page = page.click("Create the first group").await.expect(200);
    let page = page
        .submit(|form| {
            form.set("group_name", " Human  resources ")
                .set("description", "Who hires")
                .tick("permission", "edit-data-connectors")
        })
        .await
        .expect(303)
        .follow()
        .await
        .expect(200);
    assert_eq!(
        page.flash(),
        "The group was created. Also granted, because what you ticked needs it: View Data Connectors. Now say who is in it"
    );
    assert_eq!(page.h1(), "Human resources: Members");
    let id = app.value("SELECT id FROM groups").await.parse().expect("an id");
    assert_eq!(
        history(&app, id).await,
        [(
            "group.created".into(),
            "Name:  > Human resources; Description:  > Who hires; Permissions:  > Edit Data Connectors, View Data Connectors".into()
        )]
    );
}

#[tokio::test]
async fn bad_names_are_refused_with_what_to_do_and_what_was_typed_stays() {
    let app = TestApp::start().await;
    let boss = manager(&app).await;
    group(&app, "Finance", &[]).await;
    let page = boss.get("/groups/new").await;
    let long = "x".repeat(1001);
    for (field, typed, message) in [
        ("group_name", "", "Enter a name"),
        (
            "group_name",
            "<b>",
            "A name can have letters, numbers, spaces, apostrophes, hyphens, underscores and full stops. Remove “<”.",
        ),
        ("group_name", "FINANCE", "A group named “FINANCE” already exists"),
        ("description", long.as_str(), "Description must be 1,000 characters or fewer"),
    ] {
        let page = page
            .submit(|form| form.set("group_name", "Roads").tick("permission", "view-activity").set(field, typed))
            .await
            .expect(422);
        assert_eq!(page.errors(), [(field.to_string(), message.to_string())]);
        assert_eq!(page.field_value(field).trim_start_matches('\n'), typed);
        assert_eq!(page.ticked("permission"), ["view-activity"]);
        assert!(page.title().starts_with("Error: "));
    }
    assert_eq!(app.count("SELECT count(*) FROM groups").await, 1);
}

#[tokio::test]
async fn a_group_is_saved_and_what_it_inherits_is_said() {
    let app = TestApp::start().await;
    let boss = manager(&app).await;
    let finance = group(&app, "Finance", &[ViewConnectors]).await;
    let accounting = group(&app, "Accounting", &[]).await;
    put_group(&app, finance, accounting).await;
    let page = boss.get(&format!("/groups/{accounting}")).await.expect(200);
    assert_eq!(page.texts("h3 + ul li"), ["View Data Connectors, from the group Finance"]);
    let page = page
        .submit(|form| form.set("description", "Books").tick("permission", "view-activity"))
        .await
        .expect(303)
        .follow()
        .await;
    assert_eq!(page.flash(), "The group was saved");
    assert_eq!(
        history(&app, accounting).await,
        [("group.saved".into(), "Description:  > Books; Permissions:  > View Activity".into())]
    );
    page.submit(|form| form.forge("version", "1")).await.expect(409);
}

#[tokio::test]
async fn rights_of_groups_add_up_and_a_change_counts_on_the_next_request() {
    let app = TestApp::start().await;
    let boss = manager(&app).await;
    let ben = app.person(&[]).await;
    // View comes from one group and Edit from another: neither would do alone.
    let viewers = group(&app, "Viewers", &[ViewConnectors]).await;
    let editors = group(&app, "Editors", &[EditConnectors]).await;
    app.connector("Payroll").await;
    put_user(&app, editors, ben.user().id).await;
    ben.get("/connectors").await.expect(403);
    put_user(&app, viewers, ben.user().id).await;
    let page = ben.get("/connectors/payroll/details").await.expect(200);
    assert!(page.has_form("/connectors/payroll/details"));
    boss.get(&format!("/groups/{editors}"))
        .await
        .submit(|form| form.untick("permission", "edit-data-connectors"))
        .await
        .expect(303);
    page.submit(|form| form).await.expect(403);
    ben.get("/connectors/payroll/details").await.expect(200);
}

#[tokio::test]
async fn a_deleted_group_leaves_its_members_without_what_only_it_gave() {
    let app = TestApp::start().await;
    let boss = manager(&app).await;
    let ben = app.person(&[]).await;
    let finance = group(&app, "Finance", &[ViewConnectors]).await;
    let inner = group(&app, "Inner", &[]).await;
    put_user(&app, finance, ben.user().id).await;
    put_group(&app, finance, inner).await;
    ben.get("/connectors").await.expect(200);
    let page = boss.get(&format!("/groups/{finance}")).await.click("Delete this group").await;
    assert!(
        page.text().contains(
            "It has 1 user and 1 group, who stay. They lose what only this group gives them: View Data Connectors."
        ),
        "{}",
        page.text()
    );
    let page = page.submit(|form| form).await.expect(303).follow().await;
    assert_eq!(page.flash(), "The group was deleted");
    ben.get("/connectors").await.expect(403);
    assert_eq!(app.count("SELECT count(*) FROM users").await, 3);
    let (kind, fields) = history(&app, finance).await.pop().expect("a line");
    assert_eq!(kind, "group.deleted");
    assert!(
        fields.contains(&format!("Members: group Inner, {} ({}) > ", ben.user().name, ben.user().username)),
        "{fields}"
    );
}

#[tokio::test]
async fn the_list_sorts_searches_and_counts() {
    let app = TestApp::start().await;
    let boss = manager(&app).await;
    let one = group(&app, "Ärzte", &[ViewActivity, ViewConnectors]).await;
    let two = group(&app, "Board", &[]).await;
    app.advance(TimeDelta::minutes(1));
    let three = group(&app, "Clerks", &[CreateConnectors]).await;
    put_group(&app, two, one).await;
    put_group(&app, two, three).await;
    let ben = app.user(&[]).await;
    put_user(&app, one, ben.id).await;
    let page = boss.get("/groups").await.expect(200);
    assert_eq!(strs(&page.row_heads()), ["Ärzte", "Board", "Clerks"]);
    assert_eq!(
        page.rows().iter().map(|row| row[1].as_str()).collect::<Vec<_>>(),
        ["1 member of Ärzte", "2 members of Board", "0 members of Clerks"]
    );
    for (sort, first) in [
        ("-name", "Clerks"),
        ("members", "Clerks"),
        ("-members", "Board"),
        ("-permissions", "Ärzte"),
        ("permissions", "Board"),
    ] {
        let page = boss.get(&format!("/groups?sort={sort}")).await.expect(200);
        assert_eq!(page.row_heads()[0], first, "{sort}");
    }
    let page = boss.get("/groups?q=arzte").await;
    assert_eq!(strs(&page.row_heads()), ["Ärzte"]);
    assert!(boss.get("/groups?q=nothing").await.text().contains("No group fits “nothing”."));
}

#[tokio::test]
async fn twenty_at_once_make_one_group_of_a_name() {
    let app = TestApp::start().await;
    let boss = manager(&app).await;
    let pages = join_all((0..20).map(|_| boss.get("/groups/new"))).await;
    let sends = pages.iter().map(|page| page.submit(|form| form.set("group_name", "Finance")));
    let answers = join_all(sends).await;
    assert_eq!(answers.iter().filter(|answer| answer.status == 303).count(), 1);
    assert_eq!(app.count("SELECT count(*) FROM groups").await, 1);
}
