//! Times on pages are those of the reader's zone, wherever they stand.

use chrono::{DateTime, TimeDelta, Utc};
use connectory::access::Permission::{CallConnectors, EditConnectors, ViewActivity};

use crate::calls::call;
use crate::support::{Browser, TestApp};

/// The links to the calls of the log.
const CALLS: &str = "th a[href^='/calls/']";

async fn reads_in(person: &Browser, zone: &str) {
    let page = person.get("/profile").await;
    let page = page.submit(|form| form.set("time_zone", zone)).await;
    page.expect(303);
}

fn shown(time: DateTime<Utc>, hours: i64, format: &str) -> String {
    (time + TimeDelta::hours(hours)).format(format).to_string()
}

#[tokio::test]
async fn each_person_reads_the_same_moment_on_the_own_clock() {
    let app = TestApp::start().await;
    app.connector("Payroll").await;
    let now = app.clock.now();
    let (ana, ben) = (app.person(&[EditConnectors]).await, app.person(&[EditConnectors]).await);
    // Without summer time, so that the offset is known.
    reads_in(&ben, "Asia/Tokyo").await;
    for (reader, hours, zone) in [(&ana, 0, "UTC"), (&ben, 9, "JST")] {
        let page = reader.get("/connectors/payroll/details").await;
        let words = shown(now, hours, "%-d %B %Y, %H:%M");
        assert!(page.text().contains(&format!("Created on {words} {zone} by")), "{zone}: {}", page.text());
        let page = reader.get("/connectors").await;
        assert!(page.text().contains(&shown(now, hours, "%-d %b %Y")));
        assert_eq!(
            page.attribute("td time", "datetime").as_deref(),
            Some(now.format("%Y-%m-%dT%H:%M:%SZ").to_string().as_str()),
            "the attribute stays in UTC"
        );
    }
    assert!(ben.get("/nowhere").await.texts("footer")[0].contains("Times are in Asia/Tokyo"));
}

#[tokio::test]
async fn the_call_log_shows_and_reads_times_in_it() {
    let app = TestApp::start().await;
    let payroll = app.connector("Payroll").await;
    let mut line = call(app.clock.now(), payroll);
    line.at = "2026-11-20T22:30:05Z".parse().expect("a time");
    let at = line.at.timestamp_micros();
    let place = format!("{at}-{}", line.id);
    app.call_log.record(line);
    app.call_log.finish().await;
    let ben = app.person(&[ViewActivity]).await;
    reads_in(&ben, "Asia/Tokyo").await;
    // A day, as an end, with all its hours.
    let page = ben.get("/calls?from=2026-11-21&to=2026-11-21").await.expect(200);
    assert_eq!(page.texts(CALLS).len(), 1, "{}", page.text());
    assert!(page.text().contains("21 Nov 2026, 07:30:05") && page.text().contains("From (Asia/Tokyo)"));
    for (span, found) in [
        ("from=2026-11-21+07:30&to=2026-11-21+07:31", 1),
        ("from=2026-11-20T22:30Z&to=2026-11-20T22:31Z", 1),
        ("from=2026-11-20+22:30&to=2026-11-20+22:31", 0),
    ] {
        assert_eq!(ben.get(&format!("/calls?{span}")).await.texts(CALLS).len(), found, "{span}");
    }
    let page = ben.get(&format!("/calls/{place}")).await.expect(200);
    assert!(page.text().contains("21 November 2026, 07:30:05.000 JST"), "{}", page.text());
    let file = ben.get("/calls.csv?from=2026-11-21&to=2026-11-21").await;
    assert!(file.html.contains("2026-11-20T22:30:05"), "a file is in UTC");
}

#[tokio::test]
async fn a_typed_day_is_one_of_the_own_clock_and_the_audit_log_keeps_utc() {
    let app = TestApp::start().await;
    let ben = app.person(&[CallConnectors]).await;
    reads_in(&ben, "Asia/Tokyo").await;
    let day = shown(app.clock.now() + TimeDelta::days(40), 0, "%Y-%m-%d");
    let page = ben.get("/profile/keys/new").await;
    let page =
        page.submit(|form| form.set("key_name", "Nightly").set("expires", "date").set("expires_on", &day).confirmed());
    page.await.expect(200);
    let ends = app.value("SELECT to_char(expires_at AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI:SS') FROM api_keys").await;
    assert_eq!(ends, format!("{day} 14:59:59"));
    let changes = app.value("SELECT changes::text FROM audit_events WHERE kind = 'api_key.created'").await;
    assert!(changes.contains("14:59 UTC"), "{changes}");
}
