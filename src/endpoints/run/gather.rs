//! Gathering the pages of a list for a run: one after another, joined to one list, within limits.

use std::time::{Duration, Instant};

use super::Run;
use super::call::ReceivedResponse;
use crate::endpoints::definition::Rendered;
use crate::endpoints::editor::Editor;
use crate::endpoints::model::RequestSettings;
use crate::endpoints::paging::Pager;
use crate::outbound::http::HeaderValue;
use crate::outbound::http::header::CONTENT_TYPE;
use crate::relay::RelayError;
use crate::relay::error::BAD_ANSWER;

/// The most pages of a run, the most bytes of their items, and how long they may take: a person waits.
const MAX_PAGES: usize = 20;
const MAX_BYTES: usize = 10 * 1024 * 1024;
const MAX_TIME: Duration = Duration::from_secs(60);

impl Run<'_> {
    /// All pages as one response. A first page that is no success is the response.
    pub(super) async fn gather(
        &self,
        editor: &Editor,
        settings: &RequestSettings,
        rendered: Rendered,
    ) -> Result<ReceivedResponse, RelayError> {
        let (mut pager, started) = (Pager::new(&settings.paging), Instant::now());
        let (mut next, mut list, mut attempts) = (rendered.url.clone(), String::from("["), 0);
        let mut page_number = 0;
        loop {
            page_number += 1;
            let url = next;
            let request = Rendered { url: url.clone(), ..rendered.clone() };
            let mut received = self.call(editor, settings, request).await?;
            attempts += received.response.attempts;
            if let Some(error) = received.error {
                return Err(error);
            }
            if !(200..300).contains(&received.response.status) {
                if page_number == 1 {
                    return Ok(received);
                }
                let status = received.response.status;
                return Err(BAD_ANSWER.because(format!("Page {page_number} came with the status {status}.")));
            }
            let page = pager.read(&url, &received.response.headers, &received.body);
            let page = page.map_err(|error| BAD_ANSWER.because(error.to_string()))?;
            list.push_str(&page.joined(list.len() > 1));
            let more = page.next;
            let is_over =
                page_number >= MAX_PAGES || list.len() >= MAX_BYTES || started.elapsed() >= MAX_TIME || received.is_cut;
            match more {
                Some(url) if !is_over => next = url,
                more => {
                    list.push(']');
                    received.note = Some(match more {
                        Some(_) => format!(
                            "These are the first {page_number} pages. There are more, which Run does not gather."
                        ),
                        None if page_number == 1 => "There is one page.".into(),
                        None => format!("These are all {page_number} pages."),
                    });
                    received.body = list.into_bytes();
                    received.response.attempts = attempts;
                    let headers = &mut received.response.headers;
                    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
                    received.total = started.elapsed();
                    return Ok(received);
                }
            }
        }
    }
}
