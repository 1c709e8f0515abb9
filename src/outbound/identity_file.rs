//! Client certificates with their keys as files: PKCS#12 (RFC 7292) or PEM, with a pass phrase or without.
//!
//! Rule: the pass phrase opens the file and is in nothing that comes of it. Danger: opening a file takes as much time and
//! memory as the file asks for, up to the limits of the crate for PKCS#12 (a million rounds, a gibibyte), so callers open
//! one at a time.

use p12_keystore::Pkcs12Archive;
use p12_keystore::error::Error as Pkcs12Error;
use pkcs8::pkcs5::pbes2::Kdf;
use pkcs8::pkcs5::{self, EncryptionScheme};
use pkcs8::{EncryptedPrivateKeyInfoRef, Error as Pkcs8Error};
use rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};
use thiserror::Error;
use x509_cert::Certificate;
use x509_cert::der::Decode;

use super::pem::{PemProblem, certificates_text, fits, key_text};
use super::pem_blocks::{Kind, blocks, kind_of};
use super::transport::Identity;
use crate::vault::Secret;

/// How keystores of Java begin, which are not PKCS#12.
const JAVA_KEYSTORES: [[u8; 4]; 2] = [[0xFE, 0xED, 0xFE, 0xED], [0xCE, 0xCE, 0xCE, 0xCE]];

/// PKCS#12 whose lengths are not written in advance (BER), as old programs write it.
const PKCS12_IN_BER: [u8; 5] = [0x30, 0x80, 0x02, 0x01, 0x03];

/// The most rounds of PBKDF2 (RFC 8018 section 5.2); OpenSSL makes 2,048.
const MOST_ROUNDS: u32 = 1_000_000;

/// The most memory that scrypt may take, in bytes (RFC 7914 section 2: 128 N r); OpenSSL takes 16 MiB.
const MOST_MEMORY: u64 = 128 * 1024 * 1024;

/// Why a file gives no client certificate; the words complete “The file”, but for those of the pass phrase.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum IdentityProblem {
    #[error("Enter the pass phrase, because the key is encrypted")]
    NoPassPhrase,
    #[error("The pass phrase does not open the key. Enter it once more")]
    WrongPassPhrase,
    #[error("is neither PKCS#12 nor PEM with a certificate and its key")]
    Unknown,
    #[error(
        "is a keystore of Java. Convert it with: keytool -importkeystore -srckeystore old.jks -destkeystore new.p12 -deststoretype pkcs12"
    )]
    JavaKeystore,
    #[error(
        "has a key that is encrypted in an old way. Convert the key with: openssl pkey -in key.pem -aes256 -out new.pem"
    )]
    OldKey,
    #[error(
        "is PKCS#12 in a form that cannot be read. Convert it with: openssl pkcs12 -legacy -in old.p12 -out new.pem. Then choose new.pem"
    )]
    OtherPkcs12,
    #[error("has no private key. It must hold the certificate and its key")]
    NoKey,
    #[error("has a key that cannot be used; RSA, ECDSA and Ed25519 keys can")]
    BadKey,
    #[error("has no certificate. It must hold the certificate and its key")]
    NoCertificate,
    #[error("has a key that belongs to none of its certificates")]
    OtherKey,
    #[error("has more than one key with a certificate. Export the one that is to be used alone")]
    SeveralKeys,
    #[error(transparent)]
    Pem(#[from] PemProblem),
}

impl IdentityProblem {
    /// Whether the pass phrase is what is wrong or missing.
    pub fn is_of_pass_phrase(self) -> bool {
        matches!(self, IdentityProblem::NoPassPhrase | IdentityProblem::WrongPassPhrase)
    }
}

