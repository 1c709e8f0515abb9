//! Odd answers, one by one.

use chrono::TimeDelta;
use proptest::prelude::*;
use serde_json::json;

use super::*;
use crate::oauth::ExpirySource;
use crate::oauth::remedy::RequestKind;
use crate::outbound::HttpUrl;
use crate::outbound::Mask;

fn reply(status: u16, headers: &[(&'static str, &str)], body: impl Into<Vec<u8>>) -> Reply {
    let mut reply = Reply::new(body.into());
    *reply.status_mut() = http::StatusCode::from_u16(status).expect("a status");
    for &(name, value) in headers {
        reply.headers_mut().append(name, http::HeaderValue::from_bytes(value.as_bytes()).expect("a value"));
    }
    reply
}

fn read_at(location: &TokenLocation, reply: &Reply) -> Result<Token, TokenError> {
    let mut mask = Mask::default();
    mask.add("hunter22");
    let url = HttpUrl::parse("https://id.example.org/token");
    let now = DateTime::UNIX_EPOCH;
    let reading = TokenReader {
        response: ResponseReader {
            url: &url.expect("an address"),
            kind: RequestKind::Styled,
            mask: &mask,
            now: Some(now),
        },
        location,
        now,
        started: Instant::now(),
        lifetime: None,
        keep: &KeptNames::default(),
    };
    reading.read(reply)
}

fn read(reply: &Reply) -> Result<Token, TokenError> {
    read_at(&TokenLocation::FindByItself, reply)
}

/// The token and where it was found.
fn found(result: Result<Token, TokenError>) -> Option<(String, String)> {
    let token = result.ok()?;
    Some((token.access.expose().to_owned(), token.found_at))
}

fn pair(text: &str, place: &str) -> Option<(String, String)> {
    Some((text.to_owned(), place.to_owned()))
}

#[test]
fn a_token_is_found_where_servers_put_it() {
    for (body, token, place) in [
        (json!({"access_token": "abc", "id_token": "x", "token": "y"}), "abc", "access_token"),
        (json!({"token": "abc", "jwt": "x"}), "abc", "token"),
        (json!({"jwt": "abc"}), "abc", "jwt"),
        (json!({"id_token": "abc"}), "abc", "id_token"),
        (json!({"accessToken": "abc"}), "abc", "accessToken"),
        (json!({"Token": "abc"}), "abc", "Token"),
        (json!({"access-token": "abc"}), "abc", "access-token"),
        (json!({"data": {"token": "abc"}}), "abc", "/data/token"),
        (json!({"result": {"access_token": "abc"}}), "abc", "/result/access_token"),
        (json!({"access_token": null, "data": {"jwt": "abc"}}), "abc", "/data/jwt"),
        (json!({"access_token": "", "token": "abc"}), "abc", "token"),
        (json!({"access_token": "Bearer abc"}), "abc", "access_token"),
        (json!({"access_token": " abc\n"}), "abc", "access_token"),
        (json!({"access_token": "1|a:b{}"}), "1|a:b{}", "access_token"),
        (json!({"error": null, "token": "abc"}), "abc", "token"),
        (json!("0123456789abcdef"), "0123456789abcdef", "whole answer"),
    ] {
        for content_type in ["application/json", "text/html", ""] {
            let reply = reply(200, &[("content-type", content_type)], body.to_string());
            assert_eq!(found(read(&reply)), pair(token, place), "{body}");
        }
    }
}

#[test]
fn a_token_may_come_as_text_form_or_header() {
    let form = [("content-type", "application/x-www-form-urlencoded; charset=utf-8")];
    for (headers, body, token, place) in [
        (&[][..], "0123456789abcdef\r\n", "0123456789abcdef", "whole answer"),
        (&[], "\u{feff}{\"token\": \"abc\"}", "abc", "token"),
        (&[], "12345678901234567890", "12345678901234567890", "whole answer"),
        (&[], "Bearer 0123456789abcdef", "0123456789abcdef", "whole answer"),
        (&form, "access_token=a%2Bb&expires_in=60", "a+b", "access_token"),
        (&[("authorization", "Bearer abc")], "", "abc", "header authorization"),
        (&[("x-auth-token", "abc")], "Signed-in-successfully", "abc", "header x-auth-token"),
        (&[("x-subject-token", "abc")], "{\"token\": {}}", "abc", "header x-subject-token"),
    ] {
        assert_eq!(found(read(&reply(201, headers, body))), pair(token, place), "{body}");
    }
}

#[test]
fn what_is_no_token_is_not_taken_for_one() {
    for body in [
        "",
        "OK",
        "success",
        "You have been signed in.",
        "null",
        "true",
        "42",
        "[]",
        "{}",
        "[\"0123456789abcdef\"]",
        "{\"access_token\": 12345678901234567890}",
        "{\"access_token\": {\"value\": \"abc\"}}",
        "{\"access_token\": \"abc\"",
        "<html><body>0123456789abcdef</body></html>",
        "{\"status\": \"success\"}",
        "{\"data\": {\"data\": {\"token\": \"abc\"}}}",
    ] {
        let refusal = read(&reply(200, &[], body)).err();
        assert_eq!(refusal.map(|r| r.stage), Some(Stage::Response), "{body}");
    }
    let basic = reply(200, &[("authorization", "Basic abc")], "{}");
    assert_eq!(found(read(&basic)), None);
}

#[test]
fn a_token_that_could_break_a_header_is_refused_and_not_shown() {
    for token in ["a b", "a\r\nHost: x", "a\nb", "a\0b", "tökén", "a\u{7f}b", "a\tb", "€"] {
        let body = json!({"access_token": token}).to_string();
        let refusal = read(&reply(200, &[], body)).err();
        let refusal = refusal.map(|r| (r.stage, r.server_words, r.message.contains(token)));
        assert_eq!(refusal, Some((Stage::Response, None, false)), "{token:?}");
    }
    let long = json!({"access_token": "a".repeat(16 * 1024 + 1)}).to_string();
    assert!(read(&reply(200, &[], long)).is_err());
}

#[test]
fn a_pointer_leads_to_the_token_and_nowhere_else() -> Result<(), crate::oauth::PointerProblem> {
    let body = json!({
        "access_token": "top", "expires_in": 60, "list": [{"a/b": "deep", "expires_in": 30}],
        "n": 7, "empty": ""
    })
    .to_string();
    let at = |pointer: &str, body: &str| {
        let location = pointer.parse()?;
        Ok(read_at(&location, &reply(200, &[], body)))
    };
    let deep = at("/list/0/a~1b", &body)?;
    let expiry = deep.as_ref().ok().and_then(|token| token.expires_at);
    assert_eq!(expiry, Some(DateTime::UNIX_EPOCH + TimeDelta::seconds(30)));
    assert_eq!(found(deep), pair("deep", "/list/0/a~1b"));
    for (pointer, body, message) in [
        ("/data/token", body.as_str(), "The answer has nothing at /data/token. Its members are "),
        ("/n", &body, "What the answer has at /n is not a text."),
        ("/list", &body, "What the answer has at /list is not a text."),
        ("/empty", &body, "What the answer has at /empty is not a text."),
        ("/token", "0123456789abcdef", "The answer is not JSON"),
        ("/token", "<p>Hello</p>", "The server answered with a web page"),
        ("/token", "", "The server's answer is empty."),
    ] {
        let refusal = at(pointer, body)?.err();
        let said = refusal.map(|refusal| refusal.message).unwrap_or_default();
        assert!(said.starts_with(message), "{said}");
    }
    Ok(())
}

#[test]
fn what_stands_beside_the_token_is_read_tolerantly() {
    let details = |body: Value| {
        let token = read(&reply(200, &[], body.to_string())).ok()?;
        let refresh = token.refresh.map(|refresh| refresh.expose().to_owned());
        Some((token.token_type, token.scope, refresh))
    };
    for (extra, token_type, scope, refresh) in [
        (json!({}), "Bearer", None, None),
        (json!({"token_type": "bearer"}), "Bearer", None, None),
        (json!({"token_type": "BEARER"}), "Bearer", None, None),
        (json!({"token_type": "JWT"}), "JWT", None, None),
        (json!({"tokenType": "Token"}), "Token", None, None),
        (json!({"token_type": "a\r\nb"}), "Bearer", None, None),
        (json!({"token_type": null}), "Bearer", None, None),
        (json!({"token_type": 7}), "Bearer", None, None),
        (json!({"scope": "read  write"}), "Bearer", Some("read write"), None),
        (json!({"scope": "read,write, admin"}), "Bearer", Some("read write admin"), None),
        (json!({"scope": ["read", "write"]}), "Bearer", Some("read write"), None),
        (json!({"scope": ""}), "Bearer", None, None),
        (json!({"scope": "a\u{0}b c"}), "Bearer", Some("c"), None),
        (json!({"scope": 7}), "Bearer", None, None),
        (json!({"refresh_token": "r t"}), "Bearer", None, Some("r t")),
        (json!({"refreshToken": "r"}), "Bearer", None, Some("r")),
        (json!({"refresh_token": "r\n"}), "Bearer", None, None),
        (json!({"refresh_token": ""}), "Bearer", None, None),
    ] {
        let mut body = extra.clone();
        body["access_token"] = json!("abc");
        let expected = (token_type.to_owned(), scope.map(str::to_owned), refresh.map(str::to_owned));
        assert_eq!(details(body), Some(expected), "{extra}");
    }
    let long = json!({"access_token": "abc", "refresh_token": "r".repeat(16 * 1024 + 1)});
    let refusal = read(&reply(200, &[], long.to_string())).err();
    let said = refusal.map(|refusal| refusal.message).unwrap_or_default();
    assert_eq!(said, "The refresh token in the answer is longer than 16 KiB.");
    // Details at the top serve a token that stands one level down.
    let body = json!({"data": {"token": "abc"}, "expires_in": 60}).to_string();
    let source = read(&reply(200, &[], body)).ok().map(|token| token.expiry_source);
    assert_eq!(source, Some(ExpirySource::ExpiresIn));
}

#[test]
fn a_refusal_tells_what_to_try() {
    let body = |value: Value| value.to_string();
    let html = "<html><title>Sign in</title><body>…</body></html>".to_owned();
    for (status, body, words, remedy) in [
        (400, body(json!({"error": "invalid_grant"})), Some("invalid_grant"), "Check user and"),
        (401, body(json!({"error": "invalid_client"})), Some("invalid_client"), "Check Client ID"),
        (401, String::new(), None, "Check user and password, and Client ID"),
        (403, body(json!({"detail": "Blocked"})), Some("Blocked"), "Check user and password, and Client ID"),
        (404, html.clone(), Some("Sign in"), "Check the path"),
        (405, String::new(), None, "Try another request style: the server wants another HTTP"),
        (415, String::new(), None, "Try another request style: the server wants the sign-in"),
        (429, "slow down".to_owned(), None, "Wait some minutes"),
        (500, body(json!({"error": "invalid_grant"})), Some("invalid_grant"), "The server has a"),
        (503, html.clone(), Some("Sign in"), "The server has a"),
    ] {
        let refusal = read(&reply(status, &[], body)).err();
        assert_eq!(refusal.as_ref().map(|r| r.stage), Some(Stage::Status(status)));
        assert_eq!(refusal.as_ref().and_then(|r| r.server_words.as_deref()), words);
        let said = refusal.map(|r| r.remedy).unwrap_or_default();
        assert!(said.starts_with(remedy), "{status}: {said}");
    }
    let page = read(&reply(200, &[], html)).err();
    let page = page.map(|r| (r.stage, r.server_words, r.remedy));
    let expected = (Stage::Response, Some("Sign in".to_owned()), RequestKind::Styled.web_page().to_owned());
    assert_eq!(page, Some(expected));
}

#[test]
fn an_error_under_status_200_is_a_refusal() {
    let body = json!({"access_token": "abc", "error": "invalid_grant", "error_description": "No"});
    let refusal = read(&reply(200, &[], body.to_string())).err();
    let refusal = refusal.map(|r| (r.stage, r.server_words));
    let words = Some("invalid_grant: No".to_owned());
    assert_eq!(refusal, Some((Stage::Response, words)));
}

#[test]
fn a_redirect_is_told_and_not_followed() {
    for (location, told) in [
        ("https://other.example/token?code=1", "“https://other.example/token”"),
        ("/v2/token", "“https://id.example.org/v2/token”"),
        ("//u:p@other.example", "“https://other.example/”"),
        ("/echo/hunter22", "“https://id.example.org/echo/‹masked›”"),
        ("javascript:alert(1)", "no usable address"),
        ("", "“https://id.example.org/token”"),
    ] {
        let refusal = read(&reply(302, &[("location", location)], "")).err();
        assert_eq!(refusal.as_ref().map(|r| r.stage), Some(Stage::Status(302)));
        let said = refusal.map(|r| r.message).unwrap_or_default();
        assert!(said.contains(told), "{location}: {said}");
    }
}

#[test]
fn no_refusal_shows_the_password() {
    for body in [
        json!({"error": "bad", "error_description": "user alice with hunter22"}).to_string(),
        json!({"hunter22": "hunter22"}).to_string(),
        "<title>hunter22</title>".to_owned(),
        "no such password: hunter22".to_owned(),
        "\"HUNTER22\"".to_owned(),
    ] {
        for status in [200, 400, 500] {
            let refusal = read(&reply(status, &[], body.as_str())).err();
            let shown = format!("{refusal:?}").to_lowercase();
            assert!(shown.starts_with("some") && !shown.contains("hunter22"), "{shown}");
        }
    }
}

#[test]
fn answers_that_are_no_utf_8_are_read_as_latin_1() {
    let body = &b"{\"message\": \"Falsches Passwort f\xfcr alice\"}"[..];
    let refusal = read(&reply(401, &[], body)).err();
    let words = refusal.and_then(|refusal| refusal.server_words);
    assert_eq!(words.as_deref(), Some("Falsches Passwort für alice"));
}

proptest! {
    #[test]
    fn no_answer_makes_the_reader_panic(
        status in 200_u16..600,
        content_type in "(application/json|application/x-www-form-urlencoded|\\PC{0,8})",
        location in "\\PC{0,20}",
        body in proptest::collection::vec(any::<u8>(), 0..200),
        pointer in "(/[a-z~]{0,3}){0,3}",
    ) {
        let headers = [("content-type", content_type.as_str()), ("location", &location)];
        let reply = reply(status, &headers, body);
        check(read(&reply));
        if let Ok(pointer) = pointer.parse() {
            check(read_at(&pointer, &reply));
        }
    }

    #[test]
    fn no_json_makes_the_reader_panic(
        name in "(access_token|token|data|expires_in|error|[a-z]{1,3})",
        text in "\\PC{0,20}",
        number in any::<f64>(),
        status in 200_u16..600,
    ) {
        let inner = json!({&name: &text, "token": &text, "expires_in": number, "scope": &text});
        let body = json!({"data": inner, "error": &text, "exp": number}).to_string();
        check(read(&reply(status, &[], body)));
    }
}

/// What holds for every token.
fn check(result: Result<Token, TokenError>) {
    if let Ok(token) = result {
        assert!(token.access.expose().bytes().all(|b| b.is_ascii_graphic()));
        assert!(token.token_type.bytes().all(|b| b.is_ascii_graphic()));
    }
}
