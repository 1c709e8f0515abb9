//! Revoking a key for good.

use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use askama::Template;
use chrono::{DateTime, Utc};

use super::crumbs::Crumbs;
use super::model::Key;
use super::{queries, show};
use crate::access::Visit;
use crate::web::{Error, Form, SaveError, Shell, page, relative};

#[derive(Template)]
#[template(path = "programs/key_revoke.html")]
struct RevokePage {
    shell: Shell,
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

pub async fn confirm(visit: Visit) -> Result<HttpResponse, Error> {
    let (holder, key) = show::find(&visit, &mut *visit.conn().await?).await?;
    let address = holder.key_address(key.id);
    if key.is_revoked() {
        return show::unchanged(&visit, &address, SaveError::Stale);
    }
    let now = visit.now();
    page(
        StatusCode::OK,
        &RevokePage { crumbs: Crumbs::to_key(&holder, &key, "Revoke"), shell: visit.shell, key, address, now },
    )
}

pub async fn revoke(visit: Visit, Form(_): Form) -> Result<HttpResponse, Error> {
    let mut conn = visit.conn().await?;
    let (holder, key) = show::find(&visit, &mut conn).await?;
    let address = holder.key_address(key.id);
    match queries::revoke(&mut conn, &visit.actor, visit.now(), &holder, key.id).await {
        // The second press finds what the first has done.
        Ok(()) | Err(SaveError::Stale) => {
            Ok(visit.see_other(&address, "The API key was revoked. Calls with it are refused."))
        }
        Err(error) => show::unchanged(&visit, &address, error),
    }
}
