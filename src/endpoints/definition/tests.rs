//! Requests of whole endpoints.

use proptest::prelude::*;

use super::*;
use crate::endpoints::paging::Paging;

fn row(name: &str, value: &str, required: bool) -> Row {
    Row { name: name.into(), value: value.into(), required, ..Row::default() }
}

fn settings() -> RequestSettings {
    RequestSettings {
        method: HttpMethod::Post,
        url: "/orders/{{order.id}}".into(),
        parameters: vec![row("page", "{{page|1}}", true), row("q", "{{q}}", false)],
        headers: vec![row("X-Trace", "{{trace}}", true)],
        body_kind: BodyKind::Json,
        body: r#"{"n": {{order.n}}}"#.into(),
        form: Vec::new(),
        time_out: None,
        retries: 0,
        paging: Paging::none(),
    }
}

fn base() -> HttpUrl {
    HttpUrl::parse("https://api.example.org/v1").expect("a base")
}

#[test]
fn values_make_a_request_of_an_endpoint() {
    let definition = Definition::new(&settings(), Some(&base())).expect("a definition");
    let names: Vec<&str> = definition.variables().iter().map(|one| one.name()).collect();
    assert_eq!(names, ["order.id", "page", "q", "trace", "order.n"]);
    let variables = serde_json::json!({ "order": { "id": "a/b", "n": 3 }, "trace": "t" });
    let rendered = definition.render(&variables, &Files::new()).expect("a request");
    assert_eq!(rendered.url.as_str(), "https://api.example.org/v1/orders/a%2Fb?page=1");
    assert_eq!(rendered.headers["x-trace"], "t");
    assert_eq!(rendered.headers["content-type"], "application/json");
    assert_eq!(rendered.body.as_deref(), Some(&br#"{"n": 3}"#[..]));
    assert_eq!(rendered.left_out, ["parameter “q”"]);
}

#[test]
fn all_problems_are_given_at_once() {
    let definition = Definition::new(&settings(), Some(&base())).expect("a definition");
    let problems = definition.render(&serde_json::json!({ "q": "x" }), &Files::new()).expect_err("problems");
    assert_eq!(
        problems.to_string(),
        "There is no value for “trace”, which the header “X-Trace” needs. \
         There is no value for “order.id”, which the URL needs. \
         There is no value for “order.n”, which the request body needs."
    );
}

#[test]
fn reserved_headers_cannot_be_set() {
    for (name, in_name) in [
        ("Authorization", true),
        ("HOST", true),
        ("Content-Length", true),
        ("X Page", true),
        ("X:Page", true),
        ("X-{{page}}", true),
        ("x-trace", true),
        ("Accept", false),
    ] {
        let mut settings = settings();
        settings.headers.push(row(name, "1", true));
        let problems = Definition::new(&settings, None).err().unwrap_or_default();
        assert_eq!(
            problems
                .iter()
                .any(|problem| problem.part == Part::Row(RowKind::Header, 1) && problem.field == RowField::Name),
            in_name,
            "{name}: {problems:?}"
        );
    }
}

#[test]
fn a_body_has_the_type_that_a_header_gives_it() {
    let mut settings = settings();
    settings.headers.push(row("content-type", "application/vnd.api+json", true));
    let definition = Definition::new(&settings, Some(&base())).expect("a definition");
    let variables = serde_json::json!({ "order": { "id": 1, "n": 3 }, "trace": "t" });
    let rendered = definition.render(&variables, &Files::new()).expect("a request");
    let types: Vec<_> = rendered.headers.get_all("content-type").iter().collect();
    assert_eq!(types, ["application/vnd.api+json"]);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1_000))]

    #[test]
    fn no_value_changes_the_structure_of_a_form(value in prop_oneof![any::<String>(), "[\\x00-\\x7f]{0,20}", "(&|=|;|%|\\+| |\r\n|\\{\\{x\\}\\}|é){0,12}"]) {
        let form = vec![row("a", "<{{x}}>", false), row("b", "1", false), row("c", "{{x}}", false)];
        let (url, parameters, headers) = (String::new(), Vec::new(), Vec::new());
        let settings = RequestSettings { url, parameters, headers, body_kind: BodyKind::Form, form, ..settings() };
        let definition = Definition::new(&settings, Some(&base())).expect("a definition");
        let variables = serde_json::json!({ "x": value });
        let body = definition.render(&variables, &Files::new()).expect("any value").body.expect("a body");
        let read: Vec<(String, String)> = form_urlencoded::parse(&body).into_owned().collect();
        let mut expected = vec![("a".to_string(), format!("<{value}>")), ("b".to_string(), "1".to_string())];
        if !value.is_empty() {
            expected.push(("c".to_string(), value));
        }
        prop_assert_eq!(read, expected);
    }
}
