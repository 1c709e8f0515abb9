//! Calls to a connector's API with the credential added: of an endpoint, whose request is made of variables, and of any
//! path through the proxy.
//!
//! Rule: a small request body whose size is known is read first, so that it can be sent again; all others stream, chunk
//! by chunk, as fast as the other side takes them. Danger: a body that breaks off must not look finished, so the error
//! is passed on.

use std::cell::Cell;
use std::io;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use actix_web::body::{BoxBody, None as EmptyBody, SizedStream};
use actix_web::dev::Payload;
use actix_web::http::StatusCode;
use actix_web::http::header::{CONTENT_LENGTH, CONTENT_TYPE, HeaderValue, TRANSFER_ENCODING};
use actix_web::{HttpRequest, HttpResponse};
use futures_util::{StreamExt, stream};
use tokio::sync::mpsc;

use super::call_values::{self, CallForm, CallRequest};
use super::forwarded_headers;
use super::gather::{self, Gathering};
use super::problem::{BODY_TOO_LARGE, ENDPOINT_NOT_FOUND, METHOD_NOT_SUPPORTED, Problem, UPGRADE_NOT_SUPPORTED};
use super::request::ApiRequest;
use super::serve::{ANSWER, ATTEMPTS};
use crate::access::Wants;
use crate::authorization::BodyNeed;
use crate::calls::{CallKind, CallRecord, Target};
use crate::endpoints::DefinedEndpoint;
use crate::outbound::http::{HeaderMap, Method, header};
use crate::outbound::{Body, Bytes, HttpUrl, SendError, WrittenNames};
use crate::relay::error::BODY_NOT_READ;
use crate::relay::{CallPermit, ConnectorSnapshot, RelayError, RelayRequest, RelayResponse};
use crate::web::{Budget, Held, NotRead, read_whole};

/// The methods that the proxy is described for; it passes on others as well.
pub(super) const PROXY_METHODS: [&str; 7] = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"];

/// Bodies up to this size are read before anything is sent.
const READ_FIRST: u64 = 64 * 1024;

/// The same where bodies are signed, or may have to be sent twice.
const MAX_SIGNED: u64 = 10 * 1024 * 1024;

/// Chunks that wait for the API to take them.
const MAX_CHUNKS: usize = 4;

/// Call an endpoint
///
/// Makes the endpoint’s request of the variables, sends it with the credential added, and returns the API’s response:
/// status, headers and body.
///
/// The request’s method, address, headers and body are the endpoint’s; of the caller’s headers only Accept,
/// Accept-Encoding and Accept-Language are passed on. An empty body means no variables. A file of a multipart body is an
/// object with “content” in base64, or a part with a file name of a multipart request. A call that fails for a reason
/// that may pass is retried as often as the endpoint says, if that is safe. Redirects of GET and HEAD are followed within
/// the API’s own host.
///
/// With all=true the response is one JSON array of the items of all pages, if the endpoint says how the API pages. It is
/// streamed: up to 1 MiB is held back, and then the headers Connectory-Pages and Connectory-Complete (true, or false if a
/// limit has cut the list) say how it ended; a longer list that a limit cuts, or that fails, breaks off.
#[utoipa::path(
    post, path = "/api/v1/connectors/{key}/endpoints/{name}/call",
    params(
        ("key" = String, Path, description = "The data connector’s key, which is shown on its page.", example = "payroll-ledger"),
        ("name" = String, Path, description = "The endpoint’s name, percent-encoded; upper and lower case are the same.", example = "list"),
        ("all" = Option<bool>, Query, description = "Whether to gather all pages."),
        ("pages" = Option<u32>, Query, description = "The most pages to gather, from 1 to 1000; 100 if it is left out. The items of all pages may have 64 MiB."),
    ),
    request_body(content((CallRequest = "application/json"), (CallForm = "multipart/form-data"))),
)]
pub(super) async fn call(mut request: ApiRequest) -> Result<HttpResponse, Problem> {
    let connector = request.connector().await?;
    let endpoints = &request.api.endpoints;
    let endpoint = endpoints.find(&request.api.db, connector.id, &request.captures.name);
    let Some(endpoint) = endpoint.await? else {
        return Err(ENDPOINT_NOT_FOUND.because(format!("{} has no endpoint of this name.", connector.label)).into());
    };
    let mut record = endpoint_record(&request, &connector, &endpoint);
    let prepared = prepare(&mut request, &connector, &endpoint, &record.sent).await;
    let (permit, call, held) = prepared.inspect_err(|problem| problem.relay.log(&mut record))?;
    let max_pages = gather::max_pages(request.req.uri().query().unwrap_or_default());
    let max_pages = max_pages.inspect_err(|problem| problem.relay.log(&mut record))?;
    if let Some(max_pages) = max_pages {
        let gathering = Gathering::new(request, connector, endpoint, (call, held), max_pages);
        return gathering.respond(permit, record).await;
    }
    let method = call.method.clone();
    let result = request.api.relay.call(&connector, permit, call).await;
    finish(&method, result.map_err(Problem::from), record)
}

