//! A running site with a database of its own.

use std::net::{IpAddr, SocketAddr, TcpListener};
use std::sync::atomic::AtomicU32;
use std::sync::{Arc, LazyLock};
use std::time::Duration;

use actix_web::cookie::Key;
use chrono::TimeDelta;
use connectory::access::{Actor, ApiKeys, PasswordHasher, SessionLimits, TrustedProxies};
use connectory::accounts::FirstRun;
use connectory::app::{self, Site};
use connectory::audit::Change;
use connectory::authorization::TokenKeeper;
use connectory::calls::{CallLog, Retention};
use connectory::categories::{self, CategoryStatus};
use connectory::checks::Checker;
use connectory::clock::Clock;
use connectory::config::{Config, ResourceLimits};
use connectory::connectors::{self, Details, LegacyGrants, Method, NewConnector, Stewardship};
use connectory::db::{COMMAND, ChangeListener, Connection, Db, Pools};
use connectory::keyring::Instance;
use connectory::name::Name;
use connectory::notices::{Channels, Courier};
use connectory::openid::SignIns;
use connectory::outbound::{HttpUrl, Outbound, Policy};
use connectory::status::Metrics;
use connectory::system::About;
use connectory::vault::{MasterKey, MasterKeys, Secret, Vault};
use connectory::web::PublicAddress;
use metrics_exporter_prometheus::PrometheusBuilder;
use tokio::runtime::Handle;
use tokio::sync::{OnceCell, Semaphore, SemaphorePermit};
use tokio::task::JoinHandle;
use tokio_postgres::SimpleQueryMessage;
use uuid::Uuid;

use super::Browser;
use super::database::{TestDatabase, connect};
use super::program::Installation;

/// What `/metrics` of every site asks for.
pub const METRICS_TOKEN: &str = "a-token-for-the-metrics";

/// Connections that a site may open.
const CONNECTIONS: usize = 8;

/// Sites that run at once: the server takes a hundred connections.
static ROOM: Semaphore = Semaphore::const_new(8);

/// One for all sites: hashing is slow on purpose.
static HASHER: LazyLock<PasswordHasher> = LazyLock::new(|| PasswordHasher::new(2).expect("a password hasher"));

/// A site that serves on a free port of 127.0.0.1 until it is dropped.
pub struct TestApp {
    /// The site's clock: tests move it and never wait.
    pub clock: Clock,
    pub vault: Vault,
    pub keeper: TokenKeeper,
    pub changes: ChangeListener,
    /// Lines are written when its `finish` is called.
    pub call_log: CallLog,
    /// Sends notices when the test says so.
    pub courier: Courier,
    pub checker: Checker,
    pub hasher: PasswordHasher,
    pub api_keys: ApiKeys,
    pub limits: SessionLimits,
    pub retention: Retention,
    pub first_run: FirstRun,
    /// What the site tells of itself.
    pub about: About,
    pub address: SocketAddr,
    /// The address that the site believes to have.
    pub public_url: String,
    pub(super) people: AtomicU32,
    pub(super) founder: OnceCell<()>,
    http: reqwest::Client,
    pub db: Db,
    sql: OnceCell<tokio_postgres::Client>,
    server: JoinHandle<()>,
    hearing: JoinHandle<()>,
    database: TestDatabase,
    _room: SemaphorePermit<'static>,
}

impl TestApp {
    pub async fn start() -> TestApp {
        TestApp::start_with(|_| {}).await
    }

    /// A site that differs from the usual one.
    pub async fn start_with(change: impl FnOnce(&mut Site)) -> TestApp {
        let room = ROOM.acquire().await.expect("room for a site");
        let database = TestDatabase::create().await;
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let address = listener.local_addr().expect("a bound port");
        let public_url = format!("http://{address}");
        let public = HttpUrl::parse(&public_url).ok();
        let policy = Policy { allow_loopback: true, own: vec![address], public, ..Policy::default() };
        let (clock, changes) = (Clock::system(), ChangeListener::new(&database.url));
        let outbound = Outbound::new(policy).expect("a runtime");
        let mut site = Site {
            database_url: database.url.clone(),
            connections: CONNECTIONS,
            workers: 2,
            vault: database.vault.clone(),
            proxies: TrustedProxies::default(),
            sign_ins: SignIns::new(None, &outbound, &database.vault, &clock, &PublicAddress::new(&public_url)),
            outbound,
            hasher: HASHER.clone(),
            api_keys: ApiKeys::new(&clock, &changes),
            cookie_key: Key::generate(),
            limits: SessionLimits { idle: Duration::from_secs(3600), lifetime: Duration::from_secs(12 * 3600) },
            resources: ResourceLimits::default(),
            retention: Retention(30),
            metrics: Metrics {
                handle: PrometheusBuilder::new().build_recorder().handle(),
                token: Some(Secret::new(METRICS_TOKEN.into())),
            },
            channels: Channels::none(),
            first_run: FirstRun::new(),
            public_url,
            changes,
            about: About {
                instance: Uuid::now_v7(),
                started_at: clock.now(),
                settings: Config::of([("HOME", "/home/ana")]).expect("settings").settings,
                private_data: None,
                exposed_database: None,
                is_root: false,
                pools: Pools::default(),
            },
            clock,
            legacy_grants: LegacyGrants::default(),
        };
        change(&mut site);
        let keeper = site.keeper().expect("a keeper of tokens");
        let call_log = site.call_log().expect("a call log");
        let courier = site.courier().expect("a courier");
        let checker = site.checker(&keeper).expect("a checker");
        let server = app::serve(site.clone(), keeper.clone(), call_log.clone(), listener).expect("a server");
        TestApp {
            clock: site.clock,
            vault: site.vault,
            keeper,
            call_log,
            courier,
            checker,
            hasher: site.hasher,
            api_keys: site.api_keys,
            limits: site.limits,
            retention: site.retention,
            first_run: site.first_run,
            about: site.about,
            address,
            public_url: site.public_url,
            people: AtomicU32::new(0),
            founder: OnceCell::new(),
            http: http_client(None),
            // What tests do themselves may take as long as it needs.
            db: Db::with_limit(&database.url, 2, COMMAND).expect("a pool"),
            sql: OnceCell::new(),
            server: tokio::spawn(async { server.await.expect("the server runs") }),
            hearing: tokio::spawn(site.changes.clone().run()),
            changes: site.changes,
            database,
            _room: room,
        }
    }

