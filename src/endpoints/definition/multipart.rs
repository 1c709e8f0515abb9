//! Bodies of the type `multipart/form-data` (RFC 7578): parts with texts and files.
//!
//! Rule: this program writes the boundary and the headers of each part; no name can end a header and begin another one
//! (WHATWG HTML, “multipart/form-data encoding algorithm”).

use std::collections::HashMap;

use base64::Engine;
use base64::alphabet;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use serde_json::Value;

use crate::endpoints::model::Row;
use crate::outbound::Bytes;
use crate::outbound::http::HeaderValue;
use crate::template::{PairTemplate, Template, ValueErrorKind, ValueErrors};

/// The largest body with its files, in bytes.
pub const MAX_BODY: usize = 32 * 1024 * 1024;

/// Base64 as programs send it, with or without padding.
const BASE64: GeneralPurpose = GeneralPurpose::new(
    &alphabet::STANDARD,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// A file that a part sends.
#[derive(Clone, Default)]
pub struct FileValue {
    pub bytes: Bytes,
    /// Empty if it has none.
    pub name: String,
    /// Empty if it has none.
    pub content_type: String,
}

/// Uploaded files, by the paths of the variables whose values they are.
pub type Files = HashMap<String, FileValue>;

/// A part ready to be sent.
#[derive(Clone, Debug)]
pub struct RenderedPart {
    pub name: String,
    /// `None` for a part that is no file.
    pub file_name: Option<String>,
    pub content_type: Option<String>,
    pub bytes: Bytes,
}

/// The template of a part.
#[derive(Clone, Debug)]
pub(super) struct PartTemplate {
    pair: PairTemplate,
    /// The template of the file's name, for a part that is a file.
    file: Option<Template>,
    content_type: Option<String>,
}

impl PartTemplate {
    /// The file name has been parsed before, for a part that is a file.
    pub fn new(row: &Row, pair: PairTemplate, file_name: Template) -> PartTemplate {
        let content_type = (!row.content_type.is_empty()).then(|| row.content_type.clone());
        PartTemplate { pair, file: row.is_file.then_some(file_name), content_type }
    }

    pub fn name(&self) -> &str {
        &self.pair.name
    }

    /// Of its value and of its file name.
    pub fn templates(&self) -> impl Iterator<Item = &Template> {
        [self.pair.template()].into_iter().chain(&self.file)
    }

    /// The part, not yet encoded; `None` if it is optional and has no value.
    pub fn render(&self, variables: &Value, files: &Files) -> Result<Option<RenderedPart>, ValueErrors> {
        let Some(file_name) = &self.file else {
            let text = self.pair.render(variables)?;
            return Ok(text.map(|text| self.part(None, FileValue { bytes: text.into(), ..FileValue::default() })));
        };
        let file = match self.file_value(variables, files)? {
            Some(file) => Some(file),
            None => self.pair.render(variables)?.map(|text| FileValue { bytes: text.into(), ..FileValue::default() }),
        };
        let Some(file) = file else { return Ok(None) };
        let own_name = file_name.render_plain(variables)?;
        let name = [&own_name, &file.name].into_iter().find(|name| !name.is_empty());
        let name = name.map_or("file", String::as_str).to_string();
        Ok(Some(self.part(Some(name), file)))
    }

    /// The file that is the value of the only variable: uploaded, or an object with its content.
    fn file_value(&self, variables: &Value, files: &Files) -> Result<Option<FileValue>, ValueErrors> {
        let Some(variable) = self.pair.template().only_variable() else { return Ok(None) };
        if let Some(file) = files.get(variable.name()) {
            return Ok(Some(file.clone()));
        }
        match variable.value_in(variables) {
            Some(value @ (Value::Object(_) | Value::Array(_))) => {
                let file = file_of(value).ok_or_else(|| ValueErrorKind::NoFile.of(variable.name()))?;
                Ok(Some(file))
            }
            _ => Ok(None),
        }
    }

    fn part(&self, file_name: Option<String>, file: FileValue) -> RenderedPart {
        let of_file = Some(file.content_type).filter(|kind| !kind.is_empty());
        let usual = file_name.is_some().then(|| "application/octet-stream".to_string());
        let content_type = self.content_type.clone().or(of_file).or(usual);
        RenderedPart { name: self.pair.name.clone(), file_name, content_type, bytes: file.bytes }
    }
}

/// The file of `{"content": base64, "filename": …, "content_type": …}`.
fn file_of(value: &Value) -> Option<FileValue> {
    let text = |name: &str| value.get(name).map_or(Some(""), Value::as_str);
    let content_type = text("content_type")?;
    let bytes = BASE64.decode(value.get("content")?.as_str()?).ok()?;
    (content_type.is_empty() || is_content_type(content_type)).then_some(FileValue {
        bytes: bytes.into(),
        name: text("filename")?.into(),
        content_type: content_type.into(),
    })
}

/// Whether a text can be the content type of a part.
pub fn is_content_type(text: &str) -> bool {
    HeaderValue::from_str(text).is_ok_and(|value| value.to_str().is_ok()) && text.contains('/')
}

/// The body and its content type.
pub(super) fn encode(parts: &[RenderedPart]) -> (Vec<u8>, String) {
    let boundary = format!("connectory-{}", format_args!("{:032x}", rand::random::<u128>()));
    let mut body = Vec::with_capacity(parts.iter().map(|part| part.bytes.len() + 256).sum());
    for part in parts {
        body.extend_from_slice(format!("--{boundary}\r\n{}\r\n", head(part)).as_bytes());
        body.extend_from_slice(&part.bytes);
        body.extend_from_slice(b"\r\n");
    }
    body.extend_from_slice(format!("--{boundary}--\r\n").as_bytes());
    (body, format!("multipart/form-data; boundary={boundary}"))
}

fn head(part: &RenderedPart) -> String {
    let mut head = format!("Content-Disposition: form-data; name=\"{}\"", escaped(&part.name));
    if let Some(file_name) = &part.file_name {
        head.push_str(&format!("; filename=\"{}\"", escaped(file_name)));
    }
    head.push_str("\r\n");
    if let Some(content_type) = &part.content_type {
        head.push_str(&format!("Content-Type: {content_type}\r\n"));
    }
    head
}

/// As browsers escape names.
fn escaped(name: &str) -> String {
    name.replace('\r', "%0D").replace('\n', "%0A").replace('"', "%22")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn part(value: &str, is_file: bool, file_name: &str, content_type: &str) -> PartTemplate {
        let row = Row { is_file, content_type: content_type.into(), ..Row::default() };
        let pair = PairTemplate::parse("a", value, true).expect("a value");
        PartTemplate::new(&row, pair, Template::parse(file_name).expect("a name"))
    }

    #[test]
    fn a_file_is_what_its_variable_is() {
        let uploaded = FileValue { bytes: "up".into(), name: "up.txt".into(), content_type: "text/plain".into() };
        let files = Files::from([("up".to_string(), uploaded)]);
        let variables = json!({
            "whole": { "content": "aGk=", "filename": "hi.txt", "content_type": "text/csv" },
            "bare": { "content": "aGk" }, "text": "hello", "n": 7,
        });
        for (part, bytes, name, content_type) in [
            (part("{{up}}", true, "", ""), "up", Some("up.txt"), Some("text/plain")),
            (part("{{up}}", true, "{{n}}.bin", "image/png"), "up", Some("7.bin"), Some("image/png")),
            (part("{{whole}}", true, "", ""), "hi", Some("hi.txt"), Some("text/csv")),
            (part("{{bare}}", true, "", ""), "hi", Some("file"), Some("application/octet-stream")),
            (part("id;{{text}}", true, "a.csv", ""), "id;hello", Some("a.csv"), Some("application/octet-stream")),
            (part("{{text}}", false, "", ""), "hello", None, None),
            (part("{\"n\": {{n}}}", false, "", "application/json"), "{\"n\": 7}", None, Some("application/json")),
        ] {
            let rendered = part.render(&variables, &files).expect("a part").expect("a value");
            assert_eq!(rendered.bytes, bytes);
            assert_eq!((rendered.file_name.as_deref(), rendered.content_type.as_deref()), (name, content_type));
        }
    }

    #[test]
    fn what_is_no_file_is_refused() {
        let part = part("{{a}}", true, "", "");
        for value in [
            json!({}),
            json!([]),
            json!({ "content": 7 }),
            json!({ "content": "no base64!" }),
            json!({ "content": "aGk=", "filename": 7 }),
            json!({ "content": "aGk=", "content_type": "text/plain\r\nX: y" }),
            json!({ "content": "aGk=", "content_type": "text" }),
        ] {
            let errors = part.render(&json!({ "a": value }), &Files::new()).expect_err("no file");
            assert_eq!(errors, ValueErrorKind::NoFile.of("a"), "{value}");
        }
    }

    #[test]
    fn no_name_ends_its_header() {
        let name = "a\"; x=\"y\r\nX-Evil: 1".to_string();
        let part = RenderedPart {
            name: name.clone(),
            file_name: Some(name),
            content_type: Some("text/plain".into()),
            bytes: "--".into(),
        };
        let (body, content_type) = encode(&[part]);
        let (_, boundary) = content_type.split_once("boundary=").expect("a boundary");
        let escaped = "a%22; x=%22y%0D%0AX-Evil: 1";
        assert_eq!(
            String::from_utf8_lossy(&body),
            format!(
                "--{boundary}\r\nContent-Disposition: form-data; name=\"{escaped}\"; filename=\"{escaped}\"\r\n\
                 Content-Type: text/plain\r\n\r\n--\r\n--{boundary}--\r\n"
            )
        );
    }
}
