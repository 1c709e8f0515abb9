//! No value can leave its place: each is rendered, read by a parser of somebody else, and compared with a harmless value.

use ::url::Url;
use proptest::prelude::*;
use roxmltree::Document;
use serde_json::Value;

use super::*;
use crate::outbound::HttpUrl;

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

fn url_of(
    template: &str,
    value: &str,
    parameters: &[(String, String)],
) -> Result<Url, Vec<Misfit>> {
    let template = UrlTemplate::parse(template).expect("an address");
    let rendered = template.render(Some(&base()), &variables(value), parameters);
    rendered
        .map(|url| Url::parse(url.as_str()).expect("an address to others, too"))
        .map_err(|faults| faults.into_iter().map(|fault| fault.misfit).collect())
}

fn segments(url: &Url) -> Vec<String> {
    let decode = |segment: &str| {
        percent_encoding::percent_decode_str(segment)
            .decode_utf8()
            .expect("UTF-8")
            .into_owned()
    };
    url.path_segments().expect("a path").map(decode).collect()
}

fn pairs(url: &Url) -> Vec<(String, String)> {
    url.query_pairs().into_owned().collect()
}

/// The shape of JSON, with the names of members and without values.
fn shape(value: &Value) -> Value {
    match value {
        Value::Object(members) => members
            .iter()
            .map(|(name, value)| (name.clone(), shape(value)))
            .collect(),
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
                prop_assert_eq!(segments(&url), ["v1", "orders", &value, &format!("lines-{value}"), "end"]);
                prop_assert_eq!(pairs(&url), [("tenant".to_string(), "4".to_string())]);
                prop_assert!(url.fragment().is_none());
            }
            Err(misfits) => {
                let is_dots = value == "." || value == "..";
                let is_long = value.len() > 300;
                prop_assert!(value.is_empty() || is_dots || is_long, "{misfits:?}");
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
        match (HeaderTemplate { row }).render(&variables(&value)) {
            Ok(RenderedRow::Value(rendered)) => {
                prop_assert_eq!(&rendered, &format!("a {value} b"));
                let sent = reqwest::header::HeaderValue::from_str(&rendered).expect("a header's value");
                prop_assert_eq!(sent.to_str().expect("ASCII"), rendered);
            }
            Ok(RenderedRow::LeftOut) => prop_assert!(false, "a required header is never left out"),
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
    fn in_a_form(value in hostile()) {
        let body = form_urlencoded::Serializer::new(String::new())
            .append_pair("a", &value)
            .append_pair("b", "1")
            .finish();
        let read: Vec<(String, String)> = form_urlencoded::parse(body.as_bytes()).into_owned().collect();
        prop_assert_eq!(read, [("a".to_string(), value), ("b".to_string(), "1".to_string())]);
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