/// The client certificate of a file with its chain and its key, as they are stored. The pass phrase may be empty.
pub fn open_identity(file: &[u8], pass_phrase: &Secret) -> Result<Identity, IdentityProblem> {
    let mut contents = Contents::default();
    match std::str::from_utf8(file) {
        Ok(text) => contents.add_text(text, pass_phrase)?,
        Err(_) => contents.add_binary(file, pass_phrase)?,
    }
    contents.identity()
}

/// What a file holds, in its order.
#[derive(Default)]
struct Contents {
    certificates: Vec<CertificateDer<'static>>,
    keys: Vec<PrivateKeyDer<'static>>,
}

impl Contents {
    fn add_text(&mut self, text: &str, pass_phrase: &Secret) -> Result<(), IdentityProblem> {
        for block in blocks(text)? {
            match block.kind {
                Kind::OldEncryptedKey => return Err(IdentityProblem::OldKey),
                Kind::OpenSshKey => return Err(PemProblem::OpenSshKey.into()),
                Kind::NotBase64 => return Err(PemProblem::NotBase64.into()),
                kind => self.add(kind, &block.der, pass_phrase)?,
            }
        }
        Ok(())
    }

    fn add_binary(&mut self, file: &[u8], pass_phrase: &Secret) -> Result<(), IdentityProblem> {
        if JAVA_KEYSTORES.iter().any(|start| file.starts_with(start)) {
            return Err(IdentityProblem::JavaKeystore);
        }
        if file.starts_with(&PKCS12_IN_BER) {
            return Err(IdentityProblem::OtherPkcs12);
        }
        self.add(kind_of(file), file, pass_phrase)
    }

    fn add(&mut self, kind: Kind, der: &[u8], pass_phrase: &Secret) -> Result<(), IdentityProblem> {
        match kind {
            Kind::Certificate => self.certificates.push(CertificateDer::from(der.to_vec())),
            Kind::Key => {
                self.keys.push(PrivateKeyDer::try_from(der.to_vec()).map_err(|_| IdentityProblem::BadKey)?);
            }
            Kind::EncryptedKey => self.keys.push(decrypted(der, pass_phrase)?),
            Kind::Pkcs12 => self.add_pkcs12(der, pass_phrase)?,
            _ => {}
        }
        Ok(())
    }

    fn add_pkcs12(&mut self, der: &[u8], pass_phrase: &Secret) -> Result<(), IdentityProblem> {
        let archive = Pkcs12Archive::from_pkcs12(der, pass_phrase.expose()).map_err(|error| match error {
            Pkcs12Error::MacError(_) | Pkcs12Error::UnpadError => not_opened_by(pass_phrase),
            Pkcs12Error::Pkcs5Error(words) if words == pkcs5::Error::DecryptFailed.to_string() => {
                not_opened_by(pass_phrase)
            }
            _ => IdentityProblem::OtherPkcs12,
        })?;
        let certificates = archive.certs.iter().map(|bag| CertificateDer::from(bag.cert.as_der().to_vec()));
        self.certificates.extend(certificates);
        self.keys.extend(archive.keys.iter().map(|bag| pkcs8_key(bag.key.as_der())));
        Ok(())
    }

    /// The one key with its certificate and those of its issuers.
    fn identity(self) -> Result<Identity, IdentityProblem> {
        match (self.certificates.is_empty(), self.keys.is_empty()) {
            (true, true) => return Err(IdentityProblem::Unknown),
            (true, false) => return Err(IdentityProblem::NoCertificate),
            (false, true) => return Err(IdentityProblem::NoKey),
            (false, false) => {}
        }
        let mut found: Option<(&PrivateKeyDer<'_>, CertificateDer<'_>)> = None;
        for key in &self.keys {
            let Some(certificate) = self.certificate_of(key)? else { continue };
            match &found {
                Some((other, _)) if other.secret_der() != key.secret_der() => return Err(IdentityProblem::SeveralKeys),
                _ => found = Some((key, certificate)),
            }
        }
        let (key, certificate) = found.ok_or(IdentityProblem::OtherKey)?;
        Ok(Identity { chain_pem: certificates_text(&self.chain(certificate)), key_pem: key_text(key) })
    }

