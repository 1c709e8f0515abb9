//! Sending a request and reading its answer within limits.

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use reqwest::{Client, Response, StatusCode};
use thiserror::Error;
use tokio::runtime::Handle;
use tokio::task::JoinSet;
use tokio::time::{Instant, timeout_at};

use super::classify;
use super::clients::Clients;
use super::dial::Dial;
use super::exceeded;
use super::failure::{Failure, Layer, Problem};
use super::message::{Limits, Reply, Request};
use super::policy::Policy;
use super::route::Route;
use super::transport::Transport;

/// The program's HTTP client; clones share their connections.
///
/// A connection is driven by the runtime that opened it, and each of the web server's workers has a
/// runtime of its own. So every request runs on the runtime in which the client was made: a pooled
/// connection lives as long as the program, however busy or finished the worker that asked first.
#[derive(Clone)]
pub struct Outbound {
    pub(super) policy: Arc<Policy>,
    clients: Arc<Clients>,
    pub(super) runtime: Handle,
}

/// [`Outbound::new`] was called outside a Tokio runtime.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("the HTTP client needs a Tokio runtime")]
pub struct NoRuntime;

impl Outbound {
    /// A client that keeps to `policy` and runs its requests on the current runtime, which must be
    /// the program's main one.
    pub fn new(policy: Policy) -> Result<Self, NoRuntime> {
        let policy = Arc::new(policy);
        Ok(Self {
            clients: Arc::new(Clients::new(Arc::clone(&policy))),
            policy,
            runtime: Handle::try_current().map_err(|_| NoRuntime)?,
        })
    }

    /// Sends a request and reads its whole answer, whatever its status. Redirects are answers too:
    /// they are not followed.
    ///
    /// Dropping the future ends the request.
    pub async fn send(
        &self,
        transport: &Transport,
        request: Request,
        limits: Limits,
    ) -> Result<Reply, Failure> {
        let started = Instant::now();
        let this = self.clone();
        let transport = transport.clone();
        let exchange = async move { this.exchange(&transport, request, limits, started).await };
        run_on(&self.runtime, exchange)
            .await
            .unwrap_or_else(|| Err(stopping()))
            .map_err(|problem| problem.after(started.elapsed()))
    }

    async fn exchange(
        &self,
        transport: &Transport,
        request: Request,
        limits: Limits,
        started: Instant,
    ) -> Result<Reply, Problem> {
        let url = request.url.clone();
        let dial = Dial::new(&self.policy, transport, &url, started, limits);
        let server = dial.route.server();
        let total = limits.in_all();
        let deadline = started + total;
        let (client, request) = self.prepare(transport, &dial.route, request, limits.connect)?;
        let answer = match timeout_at(deadline, client.execute(request)).await {
            Ok(Ok(answer)) => answer,
            Ok(Err(error)) => return Err(no_answer(&error, &dial, limits.connect).await),
            Err(_) => return Err(exceeded::silent(&server, total)),
        };
        check_proxy(&answer, &dial.route)?;
        let (status, headers) = read_head(&answer, &server, limits.headers)?;
        let body = timeout_at(deadline, read_body(answer, &server, limits.body))
            .await
            .map_err(|_| exceeded::slow_answer(&server, total))??;
        Ok(Reply {
            status,
            headers,
            body,
            elapsed: started.elapsed(),
        })
    }

    /// Judges the destination and turns the request into the HTTP client's form.
    fn prepare(
        &self,
        transport: &Transport,
        route: &Route<'_>,
        request: Request,
        connect: Duration,
    ) -> Result<(Client, reqwest::Request), Problem> {
        route.judge(&self.policy)?;
        let headers = request.header_map()?;
        let client = self.clients.get(transport, route.first().port(), connect)?;
        let url = request.url.parsed().clone();
        let mut prepared = reqwest::Request::new(request.method.into(), url);
        *prepared.headers_mut() = headers;
        *prepared.body_mut() = request.body.map(Into::into);
        Ok((client, prepared))
    }
}

/// Runs `work` on another runtime; `None` if that one stops. Dropping this future ends the work.
pub(super) async fn run_on<T: Send + 'static>(
    runtime: &Handle,
    work: impl Future<Output = T> + Send + 'static,
) -> Option<T> {
    let mut only = JoinSet::new();
    only.spawn_on(work, runtime);
    only.join_next().await?.ok()
}

/// Why no headers came. The HTTP client does not tell with which status a proxy refused a tunnel, so
/// the proxy is asked once more, by hand.
async fn no_answer(error: &reqwest::Error, dial: &Dial<'_>, connect: Duration) -> Problem {
    if classify::hides_status(error)
        && let Some(problem) = dial.why_no_tunnel().await
    {
        return problem;
    }
    classify::no_answer(error, &dial.route, connect)
}

/// Only a proxy answers 407 (RFC 9110 15.5.8): the target has not seen the request.
fn check_proxy(answer: &Response, route: &Route<'_>) -> Result<(), Problem> {
    match route.proxy_name() {
        Some(proxy) if answer.status() == StatusCode::PROXY_AUTHENTICATION_REQUIRED => {
            Err(classify::sign_in(&proxy))
        }
        _ => Ok(()),
    }
}

type Head = (u16, Vec<(String, String)>);

/// Status and headers, if these are not too large. The HTTP client itself stops at some 400 KiB.
fn read_head(answer: &Response, target: &str, limit: usize) -> Result<Head, Problem> {
    let map = answer.headers();
    let size: usize = map
        .iter()
        .map(|(name, value)| name.as_str().len() + value.len())
        .sum();
    if size > limit {
        return Err(exceeded::too_large("headers", target, limit));
    }
    let headers = map.iter().map(|(name, value)| {
        let value = String::from_utf8_lossy(value.as_bytes());
        (name.as_str().to_owned(), value.into_owned())
    });
    Ok((answer.status().as_u16(), headers.collect()))
}

/// Reads the body piece by piece and stops as soon as it is too large. A promised length says
/// nothing: it may be wrong, and it counts compressed bytes.
async fn read_body(mut answer: Response, target: &str, limit: usize) -> Result<Vec<u8>, Problem> {
    let mut body = Vec::new();
    while let Some(piece) = answer
        .chunk()
        .await
        .map_err(|error| classify::broken_answer(&error, target))?
    {
        if body.len() + piece.len() > limit {
            return Err(exceeded::too_large("contents", target, limit));
        }
        body.extend_from_slice(&piece);
    }
    Ok(body)
}

/// The program ends while a request is under way.
pub(super) fn stopping() -> Problem {
    Problem::new(
        Layer::Connection,
        "The request was ended because Connectory is stopping.",
        "Try again in a moment.",
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_client_outside_a_runtime_is_an_error() {
        assert_eq!(Outbound::new(Policy::default()).err(), Some(NoRuntime));
    }
}
