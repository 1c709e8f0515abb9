//! Splits a pasted text into its blocks, and says what each of them is.

use base64::Engine as _;
use base64::alphabet;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use rustls::pki_types::PrivateKeyDer;
use x509_cert::Certificate;
use x509_cert::der::{Decode, Header, Reader, SliceReader, Tag};

use super::pem::PemProblem;

const BEGIN: &str = "-----BEGIN ";
const END: &str = "-----END ";
const DASHES: &str = "-----";

/// What a block holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Certificate,
    Key,
    /// In PKCS#8 (RFC 5958).
    EncryptedKey,
    /// As OpenSSL encrypted keys before PKCS#8 (RFC 1421).
    OldEncryptedKey,
    OpenSshKey,
    Request,
    Pkcs7,
    Pkcs12,
    PublicKey,
    /// A block of something else that is of no use here, such as the parameters of a curve.
    Other,
    /// What stands in it is no base64.
    NotBase64,
    /// DER of an unknown kind, without markers.
    Unknown,
}

pub(super) struct Block {
    pub kind: Kind,
    pub der: Vec<u8>,
}

impl Block {
    fn empty(kind: Kind) -> Block {
        Block { kind, der: Vec::new() }
    }
}

/// The blocks of a text, in their order.
pub(super) fn blocks(text: &str) -> Result<Vec<Block>, PemProblem> {
    // Texts from variables of the environment and from JSON have the line break as two letters.
    let text = text.replace("\\r", "\n").replace("\\n", "\n").replace("\\t", " ");
    if !text.contains(BEGIN) {
        return Ok(bare(&text));
    }
    let mut blocks = Vec::new();
    let mut rest = text.as_str();
    while let Some((_, after)) = rest.split_once(BEGIN) {
        let (label, body) = after.split_once(DASHES).ok_or(PemProblem::Unfinished)?;
        let end = format!("{END}{label}{DASHES}");
        let (body, behind) = body.split_once(&end).ok_or(PemProblem::Unfinished)?;
        if body.contains(BEGIN) {
            return Err(PemProblem::Unfinished);
        }
        blocks.push(block(label, body));
        rest = behind;
    }
    Ok(blocks)
}

fn block(label: &str, body: &str) -> Block {
    let kind = match label.trim() {
        "CERTIFICATE" | "X509 CERTIFICATE" | "TRUSTED CERTIFICATE" => Kind::Certificate,
        "ENCRYPTED PRIVATE KEY" => Kind::EncryptedKey,
        "OPENSSH PRIVATE KEY" => return Block::empty(Kind::OpenSshKey),
        label if label.ends_with("PRIVATE KEY") && body.contains("ENCRYPTED") => {
            return Block::empty(Kind::OldEncryptedKey);
        }
        label if label.ends_with("PRIVATE KEY") => Kind::Key,
        label if label.ends_with("CERTIFICATE REQUEST") => return Block::empty(Kind::Request),
        "PKCS7" | "CMS" => return Block::empty(Kind::Pkcs7),
        "PKCS12" => Kind::Pkcs12,
        label if label.ends_with("PUBLIC KEY") => return Block::empty(Kind::PublicKey),
        _ => return Block::empty(Kind::Other),
    };
    match decode(body) {
        Some(der) if kind == Kind::Certificate => Block { kind, der: first_value(der) },
        Some(der) => Block { kind, der },
        None => Block::empty(Kind::NotBase64),
    }
}

/// DER in base64 without markers, several pieces with a blank line or a comma between them.
fn bare(text: &str) -> Vec<Block> {
    let text = text.replace("\r\n", "\n").replace("\n\n", ",");
    let pieces = text.split([',', '[', ']']).filter_map(decode).filter(|der| !der.is_empty());
    pieces.map(|der| Block { kind: kind_of(&der), der }).collect()
}

/// What a value is by its first members.
pub(super) fn kind_of(der: &[u8]) -> Kind {
    if Certificate::from_der(der).is_ok() {
        return Kind::Certificate;
    }
    match first_member(der) {
        // PKCS#7 begins with the type of its contents, PKCS#12 with its version 3, which no key has.
        Some((Tag::ObjectIdentifier, _)) => Kind::Pkcs7,
        Some((Tag::Integer, 3)) => Kind::Pkcs12,
        Some(_) if PrivateKeyDer::try_from(der).is_ok() => Kind::Key,
        Some(_) => Kind::Unknown,
        // Any word is base64; a value in DER is longer.
        None => Kind::Other,
    }
}

/// The tag of the first member of a sequence, and its last byte.
fn first_member(der: &[u8]) -> Option<(Tag, u8)> {
    let mut reader = SliceReader::new(der).ok()?;
    let outer = Header::decode(&mut reader).ok()?;
    let member = Header::decode(&mut reader).ok()?;
    let bytes = reader.read_slice(member.length).ok()?;
    (outer.tag == Tag::Sequence).then_some((member.tag, bytes.last().copied().unwrap_or_default()))
}

/// The first value of what may be followed by more, as OpenSSL adds whom a trusted certificate is trusted for.
fn first_value(der: Vec<u8>) -> Vec<u8> {
    let mut reader = SliceReader::new(&der).ok();
    let value = reader.as_mut().and_then(|reader| reader.tlv_bytes().ok()).map(<[u8]>::to_vec);
    value.unwrap_or(der)
}

/// Base64, of which everything is left out that copying adds: white space, quotes, and the signs between parts of a
/// text in programs.
fn decode(body: &str) -> Option<Vec<u8>> {
    let engine = GeneralPurpose::new(
        &alphabet::STANDARD,
        GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
    );
    let is_added = |letter: char| letter.is_whitespace() || "`\\,;\u{feff}".contains(letter);
    let typed: String = body.chars().filter(|&letter| !is_added(letter)).collect();
    // A plus between two quotes joins two texts; any other is base64.
    let base64 = typed.replace("\"+\"", "").replace("'+'", "").replace(['"', '\''], "");
    engine.decode(base64).ok()
}
