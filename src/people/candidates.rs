//! Searching users and groups: those to choose from, and those that were chosen, among the rows of a SELECT. In it, $1
//! is the group or the connector that they are chosen for, and $2 the patterns of the search.

use diesel::sql_types::{Array, BigInt, Text, Uuid as SqlUuid};
use diesel_async::RunQueryDsl;
use uuid::Uuid;

use super::groups::{Member, MemberRow};
use crate::db::Conn;
use crate::name::word_pattern;
use crate::web::Error;

/// The words of a search that count.
const MOST_WORDS: usize = 8;

/// The patterns that a row's searched text must all match.
pub fn patterns(search: &str) -> Vec<String> {
    search.split_whitespace().take(MOST_WORDS).map(word_pattern).collect()
}

/// The first `most` whose names match the search, by name.
pub async fn first_fitting(
    conn: &mut Conn,
    rows: &str,
    chosen_for: Uuid,
    (search, most): (&str, i64),
) -> Result<Vec<MemberRow>, Error> {
    let sql = format!("SELECT * FROM ({rows}) AS rows ORDER BY name COLLATE \"und-x-icu\", id LIMIT $3");
    Ok(diesel::sql_query(sql)
        .bind::<SqlUuid, _>(chosen_for)
        .bind::<Array<Text>, _>(patterns(search))
        .bind::<BigInt, _>(most)
        .load(conn)
        .await?)
}

/// Those that are among the chosen, by name.
pub async fn among_chosen(
    conn: &mut Conn,
    rows: &str,
    chosen_for: Uuid,
    chosen: &[Member],
) -> Result<Vec<MemberRow>, Error> {
    let values: Vec<String> = chosen.iter().map(Member::value).collect();
    let sql = format!(
        "SELECT * FROM ({rows}) AS rows WHERE kind || '.' || id = ANY ($3) ORDER BY name COLLATE \"und-x-icu\", id"
    );
    Ok(diesel::sql_query(sql)
        .bind::<SqlUuid, _>(chosen_for)
        .bind::<Array<Text>, _>(Vec::<String>::new())
        .bind::<Array<Text>, _>(values)
        .load(conn)
        .await?)
}
