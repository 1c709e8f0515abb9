//! Calls to a connector's API with the credential added: of an endpoint, whose request is made of variables, and of any
//! path through the proxy.

use std::sync::Arc;

use actix_web::HttpResponse;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use utoipa::ToSchema;

use super::bodies::{self, Sent, response};
use super::headers;
use super::problem::{
    ENDPOINT_NOT_FOUND, FieldError, MALFORMED, METHOD_NOT_SUPPORTED, Problem, UPGRADE_NOT_SUPPORTED,
    VARIABLES_DO_NOT_FIT,
};
use super::request::{ApiRequest, CallRecord};
use crate::access::Wants;
use crate::calls::{CallKind, Target};
use crate::endpoints::{DefinedEndpoint, RenderProblems};
use crate::outbound::http::{HeaderMap, Method, header};
use crate::outbound::{Body, Bytes, HttpUrl};
use crate::relay::{ConnectorSnapshot, RelayRequest, RelayResponse};

/// The methods that the proxy is described for; it passes on others as well.
pub(super) const PROXY_METHODS: [&str; 7] = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"];

/// The largest body of a call of an endpoint.
const LARGEST: usize = 10 * 1024 * 1024;

/// The body of a call: the values of the endpoint's variables.
#[derive(Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(examples(json!({ "variables": { "order": { "id": 4711 }, "page": 2 } })))]
pub(super) struct CallRequest {
    /// Values by the names of the variables; `{{order.id}}` is found as `{"order": {"id": …}}`.
    #[schema(value_type = Option<Object>, nullable = false)]
    pub variables: Option<Map<String, Value>>,
}

/// Call an endpoint
///
/// Makes the endpoint’s request of the variables, sends it with the credential added, and returns the API’s response:
/// status, headers and body.
///
/// The request’s method, address, headers and body are the endpoint’s; of the caller’s headers only Accept,
/// Accept-Encoding and Accept-Language are passed on. An empty body means no variables. A call that fails for a reason
/// that may pass is retried as often as the endpoint says, if that is safe. Redirects of GET and HEAD are followed within
/// the API’s own host.
#[utoipa::path(
    post, path = "/api/v1/connectors/{key}/endpoints/{name}/call",
    params(
        ("key" = String, Path, description = "The data connector’s key, which is shown on its page.", example = "payroll-ledger"),
        ("name" = String, Path, description = "The endpoint’s name, percent-encoded; upper and lower case are the same.", example = "list"),
    ),
    request_body = CallRequest,
)]
pub(super) async fn call(mut request: ApiRequest) -> Result<HttpResponse, Problem> {
    let connector = request.connector().await?;
    let endpoints = &request.api.endpoints;
    let endpoint = endpoints.find(&request.api.db, connector.id, &request.captures.name);
    let Some(endpoint) = endpoint.await? else {
        return Err(ENDPOINT_NOT_FOUND.because(format!("{} has no endpoint of this name.", connector.label)).into());
    };
    let method = endpoint.definition.method.http();
    let target = Target::new(&endpoint.target);
    let mut record = request.record(CallKind::Endpoint, &connector, endpoint.definition.method.code(), target);
    record.endpoint(endpoint.id, Arc::clone(&endpoint.name));
    let result = call_endpoint(&mut request, &connector, &endpoint, &method).await;
    finish(&method, result, record)
}

async fn call_endpoint(
    request: &mut ApiRequest,
    connector: &Arc<ConnectorSnapshot>,
    endpoint: &DefinedEndpoint,
    method: &Method,
) -> Result<(RelayResponse, Sent), Problem> {
    request.check(connector, Wants::Endpoint { id: endpoint.id, method: method.as_str() })?;
    connector.check_enabled()?;
    let limits = connector.limits(endpoint.time_out);
    let permit = request.permit(connector, limits.total).await?;
    let payload = request.payload.take();
    let (body, _held) = bodies::whole(payload, LARGEST, limits.total, request.in_use.bodies()).await?;
    let rendered = endpoint.definition.render(&variables(&body)?).map_err(variable_problem)?;
    let sent = Sent::default();
    sent.set(rendered.body.as_ref().map_or(0, |body| body.len() as u64));
    let order = RelayRequest {
        headers: endpoint_headers(request, rendered.headers),
        body: rendered.body.map_or(Body::Empty, Body::from),
        retries: endpoint.retries,
        follow: true,
        ..RelayRequest::new(method.clone(), rendered.url, limits)
    };
    Ok((request.api.relay.call(connector, permit, order).await?, sent))
}

