//! All pages of a list as one JSON array, streamed page by page.
//!
//! Rules: every page is a call of its own, with its permit, its entry in the log, and the checks of every URL; one page is
//! in memory at a time. A list that is not whole does not look whole: a limit is named in the head while that is
//! held back, and breaks the body off later, as an error does.

use std::io;
use std::sync::Arc;
use std::time::Instant;

use actix_web::HttpResponse;
use actix_web::body::BodyStream;
use actix_web::http::header::{CONTENT_TYPE, HeaderName, HeaderValue};
use futures_util::stream;
use uuid::Uuid;

use super::calls::{endpoint_record, passed_through};
use super::problem::{MALFORMED, Problem};
use super::request::ApiRequest;
use super::serve::{ANSWER, ATTEMPTS};
use crate::calls::CallRecord;
use crate::endpoints::{DefinedEndpoint, Pager, PagingKind};
use crate::outbound::http::header::ACCEPT_ENCODING;
use crate::outbound::{Bytes, HttpUrl};
use crate::relay::error::BAD_ANSWER;
use crate::relay::{Body, CallPermit, ConnectorSnapshot, RelayError, RelayRequest, RelayResponse};
use crate::web::Held;

/// The most pages, unless the caller says otherwise, and the most that a caller can say.
const USUAL_PAGES: u32 = 100;
const MAX_PAGES: u32 = 1_000;

/// The most bytes of one page, of all items together, and of what is held back before the head is sent.
const MAX_PAGE: usize = 10 * 1024 * 1024;
const MAX_BYTES: usize = 64 * 1024 * 1024;
const HELD_BACK: usize = 1024 * 1024;

static PAGES: HeaderName = HeaderName::from_static("connectory-pages");
static COMPLETE: HeaderName = HeaderName::from_static("connectory-complete");

/// The most pages that a query asks for; `None` if it does not ask for all of them.
pub(super) fn max_pages(query: &str) -> Result<Option<u32>, Problem> {
    let (mut all, mut pages) = (false, USUAL_PAGES);
    for (name, value) in form_urlencoded::parse(query.as_bytes()) {
        match &*name {
            "all" => all = value.parse().map_err(|_| MALFORMED.because("“all” must be true or false."))?,
            "pages" => {
                let number = value.parse().ok().filter(|number| (1..=MAX_PAGES).contains(number));
                pages = number.ok_or_else(|| MALFORMED.because("“pages” must be a number from 1 to 1000."))?;
            }
            _ => {}
        }
    }
    Ok(all.then_some(pages))
}

/// A list whose pages are being gathered.
pub(super) struct Gathering {
    request: ApiRequest,
    connector: Arc<ConnectorSnapshot>,
    endpoint: Arc<DefinedEndpoint>,
    /// The request of the first page.
    call: RelayRequest,
    pager: Pager,
    next: Option<HttpUrl>,
    pages: u32,
    max_pages: u32,
    bytes: usize,
    attempts: u16,
    state: State,
    /// Counts the request's body.
    _held: Held,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    Gathering,
    /// All pages are there.
    Complete,
    /// A limit was reached before.
    Cut,
}

impl Gathering {
    pub fn new(
        request: ApiRequest,
        connector: Arc<ConnectorSnapshot>,
        endpoint: Arc<DefinedEndpoint>,
        (mut call, held): (RelayRequest, Held),
        max_pages: u32,
    ) -> Gathering {
        // Pages are read here.
        call.headers.remove(ACCEPT_ENCODING);
        Gathering {
            pager: Pager::new(&endpoint.paging),
            request,
            connector,
            endpoint,
            call,
            next: None,
            pages: 0,
            max_pages,
            bytes: 0,
            attempts: 0,
            state: State::Gathering,
            _held: held,
        }
    }

