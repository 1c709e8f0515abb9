//! Private keys that sign assertions (RFC 7523): pasted as those of client certificates are, and in the encoding that the
//! signing library reads. They are sent nowhere.

use std::borrow::Cow;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use rustls::SignatureScheme;
use rustls::crypto::aws_lc_rs::sign::any_supported_type;
use rustls::pki_types::PrivateKeyDer;
use sha2::{Digest, Sha256};
use x509_cert::der::asn1::{AnyRef, ObjectIdentifier, OctetStringRef};
use x509_cert::der::{Encode, Header, Length, Reader, Result as DerResult, SliceReader, Tag};
use x509_cert::spki::AlgorithmIdentifier;

use super::pem::{self, PemProblem};
use crate::vault::Secret;

/// id-ecPublicKey and secp256r1 (RFC 5480 2.1.1).
const EC: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.10045.2.1");
const P256: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.10045.3.1.7");

/// What a key can sign with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeyKind {
    Rsa,
    P256,
    Ed25519,
}

/// A private key that can sign.
pub struct SigningKey {
    key: PrivateKeyDer<'static>,
    /// `None` for a key on another curve.
    pub kind: Option<KeyKind>,
}

impl SigningKey {
    /// Reads a key as it was pasted or stored. It must be that of the first of these certificates (PEM), if there are any.
    pub fn read(text: &str, certificates: &str) -> Result<SigningKey, PemProblem> {
        let key = match certificates {
            "" => pem::lone_key(text)?,
            certificates => pem::key(text, &pem::certificates(certificates)?)?,
        };
        let signing = any_supported_type(&key).map_err(|_| PemProblem::BadKey)?;
        let signs = |scheme| signing.choose_scheme(&[scheme]).is_some();
        let kinds = [
            (SignatureScheme::RSA_PKCS1_SHA256, KeyKind::Rsa),
            (SignatureScheme::ECDSA_NISTP256_SHA256, KeyKind::P256),
            (SignatureScheme::ED25519, KeyKind::Ed25519),
        ];
        let kind = kinds.into_iter().find(|(scheme, _)| signs(*scheme)).map(|(_, kind)| kind);
        Ok(SigningKey { key, kind })
    }

    /// The key as it is stored.
    pub fn text(&self) -> Secret {
        pem::key_text(&self.key)
    }

    /// RSA keys as RSAPrivateKey (RFC 8017 A.1.2), others as PKCS#8 (RFC 5958).
    pub fn der(&self) -> Result<Cow<'_, [u8]>, PemProblem> {
        let der = match &self.key {
            PrivateKeyDer::Pkcs8(key) if self.kind == Some(KeyKind::Rsa) => {
                inner(key.secret_pkcs8_der()).map(Cow::Borrowed)
            }
            PrivateKeyDer::Sec1(key) => outer(key.secret_sec1_der()).map(Cow::Owned),
            key => Ok(Cow::Borrowed(key.secret_der())),
        };
        der.map_err(|_| PemProblem::BadKey)
    }
}

/// The key in PKCS#8 (RFC 5958 2).
fn inner(der: &[u8]) -> DerResult<&[u8]> {
    let mut whole = SliceReader::new(der)?;
    whole.sequence(|reader| {
        reader.decode::<u8>()?;
        reader.decode::<AlgorithmIdentifier<AnyRef<'_>>>()?;
        let key = reader.decode::<OctetStringRef<'_>>()?;
        // Attributes and the public key may follow.
        reader.read_slice(reader.remaining_len())?;
        Ok(key.as_bytes())
    })
}

/// A key on P-256 (RFC 5915) in PKCS#8.
fn outer(key: &[u8]) -> DerResult<Vec<u8>> {
    let (version, key) = (0_u8, OctetStringRef::new(key)?);
    let algorithm = AlgorithmIdentifier { oid: EC, parameters: Some(P256) };
    let length = [version.encoded_len()?, algorithm.encoded_len()?, key.encoded_len()?];
    let length = length.into_iter().try_fold(Length::ZERO, |sum, length| sum + length)?;
    let mut der = Vec::new();
    Header::new(Tag::Sequence, length)?.encode(&mut der)?;
    version.encode(&mut der)?;
    algorithm.encode(&mut der)?;
    key.encode(&mut der)?;
    Ok(der)
}

/// The first of these certificates (PEM) as `x5t#S256` names it (RFC 7515 4.1.8).
pub fn thumbprint(certificates: &str) -> Result<String, PemProblem> {
    let certificates = pem::certificates(certificates)?;
    let first = certificates.first().ok_or(PemProblem::NoCertificate)?;
    Ok(URL_SAFE_NO_PAD.encode(Sha256::digest(first)))
}

/// Certificates as they are stored.
pub fn certificates_text(certificates: &str) -> Result<String, PemProblem> {
    Ok(pem::certificates_text(&pem::certificates(certificates)?))
}
