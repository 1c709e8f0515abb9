//! Bodies with files: uploads to Slack, attachments of Jira, text recognition.

use serde_json::json;

use crate::api::World;
use crate::support::upstream::{Reply, Seen};

const NEW: &str = "/connectors/ledger/endpoints/new";
const TAB: &str = "/connectors/ledger/endpoints";

/// The parts of a body without its boundary.
fn parts(seen: &Seen) -> Vec<String> {
    let content_type = seen.header("content-type").expect("a content type");
    let boundary = content_type.strip_prefix("multipart/form-data; boundary=").expect("a boundary");
    let body = String::from_utf8(seen.body.clone()).expect("UTF-8");
    let body = body.strip_suffix(&format!("--{boundary}--\r\n")).expect("an end");
    body.split(&format!("--{boundary}\r\n")).skip(1).map(str::to_owned).collect()
}

fn title(text: &str) -> String {
    format!("Content-Disposition: form-data; name=\"title\"\r\n\r\n{text}\r\n")
}

fn file(name: &str, content_type: &str, text: &str) -> String {
    format!(
        "Content-Disposition: form-data; name=\"file\"; filename=\"{name}\"\r\nContent-Type: {content_type}\r\n\r\n{text}\r\n"
    )
}

/// A world whose endpoint `upload` has a text and a file, made through the page. It has been run once.
async fn uploading() -> World {
    let world = World::new(|_| Reply::json(200, "{}")).await;
    let ana = world.app.super_admin().await;
    let mut page = ana.get(NEW).await.expect(200);
    for button in ["Add a part", "Add another part"] {
        page = page.form(TAB).set("body_kind", "multipart").press(button).send().await.expect(200);
    }
    let form = page.form(TAB);
    let form = form.set("endpoint_name", "upload").set("http_method", "POST").set("endpoint_url", "/files");
    let form = form.set("part_1_name", "title").set("part_1_value", "{{title}}");
    let form = form.set("part_2_name", "file").set("part_2_value", "{{file}}").set("part_2_kind", "file");
    let form = form.tick("part_2_required", "yes").set("sample", r#"{"title": "Ä \"b\""}"#);
    let page = form.press("Run").send_with_file("part_2_upload", "a.txt", b"hello").await.expect(200);
    assert_eq!(parts(&world.api.only()), [title("Ä \"b\""), file("a.txt", "text/plain", "hello")]);
    let text = page.text();
    assert!(text.contains("file (text/plain): file “a.txt”, 5 bytes"), "{text}");
    let curl = page.field_value("curl");
    assert!(curl.contains("--form 'file=@\"a.txt\";type=text/plain'") && !curl.contains("boundary"), "{curl}");
    assert_eq!(page.field_value("part_2_name"), "file");
    page.form(TAB).send().await.expect(303);
    world.app.approve_origins(world.connector).await;
    world
}

#[tokio::test]
async fn a_file_is_sent_by_a_run_and_by_both_kinds_of_calls() {
    let world = uploading().await;
    let document = json!({ "content": "aGVsbG8=", "filename": "b.csv", "content_type": "text/csv" });
    let answer = world.call("upload", json!({ "title": "t", "file": document })).await;
    assert_eq!(answer.status, 200, "{}", answer.body);
    assert_eq!(parts(&world.api.last()), [title("t"), file("b.csv", "text/csv", "hello")]);
    let answer = world.call("upload", json!({ "file": "a text" })).await;
    assert_eq!(answer.status, 200, "{}", answer.body);
    assert_eq!(parts(&world.api.last()), [file("file", "application/octet-stream", "a text")]);
    let body = "--x\r\nContent-Disposition: form-data; name=\"title\"\r\n\r\nmine\r\n--x\r\n\
                Content-Disposition: form-data; name=\"file\"; filename=\"c.txt\"\r\n\r\nhello\r\n--x--\r\n";
    let request = world.request("POST", "/ledger/endpoints/upload/call");
    let request = request.header("Content-Type", "multipart/form-data; boundary=x").body(body);
    assert_eq!(request.send().await.expect("an answer").status(), 200);
    assert_eq!(parts(&world.api.last()), [title("mine"), file("c.txt", "application/octet-stream", "hello")]);
}

#[tokio::test]
async fn a_call_without_a_file_or_with_too_much_is_refused() {
    let world = uploading().await;
    for (variables, words) in [
        (json!({}), "There is no value for “file”, which the part “file” needs."),
        (json!({ "file": { "content": "?" } }), "The value of “file” is no file."),
        (json!({ "file": "x", "title": [] }), "The value of “title” is a list or an object"),
    ] {
        let answer = world.call("upload", variables).await;
        assert!(answer.status == 422 && answer.body.contains(words), "{}", answer.body);
    }
    let form = |body: Vec<u8>| {
        let request = world.request("POST", "/ledger/endpoints/upload/call");
        request.header("Content-Type", "multipart/form-data; boundary=x").body(body).send()
    };
    let head = b"--x\r\nContent-Disposition: form-data; name=\"file\"; filename=\"a\"\r\n\r\n";
    let large = [&head[..], &vec![b'a'; 33 * 1024 * 1024], b"\r\n--x--\r\n"].concat();
    if let Ok(answer) = form(large).await {
        assert_eq!(answer.status(), 413);
    }
    assert_eq!(form(head.to_vec()).await.expect("an answer").status(), 400, "it breaks off");
    assert_eq!(form(b"nonsense".to_vec()).await.expect("an answer").status(), 400);
    assert_eq!(world.api.seen().len(), 1, "the run alone");
}

#[tokio::test]
async fn parts_that_cannot_be_are_refused_at_their_fields() {
    let world = World::new(|_| Reply::json(200, "{}")).await;
    let ana = world.app.super_admin().await;
    let page = ana.get(NEW).await.expect(200);
    let page = page.form(TAB).set("body_kind", "multipart").press("Add a header").send().await.expect(200);
    let page = page.form(TAB).press("Add a part").send().await.expect(200);
    let form = page.form(TAB).set("endpoint_name", "upload").set("endpoint_url", "/files");
    let form = form.set("header_1_name", "Content-Type").set("header_1_value", "multipart/mixed");
    let form = form.set("part_1_value", "{{file").set("part_1_kind", "file").set("part_1_content_type", "pdf");
    let page = form.set("part_1_file_name", "{{name").send().await.expect(422);
    for (field, words) in [
        ("header_1_name", "is set by Connectory itself for this type of body"),
        ("part_1_name", "Enter the key of part 1, or remove it"),
        ("part_1_content_type", "The content type of part 1 must be a type and a subtype"),
        ("part_1_value", "The value of part 1 "),
        ("part_1_file_name", "The file name of part 1 "),
    ] {
        let message = page.field_error(field).unwrap_or_default();
        assert!(message.contains(words), "{field}: {message}");
    }
    let form = page.form(TAB).set("header_1_name", "").set("header_1_value", "").set("part_1_content_type", "");
    let form = form.set("part_1_name", "a").set("part_1_value", "text").set("part_1_file_name", "").press("Run");
    let page = form.send_with_file("part_1_upload", "a.txt", b"x").await.expect(422);
    assert!(page.field_error("part_1_upload").is_some_and(|error| error.contains("Part 1 takes no file")));
    assert!(world.api.seen().is_empty());
}