    /// The array, or the first page's own response if it is no success.
    pub async fn respond(mut self, permit: CallPermit, mut record: CallRecord) -> Result<HttpResponse, Problem> {
        if self.endpoint.paging.kind == PagingKind::None {
            let error = MALFORMED.because("The endpoint does not say how the API pages.");
            error.log(&mut record);
            return Err(error.into());
        }
        let url = self.call.url.clone();
        let first = self.page(url.clone(), permit, record).await?;
        if !(200..300).contains(&first.status) {
            return Ok(passed_through(&self.call.method, first));
        }
        let mut pieces = vec![Bytes::from_static(b"["), self.items(&url, first).await?];
        while pieces.iter().map(Bytes::len).sum::<usize>() <= HELD_BACK {
            match self.piece().await? {
                Some(piece) => pieces.push(piece),
                None => return Ok(self.whole(&pieces)),
            }
        }
        let start = pieces.into_iter().map(Ok);
        let rest = stream::unfold(self, |mut gathering| async {
            let piece = match gathering.piece().await {
                Ok(Some(piece)) => Ok(piece),
                Ok(None) if gathering.state == State::Cut => Err(io::Error::other("a limit has cut the list")),
                Ok(None) => return None,
                Err(error) => Err(io::Error::other(error.detail)),
            };
            if piece.is_err() {
                gathering.state = State::Complete;
                gathering.next = None;
            }
            Some((piece, gathering))
        });
        let body = BodyStream::new(Box::pin(futures_util::StreamExt::chain(stream::iter(start), rest)));
        Ok(HttpResponse::Ok()
            .insert_header((ANSWER.clone(), "upstream"))
            .insert_header((CONTENT_TYPE, "application/json"))
            .body(body))
    }

    fn whole(&self, pieces: &[Bytes]) -> HttpResponse {
        HttpResponse::Ok()
            .insert_header((ANSWER.clone(), "upstream"))
            .insert_header((ATTEMPTS.clone(), HeaderValue::from(self.attempts)))
            .insert_header((PAGES.clone(), HeaderValue::from(self.pages)))
            .insert_header((COMPLETE.clone(), if self.state == State::Cut { "false" } else { "true" }))
            .insert_header((CONTENT_TYPE, "application/json"))
            .body(pieces.concat())
    }

    /// The items of the next page, or the end of the array; `None` after that.
    async fn piece(&mut self) -> Result<Option<Bytes>, RelayError> {
        let Some(url) = self.next.take() else {
            return Ok(self.ended(State::Complete));
        };
        if self.pages >= self.max_pages || self.bytes >= MAX_BYTES {
            return Ok(self.ended(State::Cut));
        }
        let (relay, total) = (&self.request.api.relay, self.call.limits.total);
        // As it is now: a long list takes a while.
        self.connector = relay.connector(&self.connector.key).await?;
        let permit = relay.permit(&self.connector, self.request.holder.key_id, total).await?;
        let mut record = endpoint_record(&self.request, &self.connector, &self.endpoint);
        record.restart(Instant::now());
        record.update(|call| (call.id, call.at) = (Uuid::now_v7(), self.request.api.clock.now()));
        let response = self.page(url.clone(), permit, record).await?;
        self.items(&url, response).await.map(Some)
    }

    fn ended(&mut self, state: State) -> Option<Bytes> {
        let is_first = self.state == State::Gathering;
        if is_first {
            self.state = state;
        }
        (is_first && (state == State::Complete || self.bytes <= HELD_BACK)).then(|| Bytes::from_static(b"]"))
    }

    async fn page(
        &mut self,
        url: HttpUrl,
        permit: CallPermit,
        mut record: CallRecord,
    ) -> Result<RelayResponse, RelayError> {
        let call = RelayRequest { url, ..self.call.clone() };
        let response = self.request.api.relay.call(&self.connector, permit, call).await;
        let response = response.inspect_err(|error| error.log(&mut record))?.log(record);
        self.attempts = self.attempts.saturating_add(response.attempts);
        self.pages += 1;
        Ok(response)
    }

    /// The items of a page, as a part of the array.
    async fn items(&mut self, url: &HttpUrl, mut response: RelayResponse) -> Result<Bytes, RelayError> {
        let read = match response.status {
            200..300 => read(&mut response.body).await,
            status => Err(BAD_ANSWER.because(format!("Page {} came with the status {status}.", self.pages))),
        };
        let page = read.and_then(|body| {
            let page = self.pager.read(url, &response.headers, &body);
            let page = page.map_err(|error| BAD_ANSWER.because(error.to_string()))?;
            Ok((Bytes::from(page.joined(self.bytes > 0)), page.next))
        });
        let (items, next) = page.inspect_err(|error| response.body.log_error(error))?;
        self.bytes += items.len();
        self.next = next;
        Ok(items)
    }
}

async fn read(body: &mut Body) -> Result<Vec<u8>, RelayError> {
    let mut whole = Vec::new();
    while let Some(chunk) = body.next().await {
        whole.extend_from_slice(&chunk.map_err(RelayError::of_failure)?);
        if whole.len() > MAX_PAGE {
            return Err(BAD_ANSWER.because("A page has more than 10 MiB."));
        }
    }
    Ok(whole)
}
