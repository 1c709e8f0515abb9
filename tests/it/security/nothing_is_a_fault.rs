//! Hostile input in every place of every route: an answer of ours, never a fault of ours, and never markup.

use chrono::TimeDelta;
use reqwest::header::{HeaderName, HeaderValue};

use super::*;

/// Segments of paths as they are sent.
const SEGMENTS: [&str; 25] = [
    "%00",
    "%0d%0aX-Injected:%201",
    "%ff%fe",
    "%C3%28",
    "%2e%2e%2f%2e%2e%2fetc%2fpasswd",
    "%2F",
    "%5c..%5c",
    "'%20OR%201=1--",
    "%22%3E%3Cxss%3E",
    "%3Cxss%3E",
    "%7B%7B7*7%7D%7D",
    "%25n%25s",
    "%",
    "%zz",
    "-1",
    "0",
    "9223372036854775808",
    "99999999999999999999999999",
    "9223372036854775807-00000000-0000-0000-0000-000000000000",
    "-9223372036854775808-ffffffff-ffff-ffff-ffff-ffffffffffff",
    "00000000-0000-0000-0000-000000000000",
    "ffffffff-ffff-ffff-ffff-ffffffffffff",
    "NaN",
    "%F0%9F%92%A9%E2%80%AE",
    "a;b=c",
];

/// Values of queries and fields.
const VALUES: [&str; 17] = [
    "",
    "\"><xss>",
    "<xss>",
    "' OR 1=1--",
    "\u{0}",
    "a\r\nX-Injected: 1",
    "\u{202e}\u{feff}\u{2028}\u{1f4a9}",
    "-1",
    "9223372036854775808",
    "1e999",
    "NaN",
    "infinity",
    "00000000-0000-0000-0000-000000000000",
    "0000-00-00T99:99:99Z",
    "{{7*7}}${7*7}%n%s",
    "http://[::1",
    "javascript:alert(1)",
];

/// Names of parameters that some page reads, besides those of its own form.
const PARAMETERS: [&str; 24] = [
    "q",
    "sort",
    "page",
    "size",
    "rows",
    "after",
    "before",
    "place",
    "status",
    "category",
    "next",
    "code",
    "state",
    "iss",
    "error",
    "error_description",
    "from",
    "to",
    "period",
    "kind",
    "person",
    "thing",
    "connector",
    "further",
];

#[tokio::test]
async fn in_the_path() {
    let World { app, examples, ana } = &World::new().await;
    let long = "x".repeat(9_000);
    let csrf = ana.csrf().await;
    let mut found = Vec::new();
    for route in all_routes() {
        let example = examples.path(app, &route).await;
        let variables = route.path.split('/').enumerate();
        for (at, _) in variables.filter(|(_, segment)| segment.starts_with('{')) {
            for hostile in SEGMENTS.into_iter().chain([long.as_str()]) {
                let mut segments: Vec<&str> = example.split('/').collect();
                segments[at] = hostile;
                let path = segments.join("/");
                let page = if route.method == Method::POST {
                    ana.post_exactly(&path, &[("csrf", &csrf)]).await
                } else {
                    ana.get(&path).await
                };
                found.extend(wrong(&page, &path));
            }
        }
    }
    assert!(found.is_empty(), "{}", found.join("\n"));
}

#[tokio::test]
async fn in_the_query() {
    let World { app, examples, ana } = &World::new().await;
    let long = "é".repeat(8_000);
    let mut found = Vec::new();
    for route in pages() {
        let path = examples.path(app, &route).await;
        let page = ana.get(&path).await;
        let own = page.attributes("form[method=get] [name]", "name");
        // Pages without a search read little of an address.
        let values = if own.is_empty() {
            &VALUES[..5]
        } else {
            &VALUES
        };
        for value in values.iter().copied().chain([long.as_str()]) {
            let pairs: Vec<String> = PARAMETERS
                .into_iter()
                .chain(own.iter().map(String::as_str))
                .map(|name| format!("{}={}", encoded(name), encoded(value)))
                .collect();
            // All at once, and each alone, because one that is refused hides the others.
            let all = pairs.join("&");
            let queries = if value.len() > 1_000 {
                &pairs[..1]
            } else {
                &pairs[..]
            };
            for query in queries.iter().chain((all.len() < 16_000).then_some(&all)) {
                let address = format!("{path}?{query}");
                found.extend(wrong(&ana.get(&address).await, &address));
            }
        }
        for broken in ["%", "%zz=%zz", "=&=&&;", "q[]=a&q[b]=c", "q=%ff%fe", "?q=?"] {
            let address = format!("{path}?{broken}");
            found.extend(wrong(&ana.get(&address).await, &address));
        }
    }
    assert!(found.is_empty(), "{}", found.join("\n"));
}

