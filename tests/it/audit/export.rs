//! The log as a file.

use std::collections::BTreeMap;

use serde_json::Value;
use uuid::Uuid;

use connectory::access::OWN_PASSWORD;

use crate::support::{Browser, PASSWORD, Page, TestApp, formulas};

async fn export(ana: &Browser, format: &str, filters: &[(&str, &str)]) -> Page {
    let fields: Vec<(&str, &str)> =
        filters.iter().copied().chain([("format", format), (OWN_PASSWORD, PASSWORD)]).collect();
    ana.post("/audit/exports", &fields).await.expect(200)
}

fn json_lines(page: &Page) -> Vec<Value> {
    page.html.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect()
}

/// The rows of a CSV text.
fn csv(text: &str) -> Vec<Vec<String>> {
    let (mut rows, mut row, mut cell, mut quoted) = (vec![], vec![], String::new(), false);
    let mut letters = text.chars().peekable();
    while let Some(letter) = letters.next() {
        match letter {
            '"' if quoted && letters.peek() == Some(&'"') => {
                letters.next();
                cell.push('"');
            }
            '"' => quoted = !quoted,
            ',' if !quoted => row.push(std::mem::take(&mut cell)),
            '\r' if !quoted => {}
            '\n' if !quoted => {
                row.push(std::mem::take(&mut cell));
                rows.push(std::mem::take(&mut row));
            }
            other => cell.push(other),
        }
    }
    assert!(!quoted && row.is_empty() && cell.is_empty(), "the file is whole");
    rows
}