/// The variables of a body; an empty one has none.
fn variables(body: &Bytes) -> Result<Value, Problem> {
    if body.is_empty() {
        return Ok(Value::Object(Map::new()));
    }
    let request: CallRequest = serde_json::from_slice(body).map_err(|error| {
        // Only the position, because the parser's message may quote the body.
        let (line, column) = (error.line(), error.column());
        MALFORMED.because(format!(
            "The body is not a JSON object with the member “variables” (line {line}, column {column})."
        ))
    })?;
    Ok(Value::Object(request.variables.unwrap_or_default()))
}

fn variable_problem(problems: RenderProblems) -> Problem {
    let errors = problems.0.iter().map(|problem| FieldError { variable: None, detail: problem.sentence().to_string() });
    let errors = Some(errors.collect());
    Problem { errors, ..VARIABLES_DO_NOT_FIT.because(problems.to_string()).into() }
}

/// The endpoint's headers, with the caller's content negotiation where the endpoint sets none.
fn endpoint_headers(request: &ApiRequest, mut headers: HeaderMap) -> HeaderMap {
    let callers = request.outgoing_headers();
    for name in [header::ACCEPT, header::ACCEPT_ENCODING, header::ACCEPT_LANGUAGE, header::VIA] {
        if let Some(value) = callers.get(&name) {
            headers.entry(name).or_insert(value.clone());
        }
    }
    headers
}

/// Send any request to the API
///
/// The request goes to this path below the connector’s base URL, with method, query, headers and body as they came and
/// the credential added. The API’s response is passed through: status, headers and body, redirects included. Bodies
/// stream in both directions and may have any size.
///
/// Path and query are passed on byte by byte. A path with “..” in any spelling is refused.
///
/// Hop-by-hop headers, cookies, the API key and headers about the network behind (Forwarded, X-Forwarded-…) are not
/// passed on; Via is added. Trailers of the response are left out. WebSockets and other upgrades are refused.
///
/// Nothing is retried, with one exception: after a response that says that the access token has ended, a request whose
/// body is known whole (none, or up to 64 KiB with Content-Length) is sent once more with a new one.
#[utoipa::path(
    method(get, head, post, put, patch, delete, options), path = "/api/v1/connectors/{key}/proxy/{path}",
    params(
        ("key" = String, Path, description = "The data connector’s key, which is shown on its page.", example = "payroll-ledger"),
        ("path" = String, Path, description = "The rest of the path, slashes included; empty for the base URL itself.", example = "bookings/2026-05"),
    ),
)]
pub(super) async fn proxy(mut request: ApiRequest) -> Result<HttpResponse, Problem> {
    let connector = request.connector().await?;
    let method = headers::method(request.req.method())
        .ok_or_else(|| Problem::from(METHOD_NOT_SUPPORTED.because("The method has no name that can be sent.")))?;
    let path = request.req.uri().path();
    let path = path.get(request.captures.rest_at..).unwrap_or_default();
    let mut record = request.record(CallKind::Proxy, &connector, headers::method_label(&method), Target::new(path));
    let url = match proxied_url(&request, &connector, &method, path) {
        Ok(url) => url,
        Err(problem) => return Err(record.refused(problem)),
    };
    record.target(Target::new(url.absolute()));
    let result = call_url(&mut request, &connector, &method, url).await;
    finish(&method, result, record)
}

/// The URL to call, if the key may call it.
fn proxied_url(
    request: &ApiRequest,
    connector: &ConnectorSnapshot,
    method: &Method,
    path: &str,
) -> Result<HttpUrl, Problem> {
    request.check(connector, Wants::Proxy { method: method.as_str() })?;
    if headers::wants_upgrade(request.req.headers()) {
        return Err(UPGRADE_NOT_SUPPORTED.because("The request asks for another protocol.").into());
    }
    connector.check_enabled()?;
    let query = request.req.uri().query();
    let allowed = query.filter(|_| request.holder.limits_methods()).and_then(headers::without_method_override);
    Ok(connector.below(path, allowed.as_deref().or(query))?)
}

async fn call_url(
    request: &mut ApiRequest,
    connector: &Arc<ConnectorSnapshot>,
    method: &Method,
    url: HttpUrl,
) -> Result<(RelayResponse, Sent), Problem> {
    let limits = connector.limits(None);
    let permit = request.permit(connector, limits.total).await?;
    let payload = request.payload.take();
    let (body, sent, _held) = bodies::body(&request.req, payload, limits.total, request.in_use.bodies()).await?;
    let order =
        RelayRequest { headers: request.outgoing_headers(), body, ..RelayRequest::new(method.clone(), url, limits) };
    Ok((request.api.relay.call(connector, permit, order).await?, sent))
}

fn finish(
    method: &Method,
    result: Result<(RelayResponse, Sent), Problem>,
    record: CallRecord,
) -> Result<HttpResponse, Problem> {
    match result {
        Ok((carried, sent)) => Ok(response(method, carried, sent, record)),
        Err(problem) => Err(record.refused(problem)),
    }
}
