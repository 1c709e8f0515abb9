//! Responses of Connectory's own to a program that got none of the API's: RFC 9457 problem documents.
//!
//! Rule: every kind is in [`all_kinds`], from which the API's description is made. Danger: anything of the request
//! in a sentence that may be a secret; sentences name keys of connectors and endpoints, methods and variables.

use std::time::Duration;

use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use actix_web::http::header::{CONTENT_TYPE, HeaderName, RETRY_AFTER, WWW_AUTHENTICATE};
use serde::Serialize;
use utoipa::ToSchema;
use utoipa::openapi::{Object, ObjectBuilder, Type};

use crate::access::{KeyRefusal, OverQuota};
use crate::relay::error::{CONNECTOR_NOT_FOUND, INTERNAL, KINDS as RELAY_KINDS, UNAVAILABLE, problem_kinds};
use crate::relay::{ProblemKind, RelayError};

problem_kinds! {
    KEY_MISSING = "key_missing", 401, "No API key was sent",
        "Send the key as “Authorization: Bearer …” or in the header X-Connectory-Key. A session of the pages does not count here.";
    KEY_UNKNOWN = "key_unknown", 401, "The API key is not known",
        "Check that the whole key is sent; make a new one if it was lost.";
    KEY_REVOKED = "key_revoked", 401, "The API key was revoked",
        "Ask its owner for a new one.";
    KEY_EXPIRED = "key_expired", 401, "The API key has expired",
        "Ask its owner for a new one.";
    KEY_HOLDER_INACTIVE = "key_holder_inactive", 403, "The key’s holder is not active",
        "Ask an administrator of Connectory.";
    KEY_HOLDER_NOT_PERMITTED = "key_holder_not_permitted", 403, "The key’s holder may not call",
        "Ask an administrator for the permission “Call Data Connectors”.";
    ENDPOINT_NOT_ALLOWED = "endpoint_not_allowed", 403, "The API key may not call this endpoint",
        "Ask for a key that may call it.";
    PROXY_NOT_ALLOWED = "proxy_not_allowed", 403, "The API key may not use the proxy",
        "Call one of the connector’s endpoints, or ask for a key that may use the proxy.";
    TOKEN_NOT_ALLOWED = "token_not_allowed", 403, "The API key may not read the access token",
        "Call through Connectory, which needs no token, or ask for a key with this right.";
    METHOD_NOT_ALLOWED_TO_KEY = "method_not_allowed_to_key", 403, "The API key may not use this HTTP method",
        "Use another method, or ask for a key that may use it.";
    KEYS_UNAVAILABLE = "keys_unavailable", 503, "API keys cannot be checked at the moment",
        "This usually passes within seconds: try again.";
    TOO_MANY_KEYS = "too_many_unknown_keys", 429, "Too many unknown keys came from this address",
        "Wait, and check which key the program sends.";
    KEY_RATE_LIMITED = "key_rate_limited", 429, "The API key makes too many requests in a short time",
        "Wait as long as Retry-After says, and spread the requests.";
    KEY_TOO_MANY_AT_ONCE = "key_too_many_at_once", 429, "The API key makes too many requests at once",
        "Wait until some have been answered: send fewer at the same time.";
    NOT_FOUND = "not_found", 404, "There is nothing at this address",
        "Compare the address with the API reference.";
    METHOD_NOT_ALLOWED = "method_not_allowed", 405, "This address cannot be used with this method",
        "Use one of the methods that the header Allow names.";
    MALFORMED = "malformed_request", 400, "The request cannot be read",
        "Compare the request with the API reference.";
    BODY_TOO_LARGE = "request_body_too_large", 413, "The request’s body is too large",
        "Send less; the proxy streams bodies of any size, unless the data connector signs them.";
    ENDPOINT_NOT_FOUND = "endpoint_not_found", 404, "There is no such endpoint",
        "Ask for the connector’s endpoints at …/api/v1/connectors/{key}.";
    VARIABLES_DO_NOT_FIT = "variables_do_not_fit", 422, "The variables do not make a request",
        "Send every variable that the endpoint needs, of the kind that its place takes.";
    METHOD_NOT_SUPPORTED = "method_not_supported", 501, "This method is not passed on",
        "CONNECT and TRACE are never passed on. Use another method.";
    UPGRADE_NOT_SUPPORTED = "upgrade_not_supported", 501, "Other protocols are not passed on",
        "WebSockets and other upgrades do not work through the proxy. Use plain requests.";
    LOOP_DETECTED = "loop_detected", 508, "The request would call Connectory again",
        "The data connector calls Connectory itself. Enter the address of the API itself as its base URL.";
    COLLECTION_NOT_FOUND = "collection_not_found", 404, "There is no such collection",
        "Ask for the collections at …/api/v1/collections, or for a key that may use this one.";
    RECORD_NOT_FOUND = "record_not_found", 404, "There is no such record",
        "Ask for the collection’s records.";
    RECORD_CHANGED = "record_changed", 412, "The record is not the one that the request is about",
        "Read the record again, and change what it is now.";
    CONTENT_TYPE_NOT_TAKEN = "content_type_not_taken", 415, "The body’s content type is not one that is taken",
        "Send a record as application/json and a patch as application/merge-patch+json, without Content-Encoding.";
    RECORD_DOES_NOT_FIT = "record_does_not_fit", 422, "The record does not fit the collection’s schema",
        "Correct what “errors” lists. The schema is at …/api/v1/collections/{key}.";
    NO_ACCESS_TOKEN = "connector_without_token", 409, "The data connector has no access token",
        "Its method is not one with tokens. Call through Connectory.";
}

