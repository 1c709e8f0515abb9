//! A key's own page: what it is, and where it leads.

use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use askama::Template;
use chrono::{DateTime, Utc};
use uuid::Uuid;

use super::crumbs::Crumbs;
use super::holder::Holder;
use super::model::{Key, KeyState, Scope};
use super::queries;
use crate::access::RequestContext;
use crate::db::Conn;
use crate::web::{Error, Layout, SaveError, page, plural, relative};

#[derive(Template)]
#[template(path = "programs/key.html")]
struct KeyPage {
    layout: Layout,
    crumbs: Crumbs,
    holder: Holder,
    key: Key,
    scopes: Vec<Scope>,
    now: DateTime<Utc>,
}

impl KeyPage {
    fn address(&self) -> String {
        self.holder.key_address(self.key.id)
    }

    /// Its settings may be changed.
    fn may_change(&self) -> bool {
        !self.key.is_revoked()
    }

    /// It may be led to more.
    fn may_widen(&self) -> bool {
        self.may_change() && self.holder.may_have_keys()
    }

    fn caption(&self) -> String {
        let number = i64::try_from(self.scopes.len()).unwrap_or(i64::MAX);
        plural(number, "entry", "entries")
    }

    fn in_words(&self, time: &DateTime<Utc>) -> String {
        relative(time, &self.now)
    }
}

/// The id of a key in an address.
pub(super) fn id_of(context: &RequestContext) -> Result<Uuid, Error> {
    let id = context.req.match_info().get("key");
    id.and_then(|id| id.parse().ok()).ok_or(Error::NotFound)
}

/// The holder and the key of an address.
pub(super) async fn find(context: &RequestContext, conn: &mut Conn) -> Result<(Holder, Key), Error> {
    let holder = Holder::of(context, conn).await?;
    let key = queries::find(conn, &holder, id_of(context)?).await?;
    Ok((holder, key))
}

/// The answer to a change of a key that could not be made: that it was revoked meanwhile, or the fault.
pub(super) fn unchanged(context: &RequestContext, address: &str, error: SaveError) -> Result<HttpResponse, Error> {
    match error {
        SaveError::Fault(fault) => Err(fault),
        _ => {
            Ok(context.see_other_undone(address, "This key was revoked, so nothing about it can be changed any more."))
        }
    }
}

pub async fn show(context: RequestContext) -> Result<HttpResponse, Error> {
    let mut conn = context.conn().await?;
    let (holder, key) = find(&context, &mut conn).await?;
    let scopes = queries::scopes_of(&conn, &context.actor, key.id).await?;
    let now = context.now();
    page(
        StatusCode::OK,
        &KeyPage { crumbs: Crumbs::to_holder(&holder, &key.name), layout: context.layout, holder, key, scopes, now },
    )
}
