//! The rows per page of the list of data connectors, as a person has chosen.

use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use uuid::Uuid;

use crate::db::Conn;
use crate::db::schema::users;
use crate::web::Error;

/// Remembers the number, one of those that a list offers.
pub async fn remember_rows(conn: &Conn, user: Uuid, rows: usize) -> Result<(), Error> {
    let rows = i16::try_from(rows).map_err(Error::internal)?;
    let user = users::table.find(user);
    diesel::update(user).set(users::rows_per_page.eq(rows)).execute(&mut &*conn).await?;
    Ok(())
}
