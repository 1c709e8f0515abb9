//! A database that hangs: its connections stand, and it answers nothing. Pages say so soon, and go on when it does.

use std::time::{Duration, Instant};

use connectory::db::private::PrivatePostgres;
use connectory::db::{Db, Unavailable};
use connectory::web::Error;
use diesel::QueryableByName;
use diesel::sql_types::Integer;
use diesel_async::{AsyncConnection, RunQueryDsl};
use futures_util::future::join_all;

use crate::support::program::{Installation, freeze, postgres_of};
use crate::support::{Browser, Page, TestApp};

/// Within which every page must be answered.
const LIMIT: Duration = Duration::from_secs(5);

/// How long anything may take to come back by itself.
const SECONDS: Duration = Duration::from_secs(10);

/// A page that must say in time that the database is away.
async fn is_refused_in_time(answer: impl Future<Output = Page>, what: &str) {
    let asked = Instant::now();
    let page = answer.await;
    let took = asked.elapsed();
    assert_eq!(page.status, 503, "{what} after {took:?}");
    assert_eq!(page.header("retry-after"), "5", "{what}");
    assert!(took < LIMIT, "{what} took {took:?}");
}

/// More at once than there are connections.
async fn all_are_refused_in_time(browser: &Browser, csrf: &str) {
    let pages = join_all((0..30).map(|_| is_refused_in_time(browser.get("/connectors"), "a page")));
    let fields = [("csrf", csrf), ("category_name", "Never"), ("status", "active")];
    let saving = is_refused_in_time(browser.post_exactly("/categories", &fields), "a save");
    let health = is_refused_in_time(browser.get("/readyz"), "/readyz");
    tokio::join!(pages, saving, health);
}

#[tokio::test]
async fn pages_and_readiness_are_answered_within_five_seconds() {
    let database = Installation::new();
    let postgres = PrivatePostgres::start(&database.folder).expect("a database");
    let key = "MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=";
    let here = Installation::new().set("DATABASE_URL", &postgres.url()).set("CONNECTORY_MASTER_KEY", key);
    let mut program = here.serve();
    let browser = program.found().await;
    let csrf = browser.csrf().await;
    // Every worker has open connections.
    join_all((0..20).map(|_| browser.get("/connectors"))).await;

    let frozen = freeze(postgres_of(&database.folder));
    // First on the connections that stand, then on new ones.
    for _ in 0..2 {
        all_are_refused_in_time(&browser, &csrf).await;
    }
    assert_eq!(browser.get("/healthz").await.status, 200);
    drop(frozen);
    let back = Instant::now();
    while browser.get("/connectors").await.status != 200 {
        assert!(back.elapsed() < SECONDS, "it stays away");
    }
    assert_eq!(browser.get("/readyz").await.status, 200);
    let categories = browser.get("/categories").await.expect(200);
    assert!(!categories.text().contains("Never"));
    assert!(program.stop().0.success());
}

#[derive(QueryableByName)]
struct Process {
    #[diesel(sql_type = Integer)]
    pid: i32,
}

/// The server's process of the pool's connection.
async fn process(db: &Db) -> i32 {
    let asked = diesel::sql_query("SELECT pg_backend_pid() AS pid");
    let process: Process = asked.get_result(&mut db.get().await.expect("a connection")).await.expect("a number");
    process.pid
}

#[tokio::test]
async fn a_statement_that_takes_too_long_ends_with_its_connection() {
    let app = TestApp::start().await;
    let limit = Duration::from_millis(500);
    let db = Db::with_limit(app.database_url(), 1, limit).expect("a pool");
    let before = process(&db).await;
    // The connection is the same as long as nothing takes too long.
    assert_eq!(process(&db).await, before);
    let asked = Instant::now();
    let sleeping = diesel::sql_query("SELECT pg_sleep(60)").execute(&mut db.get().await.expect("a connection")).await;
    let refusal = Error::from(sleeping.expect_err("it takes too long"));
    assert!(matches!(refusal, Error::Unavailable(_)), "{refusal:?}");
    assert!(asked.elapsed() < LIMIT, "{:?}", asked.elapsed());
    assert_ne!(process(&db).await, before);
    // The server ends by itself what nobody waits for any more.
    let ended = format!("SELECT count(*) FROM pg_stat_activity WHERE pid = {before}");
    let waiting = Instant::now();
    while app.count(&ended).await > 0 {
        assert!(waiting.elapsed() < SECONDS, "the statement goes on");
    }
}

#[tokio::test]
async fn a_transaction_that_nobody_waits_for_any_more_takes_its_connection_along() {
    let app = TestApp::start().await;
    let db = Db::new(app.database_url(), 1).expect("a pool");
    let before = process(&db).await;
    {
        let mut conn = db.get().await.expect("a connection");
        let work = conn.transaction::<_, diesel::result::Error, _>(async |conn| {
            diesel::sql_query("SELECT pg_sleep(60)").execute(conn).await?;
            Ok(())
        });
        let given_up = tokio::time::timeout(Duration::from_millis(200), work).await;
        assert!(given_up.is_err());
    }
    assert_ne!(process(&db).await, before);
}

#[tokio::test]
async fn a_wait_for_a_connection_ends() {
    let app = TestApp::start().await;
    let db = Db::new(app.database_url(), 1).expect("a pool");
    let _only = db.get().await.expect("a connection");
    let asked = Instant::now();
    let refused = db.get().await.err().expect("none is left");
    assert!(matches!(refused, Unavailable::NoConnection(_)));
    assert!(asked.elapsed() < LIMIT);
}
