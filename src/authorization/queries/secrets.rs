//! What people typed, sealed.

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use uuid::Uuid;

use super::open_sealed;
use crate::access::Actor;
use crate::authorization::model::{SecretField, StoredSecret};
use crate::db::Conn;
use crate::db::schema::secrets;
use crate::vault::{Place, Secret, Vault};
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

fn secret_place(connector: Uuid, field: SecretField) -> Place<'static> {
    Place {
        table: "secrets",
        row: connector,
        column: field.code(),
    }
}

/// Seals and stores a secret over whatever was there.
pub async fn store_secret(
    conn: &mut Conn,
    vault: &Vault,
    by: &Actor,
    now: DateTime<Utc>,
    connector: Uuid,
    field: SecretField,
    secret: &Secret,
) -> Result<(), Error> {
    let sealed = vault
        .seal(secret_place(connector, field), secret)
        .map_err(Error::internal)?;
    let values = (
        secrets::sealed.eq(sealed),
        secrets::set_at.eq(now),
        secrets::set_by.eq(&by.name),
    );
    diesel::insert_into(secrets::table)
        .values((
            secrets::connector_id.eq(connector),
            secrets::field.eq(field.code()),
            values.clone(),
        ))
        .on_conflict((secrets::connector_id, secrets::field))
        .do_update()
        .set(values)
        .execute(conn)
        .await?;
    Ok(())
}

/// Opens a sealed secret of this connector that was read before.
pub(in crate::authorization) fn unseal_secret(
    vault: &Vault,
    connector: Uuid,
    field: SecretField,
    sealed: &[u8],
) -> Result<Secret, Error> {
    vault
        .open(secret_place(connector, field), sealed)
        .map_err(Error::internal)
}

/// Opens a stored secret, for sending it to the host it was entered for.
pub(in crate::authorization) async fn open_secret(
    conn: &mut Conn,
    vault: &Vault,
    connector: Uuid,
    field: SecretField,
) -> Result<Option<Secret>, Error> {
    let sealed: Option<Vec<u8>> = secrets::table
        .find((connector, field.code()))
        .select(secrets::sealed)
        .first(conn)
        .await
        .optional()?;
    open_sealed(vault, secret_place(connector, field), sealed)
}

pub(in crate::authorization) async fn remove_secret(
    conn: &mut Conn,
    connector: Uuid,
    field: SecretField,
) -> Result<(), Error> {
    diesel::delete(secrets::table.find((connector, field.code())))
        .execute(conn)
        .await?;
    Ok(())
}
