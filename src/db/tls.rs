//! Connections to the database, over TLS where its address asks for it.

use diesel::{ConnectionError, ConnectionResult};
use futures_util::StreamExt;
use futures_util::stream::{BoxStream, poll_fn};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio_postgres::config::SslMode;
use tokio_postgres::{AsyncMessage, Client, Config, Connection, NoTls};
use tokio_postgres_rustls::MakeRustlsConnect;

/// What a server sends unasked, and the connection's end. Reading it drives the connection.
pub(super) type Messages = BoxStream<'static, Result<AsyncMessage, tokio_postgres::Error>>;

/// Opens a connection, which is driven by whoever reads its messages. `sslmode=require` checks the server's certificate
/// against the machine's CA certificates: encryption to a server of unknown name would protect from nobody.
pub(super) async fn connect(config: &Config) -> ConnectionResult<(Client, Messages)> {
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
