//! Tokens as a provider makes them, and as an attacker would.

use jsonwebtoken::jwk::Jwk;
use jsonwebtoken::{EncodingKey, Header, encode};
use rcgen::{KeyPair, PKCS_ECDSA_P256_SHA256, PKCS_ED25519};
use serde_json::json;

use super::*;

const ISSUER: &str = "https://login.example.org";
const NOW: i64 = 1_800_000_000;

/// A signer: the provider, or an attacker.
struct Signer {
    id: &'static str,
    algorithm: Algorithm,
    key: EncodingKey,
    jwk: Jwk,
}

impl Signer {
    fn new(id: &'static str, algorithm: Algorithm) -> Signer {
        let (kind, read): (_, fn(&[u8]) -> EncodingKey) = match algorithm {
            Algorithm::EdDSA => (&PKCS_ED25519, EncodingKey::from_ed_der),
            _ => (&PKCS_ECDSA_P256_SHA256, EncodingKey::from_ec_der),
        };
        let pair = KeyPair::generate_for(kind).expect("a key");
        let key = read(pair.serialized_der());
        let jwk = match algorithm {
            Algorithm::EdDSA => {
                json!({"kty": "OKP", "crv": "Ed25519", "x": URL_SAFE_NO_PAD.encode(pair.public_key_raw())})
            }
            _ => {
                let (x, y) = pair.public_key_raw()[1..].split_at(32);
                json!({"kty": "EC", "crv": "P-256", "x": URL_SAFE_NO_PAD.encode(x), "y": URL_SAFE_NO_PAD.encode(y)})
            }
        };
        let mut jwk: Jwk = serde_json::from_value(jwk).expect("a public key");
        jwk.common.key_id = Some(id.into());
        Signer { id, algorithm, key, jwk }
    }

    fn sign(&self, claims: &Value) -> Secret {
        let mut header = Header::new(self.algorithm);
        header.kid = Some(self.id.into());
        Secret::new(encode(&header, claims, &self.key).expect("a token"))
    }
}

fn keys(signers: &[&Signer]) -> Keys {
    let all: Vec<Value> = signers.iter().map(|signer| serde_json::to_value(&signer.jwk).expect("JSON")).collect();
    Keys::read(json!({ "keys": all }).as_object().expect("an object"))
}

/// What a good token says.
fn claims() -> Value {
    json!({
        "iss": ISSUER, "aud": "connectory", "sub": "248289761001", "nonce": "n-0S6_WzA2Mj",
        "iat": NOW - 5, "exp": NOW + 300, "at_hash": half_hash(Algorithm::ES256, "access"),
    })
}

/// The same after a change; `null` takes a claim away.
fn changed(name: &str, value: Value) -> Value {
    let mut claims = claims();
    if value.is_null() {
        claims.as_object_mut().expect("an object").remove(name);
    } else {
        claims[name] = value;
    }
    claims
}

fn judge(token: &Secret, keys: &Keys) -> Result<Map<String, Value>, IdTokenError> {
    let expected = Expected {
        issuer: ISSUER,
        client_id: "connectory",
        nonce: &Secret::new("n-0S6_WzA2Mj".into()),
        access_token: &Secret::new("access".into()),
        now: DateTime::from_timestamp(NOW, 0).expect("a time"),
    };
    verify(token, keys, &expected)
}

#[test]
fn a_good_token_is_believed() {
    let provider = Signer::new("1", Algorithm::ES256);
    let good = judge(&provider.sign(&claims()), &keys(&[&provider])).expect("a good token");
    assert_eq!(good["sub"], "248289761001");
    let edwards = Signer::new("2", Algorithm::EdDSA);
    let hash = json!(half_hash(Algorithm::EdDSA, "access"));
    let token = edwards.sign(&changed("at_hash", hash));
    assert!(judge(&token, &keys(&[&provider, &edwards])).is_ok());
}

#[test]
fn each_claim_must_fit() {
    use IdTokenError::*;
    let provider = Signer::new("1", Algorithm::ES256);
    let keys = keys(&[&provider]);
    let two = json!(["connectory", "other"]);
    for (name, value, outcome) in [
        ("iss", json!("https://login.example.org/"), Err(Issuer)),
        ("iss", json!(["https://login.example.org"]), Err(Issuer)),
        ("iss", Value::Null, Err(Issuer)),
        ("aud", json!("other"), Err(Audience)),
        ("aud", json!(["connectory"]), Ok(())),
        ("aud", two, Err(Audience)),
        ("aud", json!([]), Err(Audience)),
        ("aud", Value::Null, Err(Audience)),
        ("azp", json!("connectory"), Ok(())),
        ("azp", json!("other"), Err(Audience)),
        ("exp", json!(NOW - 59), Ok(())),
        ("exp", json!(NOW - 60), Err(Clock)),
        ("exp", json!((NOW + 60) as f64 + 0.5), Ok(())),
        ("exp", json!("soon"), Err(Undated)),
        ("exp", Value::Null, Err(Undated)),
        ("exp", json!(i64::MAX), Err(Undated)),
        ("iat", json!(NOW + 60), Ok(())),
        ("iat", json!(NOW + 61), Err(Clock)),
        ("iat", json!(NOW - 3601), Err(Clock)),
        ("iat", Value::Null, Err(Undated)),
        ("nbf", json!(NOW + 60), Ok(())),
        ("nbf", json!(NOW + 61), Err(Clock)),
        ("nbf", json!("x"), Err(Undated)),
        ("nonce", json!("another"), Err(Nonce)),
        ("nonce", json!(""), Err(Nonce)),
        ("nonce", Value::Null, Err(Nonce)),
        ("at_hash", json!("another"), Err(AccessToken)),
        ("at_hash", json!(7), Err(AccessToken)),
        ("at_hash", Value::Null, Ok(())),
        ("sub", json!(""), Err(Subject)),
        ("sub", json!(7), Err(Subject)),
        ("sub", json!("x".repeat(256)), Err(Subject)),
        ("sub", json!("a\u{0}b"), Err(Subject)),
        ("sub", Value::Null, Err(Subject)),
    ] {
        let token = provider.sign(&changed(name, value.clone()));
        assert_eq!(judge(&token, &keys).map(|_| ()), outcome, "{name}: {value}");
    }
    let mut both = changed("aud", json!(["connectory", "other"]));
    both["azp"] = json!("connectory");
    assert!(judge(&provider.sign(&both), &keys).is_ok());
}