/// Begins the entry of an endpoint's call in the log.
pub(super) fn endpoint_record(
    request: &ApiRequest,
    connector: &ConnectorSnapshot,
    endpoint: &DefinedEndpoint,
) -> CallRecord {
    let target = (endpoint.definition.method.code(), Target::new(&endpoint.target));
    let mut record = request.record(CallKind::Endpoint, connector, target);
    record.update(|call| call.endpoint = Some((endpoint.id, Arc::clone(&endpoint.name))));
    record
}

/// The permit and the request of a call, and what counts its body as held in memory.
async fn prepare(
    request: &mut ApiRequest,
    connector: &Arc<ConnectorSnapshot>,
    endpoint: &DefinedEndpoint,
    sent: &Cell<u64>,
) -> Result<(CallPermit, RelayRequest, Held), Problem> {
    let method = endpoint.definition.method;
    request.check(connector, Wants::Endpoint { id: endpoint.id, method: method.code() })?;
    connector.check_enabled()?;
    let limits = connector.limits(endpoint.time_out);
    let permit = request.permit(connector, limits.total).await?;
    let (variables, files, held) = call_values::read(request, limits.total).await?;
    let rendered = endpoint.render(variables, &files).map_err(call_values::problem)?;
    sent.set(rendered.body.as_ref().map_or(0, |body| body.len() as u64));
    let call = RelayRequest {
        headers: endpoint_headers(request, rendered.headers),
        names: rendered.names,
        body: rendered.body.map_or(Body::Empty, Body::from),
        retries: endpoint.retries,
        follow: true,
        ..RelayRequest::new(method.http(), rendered.url, limits)
    };
    Ok((permit, call, held))
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
/// stream in both directions and may have any size; those that the data connector signs may have 10 MiB. A response of unknown length, such as an event stream, stays open for
/// as long as something comes within the connector’s idle limit.
///
/// Path and query are passed on byte by byte. A path with “..” in any spelling is refused.
///
/// Hop-by-hop headers, cookies, the API key and headers about the network behind (Forwarded, X-Forwarded-…) are not
/// passed on; Via is added, and User-Agent and Accept if they are missing. Trailers of the response are left out. WebSockets and other upgrades are refused.
///
/// Nothing is retried, with two exceptions. After a response that says that the access token has ended, a request whose
/// body is known whole (none, or up to 64 KiB with Content-Length) is sent once more with a new one. And an idempotent
/// request is sent again if the API closed the idle connection to which it was being written.
#[utoipa::path(
    method(get, head, post, put, patch, delete, options), path = "/api/v1/connectors/{key}/proxy/{path}",
    params(
        ("key" = String, Path, description = "The data connector’s key, which is shown on its page.", example = "payroll-ledger"),
        ("path" = String, Path, description = "The rest of the path, slashes included; empty for the base URL itself.", example = "bookings/2026-05"),
    ),
)]
pub(super) async fn proxy(mut request: ApiRequest) -> Result<HttpResponse, Problem> {
    let connector = request.connector().await?;
    let method = Method::from_bytes(request.req.method().as_str().as_bytes())
        .map_err(|_| METHOD_NOT_SUPPORTED.because("The method has no name that can be sent."))?;
    // As logs and keys know it; made-up ones have one name.
    let method_label = PROXY_METHODS.into_iter().find(|known| method == *known).unwrap_or("OTHER");
    let url = proxied_url(&request, &connector, &method);
    let target = Target::new(url.as_ref().map_or(request.proxied_path(), HttpUrl::absolute));
    let record = request.record(CallKind::Proxy, &connector, (method_label, target));
    let result = match url {
        Ok(url) => call_url(&mut request, &connector, (&method, url), &record.sent).await,
        Err(problem) => Err(problem),
    };
    finish(&method, result, record)
}

/// The URL to call, if the key may call it.
fn proxied_url(request: &ApiRequest, connector: &ConnectorSnapshot, method: &Method) -> Result<HttpUrl, Problem> {
    request.check(connector, Wants::Proxy { method: method.as_str() })?;
    if forwarded_headers::wants_upgrade(request.req.headers()) {
        return Err(UPGRADE_NOT_SUPPORTED.because("The request asks for another protocol.").into());
    }
    connector.check_enabled()?;
    let query = request.req.uri().query();
    let allowed =
        query.filter(|_| request.holder.limits_methods()).and_then(forwarded_headers::without_method_override);
    Ok(connector.below(request.proxied_path(), allowed.as_deref().or(query))?)
}

async fn call_url(
    request: &mut ApiRequest,
    connector: &Arc<ConnectorSnapshot>,
    (method, url): (&Method, HttpUrl),
    sent: &Rc<Cell<u64>>,
) -> Result<RelayResponse, Problem> {
    let limits = connector.limits(None);
    let permit = request.permit(connector, limits.total).await?;
    let payload = Payload::take(&mut request.payload);
    let (need, budget) = (connector.body_need(&url), request.in_use.bodies());
    let (body, _held) = request_body(&request.req, payload, (need, limits.total), budget, sent).await?;
    let headers = request.outgoing_headers();
    let names = WrittenNames::known(&headers);
    let call = RelayRequest { headers, names, body, ..RelayRequest::new(method.clone(), url, limits) };
    Ok(request.api.relay.call(connector, permit, call).await?)
}

