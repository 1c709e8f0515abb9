//! How many connectors a category has: kept by the database, true at any moment.

use chrono::TimeDelta;
use connectory::access::Permission::EditConnectors;
use futures_util::future::join_all;

use crate::support::TestApp;

/// Whether what the tables count for themselves is what is there.
async fn are_true(app: &TestApp, after: &str) {
    let counted = "SELECT k.name, k.connectors, (SELECT count(*) FROM connector_categories cc JOIN connectors c ON c.id = cc.connector_id
        WHERE cc.category_id = k.id AND c.deleted_at IS NULL) FROM categories k";
    for row in app.rows(counted).await {
        assert_eq!(row[1], row[2], "{} after {after}", row[0]);
    }
    let total = "SELECT total, (SELECT count(*) FROM connectors WHERE deleted_at IS NULL) FROM connector_total";
    let total = app.rows(total).await;
    assert_eq!(total[0][0], total[0][1], "all connectors after {after}");
}

#[tokio::test]
async fn they_stay_true_whatever_is_done() {
    let app = TestApp::start().await;
    let (finance, maps) = (app.category("Finance").await, app.category("Maps").await);
    let (finance, maps) = (finance.to_string(), maps.to_string());
    let ana = app.super_admin().await;
    let uncategorized = connectory::categories::UNCATEGORIZED.to_string();
    for name in ["Payroll", "Ledger", "Taxes"] {
        let page = ana.get("/connectors/new").await;
        page.submit(|form| {
            form.set("connector_name", name).set("description", "x").tick("category", &finance).tick("category", &maps)
        })
        .await
        .expect(303);
    }
    are_true(&app, "creating").await;
    assert_eq!(app.value("SELECT connectors FROM categories WHERE name = 'Maps'").await, "3");

    let page = ana.get("/connectors/payroll/details").await;
    page.submit(|form| form.untick("category", &maps).untick("category", &uncategorized)).await.expect(303);
    are_true(&app, "editing").await;
    assert_eq!(app.value("SELECT connectors FROM categories WHERE name = 'Maps'").await, "2");

    for key in ["payroll", "ledger"] {
        ana.get(&format!("/connectors/{key}/delete")).await.submit(|form| form).await.expect(303);
    }
    are_true(&app, "deleting").await;
    ana.get("/connectors/trash").await.form("/connectors/ledger/restorations").send().await.expect(303);
    are_true(&app, "restoring").await;
    ana.get("/connectors/ledger/details").await.form("/connectors/ledger/duplicates").send().await.expect(303);
    are_true(&app, "duplicating").await;
    app.advance(TimeDelta::days(31));
    app.run_due_work().await;
    assert_eq!(app.count("SELECT count(*) FROM connectors").await, 3, "the trash is empty");
    are_true(&app, "emptying the trash").await;
    assert_eq!(app.value("SELECT connectors FROM categories WHERE name = 'Finance'").await, "3");
}

#[tokio::test]
async fn they_stay_true_when_many_change_connectors_at_once() {
    let app = TestApp::start().await;
    let category = app.category("Finance").await.to_string();
    for number in 0..10 {
        app.connector(&format!("Connector {number}")).await;
    }
    let ana = app.person(&[EditConnectors]).await;
    let paths: Vec<String> = (0..10).map(|number| format!("/connectors/connector-{number}/details")).collect();
    let pages = join_all(paths.iter().map(|path| ana.get(path))).await;
    let answers = join_all(pages.iter().map(|page| page.main_form().tick("category", &category).send())).await;
    assert!(answers.iter().all(|answer| answer.status == 303));
    are_true(&app, "ten edits at once").await;
}

#[tokio::test]
async fn they_stay_true_and_nobody_waits_in_vain_when_everything_is_done_at_once() {
    let app = TestApp::start().await;
    let (finance, maps) = (app.category("Finance").await, app.category("Maps").await);
    for number in 0..6 {
        app.connector_with(&format!("Connector {number}"), |new| new.categories = vec![finance, maps]).await;
    }
    for number in 6..10 {
        app.connector_with(&format!("Connector {number}"), |new| new.categories = vec![maps]).await;
    }
    app.sql("UPDATE connectors SET deleted_at = now() WHERE key IN ('connector-8', 'connector-9')").await;
    let ana = app.super_admin().await;
    let (finance, maps) = (finance.to_string(), maps.to_string());
    let mut forms = Vec::new();
    for number in 0..4 {
        let page = ana.get("/connectors/new").await;
        forms.push(
            page.main_form()
                .set("connector_name", &format!("New {number}"))
                .set("description", "x")
                .tick("category", &finance)
                .tick("category", &maps),
        );
    }
    // Some leave the one category for the other while others do the reverse.
    for (number, from, to) in
        [(0, &finance, None), (1, &maps, None), (6, &maps, Some(&finance)), (7, &maps, Some(&finance))]
    {
        let form =
            ana.get(&format!("/connectors/connector-{number}/details")).await.main_form().untick("category", from);
        forms.push(to.into_iter().fold(form, |form, to| form.tick("category", to)));
    }
    for number in [2, 3] {
        forms.push(ana.get(&format!("/connectors/connector-{number}/delete")).await.main_form());
    }
    for number in [8, 9] {
        forms.push(ana.get("/connectors/trash").await.form(&format!("/connectors/connector-{number}/restorations")));
    }
    for number in [4, 5] {
        forms.push(
            ana.get(&format!("/connectors/connector-{number}/details"))
                .await
                .form(&format!("/connectors/connector-{number}/duplicates")),
        );
    }
    for (category, name) in [(&finance, "Money"), (&maps, "Plans")] {
        forms.push(ana.get(&format!("/categories/{category}/edit")).await.main_form().set("category_name", name));
    }
    let answers = join_all(forms.into_iter().map(|form| form.send())).await;
    let statuses: Vec<u16> = answers.iter().map(|answer| answer.status).collect();
    assert!(statuses.iter().all(|status| *status == 303), "{statuses:?}");
    are_true(&app, "everything at once").await;
    let stale = "SELECT count(*) FROM connectors WHERE category_names <> (SELECT string_agg(k.name, ', ' ORDER BY k.name) FROM connector_categories cc JOIN categories k ON k.id = cc.category_id WHERE cc.connector_id = connectors.id)";
    assert_eq!(app.count(stale).await, 0, "every connector has the new names");
}
