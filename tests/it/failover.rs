//! What people and programs notice when an instance, the program or the database dies under load: nothing that was
//! acknowledged is lost, and what is left goes on by itself.

use std::collections::HashSet;
use std::time::{Duration, Instant};

use connectory::access::Permission::{CreateCategories, ViewConnectors};
use connectory::db::private::PrivatePostgres;
use futures_util::future::join_all;
use nix::sys::signal::{Signal, kill};
use reqwest::Method;
use reqwest::header::LOCATION;
use tokio_postgres::NoTls;
use uuid::Uuid;

use crate::support::program::{Installation, browser_at, postgres_of};
use crate::support::web_server::WebServer;
use crate::support::{Browser, PASSWORD, TestApp};

/// Who saves at the same time.
const SAVERS: usize = 4;

/// How long anything may take to come back by itself.
const SECONDS: Duration = Duration::from_secs(10);

/// Whether the save of a new category was acknowledged.
async fn save(browser: &Browser, csrf: &str, name: &str) -> bool {
    let fields = [("csrf", csrf), ("category_name", name), ("status", "active")];
    let request = browser.request(Method::POST, "/categories").form(&fields);
    let Ok(answer) = request.send().await else {
        return false;
    };
    let location = answer.headers().get(LOCATION);
    answer.status() == 303 && location.is_some_and(|location| location == "/categories")
}

/// Saves one category after another until `is_over` says so; gives the names that were acknowledged.
async fn save_until(browser: &Browser, csrf: &str, mut is_over: impl FnMut(bool) -> bool) -> Vec<String> {
    let mut acknowledged = Vec::new();
    loop {
        let name = Uuid::now_v7().to_string();
        let kept = save(browser, csrf, &name).await;
        if kept {
            acknowledged.push(name);
        }
        if is_over(kept) {
            return acknowledged;
        }
    }
}

/// The names of all categories.
async fn stored(url: &str) -> HashSet<String> {
    let (client, connection) = tokio_postgres::connect(url, NoTls).await.expect("a database");
    tokio::spawn(connection);
    let rows = client.query("SELECT name FROM categories", &[]).await;
    rows.expect("names").iter().map(|row| row.get(0)).collect()
}

fn all_kept(acknowledged: &[String], stored: &HashSet<String>) {
    let lost = acknowledged.iter().filter(|name| !stored.contains(*name));
    assert_eq!(lost.count(), 0, "of {}", acknowledged.len());
}

#[tokio::test]
async fn behind_a_balancer_one_of_two_instances_may_die() {
    let app = TestApp::start().await;
    let user = app.user(&[ViewConnectors, CreateCategories]).await;
    let instances = [app.another_program(), app.another_program()];
    let [one, other] = instances.each_ref().map(|instance| instance.address);
    let balancer = WebServer::start(
        &format!("upstream instances {{ server {one} fail_timeout=1s; server {other} fail_timeout=1s; }}"),
        "location / { proxy_pass http://instances; proxy_http_version 1.1; proxy_set_header Connection ''; proxy_set_header Host $http_host; }",
    );
    let [first, second] = instances.map(|instance| {
        let instance = instance.set("CONNECTORY_PUBLIC_URL", &balancer.url(""));
        let program = instance.serve();
        (instance, program)
    });
    let browser = browser_at(([127, 0, 0, 1], balancer.nginx().port).into());
    browser.sign_in(&user.username, PASSWORD).await.expect(303);
    let csrf = browser.csrf().await;

    let mut dying = Some(first);
    let mut left = 240;
    let mut is_over = |_| {
        left -= 1;
        if left == 160 {
            dying = None;
        }
        left <= 0
    };
    let shared = std::cell::RefCell::new(&mut is_over);
    let savers = (0..SAVERS).map(|_| save_until(&browser, &csrf, |kept| (shared.borrow_mut())(kept)));
    let reading = async {
        let mut statuses = Vec::new();
        for _ in 0..120 {
            statuses.push(browser.get("/connectors").await.status);
        }
        statuses
    };
    let (acknowledged, statuses) = tokio::join!(join_all(savers), reading);
    let acknowledged = acknowledged.concat();
    assert_eq!(statuses, [200; 120], "whoever only reads notices nothing");
    assert!(acknowledged.len() >= 200, "{}", acknowledged.len());
    all_kept(&acknowledged, &stored(app.database_url()).await);
    assert!(second.1.stop().0.success());
}

