//! HTTP Digest (RFC 7616), by the crate http-auth. The server says in a challenge how to sign; it serves until the server
//! names another one.

use std::sync::Arc;

use http_auth::{ChallengeParser, DigestClient, PasswordParams, digest::Qop};

use super::{Challenges, unsignable};
use crate::outbound::http::header::{AUTHORIZATION, HeaderName, HeaderValue, WWW_AUTHENTICATE};
use crate::outbound::http::{HeaderMap, StatusCode};
use crate::outbound::{Body, Origin, Request, SendError};
use crate::vault::Secret;

/// RFC 7616 section 3.5.
const AUTHENTICATION_INFO: HeaderName = HeaderName::from_static("authentication-info");

/// How often a call is signed once more where the server says that its nonce is too old.
const MOST_STALE: u8 = 3;

/// User and password.
#[derive(Clone)]
pub struct DigestSigner {
    user: String,
    password: Secret,
}

/// A challenge, and how often its nonce was used.
pub(super) struct Challenge {
    /// As the server has sent it, from `Digest` on.
    text: Arc<str>,
    client: DigestClient,
}

impl DigestSigner {
    pub fn new(user: &str, password: Secret) -> DigestSigner {
        DigestSigner { user: user.into(), password }
    }

    pub(super) fn password(&self) -> &Secret {
        &self.password
    }

    /// Answers the challenge with this request.
    pub(super) fn sign(&self, request: &mut Request, challenge: &mut Challenge) -> Result<(), SendError> {
        let client = &mut challenge.client;
        // The body is signed only for a server that insists: a stream could not be.
        let body = match request.body() {
            _ if client.qop() & Qop::Auth => None,
            Body::Empty => Some(&b""[..]),
            Body::Whole(bytes) => Some(&bytes[..]),
            Body::Stream(_) => None,
        };
        let target = request.uri().path_and_query().map_or("/", |target| target.as_str());
        let params = PasswordParams {
            username: &self.user,
            password: self.password.expose(),
            uri: target,
            method: request.method().as_str(),
            body,
        };
        let answer = client.respond(&params).map_err(|_| cannot_answer())?;
        let mut value = HeaderValue::try_from(answer).map_err(|_| cannot_answer())?;
        value.set_sensitive(true);
        request.headers_mut().insert(AUTHORIZATION, value);
        Ok(())
    }
}

impl Challenge {
    /// The first that can be answered: servers name them in the order of their liking (RFC 7616 section 3.7).
    fn first(headers: &HeaderMap) -> Option<Challenge> {
        let values = headers.get_all(WWW_AUTHENTICATE).iter().filter_map(|value| value.to_str().ok());
        values.flat_map(|value| ChallengeParser::new(value).map_while(Result::ok)).find_map(|parsed| {
            let client = DigestClient::try_from(&parsed).ok()?;
            let params = parsed.params.iter().map(|(name, value)| format!("{name}=\"{}\"", value.as_escaped()));
            let text = format!("Digest {}", params.collect::<Vec<_>>().join(", ")).into();
            Some(Challenge { text, client })
        })
    }

    /// The same with the next nonce, which the server names in the answer to a request that it has taken.
    fn next(&self, headers: &HeaderMap) -> Option<Challenge> {
        let info = format!("Digest {}", headers.get(AUTHENTICATION_INFO)?.to_str().ok()?);
        let info = ChallengeParser::new(&info).next()?.ok()?;
        let (_, nonce) = info.params.iter().find(|(name, _)| name.eq_ignore_ascii_case("nextnonce"))?;
        let mut parsed = ChallengeParser::new(&self.text).next()?.ok()?;
        let (_, current) = parsed.params.iter_mut().find(|(name, _)| name.eq_ignore_ascii_case("nonce"))?;
        *current = *nonce;
        let client = DigestClient::try_from(&parsed).ok()?;
        Some(Challenge { text: Arc::clone(&self.text), client })
    }
}

/// Notes what the response says of the next signature; true if the request is to be signed and sent once more. A nonce
/// that was known before the call may be too old, whether the server says so or not. After a challenge that has just
/// come, another one means that user or password is wrong, unless it is called stale (RFC 7616 section 3.3).
pub(super) fn is_challenged(
    challenges: &mut Challenges,
    origin: Origin,
    (status, headers): (StatusCode, &HeaderMap),
    answered: u8,
) -> bool {
    if status != StatusCode::UNAUTHORIZED {
        if let Some(next) = challenges.get(&origin).and_then(|challenge| challenge.next(headers)) {
            challenges.insert(origin, next);
        }
        return false;
    }
    let Some(challenge) = Challenge::first(headers) else { return false };
    let is_repeated = answered == 0 || (challenge.client.stale() && answered < MOST_STALE);
    if is_repeated {
        challenges.insert(origin, challenge);
    } else {
        // So that a wrong password is sent once for each call.
        challenges.remove(&origin);
    }
    is_repeated
}

fn cannot_answer() -> SendError {
    unsignable(
        "The API’s Digest challenge cannot be answered.",
        "Check the user on the Authorization tab, and which algorithms and qop the API offers: MD5, SHA-256 and SHA-512-256 with qop auth can be answered.",
    )
}
