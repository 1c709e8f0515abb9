//! One record: creating, reading, replacing, changing and deleting it, and what is refused.

use serde_json::json;

use super::collections::{BOOK, Library};
use super::*;

const JSON: &str = "application/json";
const PATCH: &str = "application/merge-patch+json";

impl Library {
    async fn put(&self, path: &str, body: &str) -> Answer {
        self.send("PUT", path, JSON, body.to_owned()).await
    }

    async fn patch(&self, path: &str, body: &str) -> Answer {
        self.send("PATCH", path, PATCH, body.to_owned()).await
    }

    /// The record's data as the API sends it, byte by byte.
    async fn data(&self, path: &str) -> String {
        let body = self.get(path).await.body;
        let (_, data) = body.split_once("\"data\":").expect("data");
        data.strip_suffix('}').expect("the end").to_owned()
    }
}

#[tokio::test]
async fn a_record_lives_from_its_creation_to_its_deletion() {
    let library = Library::new(BOOK).await;
    let created = library.post(r#"{"title": "Emil", "pages": 224}"#).await;
    assert_eq!((created.status, created.header("etag"), created.header("content-type")), (201, "\"1\"", JSON));
    let path = created.header("location").strip_prefix("/api/v1/collections/books/records").expect("below the list");
    let record = created.json();
    assert_eq!(record["data"], json!({ "title": "Emil", "pages": 224 }));
    assert_eq!((&record["version"], path), (&json!(1), &*format!("/{}", record["id"].as_str().expect("an id"))));
    assert_eq!(record["created_at"], record["updated_at"]);

    let read = library.get(path).await;
    assert_eq!((read.status, read.header("etag"), read.json()), (200, "\"1\"", record.clone()));
    let replaced = library.put(path, r#"{"title": "Anton"}"#).await;
    assert_eq!((replaced.status, replaced.header("etag")), (200, "\"2\""));
    assert_eq!(replaced.json()["data"], json!({ "title": "Anton" }));
    let patched = library.patch(path, r#"{"pages": 7}"#).await;
    assert_eq!((patched.status, patched.header("etag")), (200, "\"3\""));
    assert_eq!(patched.json()["data"], json!({ "title": "Anton", "pages": 7 }));
    assert_eq!((&patched.json()["id"], &patched.json()["created_at"]), (&record["id"], &record["created_at"]));

    let deleted = Answer::of(library.request("DELETE", path)).await;
    assert_eq!((deleted.status, deleted.body.as_str()), (204, ""));
    for method in ["GET", "DELETE"] {
        let gone = Answer::of(library.request(method, path)).await;
        assert_eq!((gone.status, gone.problem().as_str()), (404, "record_not_found"));
    }
    assert_eq!(library.put(path, "{\"title\": \"x\"}").await.problem(), "record_not_found");
    assert_eq!(library.patch(path, "{}").await.problem(), "record_not_found");
    for id in ["/1", "/nothing", &format!("/{}", Uuid::nil())] {
        assert_eq!(library.get(id).await.problem(), "record_not_found", "{id}");
    }
}

#[tokio::test]
async fn methods_that_an_address_does_not_have_are_refused_with_those_that_it_has() {
    let library = Library::new("").await;
    let id = library.create("{}").await;
    for (method, path, allow) in [
        ("DELETE", "", "GET, HEAD, POST"),
        ("PATCH", "", "GET, HEAD, POST"),
        ("POST", &*id, "GET, HEAD, PUT, PATCH, DELETE"),
        ("OPTIONS", &*id, "GET, HEAD, PUT, PATCH, DELETE"),
    ] {
        let answer = Answer::of(library.request(method, path)).await;
        assert_eq!((answer.status, answer.header("allow")), (405, allow), "{method} {path}");
        assert_eq!(answer.problem(), "method_not_allowed");
    }
    for path in ["", &*id] {
        let head = Answer::of(library.request("HEAD", path)).await;
        assert_eq!((head.status, head.body.as_str()), (200, ""), "{path}");
    }
}

#[tokio::test]
async fn numbers_keep_their_digits_and_a_patch_leaves_those_that_it_does_not_name() {
    let library = Library::new("").await;
    let sent = r#"{"n": 123456789012345678901234567890, "small": 0.10000000000000000001, "money": 1.50, "in": {"x": 98765432109876543210, "y": 1}}"#;
    let path = library.create(sent).await;
    let stored = library.data(&path).await;
    for number in ["123456789012345678901234567890", "0.10000000000000000001", "1.50", "98765432109876543210"] {
        assert!(stored.contains(number), "{number}: {stored}");
    }
    let patch = r#"{"in": {"y": null, "z": {"deep": null, "kept": 12345678901234567890123}}, "money": null, "new": [null, {"a": null}]}"#;
    assert_eq!(library.patch(&path, patch).await.status, 200);
    let patched = library.data(&path).await;
    for number in ["123456789012345678901234567890", "98765432109876543210", "12345678901234567890123"] {
        assert!(patched.contains(number), "{number}: {patched}");
    }
    let value: Value = serde_json::from_str(&patched).expect("JSON");
    assert_eq!(value["in"].as_object().map(|members| members.len()), Some(2), "{patched}");
    assert_eq!(value["in"]["z"].as_object().map(|members| members.len()), Some(1), "{patched}");
    assert_eq!(value["new"], json!([null, { "a": null }]), "an array is replaced as it is");
    assert!(value.get("money").is_none());
}

/// RFC 7396, appendix A, where target and result are objects.
#[tokio::test]
async fn patches_do_what_the_standard_says() {
    let library = Library::new("").await;
    for (target, patch, result) in [
        (r#"{"a":"b"}"#, r#"{"a":"c"}"#, r#"{"a":"c"}"#),
        (r#"{"a":"b"}"#, r#"{"b":"c"}"#, r#"{"a":"b","b":"c"}"#),
        (r#"{"a":"b"}"#, r#"{"a":null}"#, "{}"),
        (r#"{"a":"b","b":"c"}"#, r#"{"a":null}"#, r#"{"b":"c"}"#),
        (r#"{"a":["b"]}"#, r#"{"a":"c"}"#, r#"{"a":"c"}"#),
        (r#"{"a":"c"}"#, r#"{"a":["b"]}"#, r#"{"a":["b"]}"#),
        (r#"{"a":{"b":"c"}}"#, r#"{"a":{"b":"d","c":null}}"#, r#"{"a":{"b":"d"}}"#),
        (r#"{"a":[{"b":"c"}]}"#, r#"{"a":[1]}"#, r#"{"a":[1]}"#),
        (r#"{"e":null}"#, r#"{"a":1}"#, r#"{"e":null,"a":1}"#),
        ("{}", r#"{"a":{"bb":{"ccc":null}}}"#, r#"{"a":{"bb":{}}}"#),
        (r#"{"a":"b"}"#, "{}", r#"{"a":"b"}"#),
    ] {
        let path = library.create(target).await;
        let answer = library.patch(&path, patch).await;
        let result: Value = serde_json::from_str(result).expect("JSON");
        assert_eq!((answer.status, &answer.json()["data"]), (200, &result), "{target} {patch}");
    }
    let path = library.create("{}").await;
    for patch in ["[]", "null", "\"bar\"", ""] {
        assert_eq!(library.patch(&path, patch).await.problem(), "malformed_request", "{patch}");
    }
}

#[tokio::test]
async fn a_body_that_is_no_record_is_refused_with_its_position() {
    let library = Library::new("").await;
    let nested = |depth: usize| format!("{{\"a\":{}{}}}", "[".repeat(depth), "]".repeat(depth));
    for (body, detail) in [
        ("{\n \"a\": 1,\n}".into(), "Line 3, column 1: trailing comma."),
        (String::new(), "Line 1, column 0"),
        (r#"{"a": 1, "a": 2}"#.into(), "Line 1, column 12: the name “a” stands twice in one object."),
        (r#"{"a": {"b": [{"c": 1, "c": 1}]}}"#.into(), "the name “c” stands twice"),
        (r#"{"a": "\ud800"}"#.into(), "hex escape"),
        (r#"{"\udc00": 1}"#.into(), "hex escape"),
        (r#"{"a": "\u0000"}"#.into(), "U+0000"),
        ("{\"a\": \"\0\"}".into(), "control character"),
        (r#"{"a": 1e999}"#.into(), "number out of range"),
        (r#"{"a": 1e-16000}"#.into(), "a number has more than 1,000 digits"),
        (r#"{"a": NaN}"#.into(), "Line 1"),
        ("[1]".into(), "must be a JSON object"),
        ("7".into(), "must be a JSON object"),
        ("{} {}".into(), "trailing characters"),
        ("\u{feff}{}".into(), "Line 1, column 1"),
        (nested(32), "more than 32 levels are nested"),
        (nested(100_000), "more than 32 levels are nested"),
    ] {
        let answer = library.post(body.clone()).await;
        let start: String = body.chars().take(40).collect();
        assert_eq!((answer.status, answer.problem().as_str()), (400, "malformed_request"), "{start}");
        let said = answer.json()["detail"].as_str().expect("a sentence").to_owned();
        assert!(said.contains(detail), "{start}: {said}");
    }
    for bytes in [&b"{\"a\": \"\xff\"}"[..], b"\xfe\xff\0{\0}", b"{\"\xc0\x80\": 1}"] {
        let answer = library.post(bytes.to_vec()).await;
        assert_eq!((answer.status, answer.problem().as_str()), (400, "malformed_request"));
    }
    assert_eq!(library.app.count("SELECT count(*) FROM records").await, 0);
    library.create(&nested(31)).await;
}

#[tokio::test]
async fn size_and_content_type_are_checked() {
    let library = Library::new("").await;
    let long = |size: usize| format!("{{\"a\":\"{}\"}}", "x".repeat(size - 8));
    let path = library.create(&long(256 * 1024)).await;
    assert_eq!(library.data(&path).await.len(), 256 * 1024 + 1, "with the space of PostgreSQL");
    assert_eq!(library.put(&path, &format!("\n{}", library.data(&path).await)).await.status, 200);
    let many = format!("{{\"a\": [{}0]}}", "1e300,".repeat(40_000));
    for body in [long(256 * 1024 + 1), long(2_000_000), many] {
        let answer = library.post(body).await;
        assert_eq!((answer.status, answer.problem().as_str()), (413, "request_body_too_large"));
    }
    let grown = library.patch(&path, "{\"b\": 1}").await;
    assert_eq!((grown.status, grown.problem().as_str()), (413, "request_body_too_large"), "what it would become");

    for content_type in ["application/json; charset=utf-8", "Application/JSON"] {
        assert_eq!(library.send("POST", "", content_type, "{}").await.status, 201, "{content_type}");
    }
    for (method, path, content_type, header, taken) in [
        ("POST", "", "", "accept", JSON),
        ("POST", "", "text/plain", "accept", JSON),
        ("POST", "", PATCH, "accept", JSON),
        ("POST", "", "application/x-www-form-urlencoded", "accept", JSON),
        ("PUT", &*path, "application/jsonp", "accept", JSON),
        ("PATCH", &*path, JSON, "accept-patch", PATCH),
        ("PATCH", &*path, "application/json-patch+json", "accept-patch", PATCH),
    ] {
        let answer = library.send(method, path, content_type, "{}").await;
        assert_eq!((answer.status, answer.problem().as_str()), (415, "content_type_not_taken"), "{content_type}");
        assert_eq!(answer.header(header), taken, "{content_type}");
    }
    let packed = library.request("POST", "").header("content-type", JSON).header("content-encoding", "gzip");
    assert_eq!(Answer::of(packed.body("{}")).await.status, 415);
}

#[tokio::test]
async fn what_does_not_fit_the_schema_is_listed_by_its_place_and_never_repeated() {
    let library = Library::new(BOOK).await;
    let answer = library.post(r#"{"pages": 0, "price": "a secret price"}"#).await;
    assert_eq!((answer.status, answer.problem().as_str()), (422, "record_does_not_fit"));
    let errors = answer.json()["errors"].as_array().expect("errors").clone();
    let mut places: Vec<&str> = errors.iter().map(|error| error["pointer"].as_str().expect("a place")).collect();
    places.sort_unstable();
    assert_eq!(places, ["", "/pages", "/price"]);
    assert!(errors.iter().all(|error| error["detail"].as_str().is_some_and(|detail| !detail.is_empty())));
    assert!(!answer.body.contains("secret"), "{}", answer.body);

    let path = library.create(r#"{"title": "Emil", "pages": 7}"#).await;
    assert_eq!(library.put(&path, r#"{"pages": 7}"#).await.status, 422);
    for patch in [r#"{"title": null}"#, r#"{"pages": 0}"#, r#"{"title": {"new": 1}}"#] {
        assert_eq!(library.patch(&path, patch).await.problem(), "record_does_not_fit", "{patch}");
    }
    assert_eq!(library.get(&path).await.header("etag"), "\"1\"", "nothing was stored");
    assert_eq!(library.app.count("SELECT count(*) FROM records").await, 1);
}

#[tokio::test]
async fn preconditions_decide_whether_a_record_is_changed() {
    let library = Library::new("").await;
    let path = library.create("{\"n\": 1}").await;
    let change = async |method: &str, header: &str, value: &str| {
        let content_type = if method == "PATCH" { PATCH } else { JSON };
        let request = library.request(method, &path).header("content-type", content_type).header(header, value);
        let answer = Answer::of(request.body("{\"n\": 2}")).await;
        if answer.status == 412 {
            assert_eq!(answer.problem(), "record_changed");
        }
        answer.status
    };
    for method in ["PUT", "PATCH", "DELETE"] {
        for value in ["\"2\"", "W/\"1\"", "1", "\"\"", "nonsense", "\"0\", \"3\""] {
            assert_eq!(change(method, "if-match", value).await, 412, "{method} {value}");
        }
        for value in ["*", "\"1\"", "W/\"1\""] {
            assert_eq!(change(method, "if-none-match", value).await, 412, "{method} {value}");
        }
    }
    assert_eq!(library.get(&path).await.header("etag"), "\"1\"");
    assert_eq!(change("PUT", "if-match", "\"1\"").await, 200);
    assert_eq!(change("PATCH", "if-match", "\"7\", \"2\"").await, 200);
    assert_eq!(change("PUT", "if-match", "*").await, 200);
    assert_eq!(change("PUT", "if-none-match", "\"1\"").await, 200);

    for (value, status) in
        [("\"5\"", 304), ("W/\"5\"", 304), ("*", 304), ("\"1\", \"5\"", 304), ("\"4\"", 200), ("5", 200)]
    {
        let answer = Answer::of(library.request("GET", &path).header("if-none-match", value)).await;
        assert_eq!((answer.status, answer.header("etag")), (status, "\"5\""), "{value}");
        assert_eq!(answer.body.is_empty(), status == 304);
    }
    assert_eq!(change("DELETE", "if-match", "\"5\"").await, 204);
}

#[tokio::test]
async fn of_two_writers_with_the_same_version_one_is_refused() {
    let library = Library::new("").await;
    let path = library.create("{\"n\": 0}").await;
    let write = async |n: usize| {
        let request = library.request("PUT", &path).header("content-type", JSON).header("if-match", "\"1\"");
        Answer::of(request.body(format!("{{\"n\": {n}}}"))).await.status
    };
    let mut statuses = futures_util::future::join_all((0..6).map(write)).await;
    statuses.sort_unstable();
    assert_eq!(statuses, [200, 412, 412, 412, 412, 412]);
    assert_eq!(library.get(&path).await.header("etag"), "\"2\"");
}

#[tokio::test]
async fn patches_at_the_same_time_lose_nothing() {
    let library = Library::new("").await;
    let path = library.create("{}").await;
    let patch = async |n: usize| library.patch(&path, &format!("{{\"m{n}\": {n}}}")).await.status;
    let statuses = futures_util::future::join_all((0..8).map(patch)).await;
    assert_eq!(statuses, [200; 8]);
    let record = library.get(&path).await.json();
    assert_eq!((record["data"].as_object().map(|data| data.len()), &record["version"]), (Some(8), &json!(9)));
}

#[tokio::test]
async fn a_schema_that_changes_meanwhile_counts() {
    let library = Library::new(BOOK).await;
    let path = library.create(r#"{"title": "Emil"}"#).await;
    let strict = r#"UPDATE collections SET schema = '{"required": ["isbn"]}', version = version + 1"#;
    library.app.sql(&format!("BEGIN; {strict}")).await;
    let (created, patched, ()) =
        tokio::join!(library.post(r#"{"title": "Anton"}"#), library.patch(&path, r#"{"pages": 7}"#), async {
            library.app.until_a_lock_is_waited_for().await;
            library.app.sql("COMMIT").await;
        });
    assert_eq!((created.status, patched.status), (422, 422), "{} {}", created.body, patched.body);
    assert_eq!(library.put(&path, r#"{"isbn": "1"}"#).await.status, 200);
}

#[tokio::test]
async fn earlier_states_are_kept_up_to_fifty() {
    let library = Library::new("").await;
    let path = library.create("{\"n\": 0}").await;
    for n in 1..=53 {
        assert_eq!(library.put(&path, &format!("{{\"n\": {n}}}")).await.status, 200);
    }
    let versions = library.app.rows("SELECT count(*), min(version), max(version) FROM record_versions").await;
    assert_eq!(versions, [["50", "4", "53"]]);
    library.request("DELETE", &path).send().await.expect("an answer");
    assert_eq!(library.app.count("SELECT count(*) FROM record_versions").await, 0);
}
