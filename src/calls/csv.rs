//! The calls of a list as a file: sent piece by piece, with a connection only while a piece is read.

use actix_web::HttpResponse;
use actix_web::http::header::{CONTENT_DISPOSITION, CONTENT_TYPE};
use actix_web::web::{Bytes, Data};
use futures_util::stream;

use super::filter::{CallFilter, FILTERS, LogQuery};
use super::queries;
use super::row::CallRow;
use crate::access::RequestContext;
use crate::db::Db;
use crate::db::keyset::Position;
use crate::web::{Error, ListQuery, Row, csv};

/// Lines of a piece, and of a file.
const PIECE: usize = 1_000;
pub(super) const MOST: usize = 100_000;

const HEAD: &str = "time,connector,endpoint,kind,caller,caller kind,key,address,method,target,outcome,status,problem,detail,attempts,\
    queue ms,connect ms,first byte ms,total ms,sent bytes,received bytes,request id\r\n";

/// How far the file has come.
struct Progress {
    filter: CallFilter,
    /// `None`: all has been sent.
    position: Option<Position>,
    lines: usize,
}

pub async fn download(context: RequestContext, db: Data<Db>) -> Result<HttpResponse, Error> {
    let query: LogQuery = ListQuery::parse("/calls.csv", context.req.query_string(), &FILTERS);
    let (filter, errors) = CallFilter::read(&query, None, context.actor.visibility, context.now());
    if errors.any() {
        return Err(Error::BadRequest("From and To must be days or times such as 2026-11-22 or 2026-11-22 14:30."));
    }
    let name = context.now().format("calls-%Y-%m-%d.csv");
    let mut progress = Progress { filter, position: Some(Position::First), lines: 0 };
    // Read before the answer begins, so that a database that is away is an error page and no empty file.
    let first = progress.piece(&db).await?;
    let head = stream::iter([Ok(Bytes::from_static(HEAD.as_bytes())), Ok(first)]);
    let rest = stream::try_unfold((progress, db), async |(mut progress, db)| {
        if progress.position.is_none() {
            return Ok::<_, Error>(None);
        }
        let piece = progress.piece(&db).await?;
        Ok(Some((piece, (progress, db))))
    });
    Ok(HttpResponse::Ok()
        .insert_header((CONTENT_TYPE, "text/csv; charset=utf-8; header=present"))
        .insert_header((CONTENT_DISPOSITION, format!("attachment; filename=\"{name}\"")))
        .streaming(futures_util::StreamExt::chain(head, rest)))
}

impl Progress {
    /// The next lines.
    async fn piece(&mut self, db: &Db) -> Result<Bytes, Error> {
        let Some(position) = self.position.take() else {
            return Ok(Bytes::new());
        };
        let size = PIECE.min(MOST - self.lines);
        let conn = db.get().await?;
        let rows = queries::page_of_all(&conn, &self.filter, &position, size + 1).await;
        drop(conn);
        let mut rows = rows?;
        let more = rows.len() > size;
        rows.truncate(size);
        self.lines += rows.len();
        let is_full = self.lines == MOST;
        self.position =
            rows.last().filter(|_| more && !is_full).map(|row| Position::After(CallRow::COLUMNS[0].cursor(row)));
        let mut piece: String = rows.iter().map(line).collect();
        if more && is_full {
            piece.push_str(&cut_short());
        }
        Ok(piece.into())
    }
}

/// The last line of a file that is not whole.
fn cut_short() -> String {
    csv::row(&[format!("Only the newest {MOST} calls are in this file; filter by time for those before.")])
}

fn line(row: &CallRow) -> String {
    let millis = |micros: i64| format!("{:.3}", micros as f64 / 1e3);
    let cells = [
        row.at.format("%Y-%m-%dT%H:%M:%S%.6fZ").to_string(),
        row.connector_name.clone(),
        row.endpoint_name.clone(),
        row.kind().map_or("", |kind| kind.code()).to_string(),
        row.caller_name.clone(),
        row.caller_kind().to_lowercase(),
        row.key_prefix.clone().unwrap_or_default(),
        row.address.clone(),
        row.method.clone(),
        row.target.clone(),
        row.outcome.clone(),
        row.status.map_or(String::new(), |status| status.to_string()),
        row.problem.clone(),
        row.detail.clone(),
        row.attempts.to_string(),
        millis(row.queue_us),
        millis(row.connect_us),
        millis(row.first_byte_us),
        millis(row.total_us),
        row.sent_bytes.to_string(),
        row.received_bytes.to_string(),
        row.request_id.clone(),
    ];
    csv::row(&cells)
}
