//! The keys by which the provider signs (RFC 7517), and choosing those that can have signed a token.

use jsonwebtoken::jwk::{Jwk, PublicKeyUse};
use jsonwebtoken::{Algorithm, AlgorithmFamily, DecodingKey};
use serde_json::{Map, Value};

/// The most keys of a set; more is not a key set but a way to keep this program busy.
const MOST: usize = 100;

/// The shortest modulus of an RSA key, in bytes (RFC 7518 section 3.3: 2048 bits).
const SHORTEST_RSA: usize = 256;

/// The provider's public keys that can sign.
#[derive(Clone, Default)]
pub(super) struct Keys(Vec<Jwk>);

impl Keys {
    /// Reads a key set. Keys that are not understood are passed over (RFC 7517 section 5).
    pub fn read(document: &Map<String, Value>) -> Keys {
        let keys = document.get("keys").and_then(Value::as_array);
        let keys = keys.into_iter().flatten().take(MOST);
        let keys = keys.filter_map(|key| serde_json::from_value(key.clone()).ok());
        Keys(keys.filter(can_sign).collect())
    }

    /// Whether there is a key of this id.
    pub fn knows(&self, id: &str) -> bool {
        let mut ids = self.0.iter().filter_map(|key| key.common.key_id.as_deref());
        ids.any(|known| known == id)
    }

    /// The keys that can have made a signature: of this id, if one is named, and for this algorithm.
    pub fn fitting(&self, id: Option<&str>, algorithm: Algorithm) -> impl Iterator<Item = DecodingKey> {
        self.0
            .iter()
            .filter(move |key| id.is_none() || key.common.key_id.as_deref() == id)
            .filter(move |key| key.common.key_algorithm.is_none_or(|own| own == algorithm.into()))
            .filter_map(|key| DecodingKey::from_jwk(key).ok())
            .filter(move |key| key.family() == algorithm.family())
    }
}

/// A public key for signatures. A symmetric one, which the client secret would be, is none.
fn can_sign(key: &Jwk) -> bool {
    let for_signatures = matches!(key.common.public_key_use, None | Some(PublicKeyUse::Signature));
    let decoding = DecodingKey::from_jwk(key);
    let is_public = decoding.is_ok_and(|key| key.family() != AlgorithmFamily::Hmac);
    for_signatures && is_public && !is_short(key)
}

fn is_short(key: &Jwk) -> bool {
    use base64::Engine as _;
    use base64::engine::general_purpose::URL_SAFE_NO_PAD;
    match &key.algorithm {
        jsonwebtoken::jwk::AlgorithmParameters::RSA(rsa) => {
            let modulus = URL_SAFE_NO_PAD.decode(&rsa.n).unwrap_or_default();
            modulus.len() < SHORTEST_RSA
        }
        _ => false,
    }
}
