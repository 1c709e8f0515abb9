//! What can go wrong with a request, each with its page. Bad input is none of these: it is the same page again.

use std::fmt;
use std::time::Duration;

use actix_web::body::BoxBody;
use actix_web::http::StatusCode;
use actix_web::http::header::{LOCATION, RETRY_AFTER};
use actix_web::{HttpResponse, ResponseError};
use askama::Template;
use diesel::result::{DatabaseErrorKind, Error as DbError};

use super::layout::{Layout, html};
use crate::db::version::VersionError;

/// A request that cannot be answered with its page.
#[derive(Debug)]
pub enum Error {
    /// There is nothing at this address, or nothing that this person may know of.
    NotFound,
    /// The person lacks the permission of this name.
    Forbidden(&'static str),
    /// The person has the permission, but the thing itself is kept to certain people. The verb says what it is not open
    /// to them for.
    NotListed(&'static str),
    /// The connector is that of a collection, which sets what was to be changed.
    OfCollection,
    /// Only a super admin may do this.
    NotSuperAdmin,
    /// The request has no session.
    SignIn,
    /// The address is right, the method is not.
    MethodNotAllowed,
    /// The request itself is broken; the text says how.
    BadRequest(&'static str),
    /// A form without the visitor's CSRF token: left open over a sign-out, or sent by another site.
    StaleForm,
    /// A form that came too late and is shown again, which this handler cannot do; see [`super::Draft`].
    Draft,
    TooLarge,
    /// Too many tries; the next one counts after this time.
    TooMany(Duration),
    /// Too much is under way; the text says what of.
    Busy(&'static str),
    /// The database cannot be asked at the moment.
    Unavailable(anyhow::Error),
    /// A fault of this program. The page shows nothing but the request id.
    Internal(anyhow::Error),
}

impl Error {
    /// The error that fits a status which the server itself answered.
    pub fn of_status(status: StatusCode) -> Error {
        match status {
            StatusCode::NOT_FOUND => Error::NotFound,
            StatusCode::PAYLOAD_TOO_LARGE => Error::TooLarge,
            status if status.is_client_error() => Error::BadRequest("The request is not one that a page here sends."),
            _ => Error::Internal(anyhow::anyhow!("the server answered {status} by itself")),
        }
    }

    /// The same error once more, for another request that waited for what has failed.
    pub fn shared(&self) -> Error {
        match self {
            Error::Unavailable(cause) => Error::Unavailable(anyhow::anyhow!("{cause:#}")),
            Error::Internal(cause) => Error::Internal(anyhow::anyhow!("{cause:#}")),
            other => Error::Internal(anyhow::anyhow!("{other}")),
        }
    }

    /// Wraps a fault that the person can do nothing about.
    pub fn internal(error: impl Into<anyhow::Error>) -> Error {
        Error::Internal(error.into())
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.status_code())
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Error::Unavailable(error) | Error::Internal(error) => Some(error.as_ref()),
            _ => None,
        }
    }
}

impl From<diesel::result::Error> for Error {
    fn from(error: diesel::result::Error) -> Error {
        match error {
            DbError::NotFound => Error::NotFound,
            // Said by the transaction of a draft alone.
            DbError::RollbackTransaction => Error::Draft,
            DbError::DatabaseError(DatabaseErrorKind::ClosedConnection, _) | DbError::BrokenTransactionManager => {
                Error::Unavailable(error.into())
            }
            other if is_shutdown(&other) => Error::Unavailable(other.into()),
            other => Error::Internal(other.into()),
        }
    }
}

/// Whether PostgreSQL said that it is going down or starting up, or that the query took too long, or the connection
/// broke under the query.
fn is_shutdown(error: &diesel::result::Error) -> bool {
    let text = error.to_string();
    [
        "connection closed",
        "terminating connection",
        "the database system is",
        "error communicating with the server",
        "canceling statement due to statement timeout",
    ]
    .iter()
    .any(|sign| text.contains(sign))
}

impl From<crate::db::Unavailable> for Error {
    fn from(error: crate::db::Unavailable) -> Error {
        Error::Unavailable(error.into())
    }
}

impl ResponseError for Error {
    fn status_code(&self) -> StatusCode {
        match self {
            Error::NotFound => StatusCode::NOT_FOUND,
            Error::Forbidden(_) | Error::NotListed(_) | Error::NotSuperAdmin | Error::StaleForm | Error::Draft => {
                StatusCode::FORBIDDEN
            }
            Error::SignIn => StatusCode::SEE_OTHER,
            Error::MethodNotAllowed => StatusCode::METHOD_NOT_ALLOWED,
            Error::BadRequest(_) => StatusCode::BAD_REQUEST,
            Error::OfCollection => StatusCode::CONFLICT,
            Error::TooLarge => StatusCode::PAYLOAD_TOO_LARGE,
            Error::TooMany(_) => StatusCode::TOO_MANY_REQUESTS,
            Error::Busy(_) | Error::Unavailable(_) => StatusCode::SERVICE_UNAVAILABLE,
            Error::Internal(_) => StatusCode::INTERNAL_SERVER_ERROR,
        }
    }

    /// An empty answer: the page is put in by the layer that knows the visitor ([`respond`]).
    fn error_response(&self) -> HttpResponse<BoxBody> {
        HttpResponse::new(self.status_code())
    }
}

/// The page of an error.
#[derive(Template)]
#[template(path = "kit/error.html")]
struct ErrorPage<'a> {
    layout: &'a Layout,
    error: &'a Error,
}

impl ErrorPage<'_> {
    fn heading(&self) -> &'static str {
        match self.error {
            Error::NotFound => "Page not found",
            Error::Forbidden(_) | Error::NotSuperAdmin => "You do not have permission to do this",
            Error::NotListed(_) => "This is kept to certain people",
            Error::OfCollection => "This data connector belongs to a collection",
            Error::SignIn => "Sign in first",
            Error::MethodNotAllowed => "This address cannot be used in this way",
            Error::BadRequest(_) => "This request cannot be read",
            Error::StaleForm | Error::Draft => "This form is out of date",
            Error::TooLarge => "That was too much at once",
            Error::TooMany(_) => "Too many tries",
            Error::Busy(_) => "Connectory has too much to do at the moment",
            Error::Unavailable(_) => "Connectory cannot reach its database",
            Error::Internal(_) => "There is a problem with Connectory",
        }
    }

    fn paragraphs(&self) -> Vec<String> {
        let texts: &[&str] = match self.error {
            Error::NotFound => {
                &["Check the address for typing mistakes. What was here may have been deleted or moved to the trash."]
            }
            Error::Forbidden(permission) => {
                return vec![
                    format!("This needs the permission “{permission}”."),
                    "An administrator who manages users can give it to you.".into(),
                ];
            }
            Error::NotListed(verb) => {
                return vec![
                    format!("You are not among those who may {verb} this data connector."),
                    "An administrator who manages users can change who may do what with it.".into(),
                ];
            }
            Error::OfCollection => &[
                "Nothing was changed. Connectory sets up the name, the address and the authorization of this data connector itself.",
                "Go to Collections to change the collection’s name and description, or to delete it.",
            ],
            Error::NotSuperAdmin => &[
                "Only a super admin can do this: make a user a super admin or take that away, and change, switch off, delete or give a new password to a super admin.",
                "Ask one of your super admins.",
            ],
            Error::SignIn => &["You need to sign in to see this page."],
            Error::MethodNotAllowed => &["Go back and use the buttons and links of the page."],
            Error::BadRequest(text) => &[text, "Go back, load the page again and try once more."],
            Error::StaleForm | Error::Draft => &[
                "Nothing was saved. The form was opened before you last signed in or out, or it was sent from another site.",
                "Go back, load the page again and send it once more.",
            ],
            Error::TooLarge => &[
                "Nothing was saved. A form can hold 512 kilobytes, or 16 before you have signed in. Go back and shorten the longest text.",
            ],
            Error::TooMany(wait) => {
                return vec![format!(
                    "To keep guessing hard, you can try again in {}.",
                    super::text::duration_words(*wait)
                )];
            }
            Error::Busy(text) => {
                &[text, "Nothing was saved. This usually passes within seconds: go back and try again."]
            }
            Error::Unavailable(_) => &["Nothing was saved. This usually passes within seconds: go back and try again."],
            Error::Internal(_) => &[
                "Sorry. If you were saving something, it may not have been saved: look before you do it again.",
                "Give an administrator the reference below; the log has the cause beside it.",
            ],
        };
        texts.iter().map(|text| text.to_string()).collect()
    }

    fn shows_reference(&self) -> bool {
        matches!(self.error, Error::Internal(_) | Error::Unavailable(_))
    }
}

