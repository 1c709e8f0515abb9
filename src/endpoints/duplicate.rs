//! Duplicating a connector: its details, settings and endpoints under a new name.
//!
//! Rule: everything is copied but secrets, tokens and what belongs to them; each module copies its own rows. Danger: a
//! setting that is added later and not copied, so tests compare the rows.

use actix_web::HttpResponse;

use super::queries;
use crate::access::{RequestContext, Right};
use crate::audit::{Change, transaction};
use crate::authorization;
use crate::connectors::{self, Connector};
use crate::web::{Error, FormData, SaveError, Segment};

pub async fn duplicate(context: RequestContext, Segment(key): Segment, _: FormData) -> Result<HttpResponse, Error> {
    let mut conn = context.conn().await?;
    let original = connectors::find(&conn, &context.actor, &key, Right::Edit).await?;
    original.require_no_collection()?;
    match copy(&mut Change::new(&mut conn, &context), &original).await {
        Ok(key) => Ok(context.see_other(
            &format!("/connectors/{key}/details"),
            "The Data Connector was duplicated, without its secrets and tokens",
        )),
        Err(SaveError::NameTaken) => Ok(context.see_other_undone(
            &format!("/connectors/{}/details", original.key),
            "There are too many copies of this Data Connector. Rename or delete some first.",
        )),
        Err(other) => Err(other.into()),
    }
}

/// Gives the copy's key.
async fn copy(change: &mut Change<'_>, original: &Connector) -> Result<String, SaveError> {
    transaction(change, async |change| {
        let (copy, key) = connectors::copy(change, original).await?;
        authorization::copy_settings(change.conn, original.id, copy).await?;
        queries::copy_all(change.conn, original.id, copy).await?;
        Ok(key)
    })
    .await
}
