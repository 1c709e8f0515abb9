//! Bodies of the type `multipart/form-data` (RFC 7578), read whole into memory within a limit.

use std::sync::Arc;
use std::time::Duration;

use actix_multipart::{Field, Multipart, MultipartError};
use actix_web::dev::Payload;
use actix_web::http::header::CONTENT_TYPE;
use actix_web::web::Bytes;
use actix_web::{FromRequest, HttpRequest};
use futures_util::StreamExt;

use super::body::{Budget, Held, NotRead};
use super::{Error, FormData, TypedForm};

/// The most parts of one body.
const MOST_PARTS: usize = 1000;

/// A part of a body.
pub struct FormPart {
    pub name: String,
    /// `None` for a part that is no file.
    pub file_name: Option<String>,
    /// Empty if it has none.
    pub content_type: String,
    pub bytes: Bytes,
}

/// Whether a request says that its body is of this type.
pub fn is_multipart(req: &HttpRequest) -> bool {
    let media_type = req.headers().get(CONTENT_TYPE).map(|value| value.as_bytes());
    let start = media_type.and_then(|value| value.get(..19));
    start.is_some_and(|start| start.eq_ignore_ascii_case(b"multipart/form-data"))
}

/// A form that a page sends with files, or without.
pub struct FormWithFiles {
    pub data: FormData,
    /// Those that were chosen.
    pub files: Vec<FormPart>,
    /// Counts the files in the memory for bodies.
    pub held: Held,
}

impl FormWithFiles {
    /// Reads a form that has `most` bytes at most with its files, and comes within `time`.
    pub async fn read(
        req: &HttpRequest,
        mut payload: Payload,
        limits: (usize, Duration),
        budget: &Arc<Budget>,
    ) -> Result<FormWithFiles, Error> {
        let mut held = Held::of(budget);
        if !is_multipart(req) {
            let TypedForm(data) = TypedForm::from_request(req, &mut payload).await?;
            return Ok(FormWithFiles { data, files: Vec::new(), held });
        }
        let mut files = read_parts(req, payload, limits, &mut held).await?;
        let data = FormData::of_parts(req, &files)?;
        // A field without a file is sent as a file without a name.
        files.retain(|part| part.file_name.as_deref().is_some_and(|name| !name.is_empty()));
        Ok(FormWithFiles { data, files, held })
    }
}

/// The parts of a body that has `most` bytes at most, without the parts' headers, and comes within `time`. They are counted
/// in `held`, which must live as long as they do.
pub async fn read_parts(
    req: &HttpRequest,
    payload: Payload,
    (most, time): (usize, Duration),
    held: &mut Held,
) -> Result<Vec<FormPart>, NotRead> {
    let multipart = Multipart::new(req.headers(), payload);
    tokio::time::timeout(time, read(multipart, most, held)).await.unwrap_or(Err(NotRead::TooSlow))
}

async fn read(mut multipart: Multipart, most: usize, held: &mut Held) -> Result<Vec<FormPart>, NotRead> {
    let (mut parts, mut size) = (Vec::new(), 0);
    while let Some(field) = multipart.next().await {
        let mut field = field.map_err(|error| broken(&error))?;
        if parts.len() == MOST_PARTS {
            return Err(NotRead::TooLarge);
        }
        let mut bytes = Vec::new();
        while let Some(piece) = field.next().await {
            let piece = piece.map_err(|error| broken(&error))?;
            size += piece.len();
            if size > most {
                return Err(NotRead::TooLarge);
            }
            bytes.extend_from_slice(&piece);
            held.cover(size).map_err(|_| NotRead::NoRoom)?;
        }
        parts.push(part(&field, bytes));
    }
    Ok(parts)
}

fn part(field: &Field, bytes: Vec<u8>) -> FormPart {
    let disposition = field.content_disposition();
    FormPart {
        name: field.name().unwrap_or_default().to_string(),
        file_name: disposition.and_then(|disposition| disposition.get_filename()).map(str::to_string),
        content_type: field.content_type().map(ToString::to_string).unwrap_or_default(),
        bytes: bytes.into(),
    }
}

fn broken(error: &MultipartError) -> NotRead {
    tracing::debug!(cause = %error, "a multipart body cannot be read");
    NotRead::BrokeOff
}
