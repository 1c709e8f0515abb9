//! For those who watch over the program: is it alive, can it work, what does it do.

use actix_web::http::header::{AUTHORIZATION, RETRY_AFTER};
use actix_web::{HttpRequest, HttpResponse, web};
use diesel_async::RunQueryDsl;
use metrics_exporter_prometheus::PrometheusHandle;
use subtle::ConstantTimeEq;

use crate::db::Db;
use crate::vault::Secret;
use crate::web::Error;

/// The metrics of this process, and the token that opens them.
#[derive(Clone)]
pub struct Metrics {
    pub handle: PrometheusHandle,
    /// Without one, the metrics are not served.
    pub token: Option<Secret>,
}

/// The process runs.
pub async fn alive() -> HttpResponse {
    HttpResponse::Ok().content_type("text/plain; charset=utf-8").body("alive\n")
}

/// The database answers, so requests can be served.
pub async fn ready(db: web::Data<Db>) -> HttpResponse {
    match ask_database(&db).await {
        Ok(()) => HttpResponse::Ok().content_type("text/plain; charset=utf-8").body("ready\n"),
        Err(error) => {
            tracing::warn!(cause = ?error, "not ready");
            HttpResponse::ServiceUnavailable()
                .insert_header((RETRY_AFTER, "5"))
                .content_type("text/plain; charset=utf-8")
                .body("the database does not answer\n")
        }
    }
}

async fn ask_database(db: &Db) -> Result<(), Error> {
    diesel::sql_query("SELECT 1").execute(&mut *db.get().await?).await?;
    Ok(())
}

/// The metrics in Prometheus' text format, for clients with the token.
pub async fn metrics(req: HttpRequest, metrics: web::Data<Metrics>) -> Result<HttpResponse, Error> {
    let given = req
        .headers()
        .get(AUTHORIZATION)
        .and_then(|value| value.to_str().ok())
        .and_then(|value| value.strip_prefix("Bearer "));
    let fits = matches!((&metrics.token, given), (Some(token), Some(given)) if bool::from(token.expose().as_bytes().ct_eq(given.as_bytes())));
    if !fits {
        return Err(Error::NotFound);
    }
    Ok(HttpResponse::Ok().content_type("text/plain; version=0.0.4; charset=utf-8").body(metrics.handle.render()))
}
