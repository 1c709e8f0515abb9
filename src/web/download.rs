//! Files that are written while they are read from the database.

use std::future::Future;

use actix_web::HttpResponse;
use actix_web::http::header::{CONTENT_TYPE, ContentDisposition};
use actix_web::web::Bytes;
use futures_util::StreamExt;
use futures_util::stream;

use super::Error;

/// A file to save.
pub struct Download {
    pub name: String,
    pub media_type: &'static str,
    /// What the file begins with.
    pub head: &'static str,
}

impl Download {
    /// The response, piece by piece; `next` gives a piece, and the state for the one after it unless it was the last.
    /// The first piece is read before the response begins, so that a failure there is an error page; a later one breaks
    /// the response off, so that a part is not taken for the whole.
    pub async fn respond<S, F, Fut>(self, state: S, next: F) -> Result<HttpResponse, Error>
    where
        S: 'static,
        F: Fn(S) -> Fut + Copy + 'static,
        Fut: Future<Output = Result<(String, Option<S>), Error>> + 'static,
    {
        let (first, state) = next(state).await?;
        let begin = stream::iter([Ok(Bytes::from(self.head)), Ok(Bytes::from(first))]);
        let name = self.name.clone();
        let rest = stream::unfold(state, move |state| {
            let name = name.clone();
            async move {
                let piece = next(state?).await.inspect_err(|error| {
                    tracing::warn!(name, cause = format!("{error:?}"), "a download broke off");
                });
                Some(match piece {
                    Ok((piece, state)) => (Ok::<_, Error>(Bytes::from(piece)), state),
                    Err(error) => (Err(error), None),
                })
            }
        });
        Ok(HttpResponse::Ok()
            .insert_header((CONTENT_TYPE, self.media_type))
            .insert_header(ContentDisposition::attachment(self.name))
            .streaming(begin.chain(rest)))
    }
}
