//! The connectors in the database: made by SQL, as the program would have written them.

use anyhow::{Context, ensure};
use connectory::db::keyset::Cursor;
use connectory::db::private::PrivatePostgres;
use connectory::name::{fold, key, searched};
use tokio::task::JoinHandle;
use tokio_postgres::{Client, NoTls, SimpleQueryMessage};

use super::folder::Folder;

/// A word in every tenth connector.
pub const FREQUENT: &str = "payroll";

/// A word in three connectors.
pub const RARE: &str = "zeppelin";

/// The durable change of one row, which a save is compared with; each client of pgbench has a row of its own.
pub const UPDATE: &str = "UPDATE bench_rows SET n = n + 1 WHERE id = :client_id";

const FILL: &str = include_str!("fill.sql");

pub struct Data {
    client: Client,
    connection: JoinHandle<Result<(), tokio_postgres::Error>>,
    rows: i64,
}

/// A connector that is saved over and over.
#[derive(Clone)]
pub struct Editable {
    pub key: String,
    pub version: i32,
    name: String,
    display_name: String,
    base_url: String,
    categories: Vec<String>,
}

impl Data {
    pub async fn open(folder: &Folder) -> anyhow::Result<Data> {
        let url = PrivatePostgres::url_if_running(&folder.data_dir()).context("the private PostgreSQL does not run")?;
        let (client, connection) = tokio_postgres::connect(&url, NoTls).await?;
        let data = Data { client, connection: tokio::spawn(connection), rows: 0 };
        data.client.batch_execute(include_str!("prepare.sql")).await?;
        Ok(data)
    }

    /// How many connectors there are.
    pub fn rows(&self) -> i64 {
        self.rows
    }

    /// Adds connectors until there are `rows`.
    pub async fn fill_up_to(&mut self, rows: i64) -> anyhow::Result<()> {
        let fill = FILL.replace("{from}", &(self.rows + 1).to_string()).replace("{to}", &rows.to_string());
        self.client.batch_execute(&fill).await?;
        // Outside the transaction that several statements in one go make.
        self.client
            .batch_execute("VACUUM ANALYZE connectors, connector_categories, authorizations, categories")
            .await?;
        self.rows = rows;
        self.check().await
    }

    /// What the program computes of a connector must be what the SQL made of it.
    async fn check(&self) -> anyhow::Result<()> {
        let rows = self
            .client
            .query("SELECT name, name_key, display_name, description, own_folded, category_names, category_names_folded FROM connectors ORDER BY random() LIMIT 100", &[])
            .await?;
        for row in rows {
            let [name, name_key, display_name, description, own_folded, categories, categories_folded]: [String; 7] =
                std::array::from_fn(|column| row.get(column));
            ensure!(name_key == key(&name), "{name} has another key");
            ensure!(own_folded == searched(&[&name, &display_name, &description]), "{name} is folded otherwise");
            ensure!(categories_folded == fold(&categories), "{categories} is folded otherwise");
            ensure!((60..=150).contains(&description.chars().count()), "“{description}” is too short or too long");
        }
        for (word, wanted) in [(RARE, 3), (FREQUENT, self.rows / 10)] {
            let found =
                self.value(&format!("SELECT count(*) FROM connectors WHERE search_text LIKE '%{word}%'")).await?;
            ensure!(found == Some(wanted.to_string()), "{word} is in {found:?} connectors");
        }
        Ok(())
    }

    /// The first column of a query, as text.
    pub async fn column(&self, sql: &str) -> anyhow::Result<Vec<String>> {
        let messages = self.client.simple_query(sql).await.with_context(|| sql.to_string())?;
        let values = messages.iter().filter_map(|message| match message {
            SimpleQueryMessage::Row(row) => Some(row.get(0).unwrap_or_default().to_string()),
            _ => None,
        });
        Ok(values.collect())
    }

    /// The first value of a query, as text.
    pub async fn value(&self, sql: &str) -> anyhow::Result<Option<String>> {
        Ok(self.column(sql).await?.into_iter().next())
    }

    /// Runs statements.
    pub async fn run(&self, sql: &str) -> anyhow::Result<()> {
        Ok(self.client.batch_execute(sql).await?)
    }

    /// The place in the middle of the records by their price, as it stands in an address.
    pub async fn middle_record(&self) -> anyhow::Result<String> {
        let sql = "SELECT sort_key, record_id::text FROM record_members WHERE member = 'price'
            ORDER BY sort_key, record_id OFFSET (SELECT count(*) / 2 FROM records) LIMIT 1";
        let row = self.client.query_one(sql, &[]).await?;
        Ok(Cursor { value: row.get(0), id: row.get::<_, String>(1).parse()? }.encode())
    }

    /// The place in the middle of the list by name.
    pub async fn middle(&self) -> anyhow::Result<Cursor> {
        let row = self
            .client
            .query_one(
                "SELECT label, id::text FROM connectors WHERE deleted_at IS NULL ORDER BY label, id OFFSET $1 LIMIT 1",
                &[&(self.rows / 2)],
            )
            .await?;
        Ok(Cursor { value: row.get(0), id: row.get::<_, String>(1).parse()? })
    }

    /// Connectors to be saved.
    pub async fn editable(&self, number: usize) -> anyhow::Result<Vec<Editable>> {
        let sql = "SELECT key, version, name, display_name, base_url,
                (SELECT array_agg(category_id::text) FROM connector_categories WHERE connector_id = id)
            FROM connectors WHERE enabled ORDER BY md5(key) LIMIT $1";
        let rows = self.client.query(sql, &[&i64::try_from(number)?]).await?;
        Ok(rows
            .iter()
            .map(|row| Editable {
                key: row.get(0),
                version: row.get(1),
                name: row.get(2),
                display_name: row.get(3),
                base_url: row.get(4),
                categories: row.get(5),
            })
            .collect())
    }
}

impl Drop for Data {
    fn drop(&mut self) {
        self.connection.abort();
    }
}

impl Editable {
    /// The Details form with a changed description.
    pub fn form(&self, csrf: &str, version: i32) -> String {
        let version = version.to_string();
        let description = format!(
            "Keeps the figures of the quarter for the council, revision {version}, as agreed with the auditors."
        );
        let mut form = form_urlencoded::Serializer::new(String::new());
        form.extend_pairs([
            ("csrf", csrf),
            ("version", &version),
            ("connector_name", &self.name),
            ("display_name", &self.display_name),
            ("description", &description),
            ("base_url", &self.base_url),
            ("enabled", "1"),
        ]);
        form.extend_pairs(self.categories.iter().map(|id| ("category", id)));
        form.finish()
    }
}
