//! The API's description: an OpenAPI 3.1 document for programs and a page for people, made of the operations, types and
//! kinds of problems that the handlers use.

use std::collections::BTreeMap;

use actix_web::http::StatusCode;
use actix_web::{HttpResponse, web};
use askama::Template;
use serde_json::Value;
use utoipa::OpenApi as _;
use utoipa::openapi::path::{HttpMethod, Operation as Described};
use utoipa::openapi::request_body::{RequestBody, RequestBodyBuilder};
use utoipa::openapi::security::{ApiKey, ApiKeyValue, HttpAuthScheme, HttpBuilder, SecurityScheme};
use utoipa::openapi::{
    Components, Content, Header, ObjectBuilder, OpenApi, Ref, RefOr, Required, Response, ResponseBuilder, Schema,
    Server, Type,
};

use super::calls::CallRequest;
use super::connectors::{ConnectorDetails, ConnectorList};
use super::operations::{OPERATIONS, Operation};
use super::problem::{Problem, ProblemDocument, all_kinds};
use super::serve::{Api, json_response};
use super::token::{Token, TokenRequest};
use crate::relay::ProblemKind;
use crate::web::{Error, Layout, PublicAddress, page};

/// What does not depend on operations.
#[derive(utoipa::OpenApi)]
#[openapi(
    info(
        title = "Connectory",
        description = "Calls APIs through data connectors, which add the credential. Responses of the API are passed through; those of Connectory itself are RFC 9457 problem documents. The header Connectory-Answer tells which of the two it is.",
        license(name = "Apache-2.0", identifier = "Apache-2.0"),
    ),
    components(schemas(CallRequest, TokenRequest, Token, ConnectorList, ConnectorDetails, ProblemDocument)),
    security(("bearer" = []), ("header" = [])),
)]
struct Document;

/// This API as an OpenAPI 3.1 document
///
/// Needs no API key: it describes the API and nothing of what is stored.
#[utoipa::path(
    get, path = "/api/v1/openapi.json", operation_id = "description",
    responses((status = 200, description = "As asked.", body = Object)),
)]
pub(super) fn document(api: &Api) -> Result<HttpResponse, Problem> {
    json_response(&describe(&api.address))
}

/// The whole document for the site at this address.
fn describe(address: &str) -> OpenApi {
    let mut document = Document::openapi();
    document.json_schema_dialect = Some("https://spec.openapis.org/oas/3.1/dialect/base".into());
    document.servers = Some(vec![Server::new(address)]);
    let components = document.components.get_or_insert_default();
    let bearer = HttpBuilder::new().scheme(HttpAuthScheme::Bearer).description(Some("An API key.")).build();
    components.add_security_scheme("bearer", SecurityScheme::Http(bearer));
    let other = ApiKeyValue::with_description("X-Connectory-Key", "The same key, where Authorization is taken.");
    components.add_security_scheme("header", SecurityScheme::ApiKey(ApiKey::Header(other)));
    components.headers = headers();
    for operation in OPERATIONS.iter() {
        for method in &operation.methods {
            let described = described(operation, method, components);
            document.paths.add_path_operation(&operation.path, vec![method.clone()], described);
        }
    }
    document
}

fn headers() -> BTreeMap<String, RefOr<Header>> {
    let text = || ObjectBuilder::new().schema_type(Type::String);
    let number = |least| ObjectBuilder::new().schema_type(Type::Integer).minimum(Some(least));
    let from = "Where the response comes from: “upstream” for the API, “connectory” for Connectory itself.";
    let headers = [
        ("Connectory-Answer", from, text().enum_values(Some(["upstream", "connectory"]))),
        ("Connectory-Request-Id", "The id of the request in Connectory’s logs.", text()),
        ("Connectory-Attempts", "How many requests were sent to the API for this response.", number(1)),
        ("Retry-After", "Seconds after which it may be tried again.", number(0)),
    ];
    let header = |(name, about, schema): (&str, &str, ObjectBuilder)| {
        (name.to_string(), Header::builder().schema(Some(schema)).description(Some(about)).build().into())
    };
    headers.map(header).into()
}

/// The operation with what follows from the table: examples, responses and security.
fn described(operation: &Operation, method: &HttpMethod, components: &Components) -> Described {
    let mut described = operation.description.clone();
    if operation.methods.len() > 1 {
        described.operation_id = Some(format!("{}_{}", operation.id(), word(method)));
        described.request_body = passed_body(method).map(RefOr::T);
    }
    if operation.is_open() {
        described.security = Some(Vec::new());
    }
    if let Some(RefOr::T(body)) = &mut described.request_body {
        body.required = Some(Required::False);
        add_examples(body.content.values_mut(), components);
    }
    let responses = &mut described.responses.responses;
    for response in responses.values_mut() {
        if let RefOr::T(response) = response {
            add_examples(response.content.values_mut(), components);
            response.headers = references(&["Connectory-Answer", "Connectory-Request-Id"]);
        }
    }
    if operation.passes_through() {
        responses.insert("default".into(), passed_response(method).into());
    }
    let mut by_status: BTreeMap<u16, Vec<&ProblemKind>> = BTreeMap::new();
    for kind in operation.kinds() {
        by_status.entry(kind.status).or_default().push(kind);
    }
    responses.extend(by_status.iter().map(|(status, kinds)| (status.to_string(), problem_response(kinds).into())));
    described
}

/// The example of a type is the example of a body.
fn add_examples<'a>(contents: impl Iterator<Item = &'a mut RefOr<Content>>, components: &Components) {
    for content in contents {
        let RefOr::T(content) = content else { continue };
        let Some(RefOr::Ref(reference)) = &content.schema else { continue };
        let name = reference.ref_location.rsplit('/').next().unwrap_or_default();
        if let Some(RefOr::T(Schema::Object(object))) = components.schemas.get(name) {
            content.example = object.examples.first().cloned();
        }
    }
}

