//! The endpoints of a collection's connector, which call the REST API of the records.

use crate::endpoints::{BodyKind, CheckedEndpoint, HttpMethod, Paging, RequestSettings, Row, parse_name};
use crate::name::NameProblem;

/// Name, description, method, URL below that of the records, and sample data.
const ENDPOINTS: [(&str, &str, HttpMethod, &str, &str); 5] = [
    (
        "ListAll",
        "Lists records, a page at a time: limit (1 to 100), after (where the page before ends), sort (such as -modified).",
        HttpMethod::Get,
        "",
        "",
    ),
    ("GetRecord", "Gets the record of an id.", HttpMethod::Get, ONE, SAMPLE_ID),
    ("CreateRecord", "Creates a record.", HttpMethod::Post, "", r#"{"record": {"name": "Example"}}"#),
    (
        "UpdateRecord",
        "Replaces the record of an id.",
        HttpMethod::Put,
        ONE,
        r#"{"id": "00000000-0000-0000-0000-000000000000", "record": {"name": "Example"}}"#,
    ),
    ("DeleteRecord", "Deletes the record of an id.", HttpMethod::Delete, ONE, SAMPLE_ID),
];

const ONE: &str = "/{{id}}";

const SAMPLE_ID: &str = r#"{"id": "00000000-0000-0000-0000-000000000000"}"#;

/// What [`ENDPOINTS`] says, as it is stored.
pub(super) fn own_endpoints() -> Result<Vec<CheckedEndpoint>, NameProblem> {
    ENDPOINTS.into_iter().map(endpoint).collect()
}

fn endpoint(
    (name, description, method, url, sample): (&str, &str, HttpMethod, &str, &str),
) -> Result<CheckedEndpoint, NameProblem> {
    let has_body = matches!(method, HttpMethod::Post | HttpMethod::Put);
    let is_list = method == HttpMethod::Get && url.is_empty();
    let parameter =
        |name: &str| Row { name: name.into(), value: format!("{{{{{name}}}}}"), required: false, ..Row::default() };
    let parameters = if is_list { ["limit", "after", "sort"].map(parameter).to_vec() } else { Vec::new() };
    let request = RequestSettings {
        method,
        url: url.into(),
        parameters,
        headers: Vec::new(),
        body_kind: if has_body { BodyKind::Json } else { BodyKind::None },
        body: if has_body { "{{record}}".into() } else { String::new() },
        form: Vec::new(),
        time_out: None,
        retries: 0,
        paging: Paging::none(),
    };
    Ok(CheckedEndpoint { name: parse_name(name)?, description: description.into(), request, sample: sample.into() })
}