#[tokio::test]
async fn no_acknowledged_save_is_lost_when_program_and_database_are_killed() {
    let here = Installation::new();
    let mut program = here.serve();
    let browser = program.found().await;
    let csrf = browser.csrf().await;
    let mut acknowledged = Vec::new();
    for round in 0..3 {
        // The moment is a random one, in the middle of saves.
        let mut left = 20 + usize::from(rand::random::<u8>() % 40);
        let mut running = Some(program);
        let mut is_over = |kept: bool| {
            left = left.saturating_sub(1);
            if left == 0
                && let Some(program) = running.take()
            {
                if round % 2 == 0 {
                    kill(program.postgres(), Signal::SIGKILL).expect("a running PostgreSQL");
                }
                program.kill();
            }
            left == 0 && !kept
        };
        let shared = std::cell::RefCell::new(&mut is_over);
        let savers = (0..SAVERS).map(|_| save_until(&browser, &csrf, |kept| (shared.borrow_mut())(kept)));
        acknowledged.extend(join_all(savers).await.concat());
        program = here.serve();
        let url = PrivatePostgres::url_if_running(&here.folder).expect("a database");
        all_kept(&acknowledged, &stored(&url).await);
    }
    assert!(acknowledged.len() > 30, "{}", acknowledged.len());
    browser.get("/connectors").await.expect(200);
}

#[tokio::test]
async fn a_database_that_is_killed_and_started_again_is_noticed_and_found_again() {
    let database = Installation::new();
    let postgres = PrivatePostgres::start(&database.folder).expect("a database");
    let (url, server) = (postgres.url(), postgres_of(&database.folder));
    let key = "MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=";
    let here = Installation::new().set("DATABASE_URL", &url).set("CONNECTORY_MASTER_KEY", key);
    let mut program = here.serve();
    let browser = program.found().await;
    let csrf = browser.csrf().await;

    let mut acknowledged = save_until(&browser, &csrf, some(20)).await;
    assert_eq!(acknowledged.len(), 20);
    let reading = async {
        // Some are under way when it dies.
        let reads = (0..8).map(|_| browser.get("/connectors"));
        join_all(reads).await
    };
    let killing = async { kill(server, Signal::SIGKILL).expect("it runs") };
    let (pages, ()) = tokio::join!(reading, killing);
    for page in pages {
        assert!([200, 503].contains(&page.status), "{}", page.status);
    }
    for _ in 0..20 {
        let page = browser.get("/connectors").await.expect(503);
        assert!(!page.header("retry-after").is_empty());
    }
    acknowledged.extend(save_until(&browser, &csrf, some(5)).await);
    assert_eq!(acknowledged.len(), 20, "nothing is acknowledged meanwhile");

    drop(postgres);
    let _postgres = PrivatePostgres::start(&database.folder).expect("a database");
    let back = Instant::now();
    while browser.get("/connectors").await.status != 200 {
        assert!(back.elapsed() < SECONDS, "it stays away");
    }
    acknowledged.extend(save_until(&browser, &csrf, some(20)).await);
    assert_eq!(acknowledged.len(), 40);
    all_kept(&acknowledged, &stored(&url).await);
    assert!(program.stop().0.success());
}

/// So many tries, whatever becomes of them.
fn some(tries: usize) -> impl FnMut(bool) -> bool {
    let mut left = tries;
    move |_| {
        left -= 1;
        left == 0
    }
}
