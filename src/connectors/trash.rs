//! Deleting: the confirmation page, the trash and restoring.

use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use askama::Template;
use chrono::{DateTime, Utc};

use super::Connector;
use super::model::TrashedConnector;
use super::queries::{self, KEPT, RECORDS_COUNTED, SHOWN};
use super::usage::{UsageTable, usage_table};
use crate::access::{RequestContext, Right};
use crate::audit::Change;
use crate::db::Conn;
use crate::web::{Error, FormData, Layout, SaveError, Segment, grouped, page, plural, relative};

/// The most callers that the page names.
const USERS_SHOWN: i64 = 20;

#[derive(Template)]
#[template(path = "connectors/delete.html")]
struct DeletePage {
    layout: Layout,
    connector: Connector,
    usage: UsageTable,
    /// How many records go with it.
    records: i64,
    /// Another person saved it since the page was opened: look again before deleting.
    changed: bool,
}

pub async fn confirm_delete(context: RequestContext, Segment(key): Segment) -> Result<HttpResponse, Error> {
    let conn = context.conn().await?;
    let connector = queries::find(&conn, &context.actor, &key, Right::View).await?;
    connector.require_to_delete()?;
    delete_page(context, &conn, connector, false).await
}

pub async fn delete(context: RequestContext, Segment(key): Segment, data: FormData) -> Result<HttpResponse, Error> {
    let mut conn = context.conn().await?;
    let connector = queries::find(&conn, &context.actor, &key, Right::View).await?;
    connector.require_to_delete()?;
    let Some(seen) = data.seen_version(connector.version) else {
        return delete_page(context, &conn, connector, true).await;
    };
    match queries::move_to_trash(&mut Change::new(&mut conn, &context), (&connector, seen)).await {
        Ok(()) if connector.is_collection => Ok(context.see_other("/collections", "The collection was deleted")),
        Ok(()) => Ok(context.see_other("/connectors", "The Data Connector was deleted")),
        Err(SaveError::Stale) => {
            let theirs = queries::find(&conn, &context.actor, &key, Right::View).await?;
            delete_page(context, &conn, theirs, true).await
        }
        Err(other) => Err(other.into()),
    }
}

/// The confirmation; once more with the connector as it is now if it has `changed` since the page was opened.
async fn delete_page(
    context: RequestContext,
    conn: &Conn,
    connector: Connector,
    changed: bool,
) -> Result<HttpResponse, Error> {
    let usage = usage_table(conn, connector.id, USERS_SHOWN, context.now()).await?;
    let records = if connector.is_collection { queries::count_records(conn, connector.id).await? } else { 0 };
    let status = if changed { StatusCode::CONFLICT } else { StatusCode::OK };
    page(status, &DeletePage { layout: context.layout, connector, usage, records, changed })
}

impl DeletePage {
    fn records_words(&self) -> String {
        match self.records {
            more if more > RECORDS_COUNTED => format!("more than {} records", grouped(RECORDS_COUNTED)),
            records => plural(records, "record", "records"),
        }
    }
}

#[derive(Template)]
#[template(path = "connectors/trash.html")]
struct TrashPage {
    layout: Layout,
    rows: Vec<TrashedConnector>,
    now: DateTime<Utc>,
    /// A restore that was refused: the name it needs.
    taken: Option<String>,
}

impl TrashPage {
    fn count(&self) -> String {
        let count = i64::try_from(self.rows.len()).unwrap_or(SHOWN);
        match count {
            SHOWN => format!("The {SHOWN} data connectors deleted last"),
            _ => plural(count, "deleted data connector", "deleted data connectors"),
        }
    }

    /// “in 12 days”.
    fn goes(&self, row: &TrashedConnector) -> String {
        row.deleted_at.map(|deleted| relative(&(deleted + KEPT), &self.now)).unwrap_or_default()
    }
}

pub async fn list(context: RequestContext) -> Result<HttpResponse, Error> {
    trash_page(context, None, StatusCode::OK).await
}

async fn trash_page(context: RequestContext, taken: Option<String>, status: StatusCode) -> Result<HttpResponse, Error> {
    let rows = queries::trashed(&mut *context.conn().await?, &context.actor).await?;
    let now = context.now();
    page(status, &TrashPage { layout: context.layout, rows, now, taken })
}

pub async fn restore(context: RequestContext, Segment(key): Segment, _: FormData) -> Result<HttpResponse, Error> {
    let mut conn = context.conn().await?;
    let connector = queries::find_trashed(&mut conn, &context.actor, &key).await?;
    let restored = queries::restore(&mut Change::new(&mut conn, &context), &connector).await;
    // The page takes one of its own.
    drop(conn);
    match restored {
        Ok(()) => Ok(context.see_other(&format!("/connectors/{}", connector.key), "The Data Connector was restored")),
        Err(SaveError::NameTaken) => trash_page(context, Some(connector.name), StatusCode::CONFLICT).await,
        Err(other) => Err(other.into()),
    }
}
