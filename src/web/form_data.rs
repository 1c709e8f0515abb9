//! The fields of a submitted form as they came: read whole, with a limit, and only with the visitor's own CSRF token.

use std::collections::BTreeMap;
use std::future::{Future, ready};
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use actix_web::dev::Payload;
use actix_web::http::header::CONTENT_TYPE;
use actix_web::{FromRequest, HttpMessage, HttpRequest, web};
use serde::de::value::{self, MapDeserializer, SeqDeserializer};
use serde::de::{DeserializeOwned, Deserializer, IntoDeserializer, Visitor};
use serde::forward_to_deserialize_any;

use super::body::{Budget, FREE, Held, NotRead, read_whole};
use super::csrf::CsrfKey;
use super::draft::UnsavedForm;
use super::multipart::FormPart;
use super::{Error, Layout};
use crate::db::version::SeenVersion;

/// The largest form, in bytes: room for a record of a collection, whose characters take three bytes each.
pub(super) const LARGEST: usize = 1024 * 1024;
/// The largest form of a visitor who has not signed in, in bytes. So small a form needs no room in the memory budget.
pub(super) const LARGEST_SIGNED_OUT: usize = FREE;
/// How long a form may take to arrive: long enough for the slowest line, and no way to hold memory for ever.
const TIMEOUT: Duration = Duration::from_secs(60);
/// The most fields of one form.
const MOST_FIELDS: usize = 1000;

/// The field of every form that holds the visitor's CSRF token.
const CSRF: &str = "csrf";

/// The field for the person's own password, which any form can ask for again.
pub const OWN_PASSWORD: &str = "own_password";

/// The fields of a submitted form in their order, with line ends as `\n`.
#[derive(Clone, Default)]
pub struct FormData {
    pairs: Vec<(String, String)>,
    is_draft: bool,
    /// Counts the bytes for as long as they are here.
    _held: Option<Arc<Held>>,
}

impl FormData {
    /// The same with one more field.
    pub fn with(mut self, name: &str, value: String) -> FormData {
        self.pairs.push((name.into(), value));
        self
    }

    /// Reads `application/x-www-form-urlencoded`. NUL is refused: no text column can hold it.
    pub fn parse(body: &[u8]) -> Result<FormData, Error> {
        FormData::of(form_urlencoded::parse(body).map(|(name, value)| (name.into_owned(), value.into_owned())))
    }

    /// The fields of a form with files, which come as parts; files are left out. With the visitor's own CSRF token only.
    pub fn of_parts(req: &HttpRequest, parts: &[FormPart]) -> Result<FormData, Error> {
        fields_of(parts)?.own(req)
    }

    /// Refuses what came without the visitor's CSRF token. It stays with the request: its session may have ended.
    fn own(self, req: &HttpRequest) -> Result<FormData, Error> {
        match CsrfKey::check(req, self.csrf()) {
            Ok(()) => Ok(self),
            Err(error) => {
                req.extensions_mut().insert(UnsavedForm(self));
                Err(error)
            }
        }
    }

    /// The CSRF token that came with it.
    pub fn csrf(&self) -> &str {
        self.get(CSRF).unwrap_or_default()
    }

    /// The same as a draft.
    pub fn into_draft(mut self) -> FormData {
        self.is_draft = true;
        self
    }

    /// Whether it came too late, and is shown to its user again; see [`super::Draft`].
    pub fn is_draft(&self) -> bool {
        self.is_draft
    }

    /// A form of these fields.
    ///
    /// # Errors
    /// When there are more than any page sends, or one holds a NUL character.
    pub fn of(fields: impl Iterator<Item = (String, String)>) -> Result<FormData, Error> {
        let fields = fields.map(|(name, value)| (name, value.replace("\r\n", "\n")));
        let pairs: Vec<(String, String)> = fields.take(MOST_FIELDS + 1).collect();
        if pairs.len() > MOST_FIELDS {
            return Err(Error::BadRequest("The form has more fields than any page here sends."));
        }
        if pairs.iter().any(|(name, value)| name.contains('\0') || value.contains('\0')) {
            return Err(Error::BadRequest("The form holds a NUL character, which cannot be stored."));
        }
        Ok(FormData { pairs, is_draft: false, _held: None })
    }

