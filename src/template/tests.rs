//! What templates accept, what they refuse in which words, and that no value changes the structure around it.

use serde_json::Value;

use super::*;
use crate::outbound::HttpUrl;

fn json(text: &str) -> Value {
    serde_json::from_str(text).expect("JSON")
}

fn plain(template: &str, variables: &str) -> Result<String, Vec<String>> {
    Template::parse(template).expect("a template").render_plain(&json(variables)).map_err(sentences)
}

fn sentences(errors: ValueErrors) -> Vec<String> {
    errors.iter().map(|error| error.sentence("the text")).collect()
}

fn kinds<T>(result: Result<T, ValueErrors>) -> Vec<ValueErrorKind> {
    let errors = result.err().expect("a refusal");
    errors.into_iter().map(|error| error.kind).collect()
}

#[test]
fn variables_are_found_by_their_path() {
    let data = r#"{"order":{"id":7,"lines":[{"sku":"A 1"}]},"ok":true,"deep":{"0":"zero"}}"#;
    for (template, rendered) in [
        ("{{order.id}}", "7"),
        ("{{ order.lines.0.sku }}!", "A 1!"),
        ("{{ok}}/{{deep.0}}", "true/zero"),
        ("no variable", "no variable"),
        ("", ""),
        ("}} and { and }", "}} and { and }"),
    ] {
        assert_eq!(plain(template, data).as_deref(), Ok(rendered), "{template}");
    }
}

