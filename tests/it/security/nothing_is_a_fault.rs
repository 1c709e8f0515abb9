//! Hostile input in every place of every route: an answer of ours, never a fault of ours, and never markup.

use futures_util::StreamExt;
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
pub(super) const VALUES: [&str; 17] = [
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

/// Requests under way at once: fewer than the connections of a worker, so that none is refused for want of one.
const AT_ONCE: usize = 3;

/// What is wrong with the answers to these requests.
async fn several_at_once<F>(requests: impl Iterator<Item = F>) -> Vec<String>
where
    F: Future<Output = Option<String>>,
{
    let answers = futures_util::stream::iter(requests).buffer_unordered(AT_ONCE);
    answers.filter_map(std::future::ready).collect::<Vec<String>>().await
}

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
            let send = async |hostile: &str| {
                let mut segments: Vec<&str> = example.split('/').collect();
                segments[at] = hostile;
                let path = segments.join("/");
                let page = if route.method == Method::POST {
                    ana.post_exactly(&path, &[("csrf", &csrf)]).await
                } else {
                    ana.get(&path).await
                };
                wrong(&page, &path)
            };
            let all = SEGMENTS.into_iter().chain([long.as_str()]);
            found.extend(several_at_once(all.map(send)).await);
        }
    }
    assert!(found.is_empty(), "{}", found.join("\n"));
}

/// What is asked of a page: each parameter alone, because one that is refused hides the others, and all together. What
/// the page itself reads gets every value alone, what it does not read another one on each page; together all get every
/// value.
fn queries(own: &[String], turn: usize) -> (Vec<String>, Vec<String>) {
    let long = "é".repeat(1_500);
    let pair = |name: &str, value: &str| format!("{}={}", encoded(name), encoded(value));
    let values = || VALUES.into_iter().chain([long.as_str()]);
    let foreign = PARAMETERS.into_iter().filter(|name| !own.iter().any(|own| own == name));
    let alone_of_own = own.iter().flat_map(|name| values().map(move |value| pair(name, value)));
    let alone_of_foreign = foreign.clone().enumerate().map(|(at, name)| {
        let value = values().nth((at + turn) % (VALUES.len() + 1));
        pair(name, value.unwrap_or_default())
    });
    let names = || own.iter().map(String::as_str).chain(foreign.clone());
    let together = VALUES.into_iter().map(|value| {
        let pairs: Vec<String> = names().map(|name| pair(name, value)).collect();
        pairs.join("&")
    });
    (alone_of_own.chain(alone_of_foreign).collect(), together.collect())
}

#[tokio::test]
async fn in_the_query() {
    let World { app, examples, ana } = &World::new().await;
    let mut found = Vec::new();
    for (turn, route) in pages().enumerate() {
        let path = examples.path(app, &route).await;
        let page = ana.get(&path).await;
        let own = page.attributes("form[method=get] [name]", "name");
        let (alone, all) = queries(&own, turn);
        let broken = ["%", "%zz=%zz", "=&=&&;", "q[]=a&q[b]=c", "q=%ff%fe", "?q=?"];
        let broken = broken.into_iter().map(str::to_string);
        let sent = alone.into_iter().chain(all).chain(broken).map(|query| {
            let address = format!("{path}?{query}");
            async move { wrong(&ana.get(&address).await, &address) }
        });
        found.extend(several_at_once(sent).await);
    }
    assert!(found.is_empty(), "{}", found.join("\n"));
}

/// Headers that no browser sends, one set for each request.
fn strange_headers() -> Vec<Vec<(&'static str, Vec<u8>)>> {
    let text = |name, value: &str| vec![(name, value.as_bytes().to_vec())];
    vec![
        text("cookie", "connectory=; ; =;; connectory=%ff; $Version=1"),
        text("cookie", &format!("connectory={}", "A".repeat(8_000))),
        vec![("cookie", b"connectory=\xff\xfe; connectory-flash=\xff".to_vec())],
        text("cookie", &format!("connectory-flash={}", "%3Cxss%3E.".repeat(50))),
        text("host", "[::1"),
        text("host", "evil.example:99999"),
        text("x-forwarded-for", ",,, unknown, [::1, 999.1.1.1"),
        vec![("x-forwarded-for", vec![b'1'; 9_000])],
        vec![("authorization", b"Bearer \xff\xfe".to_vec())],
        text("authorization", &format!("Bearer cty_{}", "x".repeat(9_000))),
        text("authorization", "Basic %%%"),
        vec![("content-type", b"\xff\xfe".to_vec())],
        text("content-type", "application/x-www-form-urlencoded; charset=utf-16"),
        text("content-type", "multipart/form-data; boundary=\"\""),
        text("content-encoding", "gzip, br, made-up"),
        text("range", "bytes=0-,5-2,-1,99999999999999999999-"),
        text("if-none-match", "W/\"<xss>\", *, \""),
        text("if-modified-since", "Thu, 99 Xyz 0000 99:99:99 GMT"),
        text("accept-language", "<xss>;q=NaN"),
        text("accept-encoding", "br;q=1e999, gzip;q=-1"),
        vec![("user-agent", [b"<xss>\xff\xfe".as_slice(), &[b'a'; 9_000]].concat())],
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
        let send = async |headers: Vec<(&'static str, Vec<u8>)>| {
            let method = route.method.as_str().parse().expect("a method");
            let mut request = ana.request(method, &path);
            if route.method == Method::POST {
                request =
                    request.header("content-type", "application/x-www-form-urlencoded").body(format!("csrf={csrf}"));
            }
            let mut request = request.build().expect("a request");
            for (name, value) in &headers {
                let value = HeaderValue::from_bytes(value).expect("bytes that a header can hold");
                request.headers_mut().insert(HeaderName::from_static(name), value);
            }
            let what = format!("{headers:?}");
            // Another browser's jar, so that no answer changes this one's.
            wrong(&app.browser().execute(request).await, &what)
        };
        found.extend(several_at_once(strange_headers().into_iter().map(send)).await);
    }
    assert!(found.is_empty(), "{}", found.join("\n"));
    assert_eq!(ana.get("/").await.status, 200);
}
