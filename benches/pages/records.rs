//! A collection: importing a file, and lists of many records.

use std::fmt::Write;
use std::time::{Duration, Instant};

use anyhow::{Context, ensure};

use super::cases::Case;
use super::data::Data;
use super::http::Client;
use super::load::Figures;
use super::program::Program;
use super::session::Session;

/// The records of the file that is imported.
const IMPORTED: i64 = 100_000;

/// How many records are made by one statement.
const STEP: i64 = 50_000;

const SCHEMA: &str =
    r#"{"properties": {"title": {"type": "string"}, "price": {"type": "number"}, "shelf": {"type": "string"}}}"#;

const BOUNDARY: &str = "boundary";

/// What an import took.
pub struct Import {
    pub records: i64,
    /// Of the file.
    pub bytes: usize,
    pub time: Duration,
    /// The memory of the program before and at its highest, in bytes.
    pub memory: (u64, u64),
}

/// All that is measured of a collection.
pub struct Records {
    pub rows: i64,
    pub import: Import,
    /// The name of a list, with its figures for each number of connections.
    pub lists: Vec<(String, Vec<Figures>)>,
}

/// Creates the collection, imports a file and adds records until there are `rows`.
pub async fn fill(session: &Session, data: &Data, program: &Program, rows: i64) -> anyhow::Result<Import> {
    let form = [
        ("csrf", session.csrf()),
        ("collection_name", "Bench"),
        ("schema", SCHEMA),
        ("members", "title\nprice\nshelf"),
    ];
    let form = form_urlencoded::Serializer::new(String::new()).extend_pairs(form).finish();
    let mut client = Client::connect(session.address).await?;
    let answer = client.ask(&session.post("/collections", &form)).await?;
    ensure!(answer.status == 303, "the collection was not created: {}", answer.text());
    let import = import(session, &mut client, program).await?;
    let mut from = IMPORTED;
    while from < rows {
        let to = rows.min(from + STEP);
        data.run(&format!(
            "INSERT INTO records (collection_id, id, data, created_at, created_by, updated_at, updated_by)
             SELECT connector_id, gen_random_uuid(), jsonb_build_object('title', 'Title ' || n, 'price', n % 9973 / 100.0, 'shelf', 'Shelf ' || n % 10),
                 now() + n * interval '1 ms', 'bench', now() + n * interval '1 ms', 'bench'
             FROM collections, generate_series({from} + 1, {to}) n"
        ))
        .await?;
        from = to;
    }
    data.run("VACUUM ANALYZE records, record_members").await?;
    Ok(import)
}

async fn import(session: &Session, client: &mut Client, program: &Program) -> anyhow::Result<Import> {
    let mut csv = String::from("title,price,shelf\n");
    for n in 1..=IMPORTED {
        writeln!(csv, "Title {n},{}.{:02},Shelf {}", n % 9973 / 100, n % 100, n % 10)?;
    }
    let bytes = csv.len();
    let part = |name: &str| format!("--{BOUNDARY}\r\nContent-Disposition: form-data; name=\"{name}\"");
    let body = format!(
        "{}\r\n\r\n{}\r\n{}; filename=\"bench.csv\"\r\nContent-Type: text/csv\r\n\r\n{csv}\r\n--{BOUNDARY}--\r\n",
        part("csrf"),
        session.csrf(),
        part("file")
    );
    let (before, began) = (program.memory().program, Instant::now());
    let request =
        session.post_as("/collections/bench/imports", &format!("multipart/form-data; boundary={BOUNDARY}"), &body);
    drop((csv, body));
    let answer = client.ask(&request).await?;
    let page = answer.header("location").map(str::to_owned).with_context(|| answer.text())?;
    let mut most = before;
    loop {
        tokio::time::sleep(Duration::from_millis(100)).await;
        most = most.max(program.memory().program);
        let text = session.get(&page).await?;
        if !text.contains("data-refresh") {
            ensure!(text.contains("100,000 records were imported"), "the import failed: {text}");
            return Ok(Import { records: IMPORTED, bytes, time: began.elapsed(), memory: (before, most) });
        }
    }
}

/// The lists: the first and a deep page of orders, and filters that many and few records fit.
pub async fn lists(session: &Session, data: &Data) -> anyhow::Result<Vec<Case>> {
    let deep = data.middle_record().await?;
    let lists = [
        ("records, newest first", "sort=-created".to_owned()),
        ("records, by price", "member=price&sort=value".to_owned()),
        ("records, by price, deep", format!("member=price&sort=value&after={deep}")),
        ("records, one title", "member=title&comparison=equal&value=Title+4711".to_owned()),
        ("records, a tenth of them", "member=shelf&comparison=equal&value=Shelf+7".to_owned()),
        ("records, titles that begin alike", "member=title&comparison=beginning&value=title+77".to_owned()),
    ];
    let cases = lists.into_iter().map(|(name, query)| {
        session.page(name, &format!("/collections/bench?size=50&{query}"), "<tbody>\n<tr><th scope=\"row\">")
    });
    Ok(cases.collect())
}
