//! Certificates and keys as people paste them: PEM (RFC 7468), however it was copied.
//!
//! Read are also blocks on one line, with `\n` as two letters, indented, in quotes, with text around them, the trusted
//! certificates of OpenSSL, and DER in base64 without any markers. What is stored is written in one form.

use std::collections::HashSet;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use rustls::crypto::aws_lc_rs;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::sign::CertifiedKey;
use rustls::{Error, InconsistentKeys, RootCertStore};
use thiserror::Error as ThisError;

use super::pem_blocks::{Block, Kind, blocks};
use crate::vault::Secret;

/// What is wrong with a PEM text; the words complete the label of its field.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ThisError)]
pub enum PemProblem {
    /// No certificate block.
    #[error("must contain a certificate, from -----BEGIN CERTIFICATE----- to the END line")]
    NoCertificate,
    /// A certificate block that holds no X.509 certificate.
    #[error("has a certificate that cannot be read. It may not be whole; copy it once more")]
    BadCertificate,
    /// A private key where only certificates belong: it would be shown on pages.
    #[error("must not contain a private key")]
    HoldsKey,
    /// No private key block.
    #[error("must contain a private key, from -----BEGIN PRIVATE KEY----- to the END line")]
    NoKey,
    /// A certificate where a key belongs.
    #[error(
        "is a certificate. Enter the private key that belongs to it, from -----BEGIN PRIVATE KEY----- to the END line"
    )]
    CertificateForKey,
    /// A key under a pass phrase.
    #[error("is encrypted; enter the key without a pass phrase")]
    EncryptedKey,
    /// A key block that holds no RSA, ECDSA or Ed25519 key.
    #[error("cannot be read; RSA, ECDSA and Ed25519 keys can be used")]
    BadKey,
    /// A key in the format of OpenSSH.
    #[error("is a key of OpenSSH. Convert it to PKCS#8 or use the key of a certificate")]
    OpenSshKey,
    /// The key belongs to another certificate.
    #[error("does not belong to the first client certificate")]
    OtherKey,
    /// A certificate signing request (RFC 2986).
    #[error("is a certificate request, not a certificate. Enter the certificate that the authority has issued for it")]
    Request,
    /// Certificates in PKCS#7 (RFC 2315).
    #[error("is a PKCS#7 file. Convert it with: openssl pkcs7 -print_certs")]
    Pkcs7,
    /// Certificate and key in PKCS#12 (RFC 7292).
    #[error("is a PKCS#12 file. Convert it with: openssl pkcs12")]
    Pkcs12,
    /// A public key alone.
    #[error("is a public key")]
    PublicKey,
    /// A BEGIN line without its END line.
    #[error("has a BEGIN line without its END line; copy it whole")]
    Unfinished,
    /// What stands between the lines is no base64.
    #[error("has letters between its BEGIN and END line that do not belong there; copy it once more")]
    NotBase64,
}

/// The certificates of a text, at least one, in their order.
pub(super) fn certificates(text: &str) -> Result<Vec<CertificateDer<'static>>, PemProblem> {
    if names_key(text) {
        return Err(PemProblem::HoldsKey);
    }
    // A trust store reads certificates as the handshake will.
    let mut store = RootCertStore::empty();
    let mut certificates = Vec::new();
    let mut other = None;
    for block in blocks(text)? {
        match block.kind {
            Kind::Certificate => {
                let certificate = CertificateDer::from(block.der);
                store.add(certificate.clone()).map_err(|_| PemProblem::BadCertificate)?;
                certificates.push(certificate);
            }
            Kind::Key | Kind::EncryptedKey | Kind::OldEncryptedKey | Kind::OpenSshKey => {
                return Err(PemProblem::HoldsKey);
            }
            Kind::Pkcs12 => return Err(PemProblem::Pkcs12),
            kind => other = other.or(problem_of(kind)),
        }
    }
    match certificates.is_empty() {
        true => Err(other.unwrap_or(PemProblem::NoCertificate)),
        false => Ok(certificates),
    }
}