/// What docs/operations.md says of the hash, written down apart from the program, but for the key that never leaves it.
fn hash_of(app: &TestApp, line: &Value) -> String {
    let mut text = Vec::new();
    let mut field = |bytes: &[u8]| {
        text.extend((bytes.len() as u64).to_be_bytes());
        text.extend(bytes);
    };
    let word = |name: &str| line[name].as_str().unwrap_or_default().to_string();
    let id = |name: &str| {
        let id = line[name].as_str().map(|id| id.parse::<Uuid>().expect("an id"));
        id.map_or(Vec::new(), |id| id.as_bytes().to_vec())
    };
    let previous: Vec<u8> = word("previous_hash")
        .as_bytes()
        .chunks(2)
        .map(|pair| u8::from_str_radix(std::str::from_utf8(pair).expect("ASCII"), 16).expect("hex"))
        .collect();
    let at = chrono::DateTime::parse_from_rfc3339(&word("at")).expect("a time");
    field(b"connectory audit line 2");
    field(&line["seq"].as_i64().expect("a number").to_be_bytes());
    field(&previous);
    field(&id("id"));
    field(&at.timestamp_micros().to_be_bytes());
    field(&id("actor_id"));
    field(word("actor_name").as_bytes());
    field(format!("={}", word("actor_username")).as_bytes());
    for name in ["address", "request_id", "kind"] {
        field(word(name).as_bytes());
    }
    field(&id("subject_id"));
    field(word("subject_name").as_bytes());
    let changes: Vec<BTreeMap<String, String>> =
        serde_json::from_value(line["changes"].clone()).expect("fields before and after");
    field(serde_json::to_string(&changes).expect("JSON").as_bytes());
    assert_eq!((&line["format"], &line["data_key"]), (&2.into(), &1.into()));
    let key = app.vault.mac_key(1, "audit chain").expect("the key");
    let code = key.authenticate(&text);
    code.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[tokio::test]
async fn json_lines_hold_all_that_the_hashes_are_made_of() {
    let app = TestApp::start().await;
    let ana = app.super_admin().await;
    app.connector("Café menu").await;
    ana.get("/connectors/cafe-menu/details")
        .await
        .submit(|form| form.set("description", "Zwei\nZeilen \"quoted\""))
        .await
        .expect(303);
    app.chain().await;
    let page = export(&ana, "jsonl", &[]).await;
    assert_eq!(page.header("content-type"), "application/jsonl; charset=utf-8");
    let disposition = page.header("content-disposition");
    assert!(
        disposition.starts_with("attachment; filename=\"connectory-audit-") && disposition.ends_with(".jsonl\""),
        "{disposition}"
    );
    assert_eq!(page.header("cache-control"), "no-store");
    let lines = json_lines(&page);
    assert_eq!(lines.len(), 4, "user created, signed in, connector created and saved");
    let mut next: Option<&Value> = None;
    for line in &lines {
        assert_eq!(line["hash"], hash_of(&app, line), "{line}");
        if let Some(next) = next {
            assert_eq!(next["previous_hash"], line["hash"], "the newest first");
        }
        next = Some(line);
    }
}

#[tokio::test]
async fn an_export_has_what_the_filters_leave_and_is_itself_recorded() {
    let app = TestApp::start().await;
    let ana = app.super_admin().await;
    for name in ["Payroll", "Ledger"] {
        app.connector(name).await;
    }
    app.chain().await;
    let page = ana.get("/audit?thing=payroll&event=connector.").await;
    let answer = page.form("/audit/exports").press("Export as CSV").confirmed().send().await.expect(200);
    let rows = csv(answer.html.trim_start_matches('\u{feff}'));
    assert_eq!(rows.len(), 2);
    assert_eq!(rows[0][..4], ["Line", "Time", "Person", "Person id"]);
    assert_eq!(rows[1][2], "command line");
    assert_eq!(rows[1][7..9], ["Connector created", "Payroll"]);
    assert!(rows[1][10].contains("Name:  → Payroll\n"), "{}", rows[1][10]);
    let recorded =
        app.rows("SELECT actor_name, subject_name, changes FROM audit_events WHERE kind = 'audit_log.exported'").await;
    assert_eq!(recorded.len(), 1);
    assert_eq!(recorded[0][0], ana.user().name);
    for part in ["CSV", "payroll", "connector."] {
        assert!(recorded[0][2].contains(part), "{part}: {}", recorded[0][2]);
    }
    let all = json_lines(&export(&ana, "jsonl", &[]).await);
    assert!(
        all.iter().filter(|line| line["kind"] == "audit_log.exported").count() == 1,
        "the line of an export is not part of it, those before are"
    );
}

#[tokio::test]
async fn no_cell_of_the_csv_is_a_formula() {
    let app = TestApp::start().await;
    let ana = app.super_admin().await;
    let texts = ["=HYPERLINK(1)", "+1", "-1", "@x", "\t=1", ";=1+1;y", "x\t=1\ty", "x\n=1"];
    for text in texts {
        app.sql(&format!("INSERT INTO audit_events (id, at, actor_name, address, request_id, kind, subject_name, changes)
            VALUES (gen_random_uuid(), now(), '{text}', '{text}', '{text}', 'test.made', '{text}', '[{{\"field\": \"=x\", \"from\": \"\", \"to\": \"y\"}}]')"))
            .await;
    }
    let page = export(&ana, "csv", &[]).await;
    let file = page.html.trim_start_matches('\u{feff}');
    for row in csv(file) {
        for cell in row {
            assert!(!cell.starts_with(['=', '+', '-', '@', '\t', '\r', '\n']), "{cell:?}");
        }
    }
    assert_eq!(formulas(file), [] as [String; 0]);
}

#[tokio::test]
async fn an_export_of_many_lines_is_whole() {
    let app = TestApp::start().await;
    let ana = app.super_admin().await;
    app.sql("INSERT INTO audit_events (id, at, actor_name, address, request_id, kind, subject_name, changes)
        SELECT md5(n::text)::uuid, '2026-01-01 12:00Z'::timestamptz + (n / 10) * interval '1 minute', 'Ana ' || n % 3, '', '', 'test.made', 'Thing ' || n % 200, '[]' FROM generate_series(1, 2750) n")
        .await;
    app.chain().await;
    for filters in [&[("event", "test.")][..], &[("person", "ana"), ("thing", "thing")]] {
        let lines = json_lines(&export(&ana, "jsonl", filters).await);
        let mut seqs: Vec<i64> = lines.iter().filter_map(|line| line["seq"].as_i64()).collect();
        assert_eq!(lines.len(), 2750, "{filters:?}");
        seqs.sort_unstable();
        seqs.dedup();
        assert_eq!(seqs.len(), 2750, "each once");
    }
}

#[tokio::test]
async fn an_export_is_a_form_of_the_page_and_nothing_else() {
    let app = TestApp::start().await;
    let ana = app.super_admin().await;
    ana.get("/audit/exports").await.expect(405);
    ana.post("/audit/exports", &[("format", "xml")]).await.expect(400);
    ana.post("/audit/exports", &[("format", "csv"), ("from", "never"), (OWN_PASSWORD, PASSWORD)]).await.expect(400);
    ana.post_exactly("/audit/exports", &[("format", "csv")]).await.expect(403);
    let recorded = "SELECT count(*) FROM audit_events WHERE kind = 'audit_log.exported'";
    assert_eq!(app.count(recorded).await, 0);
}

#[tokio::test]
async fn an_export_asks_for_the_own_password_and_keeps_the_filters() {
    let app = TestApp::start().await;
    let ana = app.super_admin().await;
    app.connector("Payroll").await;
    app.chain().await;
    let recorded = "SELECT count(*) FROM audit_events WHERE kind = 'audit_log.exported'";
    let page = ana.get("/audit?thing=payroll").await.expect(200);
    for password in ["", "wrong"] {
        let form = page.form("/audit/exports").press("Export as CSV");
        let refused = form.set(OWN_PASSWORD, password).send().await.expect(422);
        assert!(refused.field_error(OWN_PASSWORD).is_some());
        let kept = refused.form("/audit/exports");
        assert_eq!((kept.value("thing"), kept.value("format")), (Some("payroll"), Some("csv")));
    }
    assert_eq!(app.count(recorded).await, 0);
    let form = page.form("/audit/exports").press("Export as CSV");
    form.confirmed().send().await.expect(200);
    let page = ana.get("/audit").await;
    let form = page.form("/audit/exports").press("Export as JSON Lines");
    assert_eq!(form.value(OWN_PASSWORD), None, "not again for a while");
    form.send().await.expect(200);
    assert_eq!(app.count(recorded).await, 2);
}
