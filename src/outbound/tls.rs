//! TLS configurations: whom a connector trusts, and what it shows of itself.
//!
//! Rule: requests and "Test connection" are configured here and nowhere else, so that a test says
//! what a request will meet.
//!
//! Danger: a [`Verifier`] without authorities accepts every certificate. It is made in one place, for connectors whose
//! certificate checks are off.

use std::sync::{Arc, OnceLock};
use std::time::Duration;

use chrono::{DateTime, Utc};
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, aws_lc_rs};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{ClientConfig, DigitallySignedStruct, Error, RootCertStore, SignatureScheme};
use x509_cert::Certificate;
use x509_cert::der::Decode;
use x509_cert::name::Name;

use super::cache::Cache;
use super::chain_problem::explain;
use super::connect_time;
use super::error::{SendError, Stage};
use super::transport::Transport;
use super::trust::Trust;

/// How many configurations are cached, and how long, so that a change of the machine's authorities counts.
const CONFIGS: usize = 64;
const OLDEST: Duration = Duration::from_secs(3_600);

/// TLS configurations, built once for equal settings.
///
/// Building one costs some 30 ms (it reads the machine's authorities), and it remembers the sessions
/// that later connections resume. Only connections with equal settings may share one: a session that
/// was opened without checking a certificate must never be resumed where it is to be checked.
pub(super) struct TlsConfigCache {
    configs: Cache<(Transport, Arc<ClientConfig>)>,
    /// Held while one is built, so that many requests that begin at once do not all build.
    building: tokio::sync::Mutex<()>,
}

impl Default for TlsConfigCache {
    fn default() -> Self {
        Self { configs: Cache::new(CONFIGS, OLDEST), building: tokio::sync::Mutex::default() }
    }
}

impl TlsConfigCache {
    /// The configuration for these settings, built if need be.
    pub(super) async fn config(&self, transport: &Transport) -> Result<Arc<ClientConfig>, SendError> {
        if let Some(config) = self.find(transport) {
            return Ok(config);
        }
        let _only = self.building.lock().await;
        if let Some(config) = self.find(transport) {
            return Ok(config);
        }
        let settings = transport.clone();
        let build = move || config(&settings, Arc::new(Verifier::new(&settings)?));
        let built = tokio::task::spawn_blocking(build);
        let config = Arc::new(built.await.map_err(|_| SendError::stopping())??);
        self.configs.add((transport.clone(), Arc::clone(&config)));
        Ok(config)
    }

    fn find(&self, transport: &Transport) -> Option<Arc<ClientConfig>> {
        let found = self.configs.find(|(other, _)| other.trusts_like(transport))?;
        Some(Arc::clone(&found.1))
    }
}

/// The configuration of connections whose servers `verifier` judges: TLS 1.2 or 1.3, the connector's client certificate,
/// and HTTP/2 or HTTP/1.1, as the server chooses (RFC 7301).
pub(super) fn config(transport: &Transport, verifier: Arc<Verifier>) -> Result<ClientConfig, SendError> {
    let identity = transport.parse()?.identity;
    let config = ClientConfig::builder_with_provider(provider())
        .with_safe_default_protocol_versions()
        .map_err(no_authorities)?
        .dangerous()
        .with_custom_certificate_verifier(verifier);
    let mut config = match identity {
        None => config.with_no_client_auth(),
        Some((chain, key)) => config.with_client_auth_cert(chain, key).map_err(no_authorities)?,
    };
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    Ok(config)
}

/// A configuration with which no server is trusted, for connections that are not encrypted.
pub(super) fn none() -> Result<ClientConfig, SendError> {
    let config = ClientConfig::builder_with_provider(provider()).with_safe_default_protocol_versions();
    Ok(config.map_err(no_authorities)?.with_root_certificates(RootCertStore::empty()).with_no_client_auth())
}

fn provider() -> Arc<CryptoProvider> {
    Arc::new(aws_lc_rs::default_provider())
}

fn no_authorities(_: Error) -> SendError {
    SendError::new(
        Stage::Tls,
        "Connectory's machine has no certificate authorities to check servers with.",
        "Ask your administrator to install the package ca-certificates.",
    )
}

/// Judges a server's certificate by the connector's settings, and remembers it.
#[derive(Debug)]
pub(super) struct Verifier {
    /// `None`: certificate checks are off, and every certificate is accepted.
    trust: Option<Trust>,
    seen: OnceLock<CertificateDer<'static>>,
}

impl Verifier {
    pub(super) fn new(transport: &Transport) -> Result<Self, SendError> {
        let trust = transport.verify.then(|| Trust::new(transport, provider(), no_authorities));
        Ok(Self { trust: trust.transpose()?, seen: OnceLock::new() })
    }

    /// The server's own certificate, once the handshake was far enough.
    pub(super) fn leaf(&self, now: DateTime<Utc>) -> Option<Leaf> {
        Leaf::read(self.seen.get()?, now)
    }

    fn signature(
        &self,
        certificate: &CertificateDer<'_>,
        verify: impl FnOnce(&dyn ServerCertVerifier) -> Result<HandshakeSignatureValid, Error>,
    ) -> Result<HandshakeSignatureValid, Error> {
        match &self.trust {
            Some(trust) => verify(trust.authorities.as_ref()).map_err(|error| explain(error, certificate, &[])),
            None => Ok(HandshakeSignatureValid::assertion()),
        }
    }
}