/// The private key of a text, which may not be encrypted and must be that of the first of `chain`. Certificates beside
/// it are left out.
pub(super) fn key(text: &str, chain: &[CertificateDer<'static>]) -> Result<PrivateKeyDer<'static>, PemProblem> {
    let key = lone_key(text)?;
    fits(&key, chain)?;
    Ok(key)
}

/// Whether a key is that of the first of `chain`.
pub(super) fn fits(key: &PrivateKeyDer<'_>, chain: &[CertificateDer<'static>]) -> Result<(), PemProblem> {
    match CertifiedKey::from_der(chain.to_vec(), key.clone_key(), &aws_lc_rs::default_provider()) {
        Ok(_) | Err(Error::InconsistentKeys(InconsistentKeys::Unknown)) => Ok(()),
        Err(Error::InconsistentKeys(_)) => Err(PemProblem::OtherKey),
        Err(_) => Err(PemProblem::BadKey),
    }
}

/// [`key`] of a key that belongs to no certificate.
pub(super) fn lone_key(text: &str) -> Result<PrivateKeyDer<'static>, PemProblem> {
    let blocks = blocks(text)?;
    let Some(found) = blocks.iter().find(|block| block.kind == Kind::Key) else {
        let problem = blocks.iter().find_map(|block| match block.kind {
            Kind::EncryptedKey | Kind::OldEncryptedKey => Some(PemProblem::EncryptedKey),
            Kind::OpenSshKey => Some(PemProblem::OpenSshKey),
            Kind::Certificate => Some(PemProblem::CertificateForKey),
            Kind::Pkcs12 => Some(PemProblem::Pkcs12),
            kind => problem_of(kind),
        });
        return Err(problem.unwrap_or(PemProblem::NoKey));
    };
    PrivateKeyDer::try_from(found.der.clone()).map_err(|_| PemProblem::BadKey)
}

/// What is said of a block that is neither a certificate nor a key.
fn problem_of(kind: Kind) -> Option<PemProblem> {
    match kind {
        Kind::Request => Some(PemProblem::Request),
        Kind::Pkcs7 => Some(PemProblem::Pkcs7),
        Kind::PublicKey => Some(PemProblem::PublicKey),
        Kind::NotBase64 => Some(PemProblem::NotBase64),
        _ => None,
    }
}

fn names_key(text: &str) -> bool {
    text.to_ascii_uppercase().contains("PRIVATE KEY")
}

/// Whether a text that was typed for certificates may hold a private key, and so is not shown again.
pub fn may_hold_key(text: &str) -> bool {
    let is_secret = |block: &Block| matches!(block.kind, Kind::Key | Kind::EncryptedKey | Kind::Pkcs12 | Kind::Unknown);
    names_key(text) || blocks(text).is_ok_and(|blocks| blocks.iter().any(is_secret))
}

/// Whether `now` has a certificate that `before` has not; one that cannot be read has none. Order, repeats and what
/// stands between the blocks do not count.
pub fn adds_certificate(before: &str, now: &str) -> bool {
    let known: HashSet<_> = certificates(before).unwrap_or_default().into_iter().collect();
    let now = certificates(now).unwrap_or_default();
    now.iter().any(|certificate| !known.contains(certificate))
}

