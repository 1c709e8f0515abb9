//! The site that is called: a connector with a bearer token, and a program's key.

use std::fs;
use std::net::SocketAddr;

use anyhow::Context;
use connectory::access::{Actor, ApiKey};
use connectory::audit::Change;
use connectory::authorization::{NewToken, origins_in_use, store_token};
use connectory::categories;
use connectory::clock::Clock;
use connectory::connectors::{self, Details, Method, NewConnector, Stewardship};
use connectory::db::Db;
use connectory::db::private::PrivatePostgres;
use connectory::outbound::HttpUrl;
use connectory::vault::{MasterKey, MasterKeys, Secret, Vault, WrappedKey};
use tokio::runtime::Runtime;
use tokio_postgres::{Client, NoTls};
use uuid::Uuid;

use super::folder::Folder;

pub struct Site {
    address: SocketAddr,
    key: String,
    database: String,
    runtime: Runtime,
}

impl Site {
    /// Makes a connector that leads to this API, and a key that may call it.
    pub fn prepare(folder: &Folder, address: SocketAddr, api: &str, token: &str) -> anyhow::Result<Site> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let database =
            PrivatePostgres::url_if_running(&folder.data_dir()).context("the private PostgreSQL does not run")?;
        let key = ApiKey::random();
        let site = Site { address, key: key.expose().to_string(), database, runtime };
        site.runtime.block_on(async {
            let client = site.connect().await?;
            let vault = unlock(folder, &client).await?;
            site.connector(&vault, api, token).await?;
            store_key(&client, &key).await
        })?;
        Ok(site)
    }

    async fn connect(&self) -> anyhow::Result<Client> {
        let (client, connection) = tokio_postgres::connect(&self.database, NoTls).await?;
        tokio::spawn(connection);
        Ok(client)
    }

    async fn connector(&self, vault: &Vault, api: &str, token: &str) -> anyhow::Result<()> {
        let db = Db::new(&self.database, 1)?;
        let (by, now) = (Actor::command_line(), Clock::system().now());
        let new = NewConnector {
            key: None,
            id: Uuid::now_v7(),
            details: Details {
                name: connectors::parse_name("Bench")?,
                display_name: String::new(),
                description: String::new(),
                base_url: Some(HttpUrl::parse(api)?),
                enabled: true,
                stewardship: Stewardship::default(),
            },
            method: Method::Bearer,
            categories: vec![categories::UNCATEGORIZED],
        };
        let mut conn = db.get().await?;
        let change = &mut Change { conn: &mut conn, by: &by, now };
        connectors::insert(change, &new).await.map_err(|error| anyhow::anyhow!("{error:?}"))?;
        let token = NewToken::fixed(Secret::new(token.to_string()));
        let origins = origins_in_use(change.conn, new.id).await.map_err(|error| anyhow::anyhow!("{error:?}"))?;
        store_token(change, vault, new.id, &token, &origins).await.map_err(|error| anyhow::anyhow!("{error:?}"))
    }

    pub fn url(&self, path: &str) -> String {
        format!("http://{}/api/v1/connectors/bench/proxy/{path}", self.address)
    }

    pub fn address(&self) -> SocketAddr {
        self.address
    }

    pub fn headers(&self) -> Vec<String> {
        vec![format!("Authorization: Bearer {}", self.key)]
    }

    /// How many calls stand in the log.
    pub fn calls_logged(&self) -> anyhow::Result<i64> {
        self.runtime.block_on(async {
            let row = self.connect().await?.query_one("SELECT count(*) FROM calls", &[]).await?;
            Ok(row.try_get(0)?)
        })
    }
}

async fn unlock(folder: &Folder, client: &Client) -> anyhow::Result<Vault> {
    let text = fs::read_to_string(folder.data_dir().join("master.key"))?;
    let master = MasterKey::parse(text.trim())?;
    let select = "SELECT id, master_key_id, wrapped, activated_at IS NOT NULL FROM data_keys ORDER BY id";
    let rows = client.query(select, &[]).await?;
    let keys: Vec<WrappedKey> = rows
        .iter()
        .map(|row| WrappedKey { id: row.get(0), master_key_id: row.get(1), wrapped: row.get(2), is_active: row.get(3) })
        .collect();
    Ok(Vault::unlock(&MasterKeys::only(master), &keys)?)
}

async fn store_key(client: &Client, key: &ApiKey) -> anyhow::Result<()> {
    let (program, id, scope) = (Uuid::now_v7(), Uuid::now_v7(), Uuid::now_v7());
    let hash: String = key.hash().iter().map(|byte| format!("{byte:02x}")).collect();
    let statements = format!(
        "INSERT INTO programs (id, name, name_key, searched, created_at, created_by, updated_at, updated_by)
            VALUES ('{program}', 'Bench', 'bench', ' bench', now(), 'bench', now(), 'bench');
         INSERT INTO api_keys (id, hash, prefix, name, program_id, created_at, created_by)
            VALUES ('{id}', '\\x{hash}', '{}', 'bench', '{program}', now(), 'bench');
         INSERT INTO api_key_scopes (id, api_key_id, proxy) VALUES ('{scope}', '{id}', true)",
        key.prefix()
    );
    client.batch_execute(&statements).await?;
    // Half of them is for one key, which makes all calls.
    let calls_at_once = "UPDATE authorizations SET concurrency = 1000";
    client.batch_execute(calls_at_once).await?;
    Ok(())
}
