//! The description has every operation and every problem, and its examples fit.

use std::collections::HashSet;

use serde_json::json;

use super::super::operations::routes;
use super::*;

/// Codes of requests that fit no operation.
const OF_NONE: [&str; 2] = ["not_found", "method_not_allowed"];

fn document() -> Value {
    serde_json::to_value(describe("https://connectory.example.org")).expect("JSON")
}

#[test]
fn every_route_and_every_problem_is_described() {
    let document = document();
    for (method, path, _) in routes() {
        let operation = &document["paths"][path][method.as_str().to_ascii_lowercase()];
        assert!(operation["operationId"].is_string(), "{method} {path}");
    }
    let mut described: HashSet<&str> = OF_NONE.into();
    for operation in OPERATIONS.iter() {
        described.extend(operation.kinds().map(|kind| kind.code));
    }
    let all: HashSet<&str> = all_kinds().map(|kind| kind.code).collect();
    let missing: Vec<_> = all.symmetric_difference(&described).collect();
    assert!(missing.is_empty(), "{missing:?}");
}

#[test]
fn every_parameter_of_a_path_is_described_as_one() {
    for operation in OPERATIONS.iter() {
        let described = serde_json::to_value(&operation.description).expect("JSON");
        let parameters = described["parameters"].as_array().cloned().unwrap_or_default();
        for parameter in &parameters {
            let is_there = operation.path.contains(&format!("{{{}}}", parameter["name"].as_str().expect("a name")));
            assert_eq!(parameter["in"] == "path", is_there);
        }
        let parts = operation.path.matches('{').count();
        assert_eq!(parameters.iter().filter(|parameter| parameter["in"] == "path").count(), parts);
    }
    let methods: Vec<_> = routes().filter(|(_, path, _)| path.ends_with("{path}")).map(|(method, ..)| method).collect();
    assert!(methods.iter().map(actix_web::http::Method::as_str).eq(super::super::calls::PROXY_METHODS));
}

#[test]
fn operation_names_are_unique() {
    let document = document();
    let mut seen = HashSet::new();
    let paths = document["paths"].as_object().expect("paths");
    for operation in paths.values().flat_map(|path| path.as_object().expect("methods").values()) {
        let id = operation["operationId"].as_str().expect("a name");
        assert!(seen.insert(id.to_string()), "{id}");
    }
}

#[test]
fn examples_fit_the_schemas_and_the_types() {
    let document = document();
    let schemas = &document["components"]["schemas"];
    let mut examples = 0;
    for (name, schema) in schemas.as_object().expect("schemas") {
        let Some(example) = schema["examples"].get(0) else {
            continue;
        };
        examples += 1;
        assert_eq!(misfits(schemas, schema, example, name), Vec::<String>::new());
        assert!(misfits(schemas, schema, &json!([]), name) != Vec::<String>::new());
        let read = match name.as_str() {
            "CallRequest" => read::<CallRequest>(example.clone()),
            "TokenRequest" => read::<TokenRequest>(example.clone()),
            "Token" => read::<Token>(example.clone()),
            "ConnectorList" => read::<ConnectorList>(example.clone()),
            "ConnectorDetails" => read::<ConnectorDetails>(example.clone()),
            "CollectionList" => read::<CollectionList>(example.clone()),
            "CollectionDetails" => read::<CollectionDetails>(example.clone()),
            "RecordList" => read::<RecordList>(example.clone()),
            "RecordDocument" => read::<RecordDocument>(example.clone()),
            "ProblemDocument" => read::<ProblemDocument>(example.clone()),
            other => panic!("{other} has an example and is not read here"),
        };
        assert_eq!(read, *example, "{name}");
    }
    assert_eq!(examples, 10);
}

/// What the handlers' type makes of it.
fn read<T: serde::de::DeserializeOwned + serde::Serialize>(example: Value) -> Value {
    let read: T = serde_json::from_value(example).expect("the type fits");
    serde_json::to_value(read).expect("JSON")
}

/// What of a value does not fit a schema, as far as these schemas go.
fn misfits(schemas: &Value, schema: &Value, value: &Value, at: &str) -> Vec<String> {
    if let Some(reference) = schema["$ref"].as_str() {
        let name = reference.rsplit('/').next().expect("a name");
        assert!(schemas[name].is_object(), "{reference}");
        return misfits(schemas, &schemas[name], value, at);
    }
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
                Some(schema) => wrong.extend(misfits(schemas, schema, member, &format!("{at}/{name}"))),
                None => wrong.push(format!("{at} has {name}, which is not described")),
            }
        }
    }
    for (index, item) in value.as_array().into_iter().flatten().enumerate() {
        wrong.extend(misfits(schemas, &schema["items"], item, &format!("{at}/{index}")));
    }
    wrong
}
