//! Finding the data connector that a key is to lead to, among thousands and without a script.

use actix_web::HttpResponse;
use askama::Template;

use super::crumbs::Crumbs;
use super::holder::Holder;
use super::model::{EVERY, Key, Target};
use super::{queries, show};
use crate::access::RequestContext;
use crate::web::{Error, Errors, Layout, SaveError, page, searched};

#[derive(Template)]
#[template(path = "programs/scope_search.html")]
struct SearchPage {
    layout: Layout,
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
pub async fn search(context: RequestContext) -> Result<HttpResponse, Error> {
    let mut conn = context.conn().await?;
    let (holder, key) = show::find(&context, &mut conn).await?;
    let address = holder.key_address(key.id);
    if key.is_revoked() {
        return show::unchanged(&context, &address, SaveError::Stale);
    }
    let (search, chosen) = asked(context.req.query_string());
    let mut errors = Errors::default();
    if let Some(chosen) = chosen {
        // Only what can stand in a path, which every data connector's key can.
        let is_key = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
        if !chosen.is_empty() && chosen.bytes().all(is_key) {
            return Ok(context.go(&format!("{address}/connectors/{chosen}")));
        }
        errors.add("connector", "Choose a data connector");
    }
    let mut found = queries::search(&conn, &context.actor, key.id, &search).await?;
    let more = found.len() > queries::MOST_FOUND;
    found.truncate(queries::MOST_FOUND);
    let status = errors.status();
    page(
        status,
        &SearchPage {
            crumbs: Crumbs::to_key(&holder, &key, "Add a data connector"),
            layout: context.layout,
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
