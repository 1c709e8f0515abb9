//! Which servers a connector trusts: those with a certificate of its own authorities or of the machine's, and those
//! with exactly a certificate that was pasted.
//!
//! Rule: a pasted certificate that a server shows as its own is accepted as it is, by any issuer and also if it calls
//! itself an authority, if it is valid today and was issued for the server's name. Everything else needs a chain to an
//! authority, by the rules of RFC 5280 as webpki has them.

use std::sync::Arc;

use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::ServerCertVerifier;
use rustls::client::verify_server_name;
use rustls::crypto::CryptoProvider;
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::server::ParsedCertificate;
use rustls::{CertificateError, Error, RootCertStore};
use x509_cert::Certificate;
use x509_cert::der::Decode;
use x509_cert::der::asn1::{PrintableStringRef, Utf8StringRef};
use x509_cert::der::oid::ObjectIdentifier;
use x509_cert::ext::pkix::SubjectAltName;

use super::chain_problem::explain;
use super::error::SendError;
use super::transport::Transport;

/// The attribute of a name that held the host before there were alternative names (RFC 9525 appendix A).
const COMMON_NAME: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.5.4.3");

/// Whom a connector trusts.
#[derive(Debug)]
pub(super) struct Trust {
    pub authorities: Arc<dyn ServerCertVerifier>,
    pasted: Vec<CertificateDer<'static>>,
}

impl Trust {
    /// The connector's own authorities, the machine's, or both. `unusable` makes the error where there are none.
    pub fn new(
        transport: &Transport,
        provider: Arc<CryptoProvider>,
        unusable: fn(Error) -> SendError,
    ) -> Result<Self, SendError> {
        let pasted = transport.parse()?.ca.unwrap_or_default();
        let roots = roots(&pasted, transport.trusts_machine).map_err(unusable)?;
        let authorities = WebPkiServerVerifier::builder_with_provider(Arc::new(roots), provider).build();
        let authorities = authorities.map_err(|error| unusable(Error::General(error.to_string())))?;
        Ok(Self { authorities, pasted })
    }

    /// Judges the certificate of a server of this name.
    pub fn check(
        &self,
        own: &CertificateDer<'_>,
        issuers: &[CertificateDer<'_>],
        name: &ServerName<'_>,
        now: UnixTime,
    ) -> Result<(), Error> {
        let checked = match self.pasted.iter().any(|pasted| pasted == own) {
            true => check_pasted(own, name, now),
            false => self.authorities.verify_server_cert(own, issuers, name, &[], now).map(drop),
        };
        checked.map_err(|error| explain(error, own, issuers))
    }
}

/// The authorities of a connector: its own, the machine's, or both.
fn roots(own: &[CertificateDer<'static>], besides: bool) -> Result<RootCertStore, Error> {
    let mut roots = RootCertStore::empty();
    if own.is_empty() || besides {
        roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    }
    for certificate in own {
        roots.add(certificate.clone())?;
    }
    Ok(roots)
}

/// Judges a server's certificate that was pasted.
fn check_pasted(own: &CertificateDer<'_>, name: &ServerName<'_>, now: UnixTime) -> Result<(), Error> {
    let damaged = || Error::InvalidCertificate(CertificateError::BadEncoding);
    let certificate = Certificate::from_der(own).map_err(|_| damaged())?.tbs_certificate;
    let [from, to] = [certificate.validity.not_before, certificate.validity.not_after]
        .map(|time| UnixTime::since_unix_epoch(time.to_unix_duration()));
    if now < from {
        return Err(CertificateError::NotValidYetContext { time: now, not_before: from }.into());
    }
    if now > to {
        return Err(CertificateError::ExpiredContext { time: now, not_after: to }.into());
    }
    let named = verify_server_name(&ParsedCertificate::try_from(own)?, name);
    // Without alternative names the common name is what its maker meant.
    let has_names = matches!(certificate.get::<SubjectAltName>(), Ok(Some(_)) | Err(_));
    if named.is_err()
        && !has_names
        && common_names(&certificate).any(|common| common.eq_ignore_ascii_case(&name.to_str()))
    {
        return Ok(());
    }
    named
}

fn common_names(certificate: &x509_cert::TbsCertificate) -> impl Iterator<Item = String> {
    let attributes = certificate.subject.0.iter().flat_map(|part| part.0.iter());
    attributes.filter(|attribute| attribute.oid == COMMON_NAME).filter_map(|attribute| {
        let value = &attribute.value;
        let text = value.decode_as::<Utf8StringRef<'_>>().map(|text| text.as_str().to_owned());
        text.or_else(|_| value.decode_as::<PrintableStringRef<'_>>().map(|text| text.as_str().to_owned())).ok()
    })
}

#[cfg(test)]
mod tests {
    use rcgen::generate_simple_self_signed;

    use super::*;

    #[test]
    fn ones_own_authorities_take_the_place_of_the_machines_or_come_to_them() -> Result<(), Box<dyn std::error::Error>> {
        let own = [generate_simple_self_signed(["api.example.org".to_owned()])?.cert.der().clone()];
        let machine = roots(&[], false)?.len();
        assert!(machine > 10, "the package ca-certificates");
        assert_eq!(
            (roots(&[], true)?.len(), roots(&own, false)?.len(), roots(&own, true)?.len()),
            (machine, 1, machine + 1)
        );
        Ok(())
    }
}
