//! An OpenID Connect provider that does as the test says, well or badly. Nobody signs in to it on a page: the test asks
//! it for its answer to an authorization request.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock};

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use connectory::clock::Clock;
use jsonwebtoken::{Algorithm, EncodingKey, Header, encode};
use rcgen::{KeyPair, PKCS_ECDSA_P256_SHA256};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use uuid::Uuid;

use super::upstream::{Reply, Seen, Upstream};

pub const CLIENT_ID: &str = "connectory";
pub const CLIENT_SECRET: &str = "s3cret+/%:& x";

/// How ID tokens are signed.
#[derive(Clone, Copy, PartialEq)]
pub enum Signing {
    /// With the provider's own key.
    Own,
    /// With a key of somebody else, under the id of the provider's.
    Foreign,
    /// Not at all: `alg` is `none`.
    None,
    /// With an HMAC whose key is the client secret.
    Hmac,
}

/// The provider; it stops when dropped.
pub struct IdentityProvider {
    pub issuer: String,
    upstream: Upstream,
    state: Arc<Mutex<State>>,
}

/// A change to what is said in ID tokens.
type Twist = Box<dyn Fn(&mut Value) + Send>;

struct State {
    clock: Clock,
    issuer: String,
    /// The claims of whoever signs in next.
    person: Value,
    /// Claims that only the UserInfo endpoint tells.
    more: Value,
    twist: Twist,
    signing: Signing,
    key: (String, KeyPair),
    /// What a code was given for: nonce and challenge.
    codes: HashMap<String, (String, String)>,
    /// What each address answers instead.
    broken: HashMap<String, u16>,
    metadata: Value,
}

impl IdentityProvider {
    /// A provider by this clock, to which a person `ana` comes.
    pub async fn start(clock: &Clock) -> IdentityProvider {
        let state = Arc::new(OnceLock::<Arc<Mutex<State>>>::new());
        let heard = Arc::clone(&state);
        let upstream = Upstream::start(move |seen| {
            let state = heard.get().expect("the provider runs");
            state.lock().expect("no panic").answer(seen)
        })
        .await;
        let issuer = upstream.url("");
        let own = Arc::new(Mutex::new(State {
            clock: clock.clone(),
            issuer: issuer.clone(),
            person: json!({"sub": "subject-ana", "preferred_username": "ana", "name": "Ana Ruiz"}),
            more: json!({}),
            twist: Box::new(|_| ()),
            signing: Signing::Own,
            key: key("first"),
            codes: HashMap::new(),
            broken: HashMap::new(),
            metadata: json!({}),
        }));
        state.get_or_init(|| Arc::clone(&own));
        IdentityProvider { issuer, upstream, state: own }
    }

    /// Whoever signs in from now on.
    pub fn person(&self, claims: Value) {
        self.state().person = claims;
    }

    /// What only the UserInfo endpoint tells from now on.
    pub fn more(&self, claims: Value) {
        self.state().more = claims;
    }

    /// Changes ID tokens before they are signed.
    pub fn twist(&self, twist: impl Fn(&mut Value) + Send + 'static) {
        self.state().twist = Box::new(twist);
    }

    pub fn sign(&self, signing: Signing) {
        self.state().signing = signing;
    }

    /// Takes another key, and forgets the one before.
    pub fn rotate(&self, id: &str) {
        self.state().key = key(id);
    }

    /// Answers with this status at an address; 200 mends it.
    pub fn break_down(&self, path: &str, status: u16) {
        self.state().broken.insert(path.into(), status);
    }

    /// Says this besides in its description.
    pub fn describe(&self, members: Value) {
        self.state().metadata = members;
    }

    /// The address to which it sends whoever followed this authorization request and has signed in.
    pub fn answer(&self, request: &str) -> String {
        let asked = query(request);
        let code = Uuid::now_v7().simple().to_string();
        let grant = (asked["nonce"].clone(), asked["code_challenge"].clone());
        self.state().codes.insert(code.clone(), grant);
        self.back(request, &[("code", &code)])
    }

    /// The address to which it sends somebody with these parameters, the state and its own name.
    pub fn back(&self, request: &str, parameters: &[(&str, &str)]) -> String {
        let asked = query(request);
        let mut answer = form_urlencoded::Serializer::new(String::new());
        answer.extend_pairs(parameters);
        answer.append_pair("state", &asked["state"]);
        answer.append_pair("iss", &self.issuer);
        format!("{}?{}", asked["redirect_uri"], answer.finish())
    }

    /// How often an address was asked.
    pub fn asked(&self, path: &str) -> usize {
        let seen = self.upstream.seen();
        seen.iter().filter(|seen| seen.path() == path).count()
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().expect("no panic")
    }
}

fn key(id: &str) -> (String, KeyPair) {
    let pair = KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256).expect("a key");
    (id.into(), pair)
}