#[test]
fn a_default_is_used_where_there_is_no_value() {
    for (template, data, rendered) in [
        ("{{page|1}}", "{}", "1"),
        ("{{page|1}}", r#"{"page":2}"#, "2"),
        ("{{page|1}}", r#"{"page":null}"#, "1"),
        ("{{q|}}", "{}", ""),
        ("{{q | two words }}", "{}", "two words"),
        (r#"{{q|"a } | {{ b\n\u0041"}}"#, "{}", "a } | {{ b\nA"),
        (r#"{{ q | "" }}"#, "{}", ""),
        (r#"{{"{{"}}x}}"#, "{}", "{{x}}"),
    ] {
        assert_eq!(plain(template, data).as_deref(), Ok(rendered), "{template}");
    }
}

#[test]
fn what_is_missing_is_named_all_at_once() {
    let said = plain("{{a}} {{b.0}} {{c}}", r#"{"c":[1],"b":[]}"#).unwrap_err();
    assert_eq!(
        said,
        [
            "There is no value for “a”, which the text needs.",
            "There is no value for “b.0”, which the text needs.",
            "The value of “c” is a list or an object, which the text cannot hold. Name one of its members, such as “c.0”."
        ]
    );
}

#[test]
fn an_invalid_template_is_refused_with_reason_and_position() {
    for (text, words) in [
        ("a {{b", "has “{{” without the “}}” that ends the variable (character 3)"),
        ("a\nbc {{b }\n", "has “{{” without the “}}” that ends the variable (line 2, character 4)"),
        ("{{ }}", "has a variable without a name (character 1)"),
        ("{{}}", "has a variable without a name (character 1)"),
        ("{{a..b}}", "has the path “a..b”, of which a part is empty (character 1)"),
        (
            "{{a b}}",
            "has “ ” in a variable, whose name can have letters, digits, underscores and hyphens, with full stops between the parts of a path (character 1)",
        ),
        ("{{a|b|c}}", "has a default with braces, quotes or a bar in it, which must be in double quotes (character 1)"),
        (
            "{{a|\"b}}",
            "has a text in double quotes that does not end, or has a backslash that means nothing (character 1)",
        ),
        (
            "{{a|\"\\q\"}}",
            "has a text in double quotes that does not end, or has a backslash that means nothing (character 1)",
        ),
    ] {
        let problem = Template::parse(text).expect_err(text);
        assert_eq!(problem.to_string(), words, "{text}");
    }
    assert!(Template::parse("{{{a}}}").is_err());
    assert!(Template::parse(&"{{a}}".repeat(1_001)).is_err());
    assert!(Template::parse(&format!("{{{{{}}}}}", "a".repeat(201))).is_err());
}

#[test]
fn variables_cannot_decide_where_a_request_goes() {
    for text in [
        "https://{{host}}/a",
        "https://api.{{host}}",
        "https://api.example.org:{{port}}/a",
        "https://api.example.org{{path}}",
        "{{scheme}}://api.example.org/",
        "http{{s}}://api.example.org/",
        "https:{{rest}}",
        "https:/{{rest}}",
        "https://{{user}}@example.org/",
    ] {
        assert!(UrlTemplate::parse(text).is_err(), "{text}");
    }
}

#[test]
fn an_invalid_url_is_refused_with_the_reason() {
    for (text, words) in [
        ("//evil.example/a", "begins with //, which would go to another host. Begin with one slash, or with https://"),
        ("ftp://example.org/", "must start with https:// or http://"),
        ("https://u:p@example.org/", "must not contain a user name or password"),
        ("/a b", "has a space or line break, which must be written as %20 or %0A"),
        ("/a\\b", "has a backslash"),
        ("/a#b", "has a fragment (the part from #), which is never sent"),
        ("/a/../b", "has the part “..” in its path. Write the resolved path"),
        ("/a/%2E%2e/b", "has the part “%2E%2e” in its path. Write the resolved path"),
    ] {
        assert_eq!(UrlTemplate::parse(text).expect_err(text).to_string(), words, "{text}");
    }
}

#[test]
fn a_relative_address_continues_the_base_url() {
    let data = json(r#"{"id":"7/8","q":"a&b=c"}"#);
    for (base, text, url) in [
        ("https://a.example/v1", "/orders/{{id}}", "https://a.example/v1/orders/7%2F8"),
        ("https://a.example/v1/", "orders", "https://a.example/v1/orders"),
        ("https://a.example", "", "https://a.example"),
        ("https://a.example/v1/", "/", "https://a.example/v1/"),
        ("https://a.example/v1?tenant=4", "/orders?q={{q}}", "https://a.example/v1/orders?tenant=4&q=a%26b%3Dc"),
        ("https://a.example", "?q={{q}}", "https://a.example?q=a%26b%3Dc"),
        ("https://a.example", "https://b.example/x/{{id}}?y", "https://b.example/x/7%2F8?y"),
        ("https://a.example", "https://b.example?q={{q}}", "https://b.example?q=a%26b%3Dc"),
        ("https://a.example", "/items:search/a;b={{id}}/", "https://a.example/items:search/a;b=7%2F8/"),
    ] {
        let base = HttpUrl::parse(base).expect("a base");
        let rendered = UrlTemplate::parse(text).expect(text).render(Some(&base), &data, &[]);
        assert_eq!(rendered.map(|url| url.as_str().to_string()).map_err(sentences), Ok(url.to_string()), "{text}");
    }
    let relative = UrlTemplate::parse("/orders").expect("an address");
    assert_eq!(kinds(relative.render(None, &data, &[])), [ValueErrorKind::NoBaseUrl]);
}

#[test]
fn a_path_keeps_its_parts() {
    let base = HttpUrl::parse("https://a.example/v1").expect("a base");
    let refused = |text: &str, value: &str| {
        let data = json(&format!("{{\"x\":{value}}}"));
        kinds(UrlTemplate::parse(text).expect(text).render(Some(&base), &data, &[]))
    };
    assert_eq!(refused("/a/{{x}}/b", "\"..\""), [ValueErrorKind::DotSegment]);
    assert_eq!(refused("/a/.{{x}}", "\".\""), [ValueErrorKind::DotSegment]);
    assert_eq!(refused("/a/%2e{{x}}", "\".\""), [ValueErrorKind::DotSegment]);
    assert_eq!(refused("/a/{{x}}", "\".\""), [ValueErrorKind::DotSegment]);
    assert_eq!(refused("/a/%2{{x}}", "\"e\""), [ValueErrorKind::DotSegment]);
    assert_eq!(refused("/a/..{{x}}b", "\"/\""), [ValueErrorKind::DotSegment]);
    for step in ["../x", "a/../../x", "x/..", "./x", "..%2Fx", "%2e%2e/x", "..\\\\x", "..;/x", "%252e%252e%252fx"] {
        assert_eq!(refused("/a/{{x}}", &format!("\"{step}\"")), [ValueErrorKind::DotSegment], "{step}");
    }
    assert_eq!(refused("/a/{{x}}", "\"\""), [ValueErrorKind::EmptySegment]);
    assert_eq!(refused("/a/{{x}}", "[1]"), [ValueErrorKind::NotScalar]);
    assert!(matches!(refused("/a/{{x}}", &format!("\"{}\"", "a".repeat(17_000)))[..], [ValueErrorKind::Url(_)]));
}

#[test]
fn json_values_keep_their_kind() {
    let data = json(r#"{"n":7,"s":"a\"b","t":true,"list":[1,{"a":null}],"none":null,"big":12345678901234567890}"#);
    for (template, rendered) in [
        (r#"{"n":{{n}},"s":{{s}},"t":{{t}}}"#, r#"{"n":7,"s":"a\"b","t":true}"#),
        (r#"{"s":"-{{s}}-{{n}}","l":{{list}}}"#, r#"{"s":"-a\"b-7","l":[1,{"a":null}]}"#),
        (r#"{ {{s}} : 1, "{{n}}": 2 , {{n|"x"}}x": 3}"#, "not a template"),
        (r#"{ {{s}} : 1, "{{n}}" : 2}"#, r#"{ "a\"b" : 1, "7" : 2}"#),
        (
            r#"{"d":{{none|null}},"e":{{none|1.50}},"f":{{none|"1"}},"g":{{none|word}},"h":{{none|true}}}"#,
            r#"{"d":null,"e":1.50,"f":"1","g":"word","h":true}"#,
        ),
        ("{{list}}", r#"[1,{"a":null}]"#),
        ("[{{big}}]", "[12345678901234567890]"),
    ] {
        match JsonTemplate::parse(template) {
            Ok(parsed) => assert_eq!(parsed.render(&data).map_err(sentences).as_deref(), Ok(rendered), "{template}"),
            Err(_) => assert_eq!(rendered, "not a template", "{template}"),
        }
    }
}

#[test]
fn invalid_json_with_variables_is_refused() {
    for (text, words) in [
        ("{\"a\": {{a}}", "is not JSON: EOF while parsing an object at line 1, character 11"),
        ("{\"a\":\n {{a}}{{b}}}", "is not JSON: expected `,` or `}` at line 2, character 7"),
        ("{\"a\":1{{a}}}", "is not JSON: expected `,` or `}` at line 1, character 7"),
        ("", "is not JSON: EOF while parsing a value at line 1, character 0"),
        (
            "\"\\{{a}}\"",
            "has a variable right behind a backslash, where its first character would be taken for an escape",
        ),
    ] {
        assert_eq!(JsonTemplate::parse(text).expect_err(text).to_string(), words, "{text}");
    }
    assert!(JsonTemplate::parse("\"\\u00{{a}}\"").is_err());
    assert!(JsonTemplate::parse("-{{a}}").is_err());
    assert!(JsonTemplate::parse("tr{{a}}").is_err());
}

#[test]
fn no_value_names_a_member_that_is_there_already() {
    let template = JsonTemplate::parse(r#"{"admin": false, "{{name}}": true}"#).expect("a template");
    assert!(template.render(&json(r#"{"name":"colour"}"#)).is_ok());
    assert_eq!(kinds(template.render(&json(r#"{"name":"admin"}"#))), [ValueErrorKind::DuplicateMember("admin".into())]);
    let bare = JsonTemplate::parse(r#"[{ {{a}}: 1, {{b}}: 2 }]"#).expect("a template");
    assert_eq!(
        kinds(bare.render(&json(r#"{"a":"x at line 1","b":"x at line 1"}"#))),
        [ValueErrorKind::DuplicateMember("x at line 1".into())]
    );
}

#[test]
fn variables_are_allowed_in_xml_where_values_are() {
    for fine in [
        "<a>{{x}}</a>",
        "<a b='{{x}}' c=\"-{{x}}-\"><d/>{{x}}amp;</a>",
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?><a xmlns=\"urn:x\">{{x}}<!-- note --></a>",
        "<a>{{x}}<![CDATA[ & ]]></a>",
    ] {
        assert!(XmlTemplate::parse(fine).is_ok(), "{fine}");
    }
    let place = "has a variable where XML can have none. Variables can stand in the text of an element and in the value of an attribute, not in names, comments, CDATA or namespaces";
    for refused in ["<a><!-- {{x}} --></a>", "<a><![CDATA[{{x}}]]></a>", "<a><?pi {{x}}?></a>", "<a xmlns=\"{{x}}\"/>"]
    {
        let problem = XmlTemplate::parse(refused).expect_err(refused);
        assert_eq!(problem.to_string(), place, "{refused}");
    }
    for refused in [
        "<{{x}}/>",
        "<a {{x}}=\"1\"/>",
        "<a>{{x}}",
        "{{x}}",
        "<a/>{{x}}",
        "<!DOCTYPE a [<!ENTITY b \"{{x}}\">]><a>&b;</a>",
        "<?xml version=\"1.0\" encoding=\"ISO-8859-1\"?><a>{{x}}</a>",
        "",
    ] {
        assert!(XmlTemplate::parse(refused).is_err(), "{refused}");
    }
}

#[test]
fn rows_without_a_value_are_left_out_or_asked_for() {
    let row = |value: &str, required| PairTemplate::parse("q", value, required).expect("a row");
    let nothing = json("{}");
    assert_eq!(row("{{q}}", false).render(&nothing), Ok(None));
    assert_eq!(row("{{q|}}", false).render(&nothing), Ok(None));
    assert_eq!(kinds(row("{{q}}", true).render(&nothing)), [ValueErrorKind::Missing]);
    assert_eq!(kinds(row("{{q|}}", true).render(&nothing)), [ValueErrorKind::Empty]);
    assert_eq!(kinds(row("{{q}}", false).render(&json(r#"{"q":[]}"#))), [ValueErrorKind::NotScalar]);
    assert_eq!(row("all", true).render(&nothing), Ok(Some("all".into())));
}

#[test]
fn a_rendered_request_has_a_maximum_size() {
    let data = Value::from_iter([("x", "a".repeat(1024 * 1024))]);
    let template = Template::parse(&"{{x}}".repeat(100)).expect("a template");
    assert_eq!(kinds(template.render_plain(&data)), [ValueErrorKind::TooLarge]);
}

/// No value changes the structure around it: each is rendered, read by another parser, and compared with a harmless
/// value.
mod encoding {
    use ::url::Url;
    use proptest::prelude::*;
    use roxmltree::Document;

    use super::*;

    /// Any text, and more of what has a meaning somewhere.
    fn hostile() -> impl Strategy<Value = String> {
        prop_oneof![
            any::<String>(),
            "[\\x00-\\x7f]{0,20}",
            "([.]|%2e|%2f|/|\\\\|\\?|#|&|=|;|:|@|\\+| |\"|'|<|>|\\]\\]>|<!--|--|\\{|\\}|\\{\\{x\\}\\}|\r\n|\n|\t|\\$|`|,|\\[|\\]|u0022|&quot;|\u{2028}|\u{85}|\u{f8ff}|é){0,12}",
        ]
    }

    fn variables(value: &str) -> Value {
        serde_json::json!({ "x": value, "y": "harmless" })
    }

    fn base() -> HttpUrl {
        HttpUrl::parse("https://api.example.org/v1?tenant=4").expect("a base")
    }

    fn url_of(template: &str, value: &str, parameters: &[(String, String)]) -> Result<Url, Vec<ValueErrorKind>> {
        let template = UrlTemplate::parse(template).expect("an address");
        let rendered = template.render(Some(&base()), &variables(value), parameters);
        rendered
            .map(|url| Url::parse(url.as_str()).expect("an address to others, too"))
            .map_err(|errors| errors.into_iter().map(|error| error.kind).collect())
    }

    fn segments(url: &Url) -> Vec<String> {
        let decode =
            |segment: &str| percent_encoding::percent_decode_str(segment).decode_utf8().expect("UTF-8").into_owned();
        url.path_segments().expect("a path").map(decode).collect()
    }

    fn pairs(url: &Url) -> Vec<(String, String)> {
        url.query_pairs().into_owned().collect()
    }

    /// The shape of JSON, with the names of members and without values.
    fn shape(value: &Value) -> Value {
        match value {
            Value::Object(members) => members.iter().map(|(name, value)| (name.clone(), shape(value))).collect(),
            Value::Array(items) => items.iter().map(shape).collect(),
            _ => Value::Null,
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(1_000))]

        #[test]
        fn in_a_part_of_the_path(value in hostile()) {
            match url_of("/orders/{{x}}/lines-{{x}}/end", &value, &[]) {
                Ok(url) => {
                    prop_assert_eq!(url.origin().ascii_serialization(), "https://api.example.org");
                    prop_assert!(!crate::outbound::has_step(url.path()), "{url}");
                    prop_assert_eq!(segments(&url), ["v1", "orders", &value, &format!("lines-{value}"), "end"]);
                    prop_assert_eq!(pairs(&url), [("tenant".to_string(), "4".to_string())]);
                    prop_assert!(url.fragment().is_none());
                }
                Err(kinds) => {
                    let is_step = crate::outbound::has_step(&percent_encoding::utf8_percent_encode(&value, percent_encoding::NON_ALPHANUMERIC).to_string());
                    let is_long = value.len() > 300;
                    prop_assert!(value.is_empty() || is_step || is_long, "{kinds:?}");
                }
            }
        }

        #[test]
        fn in_the_query(value in hostile()) {
            let parameters = [("p".to_string(), value.clone()), ("last".to_string(), "1".to_string())];
            let url = url_of("/a?q={{x}}&z=1", &value, &parameters).expect("any value");
            prop_assert_eq!(url.path(), "/v1/a");
            let expected = [("tenant", "4"), ("q", &value), ("z", "1"), ("p", &value), ("last", "1")];
            prop_assert_eq!(pairs(&url), expected.map(|(name, value)| (name.to_string(), value.to_string())));
            prop_assert!(url.fragment().is_none());
        }

        #[test]
        fn in_a_header(value in hostile()) {
            let row = PairTemplate::parse("X-Value", "a {{x}} b", true).expect("a row");
            match row.render_header(&variables(&value)) {
                Ok(Some(rendered)) => {
                    prop_assert_eq!(&rendered, &format!("a {value} b"));
                    let sent = crate::outbound::http::HeaderValue::from_str(&rendered).expect("a header's value");
                    prop_assert_eq!(sent.to_str().expect("ASCII"), rendered);
                }
                Ok(None) => prop_assert!(false, "a required header is never left out"),
                Err(_) => prop_assert!(value.chars().any(|letter| letter != '\t' && !(' '..='~').contains(&letter))),
            }
        }

        #[test]
        fn in_a_json_string_a_value_and_a_name(value in hostile()) {
            let template = JsonTemplate::parse(r#"{"s": "<{{x}}>", "v": {{x}}, "list": [{{y}}, {"{{x}}!": 1}, { {{x}}: 2 }]}"#).expect("a template");
            let rendered = template.render(&variables(&value)).expect("any value");
            let read: Value = serde_json::from_str(&rendered).expect("JSON");
            let expected = serde_json::json!({
                "s": format!("<{value}>"), "v": value, "list": ["harmless", { format!("{value}!"): 1 }, { value.clone(): 2 }],
            });
            prop_assert_eq!(&read, &expected);
            prop_assert_eq!(shape(&read), shape(&expected));
        }

        #[test]
        fn in_the_text_and_the_attributes_of_xml(value in hostile()) {
            let template = XmlTemplate::parse("<a b='[{{x}}]' c=\"{{x}}\"><d>{{x}}</d>{{y}}<e/></a>").expect("a template");
            match template.render(&variables(&value)) {
                Ok(rendered) => {
                    let document = Document::parse(&rendered).expect("XML");
                    let root = document.root_element();
                    prop_assert_eq!(root.attributes().len(), 2);
                    let framed = format!("[{value}]");
                    prop_assert_eq!(root.attribute("b"), Some(framed.as_str()));
                    prop_assert_eq!(root.attribute("c"), Some(value.as_str()));
                    let elements: Vec<&str> = document.descendants().filter(|node| node.is_element()).map(|node| node.tag_name().name()).collect();
                    prop_assert_eq!(elements, ["a", "d", "e"]);
                    let text = root.first_element_child().and_then(|child| child.text()).unwrap_or_default().to_string();
                    prop_assert_eq!(text, value);
                    prop_assert!(document.descendants().all(|node| !node.is_comment() && !node.is_pi()));
                }
                Err(_) => {
                    let is_foreign = |letter: char| {
                        letter < ' ' && !matches!(letter, '\t' | '\n' | '\r') || matches!(letter, '\u{fffe}' | '\u{ffff}')
                    };
                    prop_assert!(value.chars().any(is_foreign));
                }
            }
        }

        #[test]
        fn whatever_is_typed_a_template_that_is_accepted_renders_or_says_why(text in "(\\{\\{|\\}\\}|\\||\"|x|y|a|\\.| |/|\\\\|:|\\?|\\[|<a>|</a>|\n|é){0,14}") {
            let data = variables("v");
            if let Ok(template) = Template::parse(&text) {
                let _ = template.render_plain(&data);
            }
            if let Ok(template) = UrlTemplate::parse(&text) {
                let _ = template.render(Some(&base()), &data, &[]);
            }
            if let Ok(template) = JsonTemplate::parse(&text)
                && let Ok(rendered) = template.render(&data)
            {
                prop_assert!(serde_json::from_str::<Value>(&rendered).is_ok(), "{rendered}");
            }
            if let Ok(template) = XmlTemplate::parse(&text)
                && let Ok(rendered) = template.render(&data)
            {
                prop_assert!(Document::parse(&rendered).is_ok(), "{rendered}");
            }
        }
    }
}
