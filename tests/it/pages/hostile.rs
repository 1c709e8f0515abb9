//! Requests that no page sends: each gets a page, none is a fault of ours, nothing changes.

use actix_web::http::Method;
use chrono::TimeDelta;
use connectory::routes;

use super::{fill_in, populated};
use crate::support::Page;

/// An answer to anything at all is a page of ours, and never a fault of ours.
#[track_caller]
fn is_a_page_and_no_fault(page: &Page, what: &str) {
    assert!((200..500).contains(&page.status), "{what}: {}", page.status);
    if page.location().is_none() {
        assert!(
            page.html.starts_with("<!DOCTYPE html>") && !page.h1().is_empty(),
            "{what}: {} {}",
            page.status,
            page.html
        );
    }
}

#[tokio::test]
async fn a_wrong_method_is_a_page_and_changes_nothing() {
    let (app, ana) = populated().await;
    let before = app.count("SELECT count(*) FROM audit_events").await;
    for method in ["PUT", "DELETE", "PATCH", "POST", "FOO"] {
        let request = ana.request(method.parse().expect("a method"), "/connectors/trash");
        let page = ana.send(request).await.expect(405);
        assert_eq!(page.h1(), "This address cannot be used in this way", "{method}");
    }
    ana.get("/connectors/payroll/restorations").await.expect(405);
    assert_eq!(app.count("SELECT count(*) FROM audit_events").await, before);
}

#[tokio::test]
async fn odd_queries_are_read_as_far_as_they_make_sense() {
    let (app, ana) = populated().await;
    let cursor = "AAAAAAAAAAAAAAAAAAAAAA";
    let queries = [
        "page=-1&after=zzz&sort=evil&size=7".to_string(),
        "page=99999999999999999999&place=last".into(),
        "page=9223372036854775807&place=last&size=100".into(),
        "place=first&before=&after=".into(),
        format!("after={cursor}&sort=modified"),
        format!("before={cursor}&sort=created&page=0"),
        format!("after={cursor}&sort=-connectors"),
        "after=AAAAAAAAAAAAAAAAAAAAAGV2aWw&sort=modified".into(),
        "after=AAAAAAAAAAAAAAAAAAAAADk5OTk5OTk5OTk5OTk5OTk5OTk&sort=connectors".into(),
        "after=AAAAAAAAAAAAAAAAAAAAAGluZmluaXR5&sort=created".into(),
        "after=AAAAAAAAAAAAAAAAAAAAAGluZmluaXR5&sort=last-sign-in".into(),
        "after=AAAAAAAAAAAAAAAAAAAAAGV2aWw&sort=members".into(),
        format!("before={cursor}&sort=username&rights=super-admin"),
        "sort=--name".into(),
        "sort=name;DROP TABLE connectors".replace(' ', "%20"),
        "q=%00&status=%00".into(),
        "q=%ff%fe".into(),
        "q=%".into(),
        "%=%&==&&&".into(),
        "q=a&q=b&q=c".into(),
        format!("q={}", "x".repeat(20_000)),
        format!("q={}", "%C3%A9+".repeat(5_000)),
        "q=%F0%9F%92%A9%E2%80%AE".into(),
        "category=&auth_method=&status=".into(),
        "status=healthy'--&auth_method=\"".replace(['\'', '"'], "%27"),
    ];
    let members = fill_in(&app, "/groups/{id}/members").await;
    let choose = format!("{members}/new");
    let lists = ["/connectors", "/categories", "/users", "/groups", &members, &choose];
    for list in lists {
        for query in &queries {
            let page = ana.get(&format!("{list}?{query}")).await;
            is_a_page_and_no_fault(&page, query);
            assert_eq!(page.status, 200, "{list}?{query}");
        }
    }
    for query in ["next=%ff", "next=%00", "next[]=x", &format!("next=/{}", "x".repeat(20_000))] {
        is_a_page_and_no_fault(&ana.get(&format!("/sign-in?{query}")).await, query);
    }
}

#[tokio::test]
async fn addresses_that_cannot_be_read_are_pages_and_no_faults() {
    let (app, ana) = populated().await;
    for path in [
        "/%",
        "/%zz",
        "/connectors/%",
        "/connectors/%zz",
        "/connectors/%00",
        "/connectors/%ff%fe",
        "/connectors/%F0%9F%92%A9",
        "/connectors/a%2Fb",
        "/connectors/%2e%2e",
        "/categories/%00/edit",
        "/static/%00",
    ] {
        for browser in [&ana, &app.browser()] {
            is_a_page_and_no_fault(&browser.get(path).await, path);
        }
    }
    let long = format!("/connectors/{}", "x".repeat(20_000));
    is_a_page_and_no_fault(&ana.get(&long).await, "a long path");
}

