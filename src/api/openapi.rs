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

use super::call_values::{CallForm, CallRequest};
use super::collections::{CollectionDetails, CollectionList};
use super::connectors::{ConnectorDetails, ConnectorList};
use super::operations::{OPERATIONS, Operation};
use super::problem::{Problem, ProblemDocument, all_kinds};
use super::records::{PATCH, RecordDocument, RecordList};
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
    components(schemas(
        CallRequest, CallForm, TokenRequest, Token, ConnectorList, ConnectorDetails, CollectionList, CollectionDetails,
        RecordList, RecordDocument, ProblemDocument,
    )),
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
        body.required = Some(if operation.takes_record() { Required::True } else { Required::False });
        add_examples(body.content.values_mut(), components);
    }
    let responses = &mut described.responses.responses;
    for response in responses.values_mut() {
        if let RefOr::T(response) = response {
            add_examples(response.content.values_mut(), components);
            response.headers.extend(references(&["Connectory-Answer", "Connectory-Request-Id"]));
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
        if let [method] = &self.operation.methods[..]
            && *method != HttpMethod::Get
        {
            command.push_str(&format!(" --request {}", word(method).to_uppercase()));
        }
        if !self.operation.is_open() {
            command.push_str(" --header \"Authorization: Bearer $CONNECTORY_KEY\"");
        }
        if let Some(example) = self.json.pointer("/requestBody/content/application~1json/example") {
            command.push_str(&format!(" --json '{example}'"));
        }
        if let Some(example) = self.json.pointer("/requestBody/content/application~1merge-patch+json/example") {
            command.push_str(&format!(" --header \"Content-Type: {PATCH}\" --data '{example}'"));
        }
        let path = self.parameters().iter().fold(self.operation.path.clone(), |path, [name, _, example]| {
            path.replace(&format!("{{{name}}}"), example)
        });
        format!("{command} {address}{path}")
    }

    /// An example of a good response.
    fn response(&self) -> String {
        let example = |status| self.json.pointer(&format!("/responses/{status}/content/application~1json/example"));
        let example = example(200).or_else(|| example(201));
        example.map(|example| format!("{example:#}")).unwrap_or_default()
    }

    fn kinds(&self) -> Vec<&'static ProblemKind> {
        self.operation.kinds().collect()
    }
}

#[cfg(test)]
mod tests;
