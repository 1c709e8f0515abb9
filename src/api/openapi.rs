//! The interface as an OpenAPI 3.1 document, made of the operations, the types and the kinds of problems that the
//! handlers use.

use std::collections::BTreeMap;

use actix_web::{HttpResponse, web};
use serde_json::{Map, Value, json};

use super::operations::{Handler, OPERATIONS, Operation, Parameter, Problems};
use super::problem::all_kinds;
use super::schema::Schema;
use super::serve::Api;
use super::types::{
    CallRequest, ConnectorDetails, ConnectorEntry, ConnectorList, EndpointEntry, FieldError, ProblemDocument, Token,
    TokenRequest, VariableEntry, example,
};
use crate::relay::{KINDS, ProblemKind};

/// Codes that every operation with a key can answer with.
const OF_KEYS: [&str; 11] = [
    "loop_detected",
    "key_missing",
    "key_unknown",
    "key_revoked",
    "key_expired",
    "key_holder_inactive",
    "key_holder_not_permitted",
    "keys_unavailable",
    "too_many_unknown_keys",
    "key_rate_limited",
    "key_too_many_at_once",
];

/// Codes that any operation can answer with.
const OF_ALL: [&str; 2] = ["database_unavailable", "internal_error"];

/// Answers with the document.
pub(super) fn show(api: &web::Data<Api>) -> HttpResponse {
    HttpResponse::Ok().content_type("application/json").body(document(&api.address).to_string())
}

/// The codes of the problems that an operation can have, in the order of their table.
pub(super) fn codes(operation: &Operation) -> Vec<&'static ProblemKind> {
    let own: &[&str] = match operation.problems {
        Problems::General => &[],
        Problems::OfConnector(own) | Problems::OfApi(own) => own,
    };
    let is_keyed = matches!(operation.handler, Handler::Keyed(_));
    let of_connector = operation.problems != Problems::General;
    let of_api = matches!(operation.problems, Problems::OfApi(_));
    let applies = |kind: &&'static ProblemKind| {
        let code = kind.code;
        let from_here = ["path_not_allowed", "connector_without_address", "request_body_broken"];
        own.contains(&code)
            || (is_keyed && (OF_KEYS.contains(&code) || OF_ALL.contains(&code)))
            || (of_connector && code == "connector_not_found")
            || (of_api && KINDS.iter().any(|kind| kind.code == code) && !from_here.contains(&code))
    };
    all_kinds().filter(applies).collect()
}

/// The whole document for the site at this address.
pub(super) fn document(address: &str) -> Value {
    json!({
        "openapi": "3.1.0",
        "jsonSchemaDialect": "https://spec.openapis.org/oas/3.1/dialect/base",
        "info": {
            "title": "Connectory",
            "version": env!("CARGO_PKG_VERSION"),
            "description": "Calls APIs through data connectors, which add the credential. Answers of the API are handed on; those of Connectory itself are RFC 9457 problem documents. The header Connectory-Answer tells which of the two it is.",
            "license": { "name": "Apache-2.0", "identifier": "Apache-2.0" },
        },
        "servers": [{ "url": address }],
        "security": [{ "bearer": [] }, { "header": [] }],
        "paths": paths(),
        "components": {
            "securitySchemes": {
                "bearer": { "type": "http", "scheme": "bearer", "description": "An API key." },
                "header": { "type": "apiKey", "in": "header", "name": "X-Connectory-Key", "description": "The same key, where Authorization is taken." },
            },
            "schemas": schemas(),
            "headers": headers(),
        },
    })
}

fn schemas() -> Value {
    let mut problem = ProblemDocument::schema();
    let codes: Vec<&str> = all_kinds().map(|kind| kind.code).collect();
    problem["properties"]["code"]["enum"] = json!(codes);
    let mut schemas = json!({
        "CallRequest": CallRequest::schema(),
        "TokenRequest": TokenRequest::schema(),
        "Token": Token::schema(),
        "ConnectorList": ConnectorList::schema(),
        "ConnectorEntry": ConnectorEntry::schema(),
        "ConnectorDetails": ConnectorDetails::schema(),
        "EndpointEntry": EndpointEntry::schema(),
        "VariableEntry": VariableEntry::schema(),
        "FieldError": FieldError::schema(),
        "ProblemDocument": problem,
    });
    for (name, schema) in schemas.as_object_mut().into_iter().flatten() {
        let example = example(name);
        if !example.is_null() {
            schema["examples"] = json!([example]);
        }
    }
    schemas
}