#[tokio::test]
async fn forms_that_cannot_be_read_are_pages_and_no_faults_and_change_nothing() {
    let (app, ana) = populated().await;
    let csrf = ana.csrf().await;
    let before = app.count("SELECT count(*) FROM audit_events").await;
    let token = format!("csrf={csrf}");
    let many = "a=1&".repeat(2_000);
    let bodies: [(&str, Vec<u8>, u16); 8] = [
        ("NUL", format!("{token}&connector_name=a%00b").into_bytes(), 400),
        ("a raw NUL", [token.as_bytes(), b"&connector_name=a\0b"].concat(), 400),
        ("too many fields", format!("{token}&{many}").into_bytes(), 400),
        ("too many bytes", format!("{token}&description={}", "x".repeat(1100 * 1024)).into_bytes(), 413),
        ("bad UTF-8", [token.as_bytes(), b"&connector_name=\xff\xfe&description=%ff"].concat(), 422),
        ("bad percent-encoding", format!("{token}&connector_name=%zz%&description=%").into_bytes(), 422),
        ("no form at all", b"\x89PNG\r\n\x1a\n".to_vec(), 403),
        ("nothing", Vec::new(), 403),
    ];
    for route in ["/connectors", "/categories"] {
        for (what, body, expected) in &bodies {
            let request =
                ana.request(reqwest::Method::POST, route).header("content-type", "application/x-www-form-urlencoded");
            let page = ana.send(request.body(body.clone())).await;
            is_a_page_and_no_fault(&page, what);
            assert_eq!(page.status, *expected, "{route}: {what}");
        }
        for kind in ["", "text/plain", "application/json", "multipart/form-data; boundary=x", "image/png", "\t"] {
            let request = ana.request(reqwest::Method::POST, route).header("content-type", kind).body(token.clone());
            let page = ana.send(request).await.expect(400);
            assert_eq!(page.h1(), "This request cannot be read", "{kind}");
        }
    }
    let with_charset = ana
        .request(reqwest::Method::POST, "/categories")
        .header("content-type", "application/x-www-form-urlencoded; charset=UTF-8");
    ana.send(with_charset.body(format!("{token}&category_name=&status=active"))).await.expect(422);
    assert_eq!(app.count("SELECT count(*) FROM audit_events").await, before);
}

#[tokio::test]
async fn every_post_route_takes_hostile_fields_without_a_fault() {
    let (app, ana) = populated().await;
    app.confirm(&ana).await;
    let csrf = ana.csrf().await;
    let long = "x".repeat(100_000);
    let values = [
        "",
        "-1",
        "99999999999999999999999",
        "%",
        "'\"><script>alert(1)</script>",
        "\u{202e}\u{feff}\r\n\t",
        "http://[::1",
        "\u{1f4a9}",
        "00000000-0000-0000-0000-000000000000",
        long.as_str(),
    ];
    let names = [
        "connector_name",
        "category_name",
        "description",
        "display_name",
        "base_url",
        "auth_method",
        "category",
        "status",
        "version",
        "new_id",
        "enabled",
        "forget_secrets",
        "token_url",
        "method_choice",
        "password",
        "username",
        "code",
        "next",
        "full_name",
        "group_name",
        "permission",
        "member",
        "link",
        "super_admin",
        "q",
    ];
    for route in routes::all()
        .iter()
        .filter(|route| route.method == Method::POST && route.path != "/sign-out")
        .filter(|route| !route.path.starts_with("/api/v1/"))
    {
        let path = route.path.replace("/connectors/{key}", "/connectors/weather");
        let path = fill_in(&app, &path).await;
        for value in values {
            app.advance(TimeDelta::seconds(30));
            let fields: Vec<(&str, &str)> =
                [("csrf", csrf.as_str())].into_iter().chain(names.map(|name| (name, value))).collect();
            let page = ana.post_exactly(&path, &fields).await;
            let what = format!("{path} with {}", value.chars().take(40).collect::<String>());
            is_a_page_and_no_fault(&page, &what);
            assert!(!page.html.contains("<script>alert"), "{what}");
        }
    }
}

#[tokio::test]
async fn bytes_that_are_no_request_are_refused_and_the_site_goes_on() {
    let (app, ana) = populated().await;
    let host = "Host: localhost\r\nConnection: close\r\n";
    let requests: Vec<Vec<u8>> = vec![
        b"\r\n\r\n\r\n".to_vec(),
        b"GET\r\n\r\n".to_vec(),
        b"GET / HTTP/9.9\r\n\r\n".to_vec(),
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03 TLS\r\n\r\n".to_vec(),
        format!("GET /connectors/\0 HTTP/1.1\r\n{host}\r\n").into_bytes(),
        [format!("GET /connectors/ HTTP/1.1\r\n{host}Cookie: ").as_bytes(), b"\xff\xfe\r\n\r\n"].concat(),
        format!("GET / HTTP/1.1\r\n{host}X: a\0b\r\n\r\n").into_bytes(),
        format!("GET / HTTP/1.1\r\n{host}X: {}\r\n\r\n", "x".repeat(200_000)).into_bytes(),
        format!("POST /sign-in HTTP/1.1\r\n{host}Content-Length: -1\r\n\r\n").into_bytes(),
        format!("POST /sign-in HTTP/1.1\r\n{host}Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n").into_bytes(),
        format!("POST /sign-in HTTP/1.1\r\n{host}Transfer-Encoding: chunked\r\nContent-Type: application/x-www-form-urlencoded\r\n\r\nzz\r\n").into_bytes(),
        format!("GET http://evil.example/connectors HTTP/1.1\r\n{host}\r\n").into_bytes(),
        format!("OPTIONS * HTTP/1.1\r\n{host}\r\n").into_bytes(),
        format!("CONNECT localhost:443 HTTP/1.1\r\n{host}\r\n").into_bytes(),
        format!("TRACE / HTTP/1.1\r\n{host}X-Secret: echo-me\r\n\r\n").into_bytes(),
    ];
    for request in requests {
        let what = String::from_utf8_lossy(&request[..request.len().min(60)]).into_owned();
        let answer = app.raw(&request).await;
        assert!(answer.status < 500, "{what:?}: {}", answer.head);
        assert!(!answer.body.contains("echo-me"), "{what:?}");
        assert!(answer.status != 200 || what.starts_with("GET http://evil"), "{what:?}: {}", answer.head);
    }
    ana.get("/connectors").await.expect(200);
}
