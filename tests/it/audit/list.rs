//! The list: filters, order, paging, and what it shows to whom.

use chrono::TimeDelta;
use connectory::access::Permission::{EditConnectors, ViewAuditLog, ViewConnectors};
use connectory::categories::CategoryStatus;

use crate::support::{Browser, Page, TestApp, strs};

/// Two people who have done things to several things.
async fn busy() -> (TestApp, Browser, Browser) {
    let app = TestApp::start().await;
    let ana = app.super_admin().await;
    let ben = app.person(&[EditConnectors]).await;
    app.category_with("Finance", CategoryStatus::Active).await;
    app.connector("Payroll").await;
    app.connector("Café menu").await;
    for (browser, key) in [(&ana, "payroll"), (&ben, "payroll"), (&ben, "cafe-menu")] {
        let name = format!("{} 2.0", browser.user().name);
        browser
            .get(&format!("/connectors/{key}/details"))
            .await
            .submit(|form| form.set("display_name", &name))
            .await
            .expect(303);
        for _ in 0..2 {
            // Not so long that a session ends.
            app.advance(TimeDelta::minutes(40));
            ana.get("/connectors").await.expect(200);
            ben.get("/connectors").await.expect(200);
        }
    }
    app.chain().await;
    (app, ana, ben)
}

/// What happened to which thing, line by line.
fn lines(page: &Page) -> Vec<String> {
    page.rows()
        .iter()
        .map(|row| {
            let event = row[0].split(|letter: char| letter.is_ascii_digit()).next();
            format!("{} {} {}", event.unwrap_or_default().trim(), row[1], row[2])
        })
        .collect()
}

async fn shown(ana: &Browser, query: &str) -> Vec<String> {
    lines(&ana.get(&format!("/audit?{query}")).await.expect(200))
}

#[tokio::test]
async fn it_shows_who_did_what_to_what_the_newest_first() {
    let (_app, ana, ben) = busy().await;
    let page = ana.get("/audit").await.expect(200);
    assert_eq!(page.h1(), "Audit log");
    let first = &page.rows()[0];
    assert!(first[0].starts_with("Connector saved"), "{first:?}");
    assert_eq!(first[1], "Café menu");
    assert_eq!(first[2], ben.user().attribution());
    assert_eq!((first[4].as_str(), first[5].as_str()), ("127.0.0.1", "Display name"));
    let saved: Vec<String> = lines(&page).into_iter().take(3).collect();
    let (ana_name, ben_name) = (ana.user().attribution(), ben.user().attribution());
    assert_eq!(
        saved,
        [
            format!("Connector saved Café menu {ben_name}"),
            format!("Connector saved Payroll {ben_name}"),
            format!("Connector saved Payroll {ana_name}"),
        ]
    );
    assert_eq!(strs(&page.texts("header nav a[aria-current]")), ["Activity"]);
}

#[tokio::test]
async fn it_is_narrowed_by_person_thing_event_and_time() {
    let (app, ana, ben) = busy().await;
    let (ana_name, ben_name) = (ana.user().name.clone(), ben.user().name.clone());
    let (as_ana, as_ben) = (ana.user().attribution(), ben.user().attribution());
    let ben_saved = [format!("Connector saved Café menu {as_ben}"), format!("Connector saved Payroll {as_ben}")];
    let word = |name: &str| form_urlencoded::byte_serialize(name.as_bytes()).collect::<String>();
    assert_eq!(shown(&ana, &format!("person={}&event=connector.saved", word(&ben_name))).await, ben_saved);
    // Accents and case do not count, and a part of the name is enough.
    for thing in ["cafe", "CAF%C3%89+ME", "menu"] {
        assert_eq!(
            shown(&ana, &format!("thing={thing}")).await,
            [ben_saved[0].clone(), "Connector created Café menu command line Program".into()],
            "{thing}"
        );
    }
    assert_eq!(
        shown(&ana, "thing=payroll&event=connector.").await,
        [
            ben_saved[1].clone(),
            format!("Connector saved Payroll {as_ana}"),
            "Connector created Payroll command line Program".into()
        ]
    );
    assert_eq!(
        shown(&ana, &format!("thing=payroll&person={}", word(&ana_name))).await,
        [format!("Connector saved Payroll {as_ana}")]
    );
    assert_eq!(shown(&ana, "event=category.").await, ["Category created Finance command line Program"]);
    assert_eq!(shown(&ana, "event=category.created&thing=payroll").await, [""; 0]);
    // The last change was an hour ago.
    assert_eq!(shown(&ana, "period=hour&event=connector.").await, [""; 0]);
    assert_eq!(shown(&ana, "period=day&event=connector.saved").await.len(), 3);
    let today = app.clock.now();
    let day = |ahead: i64| (today + TimeDelta::days(ahead)).format("%Y-%m-%d");
    let between = |from, to| format!("from={}&to={}&event=connector.saved", day(from), day(to));
    assert_eq!(shown(&ana, &between(-1, 1)).await.len(), 3);
    assert_eq!(shown(&ana, &between(-9, -2)).await, [""; 0]);
    assert_eq!(shown(&ana, &between(2, 9)).await, [""; 0]);
}