fn passed_body(method: &HttpMethod) -> Option<RequestBody> {
    let has_body = !matches!(method, HttpMethod::Get | HttpMethod::Head | HttpMethod::Options);
    let body = RequestBodyBuilder::new().description(Some("Any body that the API takes; it is passed on as it comes."));
    has_body.then(|| body.content("*/*", Content::default()).build())
}

fn passed_response(method: &HttpMethod) -> Response {
    let about = "The API’s own response, whatever its status, with the header Connectory-Answer: upstream. The statuses listed here can be the API’s as well: that header tells.";
    let mut response = ResponseBuilder::new().description(about);
    if *method != HttpMethod::Head {
        response = response.content("*/*", Content::default());
    }
    let mut response = response.build();
    response.headers = references(&["Connectory-Answer", "Connectory-Request-Id", "Connectory-Attempts"]);
    response
}

fn problem_response(kinds: &[&ProblemKind]) -> Response {
    let about: Vec<String> = kinds.iter().map(|kind| format!("- `{}`: {}.", kind.code, kind.title)).collect();
    let content = Content::new(Some(Ref::from_schema_name("ProblemDocument")));
    let mut response =
        Response::builder().description(about.join("\n")).content("application/problem+json", content).build();
    let names = ["Connectory-Answer", "Connectory-Request-Id", "Retry-After"];
    let may_wait = kinds.iter().any(|kind| matches!(kind.status, 429 | 503));
    response.headers = references(if may_wait { &names } else { &names[..2] });
    response
}

/// References to headers that [`headers`] describes.
fn references(names: &[&str]) -> BTreeMap<String, RefOr<Header>> {
    let reference = |name: &&str| (name.to_string(), RefOr::Ref(Ref::new(format!("#/components/headers/{name}"))));
    names.iter().map(reference).collect()
}

/// `get`
fn word(method: &HttpMethod) -> String {
    serde_json::to_value(method).ok().and_then(|word| Some(word.as_str()?.to_string())).unwrap_or_default()
}

impl Operation {
    fn id(&self) -> &str {
        self.description.operation_id.as_deref().unwrap_or_default()
    }
}

/// The description as a page.
#[derive(Template)]
#[template(path = "api/description.html")]
struct DescriptionPage {
    layout: Layout,
    address: String,
    operations: Vec<Section>,
}

/// An operation on the page.
struct Section {
    operation: &'static Operation,
    /// As in the document.
    json: Value,
}

/// Shows the page.
pub async fn show(layout: Layout, address: web::Data<PublicAddress>) -> Result<HttpResponse, Error> {
    let components = describe(&address.to_string()).components.unwrap_or_default();
    let section = |operation: &'static Operation| {
        let described = described(operation, &operation.methods[0], &components);
        Ok(Section { operation, json: serde_json::to_value(described)? })
    };
    let operations: Result<_, serde_json::Error> = OPERATIONS.iter().map(section).collect();
    let operations = operations.map_err(Error::internal)?;
    page(StatusCode::OK, &DescriptionPage { layout, address: address.to_string(), operations })
}

impl DescriptionPage {
    fn kinds(&self) -> Vec<&'static ProblemKind> {
        all_kinds().collect()
    }
}

impl Section {
    fn summary(&self) -> &str {
        self.operation.description.summary.as_deref().unwrap_or_default()
    }

    fn paragraphs(&self) -> impl Iterator<Item = &str> {
        self.operation.description.description.as_deref().unwrap_or_default().split("\n\n")
    }

    fn method(&self) -> String {
        match &self.operation.methods[..] {
            [method] => word(method).to_uppercase(),
            _ => "Any method".into(),
        }
    }

    /// Name, description and example of each variable part of the address.
    fn parameters<'a>(&'a self) -> Vec<[&'a str; 3]> {
        let parameters = self.json["parameters"].as_array().into_iter().flatten();
        let texts = |parameter: &'a Value| {
            ["name", "description", "example"].map(|name| parameter[name].as_str().unwrap_or_default())
        };
        parameters.map(texts).collect()
    }

    /// A call as it is typed into a shell.
    fn command(&self, address: &str) -> String {
        let mut command = String::from("curl");
        if self.operation.methods == [HttpMethod::Post] {
            command.push_str(" --request POST");
        }
        if !self.operation.is_open() {
            command.push_str(" --header \"Authorization: Bearer $CONNECTORY_KEY\"");
        }
        if let Some(example) = self.json.pointer("/requestBody/content/application~1json/example") {
            command.push_str(&format!(" --json '{example}'"));
        }
        let path = self.parameters().iter().fold(self.operation.path.clone(), |path, [name, _, example]| {
            path.replace(&format!("{{{name}}}"), example)
        });
        format!("{command} {address}{path}")
    }

    /// An example of a good response.
    fn response(&self) -> String {
        let example = self.json.pointer("/responses/200/content/application~1json/example");
        example.map(|example| format!("{example:#}")).unwrap_or_default()
    }

    fn kinds(&self) -> Vec<&'static ProblemKind> {
        self.operation.kinds().collect()
    }
}

#[cfg(test)]
mod tests {
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
        let methods: Vec<_> =
            routes().filter(|(_, path, _)| path.ends_with("{path}")).map(|(method, ..)| method).collect();
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
                "ProblemDocument" => read::<ProblemDocument>(example.clone()),
                other => panic!("{other} has an example and is not read here"),
            };
            assert_eq!(read, *example, "{name}");
        }
        assert_eq!(examples, 6);
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
}