/// Certificates as they are stored.
pub(super) fn certificates_text(certificates: &[CertificateDer<'_>]) -> String {
    certificates.iter().map(|certificate| block_text("CERTIFICATE", certificate)).collect()
}

/// A key as it is stored.
pub(super) fn key_text(key: &PrivateKeyDer<'_>) -> Secret {
    let label = match key {
        PrivateKeyDer::Pkcs1(_) => "RSA PRIVATE KEY",
        PrivateKeyDer::Sec1(_) => "EC PRIVATE KEY",
        _ => "PRIVATE KEY",
    };
    Secret::new(block_text(label, key.secret_der()))
}

/// A block with lines of 64 letters (RFC 7468 section 2).
fn block_text(label: &str, der: &[u8]) -> String {
    let base64 = STANDARD.encode(der);
    let mut text = format!("-----BEGIN {label}-----\n");
    for (at, letter) in base64.chars().enumerate() {
        if at > 0 && at % 64 == 0 {
            text.push('\n');
        }
        text.push(letter);
    }
    text.push_str(&format!("\n-----END {label}-----\n"));
    text
}

#[cfg(test)]
mod tests {
    use rcgen::{CertifiedKey, generate_simple_self_signed};

    use super::*;

    #[test]
    fn however_it_was_copied_the_same_is_read_and_stored() -> Result<(), rcgen::Error> {
        let CertifiedKey { cert, signing_key } = generate_simple_self_signed(["api.example.org".to_owned()])?;
        let (pem, key_pem) = (cert.pem().replace('\r', ""), signing_key.serialize_pem().replace('\r', ""));
        let chain = vec![cert.der().clone()];
        let bag = "Bag Attributes\n    friendlyName: box\nsubject=CN = box\n\nissuer=CN = box\n\n";
        let shapes: [fn(&str) -> String; 11] = [
            str::to_owned,
            |pem| pem.replace('\n', " "),
            |pem| pem.replace('\n', ""),
            |pem| pem.replace('\n', "\\n"),
            |pem| pem.replace('\n', "\\r\\n"),
            |pem| pem.lines().map(|line| format!("    {line}\n")).collect(),
            |pem| pem.replace('\n', "\r\n"),
            |pem| format!("\u{feff}{pem}"),
            |pem| format!("\"{}\",", pem.trim().replace('\n', "\\n")),
            |pem| pem.lines().map(|line| format!("\"{line}\\n\" +\n")).collect(),
            |pem| pem.lines().filter(|line| !line.contains("-----")).collect::<Vec<_>>().join("\n"),
        ];
        for shape in shapes {
            let (text, key_text_typed) = (shape(&pem), shape(&key_pem));
            assert_eq!(certificates(&text), Ok(chain.clone()), "{text}");
            assert_eq!(certificates_text(&certificates(&text).unwrap_or_default()), pem);
            let key = key(&key_text_typed, &chain);
            assert_eq!(key.map(|key| key_text(&key).expose().to_owned()), Ok(key_pem.clone()));
            assert!(may_hold_key(&key_text_typed) && !may_hold_key(&text), "{text}");
            assert!(certificates(&key_text_typed).is_err());
        }
        assert_eq!(certificates(&format!("{bag}{pem}\nmore text")), Ok(chain.clone()));
        assert_eq!(key(&format!("{bag}{pem}{key_pem}"), &chain).map(drop), Ok(()));
        let mut trusted = cert.der().to_vec();
        trusted.extend([0x30, 0x02, 0x05, 0x00]);
        assert_eq!(certificates(&block_text("TRUSTED CERTIFICATE", &trusted)), Ok(chain));
        Ok(())
    }

    #[test]
    fn a_plus_at_either_end_of_a_line_is_base64() {
        let der = [&[0x30, 0x31, 0x04], [0xfb, 0xef, 0xbe].repeat(16).as_slice()].concat();
        let pem = block_text("PRIVATE KEY", &der);
        let quoted: String = pem.lines().map(|line| format!("\"{line}\\n\" +\n")).collect();
        assert!(quoted.contains("++\\n\" +\n\"++"), "{quoted}");
        for text in [pem.clone(), quoted.clone(), quoted.replace('"', "'"), quoted.replace(" +", "+")] {
            let read = blocks(&text).map(|blocks| blocks.into_iter().map(|block| block.der).collect::<Vec<_>>());
            assert_eq!(read, Ok(vec![der.clone()]), "{text}");
        }
    }

    #[test]
    fn what_is_no_certificate_or_key_is_named() -> Result<(), rcgen::Error> {
        use PemProblem::*;
        let CertifiedKey { cert, signing_key } = generate_simple_self_signed(["api.example.org".to_owned()])?;
        let (pem, key_pem) = (cert.pem(), signing_key.serialize_pem());
        let chain = vec![cert.der().clone()];
        let request = rcgen::CertificateParams::default().serialize_request(&signing_key)?.pem()?;
        let block = |label: &str| block_text(label, &[0x30, 0x03, 0x02, 0x01, 0x05]);
        let legacy = "-----BEGIN RSA PRIVATE KEY-----\nProc-Type: 4,ENCRYPTED\nDEK-Info: AES-128-CBC,00\n\nAAAA\n-----END RSA PRIVATE KEY-----\n";
        for (text, of_certificate, of_key) in [
            (String::new(), NoCertificate, NoKey),
            ("hello".into(), NoCertificate, NoKey),
            (request, Request, Request),
            (block("PKCS7"), Pkcs7, Pkcs7),
            (block("PUBLIC KEY"), PublicKey, PublicKey),
            (block("CERTIFICATE"), BadCertificate, CertificateForKey),
            (block("PRIVATE KEY"), HoldsKey, BadKey),
            (block("ENCRYPTED PRIVATE KEY"), HoldsKey, EncryptedKey),
            (block("OPENSSH PRIVATE KEY"), HoldsKey, OpenSshKey),
            (legacy.into(), HoldsKey, EncryptedKey),
            (pem.replace("-----END", "-----"), Unfinished, Unfinished),
            (pem.replacen("MII", "M%I", 1), NotBase64, NotBase64),
            // Five letters, which no bytes have; a certificate that lacks one may by chance still be base64.
            (block("CERTIFICATE").replace("MAMCAQU=", "MAMCA"), NotBase64, NotBase64),
            (key_pem.clone(), HoldsKey, OtherKey),
        ] {
            let other = if of_key == OtherKey { vec![rcgen_other()?] } else { chain.clone() };
            assert_eq!(certificates(&text), Err(of_certificate), "{text}");
            assert_eq!(key(&text, &other).map(drop), Err(of_key), "{text}");
        }
        Ok(())
    }

    fn rcgen_other() -> Result<CertificateDer<'static>, rcgen::Error> {
        Ok(generate_simple_self_signed(["other.example.org".to_owned()])?.cert.der().clone())
    }
}