#[tokio::test]
async fn filters_stand_in_the_address_and_can_be_taken_off_one_by_one() {
    let (_app, ana, _) = busy().await;
    let page = ana.get("/audit?person=person&thing=payroll&event=connector.saved&period=week").await.expect(200);
    assert_eq!(page.field_value("person"), "person");
    assert_eq!(page.field_value("event"), "connector.saved");
    assert_eq!(page.field_value("period"), "week");
    let chips = page.texts("a.chip");
    assert_eq!(
        strs(&chips),
        [
            "Remove filter: Person has “person” ✕",
            "Remove filter: Object has “payroll” ✕",
            "Remove filter: Connector saved ✕",
            "Remove filter: Last 7 days ✕"
        ]
    );
    let without = page.click(&chips[1]).await.expect(200);
    assert_eq!(without.path, "/audit?person=person&event=connector.saved&period=week");
    assert_eq!(lines(&without).len(), 3);
    assert_eq!(without.click("Clear all filters").await.path, "/audit");
    let none = ana.get("/audit?thing=zeppelin").await.expect(200);
    assert!(none.text().contains("No entry matches these filters."), "{}", none.text());
}

#[tokio::test]
async fn a_day_that_is_none_has_its_message_and_stays_as_typed() {
    let (_app, ana, _) = busy().await;
    let page = ana.get("/audit?from=tomorrow&thing=payroll").await.expect(422);
    assert_eq!(page.errors(), [("from".to_string(), "Enter a day such as 2026-11-24".to_string())]);
    assert_eq!(page.field_value("from"), "tomorrow");
    assert_eq!(page.field_value("thing"), "payroll");
    assert!(page.rows().is_empty());
    let page = ana.get("/audit?from=2026-11-02&to=2026-11-01").await.expect(422);
    assert!(page.field_error("to").is_some());
}

