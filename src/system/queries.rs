//! What the database says of itself.

use chrono::{DateTime, Utc};
use diesel::QueryableByName;
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Bool, Integer, Nullable, Text, Timestamptz};
use diesel_async::RunQueryDsl;

use crate::db::Conn;
use crate::db::schema::{audit_queue, connectors};
use crate::web::Error;

/// The server, and the connection that asks it.
#[derive(QueryableByName)]
pub(super) struct Server {
    #[diesel(sql_type = Text)]
    pub version: String,
    #[diesel(sql_type = Text)]
    pub database: String,
    #[diesel(sql_type = Text)]
    pub username: String,
    /// `None`: reached by a socket of this machine.
    #[diesel(sql_type = Nullable<Text>)]
    pub address: Option<String>,
    #[diesel(sql_type = Nullable<Integer>)]
    pub port: Option<i32>,
    #[diesel(sql_type = Timestamptz)]
    pub started_at: DateTime<Utc>,
    /// Bytes of the whole database.
    #[diesel(sql_type = BigInt)]
    pub size: i64,
    /// Connections to this database, of whomever.
    #[diesel(sql_type = BigInt)]
    pub connections: i64,
    /// Connections to all databases of the server.
    #[diesel(sql_type = BigInt)]
    pub all_connections: i64,
    /// Connections that the server takes for all its databases.
    #[diesel(sql_type = Integer)]
    pub most_connections: i32,
    /// The version of TLS; `None`: not encrypted.
    #[diesel(sql_type = Nullable<Text>)]
    pub tls: Option<String>,
    /// Whether a commit is on the disk before it is acknowledged.
    #[diesel(sql_type = Bool)]
    pub is_durable: bool,
}

/// Of connections by other roles the server tells an ordinary one whose they are and to which database, and not of what
/// kind.
pub(super) async fn server(conn: &Conn) -> Result<Server, Error> {
    let sql = "SELECT current_setting('server_version') AS version, current_database()::text AS database, session_user::text AS username,
            host(inet_server_addr()) AS address, inet_server_port() AS port, pg_postmaster_start_time() AS started_at,
            pg_database_size(current_database()) AS size,
            (SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND backend_type = 'client backend') AS connections,
            (SELECT count(*) FROM pg_stat_activity WHERE datname IS NOT NULL AND usesysid IS NOT NULL AND coalesce(backend_type, 'client backend') = 'client backend') AS all_connections,
            current_setting('max_connections')::integer AS most_connections,
            (SELECT version FROM pg_stat_ssl WHERE pid = pg_backend_pid() AND ssl) AS tls,
            current_setting('fsync')::boolean AND current_setting('full_page_writes')::boolean AND current_setting('synchronous_commit') <> 'off' AS is_durable";
    Ok(diesel::sql_query(sql).get_result(&mut &*conn).await?)
}

#[derive(QueryableByName)]
struct Clock {
    #[diesel(sql_type = Timestamptz)]
    now: DateTime<Utc>,
}

/// The database's clock.
pub(super) async fn clock(conn: &Conn) -> Result<DateTime<Utc>, Error> {
    let clock: Clock = diesel::sql_query("SELECT clock_timestamp() AS now").get_result(&mut &*conn).await?;
    Ok(clock.now)
}

/// A table with its indexes; the partitions of one are counted together under its name.
#[derive(QueryableByName)]
pub(super) struct Table {
    #[diesel(sql_type = Text)]
    pub name: String,
    #[diesel(sql_type = BigInt)]
    pub size: i64,
    /// As the server estimates them.
    #[diesel(sql_type = BigInt)]
    pub rows: i64,
}

/// All tables, the biggest first.
pub(super) async fn tables(conn: &Conn) -> Result<Vec<Table>, Error> {
    let sql = "SELECT coalesce(whole.relname, part.relname)::text AS name,
            sum(pg_total_relation_size(part.oid))::bigint AS size,
            sum(greatest(part.reltuples::bigint, pg_stat_get_live_tuples(part.oid), 0))::bigint AS rows
        FROM pg_class part
        LEFT JOIN pg_inherits ON inhrelid = part.oid
        LEFT JOIN pg_class whole ON whole.oid = inhparent
        WHERE part.relkind = 'r' AND part.relnamespace = current_schema()::regnamespace
        GROUP BY 1 ORDER BY size DESC, name";
    Ok(diesel::sql_query(sql).load(&mut &*conn).await?)
}

/// A migration that was applied.
#[derive(QueryableByName)]
pub(super) struct Migrated {
    /// As [`crate::db::migrations`] has it.
    #[diesel(sql_type = Text)]
    pub version: String,
    #[diesel(sql_type = Timestamptz)]
    pub at: DateTime<Utc>,
}

/// Those of this database, the oldest first.
pub(super) async fn migrated(conn: &Conn) -> Result<Vec<Migrated>, Error> {
    let sql = "SELECT version::text, run_on::timestamptz AS at FROM __diesel_schema_migrations ORDER BY version";
    Ok(diesel::sql_query(sql).load(&mut &*conn).await?)
}

/// Lines of the audit log that are not linked yet.
pub(super) async fn unlinked(conn: &Conn) -> Result<i64, Error> {
    Ok(audit_queue::table.count().get_result(&mut &*conn).await?)
}

/// Connectors that are sent to without checking certificates.
pub(super) async fn unchecked(conn: &Conn) -> Result<i64, Error> {
    let unchecked =
        connectors::table.filter(connectors::deleted_at.is_null()).filter(connectors::verify_certificates.eq(false));
    Ok(unchecked.count().get_result(&mut &*conn).await?)
}
