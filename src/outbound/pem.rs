//! Certificates and keys as people paste them: PEM (RFC 7468).

use std::collections::HashSet;

use rustls::crypto::aws_lc_rs;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::sign::CertifiedKey;
use rustls::{Error, InconsistentKeys, RootCertStore};
use thiserror::Error as ThisError;

/// What is wrong with a PEM text; the words complete the label of its field.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ThisError)]
pub enum PemProblem {
    /// No certificate block.
    #[error("must contain a certificate, from -----BEGIN CERTIFICATE----- to the END line")]
    NoCertificate,
    /// A certificate block that holds no X.509 certificate.
    #[error("has a certificate that cannot be read")]
    BadCertificate,
    /// A private key where only certificates belong: it would be shown on pages.
    #[error("must not contain a private key")]
    HoldsKey,
    /// No private key block.
    #[error("must contain a private key, from -----BEGIN PRIVATE KEY----- to the END line")]
    NoKey,
    /// A key under a pass phrase.
    #[error("is encrypted; enter the key without a pass phrase")]
    EncryptedKey,
    /// A key block that holds no RSA, ECDSA or Ed25519 key.
    #[error("cannot be read; RSA, ECDSA and Ed25519 keys can be used")]
    BadKey,
    /// The key belongs to another certificate.
    #[error("does not belong to the first client certificate")]
    OtherKey,
}

/// The certificates of `pem`, at least one, in their order.
pub(super) fn certificates(pem: &str) -> Result<Vec<CertificateDer<'static>>, PemProblem> {
    if pem.contains("PRIVATE KEY-----") {
        return Err(PemProblem::HoldsKey);
    }
    let certificates = CertificateDer::pem_slice_iter(pem.as_bytes())
        .collect::<Result<Vec<_>, _>>()
        .map_err(|_| PemProblem::BadCertificate)?;
    if certificates.is_empty() {
        return Err(PemProblem::NoCertificate);
    }
    // A trust store reads certificates as the handshake will.
    let mut store = RootCertStore::empty();
    for certificate in &certificates {
        store.add(certificate.clone()).map_err(|_| PemProblem::BadCertificate)?;
    }
    Ok(certificates)
}

/// Whether `now` has a certificate that `before` has not; one that cannot be read has none. Order, repeats and what
/// stands between the blocks do not count.
pub fn adds_certificate(before: &str, now: &str) -> bool {
    let known: HashSet<_> = certificates(before).unwrap_or_default().into_iter().collect();
    let now = certificates(now).unwrap_or_default();
    now.iter().any(|certificate| !known.contains(certificate))
}

/// The private key of `pem`, which may not be encrypted and must be that of the first of `chain`.
pub(super) fn key(pem: &str, chain: &[CertificateDer<'static>]) -> Result<PrivateKeyDer<'static>, PemProblem> {
    // The second is the mark of an encrypted key in OpenSSL's older form (RFC 1421).
    if pem.contains("ENCRYPTED PRIVATE KEY-----") || pem.contains("Proc-Type: 4,ENCRYPTED") {
        return Err(PemProblem::EncryptedKey);
    }
    if !pem.contains("PRIVATE KEY-----") {
        return Err(PemProblem::NoKey);
    }
    let key = PrivateKeyDer::from_pem_slice(pem.as_bytes()).map_err(|_| PemProblem::BadKey)?;
    match CertifiedKey::from_der(chain.to_vec(), key.clone_key(), &aws_lc_rs::default_provider()) {
        Ok(_) | Err(Error::InconsistentKeys(InconsistentKeys::Unknown)) => Ok(key),
        Err(Error::InconsistentKeys(_)) => Err(PemProblem::OtherKey),
        Err(_) => Err(PemProblem::BadKey),
    }
}
