//! Finding the data connector that a key is to lead to, among thousands and without a script.

use actix_web::HttpResponse;
use askama::Template;

use super::crumbs::Crumbs;
use super::holder::Holder;
use super::model::{EVERY, Key, Target};
use super::{queries, show};
use crate::access::Visit;
use crate::web::{Error, Errors, SaveError, Shell, page, searched};

#[derive(Template)]
#[template(path = "programs/scope_search.html")]
struct SearchPage {
    shell: Shell,
    crumbs: Crumbs,
    holder: Holder,
    key: Key,
    search: String,
    found: Vec<Target>,
    /// There are more than are shown.
    more: bool,
    errors: Errors,
}

impl SearchPage {
    fn address(&self) -> String {
        format!("{}/connectors", self.holder.key_address(self.key.id))
    }

    /// The first choice has the id of the field, so that the error summary's link leads to it.
    fn id(&self, index: &usize) -> String {
        match index {
            0 => "connector".into(),
            _ => format!("connector-{index}"),
        }
    }
}

/// Shows what fits the search. With `choose`, goes on to the chosen data connector.
pub async fn search(visit: Visit) -> Result<HttpResponse, Error> {
    let mut conn = visit.conn().await?;
    let (holder, key) = show::find(&visit, &mut conn).await?;
    let address = holder.key_address(key.id);
    if key.is_revoked() {
        return show::unchanged(&visit, &address, SaveError::Stale);
    }
    let (search, chosen) = asked(visit.req.query_string());
    let mut errors = Errors::default();
    if let Some(chosen) = chosen {
        // Only what can stand in a path, which every data connector's key can.
        let is_key = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
        if !chosen.is_empty() && chosen.bytes().all(is_key) {
            return Ok(visit.go(&format!("{address}/connectors/{chosen}")));
        }
        errors.add("connector", "Choose a data connector");
    }
    let mut found = queries::search(&conn, &visit.actor, key.id, &search).await?;
    let more = found.len() > queries::MOST_FOUND;
    found.truncate(queries::MOST_FOUND);
    let status = errors.status();
    page(
        status,
        &SearchPage {
            crumbs: Crumbs::to_key(&holder, &key, "Add a data connector"),
            shell: visit.shell,
            holder,
            key,
            search,
            found,
            more,
            errors,
        },
    )
}

/// The search of an address, and what was chosen if something was to be.
fn asked(query: &str) -> (String, Option<String>) {
    let get = |name: &str| {
        form_urlencoded::parse(query.as_bytes()).find(|(key, _)| key == name).map(|(_, value)| value.replace('\0', ""))
    };
    let chosen = get("choose").map(|_| get("connector").unwrap_or_default());
    (searched(query), chosen)
}