/// An address without its query where that is an authorization server's answer (RFC 6749 section 4.1.2): a code must
/// not stand in a second address, and no session but the one that asked for it can use it.
fn without_answer(path_and_query: &str) -> &str {
    let Some((path, query)) = path_and_query.split_once('?') else {
        return path_and_query;
    };
    let answers = form_urlencoded::parse(query.as_bytes())
        .any(|(name, _)| matches!(&*name, "code" | "state" | "error" | "access_token"));
    if answers { path } else { path_and_query }
}

/// The full answer to an error; without a session, a redirect to the sign-in page.
pub fn respond(error: &Error, layout: &Layout, path_and_query: &str) -> HttpResponse {
    if let Error::SignIn = error {
        let next = without_answer(path_and_query);
        let next: String = form_urlencoded::byte_serialize(next.as_bytes()).collect();
        return HttpResponse::SeeOther().insert_header((LOCATION, format!("/sign-in?next={next}"))).finish();
    }
    let mut response = HttpResponse::build(error.status_code());
    match error {
        Error::TooMany(wait) => _ = response.insert_header((RETRY_AFTER, (wait.as_secs() + 1).to_string())),
        Error::Busy(_) | Error::Unavailable(_) => _ = response.insert_header((RETRY_AFTER, "5")),
        _ => {}
    }
    let body = ErrorPage { layout, error }.render().unwrap_or_else(|_| "There is a problem with Connectory.".into());
    html(&mut response, body)
}

