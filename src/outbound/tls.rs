//! TLS configurations: whom a connector trusts, and what it shows of itself.
//!
//! Rule: requests and "Test connection" are configured here and nowhere else, so that a test says
//! what a request will meet.
//!
//! Danger: [`NoVerification`] accepts every certificate. It is given out in one place, for connectors whose
//! certificate checks are off.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::Duration;

use chrono::{DateTime, Utc};
use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, aws_lc_rs};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{ClientConfig, DigitallySignedStruct, Error, RootCertStore, SignatureScheme};
use tokio::time::Instant;
use x509_cert::Certificate;
use x509_cert::der::Decode;
use x509_cert::name::Name;

use super::error::SendError;
use super::pem;
use super::transport::{BuildProblem, Transport, TransportPart};

/// How many configurations are cached; the one used longest ago makes room.
const CONFIGS: usize = 64;

/// How long one is used, so that a change of the machine's authorities counts.
const FRESH: Duration = Duration::from_secs(3_600);

/// TLS configurations, built once for equal settings.
///
/// Building one costs some 30 ms (it reads the machine's authorities), and it remembers the sessions
/// that later connections resume. Only connections with equal settings may share one: a session that
/// was opened without checking a certificate must never be resumed where it is to be checked.
#[derive(Default)]
pub(super) struct TlsConfigCache {
    /// The one used last stands last.
    cached: Mutex<VecDeque<Cached>>,
    /// Held while one is built, so that many requests that begin at once do not all build.
    building: tokio::sync::Mutex<()>,
}

struct Cached {
    transport: Transport,
    config: Arc<ClientConfig>,
    built: Instant,
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
        let build = move || config(&settings, verifier(&settings)?);
        let built = tokio::task::spawn_blocking(build);
        let config = Arc::new(built.await.map_err(|_| SendError::stopping())??);
        self.keep(transport, &config);
        Ok(config)
    }

    fn find(&self, transport: &Transport) -> Option<Arc<ClientConfig>> {
        let mut cached = self.lock();
        cached.retain(|cached| cached.built.elapsed() < FRESH);
        let is_alike = |cached: &Cached| cached.transport.trusts_like(transport);
        let found = cached.iter().position(is_alike)?;
        let found = cached.remove(found)?;
        let config = Arc::clone(&found.config);
        cached.push_back(found);
        Some(config)
    }

    fn keep(&self, transport: &Transport, config: &Arc<ClientConfig>) {
        let mut cached = self.lock();
        while cached.len() >= CONFIGS {
            cached.pop_front();
        }
        cached.push_back(Cached { transport: transport.clone(), config: Arc::clone(config), built: Instant::now() });
    }

    /// A panic elsewhere leaves the list whole: each change to it is one step.
    fn lock(&self) -> MutexGuard<'_, VecDeque<Cached>> {
        self.cached.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What judges a server's certificate by the connector's settings.
pub(super) fn verifier(transport: &Transport) -> Result<Arc<dyn ServerCertVerifier>, BuildProblem> {
    let provider = provider();
    if !transport.verify {
        return Ok(Arc::new(NoVerification(provider)));
    }
    let Some(ca) = &transport.ca_pem else {
        let machine = rustls_platform_verifier::Verifier::new(provider)?;
        return Ok(Arc::new(machine));
    };
    let mut roots = RootCertStore::empty();
    for authority in pem::certificates(ca).map_err(TransportPart::Ca.problem())? {
        roots.add(authority)?;
    }
    let own = WebPkiServerVerifier::builder_with_provider(Arc::new(roots), provider).build();
    Ok(own.map_err(|error| Error::General(error.to_string()))?)
}

/// The configuration of connections whose servers `verifier` judges: TLS 1.2 or 1.3, the connector's client certificate,
/// and HTTP/2 or HTTP/1.1, as the server chooses (RFC 7301).
pub(super) fn config(
    transport: &Transport,
    verifier: Arc<dyn ServerCertVerifier>,
) -> Result<ClientConfig, BuildProblem> {
    transport.check()?;
    let config = ClientConfig::builder_with_provider(provider())
        .with_safe_default_protocol_versions()?
        .dangerous()
        .with_custom_certificate_verifier(verifier);
    let mut config = match &transport.identity {
        None => config.with_no_client_auth(),
        Some(identity) => {
            let chain = pem::certificates(&identity.chain_pem).map_err(TransportPart::ClientCertificate.problem())?;
            let key = pem::key(identity.key_pem.expose()).map_err(TransportPart::ClientKey.problem())?;
            config.with_client_auth_cert(chain, key)?
        }
    };
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    Ok(config)
}

