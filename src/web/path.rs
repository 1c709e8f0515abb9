//! The variable parts of a path, percent-decoded and parsed. A path with a part that cannot be parsed, such as an id that
//! is none, is not found.

use std::future::{Ready, ready};
use std::str::FromStr;

use actix_web::dev::Payload;
use actix_web::{FromRequest, HttpRequest};

use super::Error;

/// The variable part of a path, such as a connector's key, or the id of a row: `Segment<Uuid>`.
pub struct Segment<T = String>(pub T);

impl<T: FromStr> FromRequest for Segment<T> {
    type Error = Error;
    type Future = Ready<Result<Segment<T>, Error>>;

    fn from_request(req: &HttpRequest, _: &mut Payload) -> Self::Future {
        let raw = req.match_info().iter().next().map(|(_, value)| value).unwrap_or_default();
        ready(parsed(raw).map(Segment).ok_or(Error::NotFound))
    }
}

/// The variable parts of a path that has several.
pub struct Segments<const N: usize, T = String>(pub [T; N]);

impl<const N: usize, T: FromStr> FromRequest for Segments<N, T> {
    type Error = Error;
    type Future = Ready<Result<Segments<N, T>, Error>>;

    fn from_request(req: &HttpRequest, _: &mut Payload) -> Self::Future {
        let parts: Option<Vec<T>> = req.match_info().iter().map(|(_, raw)| parsed(raw)).collect();
        let parts = parts.and_then(|parts| <[T; N]>::try_from(parts).ok());
        ready(parts.map(Segments).ok_or(Error::NotFound))
    }
}

/// The variable part of a path of this name, for what several routes have in common.
pub fn segment<T: FromStr>(req: &HttpRequest, name: &str) -> Result<T, Error> {
    let raw = req.match_info().get(name);
    raw.and_then(parsed).ok_or(Error::NotFound)
}

fn parsed<T: FromStr>(raw: &str) -> Option<T> {
    let text = percent_encoding::percent_decode_str(raw).decode_utf8().ok()?;
    if text.is_empty() || text.contains('\0') { None } else { text.parse().ok() }
}