#[tokio::test]
async fn paging_shows_every_line_once_forth_and_back() {
    let app = TestApp::start().await;
    let ana = app.super_admin().await;
    app.sql("INSERT INTO audit_events (id, at, actor_name, address, request_id, kind, subject_name, changes)
        SELECT md5(n::text)::uuid, '2026-01-01 12:00Z'::timestamptz + (n / 10) * interval '1 minute', 'Ana ' || n % 3, '', '', 'test.made', 'Thing ' || n, '[]' FROM generate_series(1, 137) n")
        .await;
    app.chain().await;
    for query in ["event=test.made", "person=ana&event=test.", "thing=thing"] {
        let mut page = ana.get(&format!("/audit?{query}")).await.expect(200);
        let mut seen = page.row_heads().len();
        let (mut things, mut pages) = (things(&page), vec![things(&page)]);
        while page.has_link("Older entries") {
            page = page.click("Older entries").await.expect(200);
            seen += page.row_heads().len();
            pages.push(self::things(&page));
            things.extend(self::things(&page));
        }
        assert_eq!(seen, 137, "{query}");
        let expected = app
            .rows("SELECT subject_name FROM audit_events WHERE kind = 'test.made' ORDER BY at DESC, id DESC")
            .await
            .concat();
        assert_eq!(things, expected, "{query}");
        for expected in pages.iter().rev().skip(1) {
            page = page.click("Newer entries").await.expect(200);
            assert_eq!(&self::things(&page), expected, "{query}");
        }
        assert!(!page.has_link("Newer entries"), "{query}: this is the first page");
        assert_eq!(page.click("Newest entries").await.path, format!("/audit?{query}"));
    }
}

fn things(page: &Page) -> Vec<String> {
    page.rows().iter().map(|row| row[1].clone()).collect()
}

#[tokio::test]
async fn a_thing_is_linked_while_it_is_there_for_whoever_may_open_it() {
    let (app, ana, _) = busy().await;
    let has_link = |page: &Page, href: &str| page.links().iter().any(|(_, other)| other == href);
    let page = ana.get("/audit").await;
    assert!(has_link(&page, "/connectors/payroll"));
    app.sql("UPDATE connectors SET deleted_at = now() WHERE key = 'payroll'").await;
    let page = ana.get("/audit").await;
    assert!(!has_link(&page, "/connectors/payroll"));
    assert!(has_link(&page, "/connectors/cafe-menu"));
    let auditor = app.person(&[ViewAuditLog]).await;
    let page = auditor.get("/audit").await.expect(200);
    assert!(!has_link(&page, "/connectors/cafe-menu"));
    assert!(page.text().contains("Café menu"));
}

#[tokio::test]
async fn who_may_not_see_the_log_neither_sees_it_nor_a_link_to_it() {
    let (app, _, ben) = busy().await;
    let page = ben.get("/audit").await.expect(403);
    assert!(page.text().contains("“View Audit Log”"));
    ben.post("/audit/exports", &[("format", "csv")]).await.expect(403);
    let viewer = app.person(&[ViewConnectors]).await;
    let page = viewer.get("/connectors").await.expect(200);
    assert!(!page.has_link("Activity"));
    let auditor = app.person(&[ViewAuditLog]).await;
    let page = auditor.get("/").await.click("Activity").await.expect(200);
    assert_eq!(page.path, "/audit");
    assert_eq!(strs(&page.texts("header nav a")), ["Activity"]);
}

#[tokio::test]
async fn names_and_values_are_escaped() {
    let app = TestApp::start().await;
    let ana = app.super_admin().await;
    app.sql(r#"INSERT INTO audit_events (id, at, actor_name, address, request_id, kind, subject_name, changes)
        VALUES (gen_random_uuid(), now() + interval '1 day', '<b>Ana</b>', '<i>', '"><u>', 'evil.<s>', '<script>alert(1)</script>',
            '[{"field": "<em>", "from": "<q>", "to": "\"><q>"}, {"field": "no from"}]')"#)
        .await;
    app.chain().await;
    let page = ana.get("/audit?person=%3Cb%3E&thing=%3Cscript").await.expect(200);
    let href = page.attribute("tbody th a", "href").expect("a line");
    let detail = ana.get(&href).await.expect(200);
    for page in [&page, &detail] {
        for tag in ["<b>", "<i>", "<u>", "<s>", "<script>a", "<em>", "<q>"] {
            assert!(!page.html.contains(tag), "{tag} on {}", page.path);
        }
        assert!(page.html.contains("&#60;script&#62;alert(1)"), "{}", page.html);
    }
}

#[tokio::test]
async fn no_address_is_a_fault() {
    let (_app, ana, _) = busy().await;
    for query in [
        "after=rubbish",
        "before=AAAA",
        "person=%25&thing=_%5C",
        "person=%00&thing=%FF",
        "event='%3B+DROP+TABLE+audit_events",
        "subject=x&size=7&period=evil",
        "from=0001-01-01&to=9999-12-31",
        "to=9999-12-31",
    ] {
        let page = ana.get(&format!("/audit?{query}")).await;
        assert!([200, 422].contains(&page.status), "{query}: {}", page.status);
    }
    let long = "x+".repeat(2000);
    ana.get(&format!("/audit?thing={long}")).await.expect(200);
}