    /// The fields as a struct whose fields are called as the inputs are. What the struct does not name is left out. Of a
    /// field that was sent more than once the first value counts, unless the struct has a `Vec` of them.
    pub fn read<T: DeserializeOwned>(&self) -> Result<T, Error> {
        let mut fields: BTreeMap<&str, Values> = BTreeMap::new();
        for (name, value) in &self.pairs {
            fields.entry(name).or_default().0.push(value);
        }
        T::deserialize(MapDeserializer::new(fields.into_iter()))
            .map_err(|_| Error::BadRequest("The form has a field in a shape that no page here sends."))
    }

    /// The first value of a field as typed; empty when the field is absent.
    pub fn text(&self, name: &str) -> String {
        self.get(name).unwrap_or_default().to_string()
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

/// The values of one field. Where one value is read, the first counts.
#[derive(Default)]
struct Values<'a>(Vec<&'a str>);

impl<'de> IntoDeserializer<'de> for Values<'de> {
    type Deserializer = Self;

    fn into_deserializer(self) -> Self {
        self
    }
}

impl<'de> Deserializer<'de> for Values<'de> {
    type Error = value::Error;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, value::Error> {
        visitor.visit_borrowed_str(self.0.first().copied().unwrap_or_default())
    }

    fn deserialize_seq<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, value::Error> {
        visitor.visit_seq(SeqDeserializer::new(self.0.into_iter()))
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 u8 u16 u32 u64 f32 f64 char str string bytes byte_buf option unit unit_struct
        newtype_struct tuple tuple_struct map struct enum identifier ignored_any
    }
}

impl FromRequest for FormData {
    type Error = Error;
    type Future = OwnForm;

    fn from_request(req: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let data = own_form(req, payload);
        Box::pin(async { data.await.and_then(|data| if data.is_draft { Err(Error::Draft) } else { Ok(data) }) })
    }
}

type OwnForm = Pin<Box<dyn Future<Output = Result<FormData, Error>>>>;

/// Refuses what came without the visitor's CSRF token. A form that the access check has read before is taken from there.
pub(super) fn own_form(req: &HttpRequest, payload: &mut Payload) -> OwnForm {
    if let Some(data) = req.extensions_mut().remove::<FormData>() {
        return Box::pin(ready(Ok(data)));
    }
    let is_signed_in = (req.extensions().get::<Layout>()).is_some_and(|layout| layout.person.is_some());
    let most = if is_signed_in { LARGEST } else { LARGEST_SIGNED_OUT };
    let (req, payload) = (req.clone(), payload.take());
    Box::pin(async move { read(&req, payload, most).await?.own(&req) })
}

/// The fields of a form with files.
pub(super) fn fields_of(parts: &[FormPart]) -> Result<FormData, Error> {
    let fields: Vec<&FormPart> = parts.iter().filter(|part| part.file_name.is_none()).collect();
    if fields.iter().map(|part| part.name.len() + part.bytes.len()).sum::<usize>() > LARGEST {
        return Err(Error::TooLarge);
    }
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    FormData::of(fields.into_iter().map(|part| (part.name.clone(), text(&part.bytes))))
}

/// A form that a page of another site may send, so it has no CSRF token. It must change nothing, or hold a proof of its
/// own. It has at most 16 KiB.
pub struct ForeignForm(pub FormData);

impl FromRequest for ForeignForm {
    type Error = Error;
    type Future = Pin<Box<dyn Future<Output = Result<ForeignForm, Error>>>>;

    fn from_request(req: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let (req, payload) = (req.clone(), payload.take());
        Box::pin(async move { Ok(ForeignForm(read(&req, payload, LARGEST_SIGNED_OUT).await?)) })
    }
}

/// The fields of a form of at most `most` bytes.
pub(super) async fn read(req: &HttpRequest, mut payload: Payload, most: usize) -> Result<FormData, Error> {
    let is_form = req
        .headers()
        .get(CONTENT_TYPE)
        .is_some_and(|value| value.as_bytes().starts_with(b"application/x-www-form-urlencoded"));
    if !is_form {
        return Err(Error::BadRequest("This address takes a submitted form only."));
    }
    let body = web::Payload::from_request(req, &mut payload).await;
    let body = body.map_err(|_| Error::BadRequest("The form did not arrive whole."))?;
    let budget = req.app_data::<web::Data<Budget>>().cloned();
    let budget = budget.ok_or_else(|| Error::internal(anyhow::anyhow!("no memory for forms")))?;
    let mut held = Held::of(&budget);
    let body = read_whole(body, most, TIMEOUT, &mut held).await?;
    let mut data = FormData::parse(&body)?;
    data._held = Some(Arc::new(held));
    Ok(data)
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
