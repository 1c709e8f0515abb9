//! What people typed, sealed.

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use uuid::Uuid;

use super::seal;
use crate::access::Actor;
use crate::authorization::model::{SecretField, StoredSecret};
use crate::authorization::origins::ApprovedOrigins;
use crate::db::Conn;
use crate::db::schema::secrets;
use crate::vault::{AssociatedData, Secret, Vault};
use crate::web::Error;

/// Which secrets are stored, without the secrets.
pub(in crate::authorization) async fn stored_secrets(
    conn: &mut Conn,
    connector: Uuid,
) -> Result<Vec<StoredSecret>, Error> {
    Ok(secrets::table
        .filter(secrets::connector_id.eq(connector))
        .select((secrets::field, secrets::set_at, secrets::set_by))
        .load(conn)
        .await?)
}

pub(super) fn secret_place(connector: Uuid, field: SecretField) -> AssociatedData<'static> {
    AssociatedData { table: "secrets", row: connector, column: field.code(), bound_to: None }
}

/// A secret that somebody has entered.
pub struct NewSecret<'a> {
    pub connector: Uuid,
    pub field: SecretField,
    pub secret: &'a Secret,
    /// Where it may be sent.
    pub origins: &'a ApprovedOrigins,
}

/// Seals and stores a secret over whatever was there.
pub async fn store_secret(
    conn: &mut Conn,
    vault: &Vault,
    by: &Actor,
    now: DateTime<Utc>,
    new: &NewSecret<'_>,
) -> Result<(), Error> {
    let origins = new.origins.stored();
    let place = secret_place(new.connector, new.field);
    let sealed = seal(vault, place, &origins, new.secret)?;
    let values = (
        secrets::sealed.eq(sealed),
        secrets::origins.eq(origins),
        secrets::set_at.eq(now),
        secrets::set_by.eq(by.attribution()),
    );
    diesel::insert_into(secrets::table)
        .values((secrets::connector_id.eq(new.connector), secrets::field.eq(new.field.code()), values.clone()))
        .on_conflict((secrets::connector_id, secrets::field))
        .do_update()
        .set(values)
        .execute(conn)
        .await?;
    Ok(())
}

pub(in crate::authorization) async fn remove_secret(
    conn: &mut Conn,
    connector: Uuid,
    field: SecretField,
) -> Result<(), Error> {
    diesel::delete(secrets::table.find((connector, field.code()))).execute(conn).await?;
    Ok(())
}