/// Every kind of problem that a response of the API can have.
pub(super) fn all_kinds() -> impl Iterator<Item = &'static ProblemKind> {
    KINDS.iter().chain(RELAY_KINDS)
}

/// The kinds that every operation that needs a key can respond with.
pub(super) const OF_KEYS: &[ProblemKind] = &[
    LOOP_DETECTED,
    KEY_MISSING,
    KEY_UNKNOWN,
    KEY_REVOKED,
    KEY_EXPIRED,
    KEY_HOLDER_INACTIVE,
    KEY_HOLDER_NOT_PERMITTED,
    KEYS_UNAVAILABLE,
    TOO_MANY_KEYS,
    KEY_RATE_LIMITED,
    KEY_TOO_MANY_AT_ONCE,
    UNAVAILABLE,
    INTERNAL,
];

/// What went wrong, if the response is Connectory’s and not the API’s (RFC 9457).
#[derive(Serialize, ToSchema)]
#[cfg_attr(test, derive(serde::Deserialize))]
#[schema(examples(json!({
    "type": "https://connectory.example.org/api/v1#key_expired",
    "title": "The API key has expired", "status": 401,
    "detail": "This API key has expired.",
    "instance": "urn:connectory:request:019a2b3c4d5e7f8090a1b2c3d4e5f607",
    "code": "key_expired", "remedy": "Ask its owner for a new one.",
    "request_id": "019a2b3c4d5e7f8090a1b2c3d4e5f607",
})))]
pub(super) struct ProblemDocument {
    /// The address at which the kind of problem is described.
    pub r#type: String,
    /// The kind as a sentence.
    pub title: String,
    /// The status of the response.
    pub status: u16,
    /// What happened.
    pub detail: String,
    /// This very occurrence.
    pub instance: String,
    /// The kind as a word that never changes.
    #[schema(schema_with = code_schema)]
    pub code: String,
    /// What to try.
    pub remedy: String,
    /// The id of the request in Connectory’s logs.
    pub request_id: String,
    /// Seconds after which it may be tried again; left out where waiting does not help.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub retry_after: Option<u64>,
    /// Every value that is wrong; left out where there is nothing more to say.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub errors: Option<Vec<FieldError>>,
}

/// A value that is wrong.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[cfg_attr(test, derive(serde::Deserialize))]
pub(super) struct FieldError {
    /// The variable’s name, where it is about one.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub variable: Option<String>,
    /// The place in a record, as a JSON Pointer (RFC 6901), where it is about one.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub pointer: Option<String>,
    /// What is wrong with it.
    pub detail: String,
}

fn code_schema() -> Object {
    let codes = all_kinds().map(|kind| kind.code);
    let about = "The kind as a word that never changes.";
    ObjectBuilder::new().schema_type(Type::String).enum_values(Some(codes)).description(Some(about)).build()
}

/// A problem with what its response needs.
#[derive(Debug)]
pub(super) struct Problem {
    pub relay: Box<RelayError>,
    /// A header of the response that says what is allowed.
    pub header: Option<(HeaderName, String)>,
    /// Every value that is wrong, for some kinds.
    pub errors: Option<Vec<FieldError>>,
}

impl From<RelayError> for Problem {
    fn from(relay: RelayError) -> Problem {
        Problem { relay: Box::new(relay), header: None, errors: None }
    }
}

impl From<crate::web::Error> for Problem {
    fn from(error: crate::web::Error) -> Problem {
        RelayError::of_error(&error).into()
    }
}

/// A save of what the transaction has locked: only a fault ends it.
impl From<crate::web::SaveError> for Problem {
    fn from(error: crate::web::SaveError) -> Problem {
        crate::web::Error::from(error).into()
    }
}