/// A configuration with which no server is trusted, for connections that are not encrypted.
pub(super) fn none() -> Result<ClientConfig, BuildProblem> {
    let config = ClientConfig::builder_with_provider(provider()).with_safe_default_protocol_versions()?;
    Ok(config.with_root_certificates(RootCertStore::empty()).with_no_client_auth())
}

fn provider() -> Arc<CryptoProvider> {
    Arc::new(aws_lc_rs::default_provider())
}

/// Accepts every certificate: what a person asked for by turning certificate checks off.
#[derive(Debug)]
struct NoVerification(Arc<CryptoProvider>);

impl ServerCertVerifier for NoVerification {
    fn verify_server_cert(
        &self,
        _end_entity: &CertificateDer<'_>,
        _intermediates: &[CertificateDer<'_>],
        _server_name: &ServerName<'_>,
        _ocsp_response: &[u8],
        _now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        _message: &[u8],
        _certificate: &CertificateDer<'_>,
        _signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        Ok(HandshakeSignatureValid::assertion())
    }

    fn verify_tls13_signature(
        &self,
        _message: &[u8],
        _certificate: &CertificateDer<'_>,
        _signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        Ok(HandshakeSignatureValid::assertion())
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.signature_verification_algorithms.supported_schemes()
    }
}

/// Notes the certificate that a server shows, and leaves the judgement to the connector's verifier.
#[derive(Debug)]
pub(super) struct CapturingVerifier {
    verifier: Arc<dyn ServerCertVerifier>,
    seen: OnceLock<CertificateDer<'static>>,
}

impl CapturingVerifier {
    pub(super) fn new(verifier: Arc<dyn ServerCertVerifier>) -> Arc<Self> {
        Arc::new(Self { verifier, seen: OnceLock::new() })
    }

    /// The certificate, once the handshake was far enough.
    pub(super) fn leaf(&self, now: DateTime<Utc>) -> Option<Leaf> {
        Leaf::read(self.seen.get()?, now)
    }
}

impl ServerCertVerifier for CapturingVerifier {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server_name: &ServerName<'_>,
        ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        self.seen.get_or_init(|| end_entity.clone().into_owned());
        self.verifier.verify_server_cert(end_entity, intermediates, server_name, ocsp_response, now)
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.verifier.verify_tls12_signature(message, certificate, signature)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.verifier.verify_tls13_signature(message, certificate, signature)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.verifier.supported_verify_schemes()
    }
}

/// The longest name that is shown, in characters.
const LONGEST_NAME: usize = 200;

/// The certificate that a server shows for itself. Its words are the server's own.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Leaf {
    /// Whose it is ("CN=api.example.org,O=Example", RFC 4514); often empty, for the host names that
    /// it is valid for stand elsewhere.
    pub subject: String,
    /// Who issued it, in the same form.
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
        Some(Self {
            subject: shown(&certificate.subject),
            issuer: shown(&certificate.issuer),
            not_after,
            days_left: (not_after - now).num_seconds().div_euclid(86_400),
        })
    }
}

fn shown(name: &Name) -> String {
    let text = name.to_string();
    let printable = text.chars().filter(|c| !c.is_control());
    printable.take(LONGEST_NAME).collect()
}

#[cfg(test)]
mod tests {
    use chrono::TimeDelta;
    use rcgen::{CertificateParams, DnType, KeyPair, date_time_ymd};

    use super::super::url::{HttpUrl, UrlProblem};
    use super::*;

    #[tokio::test]
    async fn only_so_many_configurations_are_cached_and_the_last_used_stay() -> Result<(), UrlProblem> {
        let cache = TlsConfigCache::default();
        let unverified = Transport { verify: false, ..Transport::default() };
        let Ok(any) = cache.config(&unverified).await else {
            unreachable!("nothing has to be read for it");
        };
        let proxied = Transport { proxy: Some(HttpUrl::parse("http://proxy.example")?), ..unverified.clone() };
        let same = cache.config(&proxied).await.ok();
        assert!(same.is_some_and(|same| Arc::ptr_eq(&same, &any)));
        let other = |number: usize| Transport { ca_pem: Some(number.to_string()), ..unverified.clone() };
        for number in 1..=70 {
            assert!(cache.find(&other(1)).is_some() || number == 1);
            cache.keep(&other(number), &any);
        }
        assert_eq!(cache.lock().len(), CONFIGS);
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
            let subject = leaf.map(|leaf| leaf.subject.as_str()).unwrap_or_default();
            assert!(subject.starts_with("CN=a"), "{subject}");
            assert!(subject.chars().count() <= LONGEST_NAME);
            assert!(!subject.contains(char::is_control));
        }
        assert_eq!(Leaf::read(&vec![1, 2, 3].into(), end), None);
        Ok(())
    }
}
