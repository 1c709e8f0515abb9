//! What the TLS library does not support in a server's certificates, or reports in too few words.

use std::sync::Arc;

use rustls::pki_types::CertificateDer;
use rustls::{CertificateError, Error, OtherError};
use thiserror::Error as ThisError;
use x509_cert::Certificate;
use x509_cert::der::asn1::UintRef;
use x509_cert::der::oid::ObjectIdentifier;
use x509_cert::der::{Decode, Reader, SliceReader};

/// RSA keys must have at least as many bits.
pub(super) const SHORTEST_RSA: usize = 2_048;

/// Extensions that the library evaluates: they may be critical (RFC 5280 4.2).
const KNOWN: [&str; 6] = ["2.5.29.15", "2.5.29.17", "2.5.29.19", "2.5.29.30", "2.5.29.31", "2.5.29.37"];

/// Names of those that it does not.
const NAMES: [(&str, &str); 6] = [
    ("2.5.29.32", "certificate policies"),
    ("2.5.29.33", "policy mappings"),
    ("2.5.29.36", "policy constraints"),
    ("2.5.29.54", "inhibit anyPolicy"),
    ("2.5.29.18", "issuer alternative name"),
    ("1.3.6.1.5.5.7.1.3", "qualified certificate statements"),
];

const RSA: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.1.1");

/// Why a certificate cannot be evaluated, and of whom it is.
#[derive(Clone, Debug, PartialEq, Eq, ThisError)]
#[error("{what:?}")]
pub(super) struct ChainProblem {
    /// The name of the authority whose certificate it is; `None` for the server's own.
    pub issuer: Option<String>,
    pub what: Unsupported,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Unsupported {
    /// A critical extension, by its name or number.
    Extension(String),
    /// An RSA key of so few bits.
    ShortKey(usize),
}

/// The error with its cause, where the certificates show it. What is not supported in a certificate that the chain does
/// not need is no error to the library.
pub(super) fn explain(error: Error, own: &CertificateDer<'_>, issuers: &[CertificateDer<'_>]) -> Error {
    let finds: fn(&Certificate) -> Option<Unsupported> = match &error {
        Error::InvalidCertificate(CertificateError::Other(OtherError(cause)))
            if matches!(cause.downcast_ref(), Some(webpki::Error::UnsupportedCriticalExtension)) =>
        {
            unknown_extension
        }
        Error::InvalidCertificate(CertificateError::BadSignature) => short_key,
        _ => return error,
    };
    let own = [(own, true)].into_iter();
    let mut chain = own.chain(issuers.iter().map(|issuer| (issuer, false)));
    let problem = chain.find_map(|(der, is_own)| {
        let certificate = Certificate::from_der(der).ok()?;
        let issuer = (!is_own).then(|| super::tls::shown_name(&certificate.tbs_certificate.subject));
        Some(ChainProblem { issuer, what: finds(&certificate)? })
    });
    match problem {
        Some(problem) => CertificateError::Other(OtherError(Arc::new(problem))).into(),
        None => error,
    }
}

fn unknown_extension(certificate: &Certificate) -> Option<Unsupported> {
    let extensions = certificate.tbs_certificate.extensions.iter().flatten();
    let mut critical = extensions.filter(|extension| extension.critical).map(|extension| extension.extn_id.to_string());
    let unknown = critical.find(|oid| !KNOWN.contains(&oid.as_str()))?;
    let name = NAMES.iter().find(|(oid, _)| *oid == unknown).map(|(_, name)| (*name).to_owned());
    Some(Unsupported::Extension(name.unwrap_or(unknown)))
}

fn short_key(certificate: &Certificate) -> Option<Unsupported> {
    let key = &certificate.tbs_certificate.subject_public_key_info;
    if key.algorithm.oid != RSA {
        return None;
    }
    let mut reader = SliceReader::new(key.subject_public_key.as_bytes()?).ok()?;
    let modulus: usize = reader
        .sequence(|members| {
            let modulus = UintRef::decode(members)?;
            UintRef::decode(members)?;
            let bytes = modulus.as_bytes();
            Ok(bytes.len() * 8 - bytes.first().map_or(0, |byte| byte.leading_zeros() as usize))
        })
        .ok()?;
    (modulus < SHORTEST_RSA).then_some(Unsupported::ShortKey(modulus))
}
