//! One private PostgreSQL for the whole run, and in it a database of its own for every site.
//!
//! The server belongs to a thread that lives as long as the process, because the kernel ends it with the thread that
//! started it. Its folder is removed by a small process that waits for ours to end, however it ends.

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::SyncSender;
use std::sync::{Arc, LazyLock};

use connectory::db;
use connectory::db::private::{PrivatePostgres, Settings};
use connectory::vault::{MasterKey, MasterKeys, Vault, WrappedKey};
use std::os::unix::process::CommandExt;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio::sync::oneshot;
use tokio_postgres::{Client, NoTls};
use uuid::Uuid;

static SERVER: LazyLock<Server> = LazyLock::new(Server::start);

/// A migrated database of one site; dropped with it.
pub struct TestDatabase {
    pub url: String,
    /// Opens what this database's data key has sealed.
    pub vault: Vault,
    /// The master key as an administrator sets it.
    pub master_key: String,
    name: String,
}

impl TestDatabase {
    pub async fn create() -> TestDatabase {
        let server = &*SERVER;
        let (done, created) = oneshot::channel();
        server.order(Order::Create(done));
        let name = created.await.expect("a database for the test");
        let url = format!("{} dbname={name}", server.address);
        TestDatabase { url, vault: server.vault(), master_key: server.master_key.clone(), name }
    }
}

impl Drop for TestDatabase {
    fn drop(&mut self) {
        SERVER.order(Order::Drop(self.name.clone()));
    }
}

/// A client of `url`, for looking behind the pages.
pub async fn connect(url: &str) -> Client {
    let (client, connection) = tokio_postgres::connect(url, NoTls).await.expect("a database connection");
    tokio::spawn(connection);
    client
}

enum Order {
    Create(oneshot::Sender<String>),
    Drop(String),
}

struct Server {
    /// The connection string without a database.
    address: String,
    data_key: WrappedKey,
    master_key: String,
    orders: UnboundedSender<Order>,
}

impl Server {
    fn start() -> Server {
        let (orders, inbox) = unbounded_channel();
        let (ready, started) = std::sync::mpsc::sync_channel(1);
        std::thread::Builder::new()
            .name("database".into())
            .spawn(move || run(&ready, inbox))
            .expect("a thread for the database");
        let (address, data_key, master_key) =
            started.recv().expect("the private PostgreSQL starts; its own message stands above");
        Server { address, data_key, master_key, orders }
    }

    /// A vault of its own for a site: what one learns, the others do not.
    fn vault(&self) -> Vault {
        let master = MasterKey::parse(&self.master_key).expect("a master key");
        Vault::unlock(&MasterKeys::only(master), std::slice::from_ref(&self.data_key)).expect("the data key opens")
    }

    fn order(&self, order: Order) {
        // Only a database thread that has panicked takes no orders, and it has said why.
        _ = self.orders.send(order);
    }
}

/// The life of the database's thread.
#[expect(clippy::zombie_processes, reason = "the janitor outlives this process")]
fn run(ready: &SyncSender<(String, WrappedKey, String)>, mut inbox: UnboundedReceiver<Order>) {
    let folder = std::env::temp_dir().join(format!("connectory-it-{}", Uuid::now_v7()));
    let _janitor = janitor(&folder);
    let postgres = PrivatePostgres::start_with(&folder, &Settings { durable: false, ..Settings::default() })
        .expect("a private PostgreSQL");
    let url = postgres.url();
    let (address, template) = url.rsplit_once(" dbname=").expect("the database's name stands last");
    // Migrating blocks its thread, which only a runtime with others allows.
    let runtime =
        tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().expect("a runtime");
    runtime.block_on(async {
        db::migrate(&url).await.expect("the migrations");
        let (data_key, master_key) = store_data_key(&url).await;
        // From outside the template, because a database in use cannot be copied.
        let outside = format!("{address} dbname=postgres");
        let (creating, dropping) = (connect(&outside).await, Arc::new(connect(&outside).await));
        ready.send((address.to_string(), data_key, master_key)).expect("somebody waits for the database");
        let mut next = copy(&creating, template).await;
        while let Some(order) = inbox.recv().await {
            match order {
                Order::Create(done) => {
                    // A test that is gone does not wait for its database.
                    _ = done.send(next);
                    // The next one is made while this one is used.
                    next = copy(&creating, template).await;
                }
                Order::Drop(name) => _ = tokio::spawn(drop_database(Arc::clone(&dropping), name)),
            }
        }
    });
}

async fn copy(client: &Client, template: &str) -> String {
    let name = format!("t_{}", Uuid::now_v7().simple());
    client.batch_execute(&format!("CREATE DATABASE {name} TEMPLATE {template}")).await.expect("a copy of the template");
    name
}

async fn drop_database(client: Arc<Client>, name: String) {
    client.batch_execute(&format!("DROP DATABASE {name} WITH (FORCE)")).await.expect("the database can be dropped");
}

/// Every database starts with the same data key, under a master key of this run.
async fn store_data_key(url: &str) -> (WrappedKey, String) {
    let digits: String = (0..4).map(|_| format!("{:016x}", rand::random::<u64>())).collect();
    let master = MasterKey::parse(&digits).expect("a master key");
    let key = Vault::create_key(&master, 1).expect("a data key");
    let client = connect(url).await;
    let insert = "INSERT INTO data_keys (id, master_key_id, wrapped, created_at, activated_at) VALUES ($1, $2, $3, now(), now())";
    client.execute(insert, &[&key.id, &key.master_key_id, &key.wrapped]).await.expect("the data key is stored");
    (key, digits)
}

/// Removes the folder when this process has ended and its server has stopped. The pipe that it reads from closes at
/// the end of this process even if that is killed; in a group of its own it survives the terminal's Ctrl-C.
fn janitor(folder: &Path) -> Child {
    let script = r#"cat; read -r server < "$0/cluster/postmaster.pid" && timeout 30 tail --pid="$server" -s 0.05 -f /dev/null; rm -rf "$0""#;
    Command::new("sh")
        .args(["-c", script])
        .arg(PathBuf::from(folder))
        .current_dir("/")
        .process_group(0)
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .expect("a shell that cleans up")
}