/// Logs what an administrator must know of, once, where it is answered.
pub fn log(error: &Error) {
    match error {
        Error::Internal(cause) => tracing::error!(cause = format!("{cause:#}"), "request failed"),
        Error::Unavailable(cause) => {
            tracing::warn!(cause = format!("{cause:#}"), "database unavailable")
        }
        Error::Forbidden(permission) => tracing::info!(permission, "permission refused"),
        Error::NotListed(verb) => tracing::info!(verb, "connector refused"),
        Error::NotSuperAdmin => tracing::info!("refused: not a super admin"),
        Error::StaleForm => tracing::info!("form refused: wrong CSRF token"),
        _ => {}
    }
}

/// Why a save did not happen.
#[derive(Debug)]
pub enum SaveError {
    /// Another row has this name: a unique constraint ending in `name_key` said so.
    NameTaken,
    /// Another row has this key: a unique constraint ending in `key_key` said so.
    KeyTaken,
    /// The same form was sent before, and its row is there: the primary key said so.
    Repeated,
    /// Another save came first.
    Stale,
    /// The row is still referred to.
    InUse,
    Fault(Error),
}

/// The page of what a handler does not answer itself: of a fault, and of a refusal that its operation cannot meet.
impl From<SaveError> for Error {
    fn from(error: SaveError) -> Error {
        match error {
            SaveError::Fault(fault) => fault,
            refusal => {
                Error::internal(anyhow::anyhow!("a save was refused by a rule that it does not have: {refusal:?}"))
            }
        }
    }
}

impl From<Error> for SaveError {
    fn from(error: Error) -> SaveError {
        SaveError::Fault(error)
    }
}

impl From<VersionError> for SaveError {
    fn from(error: VersionError) -> SaveError {
        match error {
            VersionError::Stale => SaveError::Stale,
            VersionError::Database(error) => error.into(),
        }
    }
}

impl From<DbError> for SaveError {
    fn from(error: DbError) -> SaveError {
        let constraint = match &error {
            DbError::DatabaseError(DatabaseErrorKind::UniqueViolation, info) => {
                info.constraint_name().unwrap_or_default()
            }
            _ => "",
        };
        match &error {
            _ if constraint.ends_with("name_key") => SaveError::NameTaken,
            _ if constraint.ends_with("_key_key") => SaveError::KeyTaken,
            _ if constraint.ends_with("_pkey") => SaveError::Repeated,
            DbError::DatabaseError(DatabaseErrorKind::ForeignKeyViolation, _) => SaveError::InUse,
            _ => SaveError::Fault(error.into()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_that_several_requests_share_keeps_its_status_and_cause() {
        let cause = || anyhow::anyhow!("refused").context("no connection");
        for (error, status) in [(Error::Unavailable(cause()), 503), (Error::Internal(cause()), 500)] {
            let shared = error.shared();
            assert_eq!(shared.status_code().as_u16(), status);
            let (Error::Unavailable(cause) | Error::Internal(cause)) = shared else { panic!("another error") };
            assert_eq!(cause.to_string(), "no connection: refused");
        }
        assert_eq!(Error::NotFound.shared().status_code(), StatusCode::INTERNAL_SERVER_ERROR);
    }
}