/// Headers that no browser sends, one set for each request.
fn strange_headers() -> Vec<Vec<(&'static str, Vec<u8>)>> {
    let text = |name, value: &str| vec![(name, value.as_bytes().to_vec())];
    vec![
        text("cookie", "connectory=; ; =;; connectory=%ff; $Version=1"),
        text("cookie", &format!("connectory={}", "A".repeat(8_000))),
        vec![(
            "cookie",
            b"connectory=\xff\xfe; connectory-flash=\xff".to_vec(),
        )],
        text(
            "cookie",
            &format!("connectory-flash={}", "%3Cxss%3E.".repeat(50)),
        ),
        text("host", "[::1"),
        text("host", "evil.example:99999"),
        text("x-forwarded-for", ",,, unknown, [::1, 999.1.1.1"),
        vec![("x-forwarded-for", vec![b'1'; 9_000])],
        vec![("authorization", b"Bearer \xff\xfe".to_vec())],
        text(
            "authorization",
            &format!("Bearer cty_{}", "x".repeat(9_000)),
        ),
        text("authorization", "Basic %%%"),
        vec![("content-type", b"\xff\xfe".to_vec())],
        text(
            "content-type",
            "application/x-www-form-urlencoded; charset=utf-16",
        ),
        text("content-type", "multipart/form-data; boundary=\"\""),
        text("content-encoding", "gzip, br, made-up"),
        text("range", "bytes=0-,5-2,-1,99999999999999999999-"),
        text("if-none-match", "W/\"<xss>\", *, \""),
        text("if-modified-since", "Thu, 99 Xyz 0000 99:99:99 GMT"),
        text("accept-language", "<xss>;q=NaN"),
        text("accept-encoding", "br;q=1e999, gzip;q=-1"),
        vec![(
            "user-agent",
            [b"<xss>\xff\xfe".as_slice(), &[b'a'; 9_000]].concat(),
        )],
        text("origin", "null"),
        text("origin", "http://[::1"),
        text("sec-fetch-site", "<xss>"),
        text("x-http-method-override", "DELETE"),
        text("upgrade", "h2c"),
        text("te", "made-up"),
        vec![("referer", b"\xff".to_vec())],
    ]
}

#[tokio::test]
async fn in_the_headers() {
    let World { app, examples, ana } = &World::new().await;
    let csrf = ana.csrf().await;
    let mut found = Vec::new();
    for route in all_routes() {
        let path = examples.path(app, &route).await;
        for headers in strange_headers() {
            let method = route.method.as_str().parse().expect("a method");
            let mut request = ana.request(method, &path);
            if route.method == Method::POST {
                request = request
                    .header("content-type", "application/x-www-form-urlencoded")
                    .body(format!("csrf={csrf}"));
            }
            let mut request = request.build().expect("a request");
            for (name, value) in &headers {
                let value = HeaderValue::from_bytes(value).expect("bytes that a header can hold");
                request
                    .headers_mut()
                    .insert(HeaderName::from_static(name), value);
            }
            let what = format!("{headers:?}");
            // Another browser's jar, so that no answer changes this one's.
            found.extend(wrong(&app.browser().execute(request).await, &what));
        }
    }
    assert!(found.is_empty(), "{}", found.join("\n"));
    assert_eq!(ana.get("/").await.status, 200);
}

/// What a form of a page sends to which addresses.
struct Sent {
    actions: Vec<String>,
    fields: Vec<(String, String)>,
}

fn forms_of(page: &Page) -> Vec<Sent> {
    let action = |form: scraper::ElementRef<'_>| {
        form.attr("action")
            .unwrap_or(page.path.as_str())
            .to_string()
    };
    let controls = scraper::Selector::parse("[name]").expect("a selector");
    let buttons = scraper::Selector::parse("[formaction]").expect("a selector");
    let read = |form: scraper::ElementRef<'_>| Sent {
        actions: std::iter::once(action(form))
            .chain(
                form.select(&buttons)
                    .filter_map(|button| Some(button.attr("formaction")?.to_string())),
            )
            .collect(),
        fields: form
            .select(&controls)
            .map(|control| {
                let attribute = |name| control.attr(name).unwrap_or_default().to_string();
                (attribute("name"), attribute("value"))
            })
            .collect(),
    };
    page.all("form[method=post]").map(read).collect()
}

/// The ways in which the fields of a form are made wrong: every value everywhere, and each field alone gone or twice.
fn wrong_fields(fields: &[(String, String)]) -> Vec<Vec<(String, String)>> {
    let is_own = |name: &str| name != "csrf";
    let mut all = Vec::new();
    for hostile in VALUES {
        let change = |(name, value): &(String, String)| {
            let value = if is_own(name) { hostile } else { value };
            (name.clone(), value.to_string())
        };
        all.push(fields.iter().map(change).collect());
    }
    for (at, (name, value)) in fields
        .iter()
        .enumerate()
        .filter(|(_, field)| is_own(&field.0))
    {
        let mut without = fields.to_vec();
        without.remove(at);
        all.push(without);
        let mut hostile = fields.to_vec();
        hostile[at].1 = format!("{value}<xss>\u{202e}");
        all.push(hostile);
        let mut twice = fields.to_vec();
        twice.insert(at, (name.clone(), "<xss>".into()));
        all.push(twice);
    }
    all
}

#[tokio::test]
async fn in_the_fields_of_every_form() {
    let World { app, examples, ana } = &World::new().await;
    let mut found = Vec::new();
    let mut seen = std::collections::HashSet::new();
    for route in pages() {
        let path = examples.path(app, &route).await;
        for form in forms_of(&ana.get(&path).await) {
            for action in form.actions.iter().filter(|action| *action != "/sign-out") {
                // The same form at another example is sent once.
                let pattern = action.replace(|letter: char| letter.is_ascii_digit(), "");
                let names: Vec<&String> = form.fields.iter().map(|(name, _)| name).collect();
                if !seen.insert(format!("{pattern} {names:?}")) {
                    continue;
                }
                for fields in wrong_fields(&form.fields) {
                    app.advance(TimeDelta::seconds(31));
                    let fields: Vec<(&str, &str)> = fields
                        .iter()
                        .map(|(name, value)| (name.as_str(), value.as_str()))
                        .collect();
                    let page = ana.post_exactly(action, &fields).await;
                    found.extend(wrong(&page, &format!("{fields:?}")));
                }
            }
        }
    }
    assert!(seen.len() > 20, "{} forms only", seen.len());
    assert_eq!(ana.get("/connectors").await.status, 200, "still signed in");
    assert!(found.is_empty(), "{}", found.join("\n"));
}
