//! Drafts: forms that came after the end of their session, kept until their user has signed in again.
//!
//! Rules: a draft is of the user in whose session its form was made, which the form's CSRF token says, and no other
//! user gets it. Without such a token nothing is stored, so strangers cannot fill the database; a user has at most
//! [`MOST`] drafts, and each lasts a day. Secrets are left out; the rest is sealed and bound to row and user.
//!
//! `GET /drafts/{id}` is the same request as the form's POST, for the same handler, which shows the form and changes
//! nothing; [`crate::web::Draft`] has the rules for that.

use std::rc::Rc;

use actix_web::body::BoxBody;
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::header::{CONTENT_TYPE, HOST, LOCATION, REFERER};
use actix_web::http::{Method, Uri};
use actix_web::middleware::Next;
use actix_web::{HttpMessage, HttpRequest, HttpResponse, web};
use chrono::{DateTime, TimeDelta, Utc};
use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::access::Actor;
use crate::accounts::{is_own_path, user_of_form};
use crate::clock::Clock;
use crate::connectors::SecretField;
use crate::db::schema::drafts;
use crate::db::{Conn, Connection, Db};
use crate::vault::{AssociatedData, Secret, Vault};
use crate::web::{Draft, Error, Flash, FormData, UnsavedForm, see_other};

/// The most drafts of one user; a further one takes the place of the oldest.
const MOST: i64 = 10;

/// How long a draft lasts.
const LIFETIME: TimeDelta = TimeDelta::days(1);

/// What the addresses of drafts begin with.
const ADDRESS: &str = "/drafts/";

/// Fields that the page fills in.
const UNTYPED: [&str; 4] = ["version", "new_id", "do", "next"];

/// Fields of secrets besides those of [`SecretField`]. What the authorization server has sent back is one.
const SECRETS: [&str; 11] = [
    "token",
    "value",
    "pem",
    "pass_phrase",
    "old_password",
    "address",
    "code",
    "access_token",
    "id_token",
    "refresh_token",
    "assertion",
];

const NOT_DONE: &str = "Your session had ended, so this was not done. Do it again if it is still to be done.";

/// Whether the value of a form's field is a secret, which no draft holds.
pub fn is_secret(field: &str) -> bool {
    let is_numbered = |prefix: &str| {
        field
            .strip_prefix(prefix)
            .is_some_and(|rest| !rest.is_empty() && rest.bytes().all(|digit| digit.is_ascii_digit()))
    };
    SecretField::parse(field).is_some() || SECRETS.contains(&field) || is_numbered("secret_")
}

/// What is sealed of a draft.
#[derive(Serialize, Deserialize)]
struct Content {
    /// Where the form was sent to.
    path: String,
    /// The page on which it stood.
    page: String,
    fields: Vec<(String, String)>,
}

/// A draft as it is stored, opened.
struct Stored {
    id: Uuid,
    user: Uuid,
    content: Content,
}

/// The layer that keeps forms which are refused because their session has ended, and shows them again.
pub async fn keep_forms(mut req: ServiceRequest, next: Next<BoxBody>) -> Result<ServiceResponse, actix_web::Error> {
    let shown = match find(req.request()).await {
        Ok(shown) => shown,
        Err(error) => return Ok(req.error_response(error)),
    };
    let shown = shown.and_then(|stored| send_again(&mut req, stored));
    let response = next.call(req).await?;
    let answer = match (response.response().error().and_then(|error| error.as_error::<Error>()), shown) {
        (Some(error), Some(shown)) => shown.refused(response.request(), error).await,
        (Some(Error::SignIn), None) if response.request().method() == Method::POST => {
            to_sign_in(response.request()).await.map(Some)
        }
        (Some(Error::StaleForm), None) if user_of(response.request()).is_some() => {
            let draft = keep(response.request()).await;
            draft.map(|draft| draft.map(|id| see_other(response.request(), &address(id), None)))
        }
        _ => Ok(None),
    };
    Ok(match answer {
        Ok(None) => response,
        Ok(Some(answer)) => response.into_response(answer),
        Err(error) => response.into_response(HttpResponse::from_error(error)),
    })
}

/// The user who is signed in.
fn user_of(req: &HttpRequest) -> Option<Uuid> {
    req.extensions().get::<Rc<Actor>>().and_then(|actor| actor.id)
}

fn address(id: Uuid) -> String {
    format!("{ADDRESS}{id}")
}

/// The draft that a request asks for, of any user.
async fn find(req: &HttpRequest) -> Result<Option<Stored>, Error> {
    let id = req.path().strip_prefix(ADDRESS).filter(|_| req.method() == Method::GET);
    let Some(id) = id.and_then(|id| Uuid::try_parse(id).ok()) else {
        return Ok(None);
    };
    let site = Site::of(req)?;
    let row: Option<(Uuid, Vec<u8>)> = drafts::table
        .find(id)
        .filter(drafts::created_at.gt(site.now - LIFETIME))
        .select((drafts::user_id, drafts::sealed))
        .first(&mut *site.conn().await?)
        .await
        .optional()?;
    let Some((user, sealed)) = row else {
        return Ok(None);
    };
    let text = site.vault.open(associated_data(id, &[user.to_string()]), &sealed).map_err(|cause| {
        Error::internal(anyhow::Error::from(cause).context(format!("column sealed of row {id} of drafts")))
    })?;
    let content = serde_json::from_str(text.expose()).map_err(Error::internal)?;
    Ok(Some(Stored { id, user, content }))
}

fn associated_data(id: Uuid, bound_to: &[String]) -> AssociatedData<'_> {
    AssociatedData { table: "drafts", row: id, column: "sealed", bound_to: Some(bound_to) }
}