/// Whether a body of this size is read before anything is sent.
fn is_read_first(need: BodyNeed, size: Option<u64>) -> bool {
    let most = if need == BodyNeed::None { READ_FIRST } else { MAX_SIGNED };
    size.map_or(need != BodyNeed::None, |size| size <= most)
}

/// The body of a proxied request, and what counts it as held in memory.
async fn request_body(
    request: &HttpRequest,
    payload: Payload,
    (need, time): (BodyNeed, Duration),
    budget: &Arc<Budget>,
    sent: &Rc<Cell<u64>>,
) -> Result<(Body, Held), RelayError> {
    // The server has checked it.
    let size = request.headers().get(CONTENT_LENGTH).and_then(|value| value.to_str().ok()?.trim().parse().ok());
    match size {
        Some(0) => Ok((Body::Empty, Held::of(budget))),
        None if !request.headers().contains_key(TRANSFER_ENCODING) => Ok((Body::Empty, Held::of(budget))),
        Some(size) if size > MAX_SIGNED && need == BodyNeed::Whole => Err(too_large(MAX_SIGNED as usize)),
        size if is_read_first(need, size) => {
            let max = size.unwrap_or(MAX_SIGNED) as usize;
            let (bytes, held) = read_body(payload, max, time, budget).await?;
            sent.set(bytes.len() as u64);
            Ok((Body::Whole(bytes), held))
        }
        size => Ok((streamed_body(payload, size, Rc::clone(sent)), Held::of(budget))),
    }
}

/// All of a body of at most `max` bytes. It counts as held in memory for as long as the second value is there.
pub(super) async fn read_body(
    payload: Payload,
    max: usize,
    time: Duration,
    budget: &Arc<Budget>,
) -> Result<(Bytes, Held), RelayError> {
    let mut held = Held::of(budget);
    match read_whole(payload, max, time, &mut held).await {
        Ok(bytes) => Ok((bytes, held)),
        Err(NotRead::BrokeOff) => Err(BODY_NOT_READ.because("The body broke off.")),
        Err(NotRead::TooSlow) => Err(BODY_NOT_READ.because("The body did not come in time.")),
        Err(NotRead::TooLarge) => Err(too_large(max)),
        Err(NotRead::NoRoom) => Err(RelayError::no_room()),
    }
}

fn too_large(max: usize) -> RelayError {
    BODY_TOO_LARGE.because(format!("It has more than {max} bytes."))
}

fn streamed_body(mut payload: Payload, size: Option<u64>, sent: Rc<Cell<u64>>) -> Body {
    let (sender, chunks) = mpsc::channel::<io::Result<Bytes>>(MAX_CHUNKS);
    // On this worker, to which the payload belongs. It ends when the exchange has, or the body.
    actix_web::rt::spawn(async move {
        while let Some(chunk) = payload.next().await {
            let chunk = chunk.map_err(|error| io::Error::other(error.to_string()));
            let (length, is_broken) = (chunk.as_ref().map_or(0, Bytes::len), chunk.is_err());
            if sender.send(chunk).await.is_err() || is_broken {
                return;
            }
            sent.set(sent.get() + length as u64);
        }
    });
    Body::stream(size, chunks)
}

fn finish(
    method: &Method,
    result: Result<RelayResponse, Problem>,
    mut record: CallRecord,
) -> Result<HttpResponse, Problem> {
    match result {
        Ok(response) => Ok(passed_through(method, response.log(record))),
        Err(problem) => {
            problem.relay.log(&mut record);
            Err(problem)
        }
    }
}

/// The response of the API, streamed.
pub(super) fn passed_through(method: &Method, response: RelayResponse) -> HttpResponse {
    let status = StatusCode::from_u16(response.status).unwrap_or(StatusCode::BAD_GATEWAY);
    let mut passed = HttpResponse::new(status);
    let headers = passed.headers_mut();
    for (name, value) in forwarded_headers::incoming(&response.headers) {
        headers.append(name, value);
    }
    headers.insert(ANSWER.clone(), HeaderValue::from_static("upstream"));
    headers.insert(ATTEMPTS.clone(), HeaderValue::from(response.attempts));
    if *method == Method::HEAD {
        // The size that a GET would bring (RFC 9110 9.3.2).
        let size = response.headers.get(header::CONTENT_LENGTH).and_then(|value| value.to_str().ok()?.parse().ok());
        let nothing = stream::empty::<Result<Bytes, SendError>>();
        return passed.set_body(match size {
            Some(size) => BoxBody::new(SizedStream::new(size, nothing)),
            None => BoxBody::new(EmptyBody::new()),
        });
    }
    if response.body.bytes_left() == Some(0) {
        return passed;
    }
    // A guessed type could make a script of it.
    if !headers.contains_key(CONTENT_TYPE) {
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/octet-stream"));
    }
    passed.set_body(BoxBody::new(response.body))
}
