//! The description has everything, and its examples fit its schemas.

use std::collections::HashSet;

use serde_json::{Value, json};

use super::*;
use crate::api::operations::routes;

/// Codes of requests that no operation answers.
const OF_NONE: [&str; 2] = ["not_found", "method_not_allowed"];

const ADDRESS: &str = "https://connectory.example.org";

#[test]
fn every_route_and_every_problem_is_described() {
    let document = document(ADDRESS);
    for (method, path, _) in routes() {
        let operation = &document["paths"][path][method.as_str().to_ascii_lowercase()];
        assert!(operation["operationId"].is_string(), "{method} {path}");
    }
    let mut described: HashSet<&str> = OF_NONE.into();
    for operation in OPERATIONS {
        described.extend(codes(operation).iter().map(|kind| kind.code));
    }
    let all: HashSet<&str> = all_kinds().map(|kind| kind.code).collect();
    let missing: Vec<_> = all.symmetric_difference(&described).collect();
    assert!(missing.is_empty(), "{missing:?}");
}

#[test]
fn every_name_that_an_operation_lists_is_one() {
    let schemas = schemas();
    for operation in OPERATIONS {
        for name in [operation.takes, operation.gives].into_iter().flatten() {
            assert!(name == "object" || schemas[name].is_object(), "{name}");
        }
        if let Problems::OfConnector(own) | Problems::OfApi(own) = operation.problems {
            for code in own {
                assert!(all_kinds().any(|kind| kind.code == *code), "{code}");
            }
        }
        for parameter in operation.parameters {
            let is_there = operation.path.contains(&format!("{{{}}}", parameter.name));
            assert_eq!(parameter.place == "path", is_there);
        }
    }
}

#[test]
fn operation_names_are_unique() {
    let document = document(ADDRESS);
    let mut seen = HashSet::new();
    let paths = document["paths"].as_object().expect("paths");
    for operation in paths.values().flat_map(|path| path.as_object().expect("methods").values()) {
        let id = operation["operationId"].as_str().expect("a name");
        assert!(seen.insert(id.to_string()), "{id}");
    }
}

#[test]
fn examples_fit_the_schemas_and_the_types() {
    let schemas = schemas();
    for (name, schema) in schemas.as_object().expect("schemas") {
        let example = example(name);
        if example.is_null() {
            continue;
        }
        assert_eq!(misfits(schema, &example, name), Vec::<String>::new());
        assert!(misfits(schema, &json!([]), name) != Vec::<String>::new());
        let read = match name.as_str() {
            "CallRequest" => read::<CallRequest>(example.clone()),
            "TokenRequest" => read::<TokenRequest>(example.clone()),
            "Token" => read::<Token>(example.clone()),
            "ConnectorList" => read::<ConnectorList>(example.clone()),
            "ConnectorDetails" => read::<ConnectorDetails>(example.clone()),
            "ProblemDocument" => read::<ProblemDocument>(example.clone()),
            other => panic!("{other} has an example and is not read here"),
        };
        assert_eq!(read, example, "{name}");
    }
}

/// What the handlers' type makes of it.
fn read<T: serde::de::DeserializeOwned + serde::Serialize>(example: Value) -> Value {
    let read: T = serde_json::from_value(example).expect("the type fits");
    serde_json::to_value(read).expect("JSON")
}

/// What of a value does not fit a schema, as far as these schemas go.
fn misfits(schema: &Value, value: &Value, at: &str) -> Vec<String> {
    let fits = match schema["type"].as_str() {
        Some("object") => value.is_object(),
        Some("array") => value.is_array(),
        Some("string") => value.is_string(),
        Some("boolean") => value.is_boolean(),
        Some("integer") => value.is_u64(),
        _ => true,
    };
    if !fits {
        return vec![format!("{at} is no {}", schema["type"])];
    }
    let mut wrong = Vec::new();
    if let Some(allowed) = schema["enum"].as_array()
        && !allowed.contains(value)
    {
        wrong.push(format!("{at} is none of those allowed"));
    }
    for name in schema["required"].as_array().into_iter().flatten() {
        if value.get(name.as_str().expect("a name")).is_none() {
            wrong.push(format!("{at} lacks {name}"));
        }
    }
    if let (Some(members), Some(properties)) = (value.as_object(), schema["properties"].as_object()) {
        for (name, member) in members {
            match properties.get(name) {
                Some(schema) => wrong.extend(misfits(schema, member, &format!("{at}/{name}"))),
                None => wrong.push(format!("{at} has {name}, which is not described")),
            }
        }
    }
    for (index, item) in value.as_array().into_iter().flatten().enumerate() {
        wrong.extend(misfits(&schema["items"], item, &format!("{at}/{index}")));
    }
    wrong
}
