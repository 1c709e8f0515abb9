//! The rows of the table, one by one, and whole answers of real servers.

use std::collections::HashSet;

use serde_json::json;

use super::*;
use crate::oauth::error::TokenError;
use crate::oauth::response::Reply;
use crate::outbound::{Stage, http};

const FAULT: &str = "<soapenv:Envelope xmlns:soapenv=\"http://schemas.xmlsoap.org/soap/envelope/\" xmlns:sf=\"urn:fault\">\
    <soapenv:Body><soapenv:Fault><faultcode>sf:INVALID_LOGIN</faultcode><faultstring>INVALID_LOGIN: Invalid username\
    </faultstring></soapenv:Fault></soapenv:Body></soapenv:Envelope>";

fn document(body: impl ToString) -> Document {
    let body = body.to_string().into_bytes();
    let reply: Reply = http::Response::builder().body(body).expect("a response");
    Document::of(&reply)
}

fn row_of(document: &Document, kind: RequestKind) -> Option<usize> {
    let said = Said::of(document);
    ROWS.iter().position(|row| (row.only.is_empty() || row.only.contains(&kind)) && row.sign.is_in(&said))
}

#[test]
fn every_row_fits_the_error_that_it_is_for() {
    for (at, row) in ROWS.iter().enumerate() {
        let body = match row.sign {
            Sign::Code(code) => json!({"error": code}),
            Sign::Number(name, number) => json!({name: number}),
            Sign::Words(lists) => {
                let words: Vec<_> = lists.iter().filter_map(|list| list.first().copied()).collect();
                json!({"message": words.join(" ")})
            }
        };
        let kind = row.only.first().copied().unwrap_or(RequestKind::Client);
        assert_eq!(row_of(&document(&body), kind), Some(at), "{body}");
        assert_eq!(code_of(&document(body), kind), Some(row.code));
    }
}

#[test]
fn no_row_is_there_twice() {
    let mut seen = HashSet::new();
    for row in ROWS {
        match row.sign {
            Sign::Code(code) => assert!(seen.insert(code.to_owned()) && code == code.to_ascii_lowercase(), "{code}"),
            Sign::Number(name, number) => assert!(seen.insert(format!("{name} {number}"))),
            Sign::Words(_) => {}
        }
    }
}

