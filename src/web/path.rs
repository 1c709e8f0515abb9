//! The variable parts of a path, percent-decoded.

use std::future::{Ready, ready};

use actix_web::dev::Payload;
use actix_web::{FromRequest, HttpRequest};

use super::Error;

/// The variable part of a path, such as a connector's key. What cannot be decoded is an address of nothing.
pub struct Segment(pub String);

impl FromRequest for Segment {
    type Error = Error;
    type Future = Ready<Result<Segment, Error>>;

    fn from_request(req: &HttpRequest, _: &mut Payload) -> Self::Future {
        let raw = req.match_info().iter().next().map(|(_, value)| value).unwrap_or_default();
        ready(decoded(raw).map(Segment).ok_or(Error::NotFound))
    }
}

/// The variable parts of a path that has several.
pub struct Segments<const N: usize>(pub [String; N]);

impl<const N: usize> FromRequest for Segments<N> {
    type Error = Error;
    type Future = Ready<Result<Segments<N>, Error>>;

    fn from_request(req: &HttpRequest, _: &mut Payload) -> Self::Future {
        let texts = req.match_info().iter().map(|(_, raw)| decoded(raw));
        let texts: Option<Vec<String>> = texts.collect();
        let texts = texts.and_then(|texts| <[String; N]>::try_from(texts).ok());
        ready(texts.map(Segments).ok_or(Error::NotFound))
    }
}

/// The variable part of a path of this name, for what several routes have in common.
pub fn segment(req: &HttpRequest, name: &str) -> Result<String, Error> {
    let raw = req.match_info().get(name);
    raw.and_then(decoded).ok_or(Error::NotFound)
}

fn decoded(raw: &str) -> Option<String> {
    let text = percent_encoding::percent_decode_str(raw).decode_utf8().ok()?;
    (!text.is_empty() && !text.contains('\0')).then(|| text.into_owned())
}