    /// The certificate of a key; of several, which it had one after the other, the one that ends last.
    fn certificate_of(&self, key: &PrivateKeyDer<'_>) -> Result<Option<CertificateDer<'static>>, IdentityProblem> {
        let mut own: Vec<&CertificateDer<'static>> = Vec::new();
        for certificate in &self.certificates {
            match fits(key, std::slice::from_ref(certificate)) {
                Ok(()) => own.push(certificate),
                Err(PemProblem::OtherKey) => {}
                Err(_) => return Err(IdentityProblem::BadKey),
            }
        }
        let end = |certificate: &&CertificateDer<'_>| {
            let parsed = Certificate::from_der(certificate).ok();
            parsed.map(|parsed| parsed.tbs_certificate.validity.not_after.to_unix_duration())
        };
        Ok(own.into_iter().max_by_key(end).cloned())
    }

    /// A certificate, followed by those of its issuers that are there.
    fn chain(&self, first: CertificateDer<'static>) -> Vec<CertificateDer<'static>> {
        let parse = |certificate: &CertificateDer<'_>| Certificate::from_der(certificate).ok();
        let mut chain = vec![first];
        while let Some(last) = chain.last().and_then(parse) {
            let is_issuer = |certificate: &&CertificateDer<'static>| {
                let subject = parse(certificate).map(|issuer| issuer.tbs_certificate.subject);
                !chain.contains(certificate) && subject.as_ref() == Some(&last.tbs_certificate.issuer)
            };
            match self.certificates.iter().find(is_issuer) {
                Some(issuer) => chain.push(issuer.clone()),
                None => break,
            }
        }
        chain
    }
}

/// The key of an `EncryptedPrivateKeyInfo` (RFC 5958 section 3).
fn decrypted(der: &[u8], pass_phrase: &Secret) -> Result<PrivateKeyDer<'static>, IdentityProblem> {
    let info = EncryptedPrivateKeyInfoRef::try_from(der).map_err(|_| IdentityProblem::OldKey)?;
    if !is_affordable(&info.encryption_algorithm) {
        return Err(IdentityProblem::OldKey);
    }
    if pass_phrase.is_empty() {
        return Err(IdentityProblem::NoPassPhrase);
    }
    match info.decrypt(pass_phrase.expose()) {
        Ok(key) => Ok(pkcs8_key(key.as_bytes())),
        // By chance a wrong pass phrase gives something, which is no key.
        Err(Pkcs8Error::EncryptedPrivateKey(pkcs5::Error::DecryptFailed) | Pkcs8Error::Asn1(_)) => {
            Err(IdentityProblem::WrongPassPhrase)
        }
        Err(_) => Err(IdentityProblem::OldKey),
    }
}

fn is_affordable(scheme: &EncryptionScheme) -> bool {
    match scheme {
        EncryptionScheme::Pbes2(parameters) => match &parameters.kdf {
            Kdf::Pbkdf2(pbkdf2) => pbkdf2.iteration_count <= MOST_ROUNDS,
            Kdf::Scrypt(scrypt) => {
                let blocks = scrypt.cost_parameter.saturating_mul(scrypt.block_size.into());
                blocks.saturating_mul(128).saturating_mul(scrypt.parallelization.into()) <= MOST_MEMORY
            }
            _ => false,
        },
        _ => false,
    }
}

fn pkcs8_key(der: &[u8]) -> PrivateKeyDer<'static> {
    PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(der.to_vec()))
}

/// A file can be encrypted with an empty pass phrase, so one is tried before it is asked for.
fn not_opened_by(pass_phrase: &Secret) -> IdentityProblem {
    match pass_phrase.is_empty() {
        true => IdentityProblem::NoPassPhrase,
        false => IdentityProblem::WrongPassPhrase,
    }
}