/// Makes the request the one that brought the form; `None` for one that cannot be made.
fn send_again(req: &mut ServiceRequest, stored: Stored) -> Option<Stored> {
    let uri: Uri = stored.content.path.parse().ok()?;
    let data = FormData::of(stored.content.fields.iter().cloned()).ok()?;
    req.match_info_mut().get_mut().update(&uri);
    let head = req.head_mut();
    (head.uri, head.method) = (uri, Method::POST);
    head.headers.remove(CONTENT_TYPE);
    req.extensions_mut().insert(Draft { user: stored.user, data });
    Some(stored)
}

impl Stored {
    /// What is answered instead of an error.
    async fn refused(&self, req: &HttpRequest, error: &Error) -> Result<Option<HttpResponse>, Error> {
        let user = user_of(req);
        match error {
            Error::SignIn => Ok(Some(sign_in_page(&address(self.id)))),
            _ if user.is_some_and(|user| user != self.user) => {
                let row = drafts::table.find(self.id);
                diesel::delete(row).execute(&mut *Site::of(req)?.conn().await?).await?;
                Ok(Some(see_other(req, "/", None)))
            }
            Error::Draft => Ok(Some(see_other(req, &self.content.page, Some(Flash::not_done(NOT_DONE))))),
            _ => Ok(None),
        }
    }
}

/// Sends a browser whose form came without a session to sign in, and back to the form.
async fn to_sign_in(req: &HttpRequest) -> Result<HttpResponse, Error> {
    Ok(sign_in_page(&match keep(req).await? {
        Some(id) => address(id),
        None => page_of(req),
    }))
}

fn sign_in_page(next: &str) -> HttpResponse {
    let next: String = form_urlencoded::byte_serialize(next.as_bytes()).collect();
    HttpResponse::SeeOther().insert_header((LOCATION, format!("/sign-in?next={next}&ended=yes"))).finish()
}

/// The page of this site on which the form stood, by the request's `Referer`.
fn page_of(req: &HttpRequest) -> String {
    let header = |name| req.headers().get(name).and_then(|value| value.to_str().ok());
    let page = header(REFERER).and_then(|referer| referer.parse::<Uri>().ok()).and_then(|referer| {
        let is_own = referer.authority().map(|host| host.as_str()) == header(HOST);
        referer.path_and_query().filter(|_| is_own).map(|page| page.as_str().to_string())
    });
    page.filter(|page| is_own_path(page)).unwrap_or_else(|| "/".into())
}

/// Stores the form of a refused request; `None` if there is nothing in it, or it is of no session, or of another user's.
async fn keep(req: &HttpRequest) -> Result<Option<Uuid>, Error> {
    let Some(UnsavedForm(data)) = req.extensions_mut().remove::<UnsavedForm>() else {
        return Ok(None);
    };
    let fields = data.carried().filter(|(name, _)| !is_secret(name));
    let fields: Vec<(String, String)> = fields.map(|(name, value)| (name.into(), value.into())).collect();
    if fields.iter().all(|(name, _)| UNTYPED.contains(&name.as_str())) {
        return Ok(None);
    }
    let site = Site::of(req)?;
    let mut conn = site.conn().await?;
    let Some(user) = user_of_form(&mut conn, data.csrf(), site.now).await? else {
        return Ok(None);
    };
    if user_of(req).is_some_and(|signed_in| signed_in != user) {
        return Ok(None);
    }
    let path = req.uri().path_and_query().map_or("/", |path| path.as_str()).to_string();
    let content = Content { path, page: page_of(req), fields };
    insert(&mut conn, &site, user, &content).await.map(Some)
}

async fn insert(conn: &mut Conn, site: &Site, user: Uuid, content: &Content) -> Result<Uuid, Error> {
    // Not to be guessed: another user who opens one removes it.
    let id = uuid::Builder::from_random_bytes(rand::random()).into_uuid();
    let text = Secret::new(serde_json::to_string(content).map_err(Error::internal)?);
    let sealed = site.vault.seal(associated_data(id, &[user.to_string()]), &text).map_err(Error::internal)?;
    let new = (drafts::id.eq(id), drafts::user_id.eq(user), drafts::sealed.eq(sealed), drafts::created_at.eq(site.now));
    diesel::insert_into(drafts::table).values(new).execute(conn).await?;
    let of_user = drafts::table.filter(drafts::user_id.eq(user));
    let kept = of_user.order((drafts::created_at.desc(), drafts::id)).limit(MOST).select(drafts::id);
    let kept: Vec<Uuid> = kept.load(conn).await?;
    diesel::delete(of_user.filter(drafts::id.ne_all(kept))).execute(conn).await?;
    Ok(id)
}

/// Deletes the drafts that are a day old.
pub async fn purge(conn: &mut Conn, now: DateTime<Utc>) -> Result<usize, Error> {
    Ok(diesel::delete(drafts::table.filter(drafts::created_at.le(now - LIFETIME))).execute(conn).await?)
}

/// What the layer needs of the application.
struct Site {
    db: web::Data<Db>,
    vault: web::Data<Vault>,
    now: DateTime<Utc>,
}

impl Site {
    fn of(req: &HttpRequest) -> Result<Site, Error> {
        let data = req.app_data::<web::Data<Db>>().zip(req.app_data::<web::Data<Vault>>());
        let ((db, vault), clock) = data.zip(req.app_data::<web::Data<Clock>>()).ok_or_else(|| {
            Error::internal(anyhow::anyhow!("database, vault or clock are not part of the application's data"))
        })?;
        Ok(Site { db: db.clone(), vault: vault.clone(), now: clock.now() })
    }

    async fn conn(&self) -> Result<Connection, Error> {
        Ok(self.db.get().await?)
    }
}
