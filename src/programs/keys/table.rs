//! The table of a holder's keys, on the page of a program and on one's own.

use askama::Template;
use askama::filters::HtmlSafe;
use chrono::{DateTime, Utc};

use super::holder::Holder;
use super::model::{Key, KeyState};
use super::queries;
use crate::access::RequestContext;
use crate::db::Conn;
use crate::web::{Error, plural};

#[derive(Template)]
#[template(path = "programs/key_table.html")]
pub struct KeyTable {
    holder: Holder,
    keys: Vec<Key>,
    /// There are older ones.
    more: bool,
    /// Links lead to what can be done.
    works: bool,
    now: DateTime<Utc>,
}

impl HtmlSafe for KeyTable {}

/// The keys of whoever is signed in.
pub async fn table_of_person(context: &RequestContext, conn: &Conn) -> Result<KeyTable, Error> {
    KeyTable::of(conn, Holder::person(context)?, context.now()).await
}

impl KeyTable {
    pub(in crate::programs) async fn of(conn: &Conn, holder: Holder, now: DateTime<Utc>) -> Result<KeyTable, Error> {
        let mut keys = queries::list(conn, &holder).await?;
        let more = keys.len() > queries::MOST_SHOWN;
        keys.truncate(queries::MOST_SHOWN);
        Ok(KeyTable { holder, keys, more, works: true, now })
    }

    /// The same without links, for a page that asks something else.
    pub(in crate::programs) fn without_links(self) -> KeyTable {
        KeyTable { works: false, ..self }
    }

    fn caption(&self) -> String {
        let number = i64::try_from(self.keys.len()).unwrap_or(i64::MAX);
        plural(number, "API key", "API keys")
    }
}
