//! Any request to a connector's API, with the credential added: both bodies stream.

use actix_web::HttpResponse;

use super::answer::answer;
use super::ask::{Ask, refused};
use super::headers;
use super::method_override;
use super::problem::{METHOD_NOT_SUPPORTED, Problem, UPGRADE_NOT_SUPPORTED};
use super::upload::{self, Sent};
use crate::access::Wants;
use crate::calls::{CallKind, Target};
use crate::outbound::HttpUrl;
use crate::outbound::http::Method;
use crate::relay::{Carried, Line, Order};
use std::sync::Arc;

/// Carries the request to the path below the connector's base URL. What the API answers is handed on, redirects
/// included.
pub(super) async fn proxy(mut ask: Ask) -> Result<HttpResponse, Problem> {
    let line = ask.line().await?;
    let method = headers::method(ask.req.method())
        .ok_or_else(|| Problem::from(METHOD_NOT_SUPPORTED.because("The method has no name that can be sent.")))?;
    let label = headers::method_label(&method);
    let path = ask.req.uri().path();
    let path = path.get(ask.captures.rest_at..).unwrap_or_default();
    let mut record = ask.record(CallKind::Proxy, &line, label, Target::new(path));
    let opened = open(&ask, &line, &method, path);
    let url = match opened {
        Ok(url) => url,
        Err(problem) => return Err(refused(record, problem)),
    };
    record.target(Target::new(url.absolute()));
    match carry(&mut ask, &line, &method, url).await {
        Ok((carried, sent)) => Ok(answer(&method, carried, sent, record)),
        Err(problem) => Err(refused(record, problem)),
    }
}

/// Checks what is asked, and where it leads.
fn open(ask: &Ask, line: &Line, method: &Method, path: &str) -> Result<HttpUrl, Problem> {
    let wants = Wants::Proxy { method: method.as_str() };
    ask.check(line, wants)?;
    if headers::wants_upgrade(ask.req.headers()) {
        return Err(UPGRADE_NOT_SUPPORTED.because("The request asks for another protocol.").into());
    }
    line.check_enabled()?;
    let query = ask.req.uri().query();
    let kept = query.filter(|_| ask.holder.limits_methods());
    let kept = kept.and_then(method_override::without);
    Ok(line.below(path, kept.as_deref().or(query))?)
}

async fn carry(ask: &mut Ask, line: &Arc<Line>, method: &Method, url: HttpUrl) -> Result<(Carried, Sent), Problem> {
    let limits = line.limits(None);
    let turn = ask.turn(line, limits.total).await?;
    let payload = ask.payload.take();
    let (body, sent, _held) = upload::body(&ask.req, payload, limits.total, ask.in_use.bodies()).await?;
    let order = Order { headers: ask.outgoing_headers(), body, ..Order::new(method.clone(), url, limits) };
    Ok((ask.api.relay.carry(line, turn, order).await?, sent))
}
