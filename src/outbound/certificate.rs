//! A server's certificate, read for people: whose it is, and how long it is valid.
//!
//! Rule: nothing here decides whom to trust. A certificate is shown even when it was refused.

use std::sync::{Arc, OnceLock};

use chrono::{DateTime, Utc};
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{DigitallySignedStruct, Error, SignatureScheme};
use x509_cert::Certificate;
use x509_cert::der::Decode;
use x509_cert::name::Name;

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

/// Notes the certificate that a server shows, and leaves its judgement to the connector's verifier.
#[derive(Debug)]
pub(super) struct Witness {
    verifier: Arc<dyn ServerCertVerifier>,
    seen: OnceLock<CertificateDer<'static>>,
}

impl Witness {
    pub(super) fn new(verifier: Arc<dyn ServerCertVerifier>) -> Arc<Self> {
        Arc::new(Self { verifier, seen: OnceLock::new() })
    }

    /// The certificate, once the handshake was far enough.
    pub(super) fn leaf(&self, now: DateTime<Utc>) -> Option<Leaf> {
        Leaf::read(self.seen.get()?, now)
    }
}

impl ServerCertVerifier for Witness {
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

#[cfg(test)]
mod tests {
    use chrono::TimeDelta;
    use rcgen::{CertificateParams, DnType, KeyPair, date_time_ymd};

    use super::*;

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
