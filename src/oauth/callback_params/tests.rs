//! What browsers bring, one by one.

use proptest::prelude::*;

use super::*;
use crate::oauth::ExpirySource;

/// The response as text: state, issuer and what it says.
fn told(answer: &CallbackParams) -> (Option<&str>, Option<&str>, String) {
    let outcome = match &answer.outcome {
        Ok(Granted::Code(code)) => format!("code {}", code.expose()),
        Ok(Granted::Token(token)) => format!("token {}", token.access.expose()),
        Err(CallbackError::Denied { code, description }) => format!("refused {code} {description:?}"),
        Err(error) => {
            assert_eq!(error, &CallbackError::Empty);
            "nothing".to_owned()
        }
    };
    let state = answer.state.as_ref().map(Secret::expose);
    (state, answer.iss.as_deref(), outcome)
}

fn from_fragment(text: &str) -> CallbackParams {
    CallbackParams::from_fragment(text, DateTime::UNIX_EPOCH, Some(TimeDelta::seconds(30)))
}

#[test]
fn a_query_holds_a_code_or_a_no() {
    let some = Some("s");
    for (query, state, iss, outcome) in [
        ("code=c&state=s", some, None, "code c"),
        ("?code=c%2F+1&state=s&x=1&x=2", some, None, "code c/ 1"),
        ("state=s&code=c&iss=https%3A%2F%2Fa.example", some, Some("https://a.example"), "code c"),
        ("code=c&state=&iss=", None, None, "code c"),
        ("code=c", None, None, "code c"),
        ("error=access_denied&state=s", some, None, "refused access_denied None"),
        (
            "error=access_denied&error_description=No%0D%0A+%00way&state=s",
            some,
            None,
            "refused access_denied Some(\"No way\")",
        ),
        (
            "error=denied&error_description=d41d8cd98f00b204e9800998ecf8427e+is+gone&state=s",
            some,
            None,
            "refused denied Some(\"‹masked› is gone\")",
        ),
        ("error=x&code=c&state=s", some, None, "refused x None"),
        ("error=%00&state=s", some, None, "refused error None"),
        ("code=c&code=d&state=s", some, None, "nothing"),
        ("code=c&code=c&state=s", some, None, "nothing"),
        ("code=c&state=s&state=s", None, None, "nothing"),
        ("code=c&state=s&iss=a&iss=b", some, None, "nothing"),
        ("code=c&error=x&error=x&state=s", some, None, "nothing"),
        ("code=&state=s", some, None, "nothing"),
        ("code=%C3%BC&state=s", some, None, "nothing"),
        ("code=a%0Ab&state=s", some, None, "nothing"),
        ("access_token=abc&state=s", some, None, "nothing"),
        ("", None, None, "nothing"),
        ("&&=&%%%", None, None, "nothing"),
    ] {
        let answer = CallbackParams::from_query(query);
        assert_eq!(told(&answer), (state, iss, outcome.to_owned()), "{query}");
    }
    let long = format!("error={}", "x".repeat(5_000));
    let (_, _, outcome) = told(&CallbackParams::from_query(&long));
    assert!(outcome.chars().count() < 350);
    let long = format!("code={}", "x".repeat(17 * 1024));
    assert_eq!(told(&CallbackParams::from_query(&long)).2, "nothing");
}

#[test]
fn a_fragment_is_read_however_it_comes() {
    let parameters = "access_token=a%2Fb&token_type=bearer&state=s";
    for text in [
        parameters.to_owned(),
        format!(" #{parameters}\n"),
        format!("https://c.example/callback#{parameters}"),
        format!("HTTPS://c.example/callback?code=x&state=y#{parameters}"),
        format!("https://c.example/callback?{parameters}#_=_"),
        format!("https://c.example/callback?{parameters}"),
    ] {
        let answer = from_fragment(&text);
        assert_eq!(told(&answer), (Some("s"), None, "token a/b".to_owned()), "{text}");
    }
    for (text, outcome) in [
        ("#error=access_denied&state=s", "refused access_denied None"),
        ("https://c.example/?error=access_denied&state=s", "refused access_denied None"),
        ("https://c.example/?error=access_denied&state=s#_=_", "refused access_denied None"),
        ("#access_token=a&access_token=b&state=s", "nothing"),
        ("#access_token=a&error=x&state=s", "refused x None"),
        ("#access_token=a%20b&state=s", "nothing"),
        ("#access_token=a%0D%0Ab&state=s", "nothing"),
        ("#access_token=&state=s", "nothing"),
        ("#code=c&state=s", "nothing"),
    ] {
        let answer = from_fragment(text);
        assert_eq!(told(&answer), (Some("s"), None, outcome.to_owned()), "{text}");
    }
    for text in ["", "#", "hello", "https://c.example/callback", "##"] {
        assert_eq!(told(&from_fragment(text)), (None, None, "nothing".to_owned()));
    }
}

#[test]
fn what_stands_beside_the_token_is_read_tolerantly() {
    for (rest, seconds, source, token_type, scope) in [
        ("", 30, ExpirySource::Manual, "Bearer", None),
        ("&expires_in=60", 60, ExpirySource::ExpiresIn, "Bearer", None),
        ("&expires_in=soon", 30, ExpirySource::Manual, "Bearer", None),
        ("&expires_in=-1", 30, ExpirySource::Manual, "Bearer", None),
        (
            "&expires_in=60.5&token_type=JWT&scope=a,b+c&refresh_token=r",
            60,
            ExpirySource::ExpiresIn,
            "JWT",
            Some("a b c"),
        ),
    ] {
        let answer = from_fragment(&format!("access_token=abc{rest}"));
        let Ok(Granted::Token(token)) = answer.outcome else {
            panic!("no token: {rest}");
        };
        let end = token.expires_at.map(|end| end.timestamp());
        assert_eq!((end, token.expiry_source), (Some(seconds), source), "{rest}");
        assert_eq!((token.token_type.as_str(), token.scope.as_deref()), (token_type, scope));
        assert!(token.refresh.is_none());
    }
}

#[test]
fn an_issuer_is_compared_letter_by_letter() {
    let a = Some("https://a.example");
    let other = Err(CallbackError::OtherIssuer);
    for (expected, iss, required, result) in [
        (a, "https://a.example", true, Ok(())),
        (a, "https://a.example/", false, other.clone()),
        (a, "https://A.example", false, other.clone()),
        (a, "https://b.example", true, other.clone()),
        (a, "", false, Ok(())),
        (a, "", true, other.clone()),
        (None, "https://a.example", true, Ok(())),
        (None, "", false, Ok(())),
    ] {
        let params = CallbackParams::from_query(&format!("code=c&iss={iss}"));
        assert_eq!(params.check_issuer(expected, required), result, "{iss}");
    }
}

proptest! {
    #[test]
    fn nothing_that_is_brought_makes_it_panic(
        text in "(https://|#|[?]|&|=|code|state|error|access_token|expires_in|%[0-9A-F]{2}|\\PC){0,30}",
    ) {
        told(&CallbackParams::from_query(&text));
        let answer = from_fragment(&text);
        if let Ok(Granted::Token(token)) = &answer.outcome {
            prop_assert!(is_sendable(token.access.expose()));
        }
    }
}