    /// Somebody who has not signed in.
    pub fn browser(&self) -> Browser {
        Browser::new(self.http.clone(), self.address, &self.public_url)
    }

    /// The same on another machine of the network.
    pub fn browser_at(&self, address: IpAddr) -> Browser {
        Browser::new(http_client(Some(address)), self.address, &self.public_url)
    }

    /// A connection as the program's own queries take it.
    pub async fn conn(&self) -> Connection {
        self.db.get().await.expect("a connection")
    }

    /// Does once what the program does in the background.
    pub async fn run_due_work(&self) {
        let due_work = app::run_due_work(&self.db, self.limits, self.retention, &self.api_keys, self.clock.now());
        due_work.await.expect("the background work");
        self.keeper.renew_due().await.expect("the renewals");
    }

    /// Tells the other instances that this one is there, as the program does every few seconds.
    pub async fn sign_on(&self) {
        let master = MasterKey::parse(self.master_key()).expect("a master key");
        let instance = Instance {
            id: self.about.instance,
            address: self.address,
            started_at: self.about.started_at,
            vault: self.vault.clone(),
            masters: Arc::new(MasterKeys::only(master)),
        };
        app::refresh_keys(&self.db, &self.clock, &instance).await.expect("the instance is told of");
    }

    /// What one more instance of the program on this database keeps tokens with.
    pub fn another_keeper(&self) -> TokenKeeper {
        self.another_keeper_with(LegacyGrants::default())
    }

    /// The same where these legacy grants are left on.
    pub fn another_keeper_with(&self, grants: LegacyGrants) -> TokenKeeper {
        let db = Db::new(&self.database.url, 2).expect("a pool");
        let (vault, clock) = (self.vault.clone(), self.clock.clone());
        let policy = Policy { allow_loopback: true, ..Policy::default() };
        let outbound = Outbound::new(policy).expect("a runtime");
        TokenKeeper::new(db, vault, outbound, clock, grants, Handle::current())
    }

    /// One more instance of the program on this database: a process of its own, which is killed when dropped.
    pub fn another_program(&self) -> Installation {
        Installation::new()
            .set("DATABASE_URL", &self.database.url)
            .set("CONNECTORY_MASTER_KEY", &self.database.master_key)
            .set("CONNECTORY_DATABASE_CONNECTIONS", "8")
            .set("CONNECTORY_OUTBOUND_LOOPBACK", "yes")
    }

    /// One more log of calls on this database, as another process has.
    pub fn another_call_log(&self) -> CallLog {
        CallLog::new(Db::new(&self.database.url, 1).expect("a pool"), &self.clock, &self.changes)
    }

    pub fn database_url(&self) -> &str {
        &self.database.url
    }

    /// The master key as an administrator sets it.
    pub fn master_key(&self) -> &str {
        &self.database.master_key
    }

    pub fn advance(&self, time: TimeDelta) {
        self.clock.advance(time);
    }

    /// Creates a No Auth connector in Uncategorized, and gives its id. Its key is the name's slug.
    pub async fn connector(&self, name: &str) -> Uuid {
        self.connector_with(name, |_| {}).await
    }

    /// Creates a connector that differs from the usual one.
    pub async fn connector_with(&self, name: &str, change: impl FnOnce(&mut NewConnector)) -> Uuid {
        let mut new = NewConnector {
            key: None,
            id: Uuid::now_v7(),
            details: Details {
                name: connectors::parse_name(name).expect("a name"),
                display_name: String::new(),
                description: format!("What {name} is for"),
                base_url: Some(HttpUrl::parse("https://api.example.org/v1").expect("an address")),
                enabled: true,
                stewardship: Stewardship::default(),
            },
            method: Method::NoAuth,
            categories: vec![categories::UNCATEGORIZED],
        };
        change(&mut new);
        connectors::insert(
            &mut Change { conn: &mut *self.conn().await, by: &Actor::command_line(), now: self.clock.now() },
            &new,
        )
        .await
        .expect("a new connector");
        new.id
    }