/// The parameters of an address.
pub fn query(address: &str) -> HashMap<String, String> {
    let (_, query) = address.split_once('?').unwrap_or_default();
    form_urlencoded::parse(query.as_bytes()).into_owned().collect()
}

impl State {
    fn answer(&mut self, seen: &Seen) -> Reply {
        if let Some(status) = self.broken.get(seen.path()).filter(|status| **status != 200) {
            return Reply::of(*status, &[], "out of order");
        }
        let body = match seen.path() {
            "/.well-known/openid-configuration" => self.description(),
            "/jwks" => self.keys(),
            "/userinfo" => self.userinfo(seen),
            "/token" => return self.token(seen),
            // A browser that is sent here stays on the page that it comes from.
            "/authorize" => return Reply::of(204, &[], ""),
            _ => return Reply::of(404, &[], ""),
        };
        Reply::json(200, &body.to_string())
    }

    fn description(&self) -> Value {
        let issuer = &self.issuer;
        let mut description = json!({
            "issuer": issuer,
            "authorization_endpoint": format!("{issuer}/authorize"),
            "token_endpoint": format!("{issuer}/token"),
            "jwks_uri": format!("{issuer}/jwks"),
            "userinfo_endpoint": format!("{issuer}/userinfo"),
            "authorization_response_iss_parameter_supported": true,
        });
        for (name, value) in self.metadata.as_object().expect("an object") {
            description[name] = value.clone();
        }
        description
    }

    fn keys(&self) -> Value {
        let (id, pair) = &self.key;
        let (x, y) = pair.public_key_raw()[1..].split_at(32);
        let part = |bytes: &[u8]| URL_SAFE_NO_PAD.encode(bytes);
        json!({"keys": [
            {"kty": "EC", "crv": "P-256", "use": "sig", "alg": "ES256", "kid": id, "x": part(x), "y": part(y)},
            {"kty": "EC", "crv": "P-256K", "kid": "strange"},
        ]})
    }

    fn userinfo(&self, seen: &Seen) -> Value {
        assert_eq!(seen.header("authorization"), Some("Bearer the-access-token"));
        let mut claims = json!({"sub": self.person["sub"]});
        for (name, value) in self.more.as_object().expect("an object") {
            claims[name] = value.clone();
        }
        claims
    }

    fn token(&mut self, seen: &Seen) -> Reply {
        let form: HashMap<String, String> = form_urlencoded::parse(&seen.body).into_owned().collect();
        let encoded = |text: &str| form_urlencoded::byte_serialize(text.as_bytes()).collect::<String>();
        let basic = STANDARD.encode(format!("{}:{}", encoded(CLIENT_ID), encoded(CLIENT_SECRET)));
        assert_eq!(seen.header("authorization"), Some(format!("Basic {basic}").as_str()));
        let grant = form.get("code").and_then(|code| self.codes.remove(code));
        let verifier = form.get("code_verifier").map(Sha256::digest);
        let Some((nonce, challenge)) = grant else {
            return Reply::json(400, r#"{"error":"invalid_grant"}"#);
        };
        assert_eq!(verifier.map(|hash| URL_SAFE_NO_PAD.encode(hash)), Some(challenge));
        let answer = json!({
            "access_token": "the-access-token", "token_type": "Bearer", "expires_in": 60,
            "id_token": self.id_token(&nonce),
        });
        Reply::json(200, &answer.to_string())
    }

    fn id_token(&self, nonce: &str) -> String {
        let now = self.clock.now().timestamp();
        let half = &Sha256::digest("the-access-token")[..16];
        let mut claims = json!({
            "iss": self.issuer, "aud": CLIENT_ID, "nonce": nonce, "iat": now, "exp": now + 300,
            "auth_time": now, "at_hash": URL_SAFE_NO_PAD.encode(half),
        });
        for (name, value) in self.person.as_object().expect("an object") {
            claims[name] = value.clone();
        }
        (self.twist)(&mut claims);
        let (id, own) = &self.key;
        let mut header = Header::new(Algorithm::ES256);
        header.kid = Some(id.clone());
        let read = |pair: &KeyPair| EncodingKey::from_ec_der(pair.serialized_der());
        match self.signing {
            Signing::Own => encode(&header, &claims, &read(own)).expect("a token"),
            Signing::Foreign => encode(&header, &claims, &read(&key("other").1)).expect("a token"),
            Signing::Hmac => {
                let header = Header::new(Algorithm::HS256);
                let secret = EncodingKey::from_secret(CLIENT_SECRET.as_bytes());
                encode(&header, &claims, &secret).expect("a token")
            }
            Signing::None => {
                let part = |text: &str| URL_SAFE_NO_PAD.encode(text);
                format!("{}.{}.", part(r#"{"alg":"none"}"#), part(&claims.to_string()))
            }
        }
    }
}
