//! Every kind of event that the program records reads in words.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use connectory::audit::KINDS;

use crate::support::{Page, TestApp};

/// Texts like `connector.saved` in the files that record events.
fn recorded(folder: &Path, found: &mut BTreeSet<String>) {
    for entry in fs::read_dir(folder).expect("a folder of the program") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            recorded(&path, found);
            continue;
        }
        let source = fs::read_to_string(&path).expect("a file of the program");
        if !path.ends_with("audit/entry.rs") && source.contains("audit") {
            found.extend(source.split('"').filter(|text| is_kind(text)).map(String::from));
        }
    }
}

/// Names of files and columns, which look the same.
const NO_KINDS: &[&str] = &[
    "demo.json",
    "master.key",
    "connector_templates.settings",
    "connector_templates.variables",
    "connectors.base_url",
    "connectors.method",
    "connectors.status",
    "secrets.origins",
    "token_requests.sealed",
    "tokens.origins",
];

fn is_kind(text: &str) -> bool {
    if NO_KINDS.contains(&text) {
        return false;
    }
    let is_word =
        |word: &str| !word.is_empty() && word.chars().all(|letter| letter == '_' || letter.is_ascii_lowercase());
    text.split_once('.').is_some_and(|(thing, happening)| is_word(thing) && is_word(happening))
}

#[test]
fn every_kind_that_the_program_records_has_its_words() {
    let mut found = BTreeSet::new();
    let program = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    recorded(&program, &mut found);
    let known: BTreeSet<String> = KINDS.iter().map(|(kind, _)| kind.to_string()).collect();
    assert_eq!(found, known, "audit/entry.rs has all kinds of events");
}

#[tokio::test]
async fn every_kind_reads_in_words_on_the_list_in_the_filter_and_on_its_own_page() {
    let app = TestApp::start().await;
    let ana = app.super_admin().await;
    for (at, (kind, _)) in KINDS.iter().enumerate() {
        app.sql(&format!("INSERT INTO audit_events (id, at, actor_name, address, request_id, kind, subject_name, changes)
            VALUES (gen_random_uuid(), now() - {at} * interval '1 second', 'Sample', '', '', '{kind}', 'Thing {at}', '[]')"))
            .await;
    }
    app.chain().await;
    let page = ana.get("/audit?person=sample&size=100").await.expect(200);
    assert_eq!(page.row_heads().len(), KINDS.len());
    let options = page.texts("#event option");
    let mut unclear = Vec::new();
    for (head, (kind, words)) in page.row_heads().iter().zip(KINDS) {
        if !head.starts_with(words) || !options.contains(&words.to_string()) {
            unclear.push(format!("{kind}: {head}"));
        }
        let one: Page = ana.get(&format!("/audit?person=sample&event={kind}")).await.expect(200);
        let href = one.attribute("tbody th a", "href").expect("a line");
        let own = ana.get(&href).await.expect(200);
        if !own.h1().starts_with(&format!("{words}: Thing ")) {
            unclear.push(format!("{kind}: {}", own.h1()));
        }
    }
    assert!(unclear.is_empty(), "{}", unclear.join("\n"));
}