    /// Creates an active category, and gives its id.
    pub async fn category(&self, name: &str) -> Uuid {
        self.category_with(name, CategoryStatus::Active).await
    }

    pub async fn category_with(&self, name: &str, status: CategoryStatus) -> Uuid {
        let id = Uuid::now_v7();
        let name = Name::parse(name, 100).expect("a name");
        let (mut conn, by) = (self.conn().await, Actor::command_line());
        let change = &mut Change { conn: &mut conn, by: &by, now: self.clock.now() };
        categories::insert(change, id, &name, status).await.expect("a new category");
        id
    }

    /// Cuts all connections to the database but the test's own, and lets nobody connect any more.
    pub async fn take_database_away(&self) {
        self.allow_connections(false).await;
        self.cut_connections().await;
    }

    pub async fn give_database_back(&self) {
        self.allow_connections(true).await;
    }

    /// Ends all connections to the database but the test's own, and waits until they have ended.
    pub async fn cut_connections(&self) {
        self.sql(
            "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity
             WHERE datname = current_database() AND pid <> pg_backend_pid()",
        )
        .await;
    }

    /// From another database, because nobody may lock themselves out.
    async fn allow_connections(&self, allow: bool) {
        self.sql("SELECT 1").await;
        let (server, name) = (self.database.url.rsplit_once(" dbname=")).expect("a name");
        let outside = connect(&format!("{server} dbname=postgres")).await;
        let alter = format!("ALTER DATABASE {name} WITH ALLOW_CONNECTIONS {allow}");
        outside.batch_execute(&alter).await.expect("the owner may");
    }

    /// The rows that were read so far of the tables whose names are like this. Connections of the site tell when they
    /// end, this one when asked; the site must have one connection and opens it anew as soon as it finds it closed.
    pub async fn rows_read(&self, visitor: &Browser, tables: &str) -> i64 {
        self.sql("SELECT pg_stat_force_next_flush()").await;
        let others = "FROM pg_stat_activity WHERE datname = current_database() AND backend_type = 'client backend' AND application_name <> 'connectory notices' AND pid <> pg_backend_pid()";
        self.sql(&format!("SELECT pg_terminate_backend(pid) {others}")).await;
        while self.count(&format!("SELECT count(*) {others}")).await > 0 {}
        while visitor.get("/readyz").await.status != 200 {}
        self.count(&format!(
            "SELECT sum(seq_tup_read + idx_tup_fetch)::bigint FROM pg_stat_user_tables WHERE relname LIKE '{tables}'"
        ))
        .await
    }

    /// Runs statements behind the site's back.
    pub async fn sql(&self, statements: &str) {
        self.try_sql(statements).await.unwrap_or_else(|refusal| panic!("{statements}: {refusal}"));
    }

    /// What the database says to statements that it refuses.
    pub async fn try_sql(&self, statements: &str) -> Result<(), String> {
        let message = |error: tokio_postgres::Error| {
            error.as_db_error().map_or(error.to_string(), |error| error.message().to_string())
        };
        self.client().await.batch_execute(statements).await.map_err(message)
    }

    /// The rows of a query as text, NULL as "".
    pub async fn rows(&self, query: &str) -> Vec<Vec<String>> {
        let messages =
            self.client().await.simple_query(query).await.unwrap_or_else(|error| panic!("{query}: {error:?}"));
        let rows = messages.iter().filter_map(|message| match message {
            SimpleQueryMessage::Row(row) => Some(row),
            _ => None,
        });
        rows.map(|row| (0..row.len()).map(|column| row.get(column).unwrap_or_default().to_string()).collect()).collect()
    }

    /// The first value of a query.
    pub async fn value(&self, query: &str) -> String {
        self.rows(query).await.into_iter().flatten().next().unwrap_or_default()
    }

    /// The number that a query gives.
    pub async fn count(&self, query: &str) -> i64 {
        self.value(query).await.parse().unwrap_or_else(|_| panic!("no number: {query}"))
    }

    /// Waits until somebody in this site's database waits for a row that another transaction holds.
    pub async fn until_a_lock_is_waited_for(&self) {
        const WAITING: &str =
            "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'";
        let looking = async {
            while self.count(WAITING).await == 0 {
                tokio::time::sleep(Duration::from_millis(2)).await;
            }
        };
        let found = tokio::time::timeout(Duration::from_secs(60), looking).await;
        found.expect("nobody waits for a lock");
    }

    async fn client(&self) -> &tokio_postgres::Client {
        self.sql.get_or_init(|| connect(&self.database.url)).await
    }
}

impl Drop for TestApp {
    fn drop(&mut self) {
        self.server.abort();
        self.hearing.abort();
    }
}

pub(super) fn http_client(from: Option<IpAddr>) -> reqwest::Client {
    let builder = reqwest::Client::builder().no_proxy().redirect(reqwest::redirect::Policy::none()).local_address(from);
    builder.build().expect("an HTTP client")
}