fn headers() -> Value {
    let header = |says: &str, schema: Value| json!({ "description": says, "schema": schema });
    json!({
        "Connectory-Answer": header("Whose answer it is: “upstream” for the API’s, “connectory” for Connectory’s own.", json!({ "type": "string", "enum": ["upstream", "connectory"] })),
        "Connectory-Request-Id": header("The name of the request in Connectory’s logs.", json!({ "type": "string" })),
        "Connectory-Attempts": header("How many requests were sent to the API for this answer.", json!({ "type": "integer", "minimum": 1 })),
        "Retry-After": header("Seconds after which it may be tried again.", json!({ "type": "integer", "minimum": 0 })),
    })
}

fn paths() -> Value {
    let mut paths: BTreeMap<&str, Map<String, Value>> = BTreeMap::new();
    for operation in OPERATIONS {
        let methods = paths.entry(operation.path).or_default();
        for method in operation.methods() {
            methods.insert(method.to_ascii_lowercase(), described(operation, method));
        }
    }
    json!(paths)
}

fn described(operation: &Operation, method: &str) -> Value {
    let id = match operation.method {
        "ANY" => format!("{}_{}", operation.id, method.to_ascii_lowercase()),
        _ => operation.id.to_string(),
    };
    let mut described = json!({
        "operationId": id,
        "summary": operation.summary,
        "description": operation.description.join("\n\n"),
        "parameters": operation.parameters.iter().map(parameter).collect::<Vec<_>>(),
        "responses": answers(operation, method),
    });
    if let Some(name) = operation.takes {
        described["requestBody"] = json!({
            "required": false,
            "content": { "application/json": { "schema": reference(name), "example": example(name) } },
        });
    } else if operation.method == "ANY" && !matches!(method, "GET" | "HEAD" | "OPTIONS") {
        described["requestBody"] = json!({
            "required": false,
            "description": "Whatever the API takes; it is passed on as it comes.",
            "content": { "*/*": {} },
        });
    }
    if matches!(operation.handler, Handler::Open(_)) {
        described["security"] = json!([]);
    }
    described
}

fn parameter(parameter: &Parameter) -> Value {
    json!({
        "name": parameter.name,
        "in": parameter.place,
        "required": parameter.place == "path",
        "description": parameter.says,
        "schema": { "type": "string" },
        "example": parameter.example,
    })
}

fn reference(name: &str) -> Value {
    match name {
        "object" => json!({ "type": "object" }),
        name => json!({ "$ref": format!("#/components/schemas/{name}") }),
    }
}

fn answers(operation: &Operation, method: &str) -> Value {
    let mut answers: BTreeMap<String, Value> = BTreeMap::new();
    let mut by_status: BTreeMap<u16, Vec<&ProblemKind>> = BTreeMap::new();
    for kind in codes(operation) {
        by_status.entry(kind.status).or_default().push(kind);
    }
    for (status, kinds) in by_status {
        answers.insert(status.to_string(), problem_answer(&kinds));
    }
    let (key, answer) = match operation.gives {
        Some(name) => ("200", good_answer(name)),
        None => ("default", handed_on(method)),
    };
    answers.insert(key.to_string(), answer);
    json!(answers)
}

fn good_answer(name: &str) -> Value {
    let mut content = json!({ "schema": reference(name) });
    if !example(name).is_null() {
        content["example"] = example(name);
    }
    json!({
        "description": "As asked.",
        "headers": own_headers(&["Connectory-Answer", "Connectory-Request-Id"]),
        "content": { "application/json": content },
    })
}

fn handed_on(method: &str) -> Value {
    let mut answer = json!({
        "description": "The API’s own answer, whatever its status, with the header Connectory-Answer: upstream. The statuses listed here can be the API’s as well: that header tells.",
        "headers": own_headers(&["Connectory-Answer", "Connectory-Request-Id", "Connectory-Attempts"]),
    });
    if method != "HEAD" {
        answer["content"] = json!({ "*/*": {} });
    }
    answer
}

fn problem_answer(kinds: &[&ProblemKind]) -> Value {
    let words = kinds.iter().map(|kind| format!("- `{}`: {}.", kind.code, kind.title));
    let mut names = vec!["Connectory-Answer", "Connectory-Request-Id"];
    if kinds.iter().any(|kind| matches!(kind.status, 429 | 503)) {
        names.push("Retry-After");
    }
    json!({
        "description": words.collect::<Vec<_>>().join("\n"),
        "headers": own_headers(&names),
        "content": { "application/problem+json": { "schema": reference("ProblemDocument") } },
    })
}

fn own_headers(names: &[&str]) -> Value {
    let mut headers = Map::new();
    for name in names {
        let link = format!("#/components/headers/{name}");
        headers.insert((*name).to_string(), json!({ "$ref": link }));
    }
    Value::Object(headers)
}

#[cfg(test)]
mod tests;
