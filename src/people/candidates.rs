//! Searching users and groups: those to choose from, and those that were chosen, among the rows of a SELECT. In it, $1
//! is the group or the connector that they are chosen for, and $2 the patterns of the search.

use diesel::QueryableByName;
use diesel::pg::Pg;
use diesel::sql_types::{Array, Text, Uuid as SqlUuid};
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

/// Rows that are offered at once, at most.
const OFFERED: usize = 50;

/// The first rows whose names match the search, by name, and whether there are more.
pub async fn first_matches<R>(
    conn: &mut Conn,
    rows: &str,
    chosen_for: Uuid,
    search: &str,
) -> Result<(Vec<R>, bool), Error>
where
    R: QueryableByName<Pg> + Send + 'static,
{
    let order = "ORDER BY name COLLATE \"und-x-icu\", id";
    let mut found: Vec<R> = diesel::sql_query(format!("SELECT * FROM ({rows}) AS rows {order} LIMIT {}", OFFERED + 1))
        .bind::<SqlUuid, _>(chosen_for)
        .bind::<Array<Text>, _>(patterns(search))
        .load(conn)
        .await?;
    let more = found.len() > OFFERED;
    found.truncate(OFFERED);
    Ok((found, more))
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
