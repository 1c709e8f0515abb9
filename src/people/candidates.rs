//! Users and groups to choose from, and those that were chosen, among rows that a statement gives: whoever has a place
//! for members gives the rows, with whose place it is as $1 and the patterns of a search as $2.

use diesel::sql_types::{Array, BigInt, Text, Uuid as SqlUuid};
use diesel_async::RunQueryDsl;
use uuid::Uuid;

use super::groups::{Member, MemberRow};
use super::search::patterns;
use crate::db::Conn;
use crate::web::Error;

/// The first `most` whose names fit the search, by name.
pub async fn first_fitting(
    conn: &mut Conn,
    rows: &str,
    place: Uuid,
    (search, most): (&str, i64),
) -> Result<Vec<MemberRow>, Error> {
    let sql = format!("SELECT * FROM ({rows}) AS rows ORDER BY name COLLATE \"und-x-icu\", id LIMIT $3");
    Ok(diesel::sql_query(sql)
        .bind::<SqlUuid, _>(place)
        .bind::<Array<Text>, _>(patterns(search))
        .bind::<BigInt, _>(most)
        .load(conn)
        .await?)
}

/// Those that are among the chosen, by name.
pub async fn among_chosen(
    conn: &mut Conn,
    rows: &str,
    place: Uuid,
    chosen: &[Member],
) -> Result<Vec<MemberRow>, Error> {
    let values: Vec<String> = chosen.iter().map(Member::value).collect();
    let sql = format!(
        "SELECT * FROM ({rows}) AS rows WHERE kind || '.' || id = ANY ($3) ORDER BY name COLLATE \"und-x-icu\", id"
    );
    Ok(diesel::sql_query(sql)
        .bind::<SqlUuid, _>(place)
        .bind::<Array<Text>, _>(Vec::<String>::new())
        .bind::<Array<Text>, _>(values)
        .load(conn)
        .await?)
}
