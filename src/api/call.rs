//! Calling an endpoint: variables in, the API's answer out.

use std::sync::Arc;

use actix_web::HttpResponse;
use serde_json::{Map, Value, json};

use super::answer::answer;
use super::ask::{Ask, refused};
use super::problem::{ENDPOINT_NOT_FOUND, MALFORMED, Problem, VARIABLES_DO_NOT_FIT};
use super::record::Record;
use super::types::CallRequest;
use super::upload::{self, Sent};
use crate::access::Wants;
use crate::calls::{CallKind, Target};
use crate::endpoints::{DefinedEndpoint, RenderProblems};
use crate::outbound::http::{HeaderMap, Method, header};
use crate::outbound::{Bytes, OutgoingBody};
use crate::relay::{Carried, Line, Order};

/// The largest body of a call.
const LARGEST: usize = 10 * 1024 * 1024;

/// Makes the endpoint's request of the variables, and carries it. The API's status, headers and body are the answer.
pub(super) async fn call(mut ask: Ask) -> Result<HttpResponse, Problem> {
    let line = ask.line().await?;
    let endpoints = &ask.api.endpoints;
    let endpoint = endpoints.find(&ask.api.db, line.id, &ask.captures.name);
    let Some(endpoint) = endpoint.await? else {
        return Err(ENDPOINT_NOT_FOUND.because(format!("{} has no endpoint of this name.", line.label)).into());
    };
    let method = endpoint.definition.method.http();
    let record = begin(&ask, &line, &endpoint);
    match carry(&mut ask, &line, &endpoint, &method).await {
        Ok((carried, sent)) => Ok(answer(&method, carried, sent, record)),
        Err(problem) => Err(refused(record, problem)),
    }
}

fn begin(ask: &Ask, line: &Line, endpoint: &DefinedEndpoint) -> Record {
    let target = Target::new(&endpoint.target);
    let method = endpoint.definition.method.code();
    let mut record = ask.record(CallKind::Endpoint, line, method, target);
    record.endpoint(endpoint.id, Arc::clone(&endpoint.name));
    record
}

async fn carry(
    ask: &mut Ask,
    line: &Arc<Line>,
    endpoint: &DefinedEndpoint,
    method: &Method,
) -> Result<(Carried, Sent), Problem> {
    let wants = Wants::Endpoint { id: endpoint.id, method: method.as_str() };
    ask.check(line, wants)?;
    line.check_enabled()?;
    let limits = line.limits(endpoint.time_out);
    let turn = ask.turn(line, limits.total).await?;
    let payload = ask.payload.take();
    let (body, _held) = upload::whole(payload, LARGEST, limits.total, ask.in_use.bodies()).await?;
    let rendered = endpoint.definition.render(&variables(&body)?).map_err(misfits)?;
    let sent = Sent::default();
    sent.set(rendered.body.as_ref().map_or(0, |body| body.len() as u64));
    let order = Order {
        headers: request_headers(ask, rendered.headers),
        body: rendered.body.map_or(OutgoingBody::Empty, |body| OutgoingBody::Whole(body.into())),
        retries: endpoint.retries,
        follow: true,
        ..Order::new(method.clone(), rendered.url, limits)
    };
    Ok((ask.api.relay.carry(line, turn, order).await?, sent))
}

/// The variables of a body; an empty one has none.
fn variables(body: &Bytes) -> Result<Value, Problem> {
    if body.is_empty() {
        return Ok(Value::Object(Map::new()));
    }
    let request: CallRequest = serde_json::from_slice(body).map_err(|error| {
        // Where, not what: the words of the parser may quote the body.
        MALFORMED.because(format!(
            "The body is not a JSON object with the member “variables” (line {}, column {}).",
            error.line(),
            error.column()
        ))
    })?;
    Ok(Value::Object(request.variables.unwrap_or_default()))
}

fn misfits(problems: RenderProblems) -> Problem {
    let errors = problems.0.iter().map(|problem| json!({ "detail": problem.sentence() }));
    Problem { errors: Some(errors.collect()), ..VARIABLES_DO_NOT_FIT.because(problems.to_string()).into() }
}

/// The endpoint's headers. What the caller takes as an answer is its own affair, unless the endpoint says otherwise.
fn request_headers(ask: &Ask, mut headers: HeaderMap) -> HeaderMap {
    let callers = ask.outgoing_headers();
    for name in [header::ACCEPT, header::ACCEPT_ENCODING, header::ACCEPT_LANGUAGE, header::VIA] {
        if let Some(value) = callers.get(&name) {
            headers.entry(name).or_insert(value.clone());
        }
    }
    headers
}