#[test]
fn only_the_providers_own_keys_sign() {
    use IdTokenError::*;
    let provider = Signer::new("1", Algorithm::ES256);
    let known = keys(&[&provider]);
    let thief = Signer::new("1", Algorithm::ES256);
    assert_eq!(judge(&thief.sign(&claims()), &known), Err(Signature));
    let stranger = Signer::new("2", Algorithm::ES256);
    assert_eq!(judge(&stranger.sign(&claims()), &known), Err(UnknownKey));
    let edwards = Signer::new("1", Algorithm::EdDSA);
    assert_eq!(judge(&edwards.sign(&claims()), &known), Err(Signature));

    let good = provider.sign(&claims()).expose().to_string();
    let (signed, signature) = good.rsplit_once('.').expect("three parts");
    let (_, payload) = signed.split_once('.').expect("two parts");
    let header = |text: &str| URL_SAFE_NO_PAD.encode(text);
    for forged in [
        format!("{}.{payload}.", header(r#"{"alg":"none"}"#)),
        format!("{}.{payload}.{signature}", header(r#"{"alg":"none"}"#)),
        format!("{}.{payload}.{signature}", header(r#"{"alg":"HS256","kid":"1"}"#)),
        format!("{}.{payload}.{signature}", header(r#"{"kid":"1"}"#)),
        format!("{}.{payload}.{signature}", header(r#"{"alg":"ES256","kid":"1","crit":["exp"]}"#)),
        format!("{signed}."),
        signed.to_string(),
        "..".to_string(),
        String::new(),
        "a.b.c.d.e".to_string(),
    ] {
        let outcome = judge(&Secret::new(forged.clone()), &known);
        assert!(matches!(outcome, Err(Unreadable | Signature)), "{forged}: {outcome:?}");
    }
    let other = header(&changed("sub", json!("root")).to_string());
    let head = signed.split('.').next().expect("a header");
    let moved = Secret::new(format!("{head}.{other}.{signature}"));
    assert_eq!(judge(&moved, &known), Err(Signature));
}

#[test]
fn a_key_that_others_know_signs_nothing() {
    // With the public key, or the client secret, anyone could make an HMAC.
    let secret = b"the client secret, which is long enough";
    let mut header = Header::new(Algorithm::HS256);
    header.kid = Some("1".into());
    let token = encode(&header, &claims(), &EncodingKey::from_secret(secret)).expect("a token");
    let set = json!({"keys": [{"kty": "oct", "kid": "1", "alg": "HS256", "k": URL_SAFE_NO_PAD.encode(secret)}]});
    let keys = Keys::read(set.as_object().expect("an object"));
    assert!(!keys.knows("1"));
    let outcome = judge(&Secret::new(token), &keys);
    assert_eq!(outcome, Err(IdTokenError::Unreadable));
}

#[test]
fn keys_for_something_else_and_strange_ones_are_passed_over() {
    let provider = Signer::new("1", Algorithm::ES256);
    let jwk = |change: &dyn Fn(&mut Value)| {
        let mut jwk = serde_json::to_value(&provider.jwk).expect("JSON");
        change(&mut jwk);
        let set = json!({"keys": [{"kty": "XYZ"}, 7, jwk]});
        Keys::read(set.as_object().expect("an object"))
    };
    let token = provider.sign(&claims());
    assert!(judge(&token, &jwk(&|_| ())).is_ok());
    assert!(judge(&token, &jwk(&|jwk| jwk["use"] = json!("sig"))).is_ok());
    let encrypts = judge(&token, &jwk(&|jwk| jwk["use"] = json!("enc")));
    assert_eq!(encrypts, Err(IdTokenError::UnknownKey));
    let other = judge(&token, &jwk(&|jwk| jwk["alg"] = json!("ES384")));
    assert_eq!(other, Err(IdTokenError::Signature));
    let short = json!({"keys": [{"kty": "RSA", "kid": "2", "e": "AQAB", "n": URL_SAFE_NO_PAD.encode([0xff; 128])}]});
    assert!(!Keys::read(short.as_object().expect("an object")).knows("2"));
}
