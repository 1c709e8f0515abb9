//! What every request passes: a request id, the log line, the metrics, the security headers and the error pages.

use std::time::Instant;

use actix_web::body::BoxBody;
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::Method;
use actix_web::http::header;
use actix_web::middleware::Next;
use actix_web::{HttpMessage, HttpRequest};
use tracing::Instrument;
use tracing::field::Empty;
use uuid::Uuid;

use super::error::{self, Error};
use super::layout::layout_of;
use super::security_headers::secure_page;
use super::{Cookies, Flash, Layout, LogThrottle};

/// The id of one request in logs, audit entries and error pages.
#[derive(Clone)]
pub struct RequestId(pub String);

impl RequestId {
    /// The id of a request; empty outside of the site's layers.
    pub fn of(req: &HttpRequest) -> String {
        req.extensions().get::<RequestId>().map(|id| id.0.clone()).unwrap_or_default()
    }
}

/// Where a request comes from, as the access check has found out.
#[derive(Clone)]
pub struct VisitorAddress(pub String);

/// The outermost layer of the site.
pub async fn serve_layers(req: ServiceRequest, next: Next<BoxBody>) -> Result<ServiceResponse, actix_web::Error> {
    let id = RequestId(Uuid::now_v7().simple().to_string());
    // The access check knows who asks and from where.
    let span = tracing::info_span!(
        "request", id = %id.0, method = %req.method(), path = req.path(), address = Empty, user = Empty
    );
    req.extensions_mut().insert(id);
    answer(req, next).instrument(span).await
}

async fn answer(req: ServiceRequest, next: Next<BoxBody>) -> Result<ServiceResponse, actix_web::Error> {
    let started = Instant::now();
    let mut response = with_error_page(next.call(req).await?);
    let cookies = response.request().app_data::<actix_web::web::Data<Cookies>>().map(|cookies| ***cookies);
    if let Some(cookies) = cookies {
        drop_shown_flash(&mut response, cookies);
    }
    secure_page(response.headers_mut(), cookies.is_some_and(|cookies| cookies.secure));
    record(&response, started);
    Ok(response)
}

/// Puts the page into an error's empty answer, and logs the error: here it is answered.
fn with_error_page(response: ServiceResponse) -> ServiceResponse {
    let (req, response) = response.into_parts();
    let response = match response.error().and_then(|error| error.as_error::<Error>()) {
        Some(error) => {
            tell_log(&req, error);
            // After signing in, only a page can be gone back to.
            let page = req.uri().path_and_query().filter(|_| req.method() == Method::GET);
            let path_and_query = page.map_or("/", |path| path.as_str());
            error::respond(error, &layout_of(&req), path_and_query)
        }
        // The server's own refusals (a path or header it cannot read) carry bare text: they get a page as well.
        None if response.error().is_some() => {
            error::respond(&Error::of_status(response.status()), &layout_of(&req), "/")
        }
        None => response,
    };
    ServiceResponse::new(req, response)
}

/// Logs an error, and refusals without end only now and then: endless tries over a rate limit would fill the log.
fn tell_log(req: &HttpRequest, error: &Error) {
    let reason = match error {
        Error::TooMany(_) => "too many tries",
        Error::Busy(reason) => reason,
        _ => return error::log(error),
    };
    let extensions = req.extensions();
    let address = extensions.get::<VisitorAddress>();
    let address = address.map_or("", |address| address.0.as_str());
    let log_throttle = req.app_data::<actix_web::web::Data<LogThrottle>>();
    if let Some(left_out) = log_throttle.map_or(Some(0), |log_throttle| log_throttle.note(address)) {
        tracing::warn!(left_out, "refused: {reason}");
    }
}

/// The outcome of the last action is shown once: a page that showed it takes the cookie away.
fn drop_shown_flash(response: &mut ServiceResponse, cookies: Cookies) {
    let shown = response.request().extensions().get::<Layout>().is_some_and(|layout| layout.flash.is_some());
    let is_page =
        response.headers().get(header::CONTENT_TYPE).is_some_and(|kind| kind.as_bytes().starts_with(b"text/html"));
    if shown && is_page {
        // A cookie that cannot be written would only show the outcome twice.
        _ = response.response_mut().add_cookie(&Flash::no_cookie(cookies));
    }
}

fn record(response: &ServiceResponse, started: Instant) {
    let elapsed = started.elapsed();
    let status = response.status().as_u16();
    let request = response.request();
    let route = request.match_pattern().unwrap_or_else(|| "(none)".into());
    let labels =
        [("route", route.clone()), ("method", method_label(request.method()).into()), ("status", status.to_string())];
    metrics::counter!("connectory_http_requests_total", &labels).increment(1);
    metrics::histogram!("connectory_http_request_seconds", "route" => route).record(elapsed.as_secs_f64());
    let micros = elapsed.as_micros() as u64;
    // Probes ask every few seconds, for ever.
    if PROBES.contains(&request.path()) {
        tracing::debug!(status, micros, "answered");
    } else {
        tracing::info!(status, micros, "answered");
    }
}

/// The paths that monitoring asks for.
const PROBES: [&str; 3] = ["/healthz", "/readyz", "/metrics"];

/// The method, if it is a common one: a label for every made-up method would grow without bound.
pub fn method_label(method: &Method) -> &'static str {
    match *method {
        Method::GET => "GET",
        Method::HEAD => "HEAD",
        Method::POST => "POST",
        _ => "other",
    }
}