impl ServerCertVerifier for Verifier {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server_name: &ServerName<'_>,
        _: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        self.seen.get_or_init(|| end_entity.clone().into_owned());
        connect_time::server_seen();
        if let Some(trust) = &self.trust {
            trust.check(end_entity, intermediates, server_name, now)?;
        }
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.signature(certificate, |all| all.verify_tls12_signature(message, certificate, signature))
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.signature(certificate, |all| all.verify_tls13_signature(message, certificate, signature))
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        provider().signature_verification_algorithms.supported_schemes()
    }
}

/// The longest name that is shown, in characters.
const LONGEST_NAME: usize = 200;

/// The certificate that a server shows for itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Leaf {
    /// Who issued it ("CN=Example CA,O=Example", RFC 4514), in the server's own words.
    pub issuer: String,
    /// The end of its validity (RFC 5280 4.1.2.5).
    pub not_after: DateTime<Utc>,
    /// Whole days until then; negative once it has expired.
    pub days_left: i64,
}

impl Leaf {
    /// `None` if the certificate cannot be read.
    pub(super) fn read(der: &CertificateDer<'_>, now: DateTime<Utc>) -> Option<Self> {
        let certificate = Certificate::from_der(der).ok()?.tbs_certificate;
        let end = certificate.validity.not_after.to_unix_duration().as_secs();
        let not_after = DateTime::from_timestamp(i64::try_from(end).ok()?, 0)?;
        let issuer = shown_name(&certificate.issuer);
        Some(Self { issuer, not_after, days_left: (not_after - now).num_seconds().div_euclid(86_400) })
    }
}

/// When the first certificate of a chain in PEM ends; `None` if it cannot be read.
pub fn certificate_end(chain_pem: &str) -> Option<DateTime<Utc>> {
    let first = CertificateDer::pem_slice_iter(chain_pem.as_bytes()).next()?.ok()?;
    Some(Leaf::read(&first, DateTime::UNIX_EPOCH)?.not_after)
}

/// A name of a certificate as it is shown.
pub(super) fn shown_name(name: &Name) -> String {
    name.to_string().chars().filter(|c| !c.is_control()).take(LONGEST_NAME).collect()
}

#[cfg(test)]
mod tests {
    use chrono::TimeDelta;
    use rcgen::{CertificateParams, DnType, KeyPair, date_time_ymd};

    use super::super::proxy::ProxyUrl;
    use super::super::url::UrlProblem;
    use super::*;

    #[tokio::test]
    async fn only_so_many_configurations_are_cached_and_the_last_used_stay() -> Result<(), UrlProblem> {
        let cache = TlsConfigCache::default();
        let unverified = Transport { verify: false, ..Transport::default() };
        let Ok(any) = cache.config(&unverified).await else {
            unreachable!("nothing has to be read for it");
        };
        let proxied = Transport { proxy: Some(ProxyUrl::parse("http://proxy.example")?.into()), ..unverified.clone() };
        let same = cache.config(&proxied).await.ok();
        assert!(same.is_some_and(|same| Arc::ptr_eq(&same, &any)));
        let other = |number: usize| Transport { ca_pem: Some(number.to_string()), ..unverified.clone() };
        for number in 1..=70 {
            assert!(cache.find(&other(1)).is_some() || number == 1);
            cache.configs.add((other(number), Arc::clone(&any)));
        }
        assert_eq!((1..=70).filter(|&number| cache.find(&other(number)).is_some()).count(), CONFIGS);
        assert!(cache.find(&other(1)).is_some(), "used all the time");
        assert!(cache.find(&other(2)).is_none(), "used longest ago");
        assert!(cache.find(&other(70)).is_some());
        Ok(())
    }

    #[test]
    fn names_and_days_are_read() -> Result<(), rcgen::Error> {
        let mut params = CertificateParams::default();
        let name = &mut params.distinguished_name;
        name.push(DnType::CommonName, format!("a\u{7}{}", "ä".repeat(300)));
        params.not_after = date_time_ymd(2030, 1, 1);
        let der = params.self_signed(&KeyPair::generate()?)?.der().clone();
        let end = DateTime::from_timestamp(1_893_456_000, 0).unwrap_or_default();
        for (before_the_end, days) in [
            (TimeDelta::days(30), 30),
            (TimeDelta::hours(30), 1),
            (TimeDelta::zero(), 0),
            (TimeDelta::seconds(-1), -1),
            (TimeDelta::hours(-25), -2),
        ] {
            let leaf = Leaf::read(&der, end - before_the_end);
            let leaf = leaf.as_ref();
            assert_eq!(leaf.map(|leaf| leaf.not_after), Some(end));
            assert_eq!(leaf.map(|leaf| leaf.days_left), Some(days));
            let issuer = leaf.map(|leaf| leaf.issuer.as_str()).unwrap_or_default();
            assert!(issuer.starts_with("CN=a"), "{issuer}");
            assert!(issuer.chars().count() <= LONGEST_NAME);
            assert!(!issuer.contains(char::is_control));
        }
        assert_eq!(Leaf::read(&vec![1, 2, 3].into(), end), None);
        Ok(())
    }
}