/// Whole answers as servers send them, with their status; without one for a success.
#[test]
fn answers_of_real_servers_mean_what_they_say() {
    use RequestKind::{Client, Code, Password, Refresh, Styled};
    let strava = json!({"message": "Bad Request", "errors": [
        {"resource": "RefreshToken", "field": "refresh_token", "code": "invalid"}]});
    let hubspot = json!({"status": "BAD_REFRESH_TOKEN", "message": "missing or invalid refresh token"});
    let zoho = json!({"error": "Access Denied", "status": "failure", "error_description":
        "You have made too many requests continuously. Please try again after some time."});
    let entra = json!({"error": "invalid_request", "error_codes": [90009],
        "error_description": "AADSTS90009: Application is requesting a token for itself."});
    let locked = json!({"error": "invalid_grant", "error_codes": [50053],
        "error_description": "AADSTS50053: The user has tried to sign in too many times with an incorrect password."});
    let facebook =
        json!({"error": {"message": "Error validating access token", "type": "OAuthException", "code": 190}});
    let transient = json!({"error": {"message": "Unknown", "type": "OAuthException", "code": 2, "is_transient": true}});
    let lasting = json!({"error": {"message": "Unknown", "type": "OAuthException", "code": 2, "is_transient": false}});
    let directus = json!({"errors": [{"message": "No", "extensions": {"code": "INVALID_CREDENTIALS"}}]});
    let salesforce = json!({"error": "unknown_error", "error_description": "retry your request"});
    let x = json!({"error": "invalid_request", "error_description": "Value passed for the token was invalid."});
    let plain = |message: &str| json!({ "message": message });
    for (status, kind, body, code, is_final) in [
        (Some(400), Refresh, strava.to_string(), Some(InvalidGrant), true),
        (Some(400), Refresh, hubspot.to_string(), Some(InvalidGrant), true),
        (Some(400), Refresh, x.to_string(), Some(InvalidGrant), true),
        (Some(400), Refresh, zoho.to_string(), Some(TemporarilyUnavailable), false),
        (Some(400), Refresh, entra.to_string(), Some(InvalidScope), true),
        (Some(400), Password, locked.to_string(), Some(TemporarilyUnavailable), false),
        (Some(400), Refresh, facebook.to_string(), Some(InvalidGrant), true),
        (Some(400), Refresh, transient.to_string(), Some(TemporarilyUnavailable), false),
        (Some(400), Refresh, lasting.to_string(), None, false),
        (Some(401), Styled, directus.to_string(), Some(InvalidGrant), true),
        (Some(400), Refresh, salesforce.to_string(), Some(TemporarilyUnavailable), false),
        (None, Refresh, json!({"ok": false, "error": "invalid_refresh_token"}).to_string(), Some(InvalidGrant), true),
        (None, Refresh, json!({"ok": false, "error": "ratelimited"}).to_string(), Some(SlowDown), false),
        (None, Code, json!({"error": "bad_verification_code"}).to_string(), Some(BadVerificationCode), true),
        (
            None,
            Refresh,
            json!({"errcode": 40030, "errmsg": "invalid refresh_token"}).to_string(),
            Some(InvalidGrant),
            true,
        ),
        (
            None,
            Refresh,
            json!({"errcode": -1, "errmsg": "system error"}).to_string(),
            Some(TemporarilyUnavailable),
            false,
        ),
        (
            Some(400),
            Styled,
            json!({"non_field_errors": ["Unable to log in with provided credentials."]}).to_string(),
            Some(InvalidGrant),
            true,
        ),
        (Some(401), Styled, plain("Bad credentials").to_string(), Some(InvalidGrant), true),
        (Some(422), Password, plain("Invalid identifier or password").to_string(), Some(InvalidGrant), true),
        (Some(401), Refresh, "The refresh token has been revoked.".to_owned(), Some(InvalidGrant), true),
        (Some(401), Client, plain("Bad credentials").to_string(), None, false),
        (Some(400), Refresh, plain("Bad Request").to_string(), None, false),
        (Some(500), Styled, FAULT.to_owned(), Some(SignInFault), true),
        (Some(503), Styled, FAULT.to_owned(), Some(SignInFault), false),
        (Some(500), Refresh, json!({"error": "invalid_grant"}).to_string(), Some(InvalidGrant), false),
        (Some(429), Refresh, json!({"error": "invalid_grant"}).to_string(), Some(InvalidGrant), false),
        (Some(400), Refresh, json!({"error": "E7"}).to_string(), Some(Other), false),
        (Some(400), Refresh, json!({"error": " "}).to_string(), None, false),
        (Some(400), Refresh, json!({"error": "INVALID_GRANT"}).to_string(), Some(InvalidGrant), true),
        (Some(400), Refresh, json!({"error": "use_dpop_nonce"}).to_string(), Some(DpopRequired), true),
        (Some(400), Refresh, "<html><title>invalid refresh token</title>".to_owned(), None, false),
    ] {
        let found = code_of(&document(&body), kind);
        assert_eq!(found, code, "{body}");
        let stage = status.map_or(Stage::Response, Stage::Status);
        assert_eq!(TokenError::new(stage, "", "").with_code(found).is_final(), is_final, "{body}");
    }
}

#[test]
fn what_is_deep_or_long_is_cut_off() {
    let mut deep = json!("invalid_grant");
    for _ in 0..100 {
        deep = json!({ "error": deep });
    }
    assert_eq!(code_of(&document(deep), RequestKind::Refresh), None);
    let long = format!("{} refresh token invalid", "x ".repeat(4_000));
    assert_eq!(code_of(&document(long), RequestKind::Refresh), None);
}