/// A transaction that could not be finished.
impl From<diesel::result::Error> for Problem {
    fn from(error: diesel::result::Error) -> Problem {
        crate::web::Error::from(error).into()
    }
}

/// A connector that a key may not call is not told apart from one that does not exist.
impl From<KeyRefusal> for Problem {
    fn from(refusal: KeyRefusal) -> Problem {
        let kind = match &refusal {
            KeyRefusal::Unknown => &KEY_UNKNOWN,
            KeyRefusal::Revoked => &KEY_REVOKED,
            KeyRefusal::Expired => &KEY_EXPIRED,
            KeyRefusal::HolderInactive => &KEY_HOLDER_INACTIVE,
            KeyRefusal::HolderNotPermitted => &KEY_HOLDER_NOT_PERMITTED,
            KeyRefusal::ConnectorNotAllowed => return connector_not_found(),
            KeyRefusal::EndpointNotAllowed => &ENDPOINT_NOT_ALLOWED,
            KeyRefusal::ProxyNotAllowed => &PROXY_NOT_ALLOWED,
            KeyRefusal::TokenNotAllowed => &TOKEN_NOT_ALLOWED,
            KeyRefusal::MethodNotAllowed => &METHOD_NOT_ALLOWED_TO_KEY,
            KeyRefusal::TooManyUnknown(_) => &TOO_MANY_KEYS,
            KeyRefusal::Unavailable(_) => &KEYS_UNAVAILABLE,
        };
        let retry_after = match &refusal {
            KeyRefusal::Unavailable(error) => RelayError::of_error(error).retry_after,
            KeyRefusal::TooManyUnknown(wait) => Some(*wait),
            _ => None,
        };
        RelayError { retry_after, ..kind.because(refusal.to_string()) }.into()
    }
}

impl From<OverQuota> for Problem {
    fn from(over: OverQuota) -> Problem {
        let problem = match over {
            OverQuota::Rate(_) => KEY_RATE_LIMITED.because("It has used up the requests of this minute."),
            OverQuota::AtOnce { most, .. } => {
                KEY_TOO_MANY_AT_ONCE.because(format!("{most} requests of this key are under way, which is its limit."))
            }
        };
        RelayError { retry_after: Some(over.wait()), ..problem }.into()
    }
}

/// The same for a connector that is not there and for one that the key may not call.
pub(super) fn connector_not_found() -> Problem {
    CONNECTOR_NOT_FOUND.because("No data connector of this key is open to the API key.").into()
}

impl Problem {
    /// The response. `address` is the public one, `request_id` is also in the logs.
    pub(super) fn respond(self, address: &str, request_id: &str) -> HttpResponse {
        let problem = *self.relay;
        let status = StatusCode::from_u16(problem.kind.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let mut response = HttpResponse::build(status);
        response.insert_header((CONTENT_TYPE, "application/problem+json"));
        if status == StatusCode::UNAUTHORIZED {
            response.insert_header((WWW_AUTHENTICATE, "Bearer realm=\"Connectory\""));
        }
        if let Some(header) = self.header {
            response.insert_header(header);
        }
        let retry_after = problem.retry_after.map(whole_seconds);
        if let Some(seconds) = retry_after {
            response.insert_header((RETRY_AFTER, seconds.to_string()));
        }
        let document = ProblemDocument {
            r#type: format!("{address}/api/v1#{}", problem.kind.code),
            title: problem.kind.title.into(),
            status: problem.kind.status,
            detail: problem.detail,
            instance: format!("urn:connectory:request:{request_id}"),
            code: problem.kind.code.into(),
            remedy: problem.remedy,
            request_id: request_id.into(),
            retry_after,
            errors: self.errors,
        };
        response.body(serde_json::to_string(&document).unwrap_or_default())
    }
}

/// Rounded up: a client that comes a little earlier is refused again.
fn whole_seconds(wait: Duration) -> u64 {
    wait.as_secs() + u64::from(wait.subsec_nanos() > 0)
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn codes_are_unique() {
        let mut seen = HashSet::new();
        for kind in all_kinds() {
            assert!(seen.insert(kind.code), "{}", kind.code);
            assert!(StatusCode::from_u16(kind.status).is_ok());
        }
    }

    #[test]
    fn a_wait_is_rounded_up() {
        assert_eq!(whole_seconds(Duration::from_millis(1_001)), 2);
        assert_eq!(whole_seconds(Duration::from_secs(2)), 2);
        assert_eq!(whole_seconds(Duration::ZERO), 0);
    }
}
