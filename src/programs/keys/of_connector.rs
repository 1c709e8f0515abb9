//! Allowing a program to call a data connector, from the data connector's side: the keys of programs, each with the page
//! that says what it may do.

use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use askama::Template;
use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel::sql_types::{Bool, Nullable, Text, Timestamptz, Uuid as SqlUuid};
use diesel_async::RunQueryDsl;
use uuid::Uuid;

use super::model::Target;
use super::queries::target;
use crate::access::{RequestContext, Right};
use crate::db::Conn;
use crate::web::{Error, Layout, Segment, page};

/// Keys that the page lists.
const MOST: usize = 500;

/// A key that can be used, and whether it can call the data connector by name.
#[derive(QueryableByName)]
struct ProgramKey {
    #[diesel(sql_type = SqlUuid)]
    program: Uuid,
    #[diesel(sql_type = Text)]
    program_name: String,
    #[diesel(sql_type = SqlUuid)]
    id: Uuid,
    #[diesel(sql_type = Text)]
    name: String,
    #[diesel(sql_type = Text)]
    prefix: String,
    #[diesel(sql_type = Bool)]
    allowed: bool,
}

const KEYS: &str = "SELECT p.id AS program, p.name AS program_name, k.id, k.name, k.prefix,
        EXISTS (SELECT 1 FROM api_key_scopes s WHERE s.api_key_id = k.id AND s.connector_id = $1) AS allowed
    FROM api_keys k JOIN programs p ON p.id = k.program_id
    WHERE k.revoked_at IS NULL AND (k.expires_at IS NULL OR k.expires_at > $2)
    ORDER BY p.name_key, k.name, k.id LIMIT 501";

async fn keys(conn: &Conn, target: &Target, now: DateTime<Utc>) -> Result<Vec<ProgramKey>, Error> {
    let keys = diesel::sql_query(KEYS).bind::<Nullable<SqlUuid>, _>(target.id).bind::<Timestamptz, _>(now);
    Ok(keys.load(&mut &*conn).await?)
}

#[derive(Template)]
#[template(path = "programs/of_connector.html")]
struct AllowPage {
    layout: Layout,
    target: Target,
    keys: Vec<ProgramKey>,
    /// There are more than are shown.
    more: bool,
}

impl AllowPage {
    /// The page that says what a key may do with the data connector.
    fn scope_address(&self, key: &ProgramKey) -> String {
        format!("/programs/{}/keys/{}/connectors/{}", key.program, key.id, self.target.key)
    }
}

pub async fn allow_program(
    context: RequestContext,
    Segment(connector): Segment<String>,
) -> Result<HttpResponse, Error> {
    let conn = context.conn().await?;
    let target = target(&conn, &context.actor, &connector).await?;
    if target.is_every() || target.trashed {
        return Err(Error::NotFound);
    }
    if !target.may_be_allowed(&context.actor, Right::Call) {
        return Err(Error::NotListed(Right::Call.code()));
    }
    let mut keys = keys(&conn, &target, context.now()).await?;
    let more = keys.len() > MOST;
    keys.truncate(MOST);
    page(StatusCode::OK, &AllowPage { layout: context.layout, target, keys, more })
}
