//! Revoking a key for good.

use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use askama::Template;
use chrono::{DateTime, Utc};

use super::crumbs::Crumbs;
use super::model::Key;
use super::{queries, show};
use crate::access::RequestContext;
use crate::web::{Error, Form, Layout, SaveError, page, relative};

#[derive(Template)]
#[template(path = "programs/key_revoke.html")]
struct RevokePage {
    layout: Layout,
    crumbs: Crumbs,
    key: Key,
    address: String,
    now: DateTime<Utc>,
}

impl RevokePage {
    fn in_words(&self, time: &DateTime<Utc>) -> String {
        relative(time, &self.now)
    }
}

pub async fn confirm(context: RequestContext) -> Result<HttpResponse, Error> {
    let (holder, key) = show::find(&context, &mut *context.conn().await?).await?;
    let address = holder.key_address(key.id);
    if key.is_revoked() {
        return show::unchanged(&context, &address, SaveError::Stale);
    }
    let now = context.now();
    page(
        StatusCode::OK,
        &RevokePage { crumbs: Crumbs::to_key(&holder, &key, "Revoke"), layout: context.layout, key, address, now },
    )
}

pub async fn revoke(context: RequestContext, Form(_): Form) -> Result<HttpResponse, Error> {
    let mut conn = context.conn().await?;
    let (holder, key) = show::find(&context, &mut conn).await?;
    let address = holder.key_address(key.id);
    match queries::revoke(&mut conn, &context.actor, context.now(), &holder, key.id).await {
        // The second press finds what the first has done.
        Ok(()) | Err(SaveError::Stale) => {
            Ok(context.see_other(&address, "The API key was revoked. Calls with it are refused."))
        }
        Err(error) => show::unchanged(&context, &address, error),
    }
}
