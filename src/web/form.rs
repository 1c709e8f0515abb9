//! Submitted forms: read whole, with a limit, and only with the visitor's own CSRF token.

use std::future::{Future, Ready, ready};
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use actix_web::dev::Payload;
use actix_web::http::header::CONTENT_TYPE;
use actix_web::{FromRequest, HttpMessage, HttpRequest, web};

use super::body::{Budget, FREE, Held, NotRead, read_whole};
use super::csrf::CsrfKey;
use super::{Error, Layout};
use crate::db::version::SeenVersion;

/// The largest form, in bytes: room for certificates and long descriptions.
const LARGEST: usize = 512 * 1024;
/// The largest form without a session, in bytes. It is one of those that need no room in the memory for
/// bodies.
const LARGEST_OF_STRANGERS: usize = FREE;
/// How long a form may take to arrive: long for the slowest line, and no way to hold memory for ever.
const PATIENCE: Duration = Duration::from_secs(60);
/// The most fields of one form.
const MOST_FIELDS: usize = 1000;

/// The field of every form that holds the visitor's CSRF token.
const CSRF: &str = "csrf";

/// The field for the person's own password, asked for again, whatever the form is.
pub const OWN_PASSWORD: &str = "own_password";

/// The fields of a submitted form in their order.
#[derive(Clone, Default)]
pub struct FormData {
    pairs: Vec<(String, String)>,
    /// Counts the bytes for as long as they are here.
    _held: Option<Arc<Held>>,
}

impl FormData {
    /// Reads `application/x-www-form-urlencoded`. NUL is refused: no text column can hold it.
    pub fn parse(body: &[u8]) -> Result<FormData, Error> {
        let pairs: Vec<(String, String)> = form_urlencoded::parse(body).into_owned().take(MOST_FIELDS + 1).collect();
        if pairs.len() > MOST_FIELDS {
            return Err(Error::BadRequest("The form has more fields than any page here sends."));
        }
        if pairs.iter().any(|(name, value)| name.contains('\0') || value.contains('\0')) {
            return Err(Error::BadRequest("The form holds a NUL character, which cannot be stored."));
        }
        Ok(FormData { pairs, _held: None })
    }

    /// The first value of a field as typed, with line ends as `\n`; empty when the field is absent.
    pub fn text(&self, name: &str) -> String {
        self.get(name).map(|value| value.replace("\r\n", "\n")).unwrap_or_default()
    }

    /// The first value of a field without surrounding white space.
    pub fn trimmed(&self, name: &str) -> String {
        self.text(name).trim().to_string()
    }

    pub fn get(&self, name: &str) -> Option<&str> {
        self.pairs.iter().find(|(field, _)| field == name).map(|(_, value)| value.as_str())
    }

    /// Every value of a repeated field, such as ticked boxes.
    pub fn all(&self, name: &str) -> Vec<String> {
        self.pairs.iter().filter(|(field, _)| field == name).map(|(_, value)| value.clone()).collect()
    }

    /// The fields that a page may hold to post them again: all but the CSRF token, which each page writes itself, and
    /// the own password, which no page shows.
    pub fn carried(&self) -> impl Iterator<Item = (&str, &str)> {
        self.pairs
            .iter()
            .map(|(name, value)| (name.as_str(), value.as_str()))
            .filter(|(name, _)| !matches!(*name, CSRF | OWN_PASSWORD))
    }

    /// The version of the row that the form was made from; 0, which no row has, when it says none.
    pub fn version(&self) -> i32 {
        self.get("version").and_then(|version| version.parse().ok()).unwrap_or(0)
    }

    /// The version that the form is to be checked against and written over, which is `of_row`; `None` if the form was
    /// made from another one or names none. Then it is not checked at all: the answer is 409 with both versions.
    pub fn seen_version(&self, of_row: i32) -> Option<SeenVersion> {
        let of_form = self.get("version")?.parse().ok()?;
        SeenVersion::compare(of_form, of_row)
    }

    /// Whether a box was ticked.
    pub fn ticked(&self, name: &str) -> bool {
        self.get(name).is_some()
    }
}

/// A form that came with the visitor's CSRF token. One that the access check has read before is taken from there.
pub struct Form(pub FormData);

impl FromRequest for Form {
    type Error = Error;
    type Future = Pin<Box<dyn Future<Output = Result<Form, Error>>>>;

    fn from_request(req: &HttpRequest, payload: &mut Payload) -> Self::Future {
        if let Some(data) = req.extensions_mut().remove::<FormData>() {
            return Box::pin(ready(Ok(Form(data))));
        }
        let key = req.extensions().get::<CsrfKey>().cloned();
        let is_form = req
            .headers()
            .get(CONTENT_TYPE)
            .is_some_and(|value| value.as_bytes().starts_with(b"application/x-www-form-urlencoded"));
        let is_signed_in = (req.extensions().get::<Layout>()).is_some_and(|layout| layout.person.is_some());
        let most = if is_signed_in { LARGEST } else { LARGEST_OF_STRANGERS };
        let budget = req.app_data::<web::Data<Budget>>().cloned();
        let body = web::Payload::from_request(req, payload);
        Box::pin(async move {
            if !is_form {
                return Err(Error::BadRequest("This address takes a submitted form only."));
            }
            let body = body.await.map_err(|_| Error::BadRequest("The form did not arrive whole."))?;
            let budget = budget.ok_or_else(|| Error::internal(anyhow::anyhow!("no memory for forms")))?;
            let mut held = Held::of(&budget);
            let body = read_whole(body, most, PATIENCE, &mut held).await?;
            let mut data = FormData::parse(&body)?;
            data._held = Some(Arc::new(held));
            let given = data.get(CSRF).unwrap_or_default();
            if key.is_some_and(|key| key.matches(given)) { Ok(Form(data)) } else { Err(Error::StaleForm) }
        })
    }
}

impl From<NotRead> for Error {
    fn from(why: NotRead) -> Error {
        match why {
            NotRead::BrokeOff => Error::BadRequest("The form did not arrive whole."),
            NotRead::TooSlow => Error::BadRequest("The form took too long to arrive."),
            NotRead::TooLarge => Error::TooLarge,
            NotRead::NoRoom => Error::Busy("Too many large forms and answers are held in memory."),
        }
    }
}

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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn repeated_fields_and_line_ends_are_read_as_typed() {
        let data = FormData::parse(b"category=a&category=b&text=one%0D%0Atwo&note=+x+").unwrap();
        assert_eq!(data.all("category"), ["a", "b"]);
        assert_eq!(data.text("text"), "one\ntwo");
        assert_eq!(data.text("note"), " x ");
        assert_eq!(data.trimmed("note"), "x");
    }

    #[test]
    fn nul_and_endless_forms_are_refused() {
        assert!(FormData::parse(b"a=%00").is_err());
        assert!(FormData::parse("a=1&".repeat(2000).as_bytes()).is_err());
    }
}
