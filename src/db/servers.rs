//! The servers that a database URL names: each is tried within a time limit, the one that answered last first, over TLS
//! where the URL asks for it.
//!
//! Danger: the kernel accepts connections for a server that is frozen, which then never answers. The driver's
//! `connect_timeout` ends before that, so the limit here is around everything until the server says that it is ready.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use diesel::{ConnectionError, ConnectionResult};
use futures_util::StreamExt;
use futures_util::stream::{BoxStream, poll_fn};
use rand::seq::SliceRandom;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio_postgres::config::{Host, LoadBalanceHosts, SslMode};
use tokio_postgres::{AsyncMessage, Client, Config, Connection, NoTls};
use tokio_postgres_rustls::MakeRustlsConnect;

/// The servers of one URL.
pub struct Servers {
    /// One configuration for each server, in the order of the URL.
    each: Vec<Config>,
    /// The server that was connected to last.
    last: AtomicUsize,
}

impl Servers {
    /// Reads a URL or a list of `key=value`.
    pub fn parse(url: &str) -> Result<Servers, tokio_postgres::Error> {
        let config: Config = url.parse()?;
        let count = config.get_hosts().len().max(config.get_hostaddrs().len());
        let mut each: Vec<Config> = (0..count).map(|at| only(&config, at)).collect();
        if config.get_load_balance_hosts() == LoadBalanceHosts::Random {
            each.shuffle(&mut rand::rng());
        }
        Ok(Servers { each, last: AtomicUsize::new(0) })
    }

    /// Connects to the first server that accepts within its share of `limit`.
    pub async fn connect(&self, limit: Duration) -> ConnectionResult<(Client, Messages)> {
        let count = self.each.len();
        let share = limit / u32::try_from(count.max(1)).unwrap_or(u32::MAX);
        let first = self.last.load(Ordering::Relaxed);
        let mut refusal = ConnectionError::BadConnection("the URL names no server".into());
        for at in (0..count).map(|offset| (first + offset) % count) {
            match tokio::time::timeout(share, connect(&self.each[at])).await {
                Ok(Ok(connected)) => {
                    self.last.store(at, Ordering::Relaxed);
                    return Ok(connected);
                }
                Ok(Err(error)) => refusal = error,
                Err(_) => {
                    let said = format!("server {} did not answer within {share:?}", at + 1);
                    refusal = ConnectionError::BadConnection(said);
                }
            }
        }
        Err(refusal)
    }
}

/// The configuration of one of the servers: the driver itself has no time limit for each.
fn only(config: &Config, at: usize) -> Config {
    let mut one = Config::new();
    if let Some(user) = config.get_user() {
        one.user(user);
    }
    if let Some(password) = config.get_password() {
        one.password(password);
    }
    if let Some(name) = config.get_dbname() {
        one.dbname(name);
    }
    if let Some(options) = config.get_options() {
        one.options(options);
    }
    if let Some(name) = config.get_application_name() {
        one.application_name(name);
    }
    match config.get_hosts().get(at) {
        Some(Host::Tcp(name)) => _ = one.host(name),
        Some(Host::Unix(path)) => _ = one.host_path(path),
        None => {}
    }
    if let Some(address) = config.get_hostaddrs().get(at) {
        one.hostaddr(*address);
    }
    let ports = config.get_ports();
    if let Some(port) = ports.get(at).or(ports.first()) {
        one.port(*port);
    }
    if let Some(time) = config.get_connect_timeout() {
        one.connect_timeout(*time);
    }
    if let Some(time) = config.get_tcp_user_timeout() {
        one.tcp_user_timeout(*time);
    }
    if let Some(time) = config.get_keepalives_interval() {
        one.keepalives_interval(time);
    }
    if let Some(retries) = config.get_keepalives_retries() {
        one.keepalives_retries(retries);
    }
    one.keepalives(config.get_keepalives())
        .keepalives_idle(config.get_keepalives_idle())
        .ssl_mode(config.get_ssl_mode())
        .ssl_negotiation(config.get_ssl_negotiation())
        .target_session_attrs(config.get_target_session_attrs())
        .channel_binding(config.get_channel_binding())
        .load_balance_hosts(config.get_load_balance_hosts());
    one
}

/// What a server sends unasked, and the connection's end. Reading it drives the connection.
pub type Messages = BoxStream<'static, Result<AsyncMessage, tokio_postgres::Error>>;

/// Opens a connection; reading its messages drives it. `sslmode=require` checks the server's certificate
/// against the machine's CA certificates: encryption to an unknown server protects nothing.
async fn connect(config: &Config) -> ConnectionResult<(Client, Messages)> {
    if config.get_ssl_mode() == SslMode::Require {
        let tls = MakeRustlsConnect::new(tls_config()?);
        let (client, connection) = config.connect(tls).await.map_err(refused)?;
        return Ok((client, messages(connection)));
    }
    let (client, connection) = config.connect(NoTls).await.map_err(refused)?;
    Ok((client, messages(connection)))
}

fn messages<S, T>(mut connection: Connection<S, T>) -> Messages
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    T: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    poll_fn(move |context| connection.poll_message(context)).boxed()
}

fn tls_config() -> ConnectionResult<rustls::ClientConfig> {
    let mut roots = rustls::RootCertStore::empty();
    roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    let provider = std::sync::Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let config =
        rustls::ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions().map_err(refused)?;
    Ok(config.with_root_certificates(roots).with_no_client_auth())
}

/// The driver's own text is short ("error connecting to server"); the reason stands in its sources.
fn refused(error: impl std::error::Error) -> ConnectionError {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        text.push_str(": ");
        text.push_str(&cause.to_string());
        source = cause.source();
    }
    ConnectionError::BadConnection(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// All options that the driver reads, but host and port.
    const OPTIONS: &str = "user=ana&password=secret&dbname=other&options=-c%20work_mem%3D8MB&application_name=x\
        &sslmode=require&sslnegotiation=direct&connect_timeout=2&tcp_user_timeout=5&keepalives=0&keepalives_idle=9\
        &keepalives_interval=8&keepalives_retries=7&target_session_attrs=read-write&channel_binding=require\
        &load_balance_hosts=disable";

    #[test]
    fn each_server_keeps_every_option_of_the_url() {
        let url = |hosts: &str, more: &str| format!("postgres://{hosts}/db?{OPTIONS}{more}");
        let servers = Servers::parse(&url("a,b:6000,%2Frun%2Fpg", "")).expect("servers");
        let alone = ["a:5432", "b:6000", "%2Frun%2Fpg:5432"];
        assert_eq!(servers.each.len(), alone.len());
        for (server, host) in servers.each.iter().zip(alone) {
            assert!(*server == url(host, "").parse().expect("one"), "{host}");
        }
        let servers = Servers::parse(&url("a,b", "&hostaddr=192.0.2.1,192.0.2.2")).expect("two");
        let second = url("b:5432", "&hostaddr=192.0.2.2").parse().expect("one");
        assert!(servers.each[1] == second);
    }

    #[tokio::test]
    async fn a_server_that_is_silent_costs_its_share_of_the_time() {
        // The kernel accepts connections; no server answers.
        let silent = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
        let port = silent.local_addr().expect("an address").port();
        let url = format!("postgres://127.0.0.1:{port},127.0.0.1:{port}/db?user=ana");
        let servers = Servers::parse(&url).expect("servers");
        let refused = servers.connect(Duration::from_millis(40)).await;
        let said = refused.err().expect("no connection").to_string();
        assert_eq!(said, "server 2 did not answer within 20ms");
    }
}
