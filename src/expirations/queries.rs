//! All SQL of what expires.

use chrono::{DateTime, Utc};
use diesel_async::RunQueryDsl;

use super::model::{Expiration, Within};
use crate::access::{Actor, Permission};
use crate::connectors::Method;
use crate::db::Conn;
use crate::db::keyset::{Bind, Select, bound};
use crate::web::{Error, ListQuery, Pages};

/// In place of a time that is not known.
const NO_TIME: &str = "NULL::timestamptz";

/// The most events of a calendar file.
const MOST_EVENTS: usize = 1_000;

/// A SELECT of everything that ends and that the person sees.
fn rows(by: &Actor) -> String {
    let own = by.id.unwrap_or_default();
    let keys = match by.may(Permission::ManageUsers) {
        true => "true".to_string(),
        false => format!("k.user_id = '{own}'"),
    };
    let ends = ends(&by.visibility.and("c"), &keys);
    format!("SELECT *, kind AS kind_code, md5(kind || subject)::uuid AS id FROM ({ends}) AS ends")
}

/// A SELECT of everything that ends: `kind`, `subject`, `connector_id`, `label`, `ends_at`, and `since`, from when on the
/// end was known, where that is known.
pub fn all_ends() -> String {
    ends("", "true")
}

/// What ends of the connectors that fit `seen`, a condition behind an AND, and of the API keys that fit `keys`.
fn ends(seen: &str, keys: &str) -> String {
    let codes = |methods: &[Method]| {
        let codes: Vec<String> = methods.iter().map(|method| format!("'{}'", method.code())).collect();
        codes.join(", ")
    };
    let all = Method::ALL;
    let by_itself: Vec<Method> = all.into_iter().filter(|method| method.signs_in_by_itself()).collect();
    let by_itself = codes(&by_itself);
    let of_connector = |kind: &str, (ends_at, since): (&str, &str), tables: &str| {
        format!(
            "SELECT '{kind}' AS kind, c.id AS subject, c.id AS connector_id, c.key AS connector_key, NULL::uuid AS program_id, NULL::uuid AS user_id, c.label, {ends_at} AS ends_at, {since} AS since
             FROM {tables} WHERE c.deleted_at IS NULL AND ({ends_at}) IS NOT NULL{seen}"
        )
    };
    let authorizations = "authorizations a JOIN connectors c ON c.id = a.connector_id";
    let parts = [
        of_connector(
            "access_token",
            ("t.expires_at", "t.obtained_at"),
            "tokens t JOIN connectors c ON c.id = t.connector_id JOIN authorizations a ON a.connector_id = c.id",
        ) + &format!(
            " AND NOT (c.method IN ({by_itself}) OR CASE c.method WHEN 'bearer' THEN a.keep_fresh ELSE t.refresh_token IS NOT NULL END)"
        ),
        of_connector("refresh_token", ("t.refresh_expires_at", "t.refresh_from"), "tokens t JOIN connectors c ON c.id = t.connector_id")
            + &format!(" AND c.method NOT IN ({by_itself})"),
        // The last second of the day.
        of_connector("secrets", ("(a.secrets_end_on + 1)::timestamp AT TIME ZONE 'UTC' - interval '1 second'", NO_TIME), authorizations),
        of_connector("client_certificate", ("a.client_certificate_ends_at", NO_TIME), authorizations),
        format!(
            "SELECT CASE WHEN k.program_id IS NULL THEN 'person_key' ELSE 'program_key' END, k.id, NULL, NULL, k.program_id, k.user_id,
                    coalesce(p.name, u.name, '') || ': ' || k.name, k.expires_at, k.created_at
             FROM api_keys k LEFT JOIN programs p ON p.id = k.program_id LEFT JOIN users u ON u.id = k.user_id
             WHERE k.revoked_at IS NULL AND k.expires_at IS NOT NULL AND {keys}"
        ),
    ];
    parts.join(" UNION ALL ")
}

/// One page of the list.
pub(super) async fn list(
    conn: &Conn,
    by: &Actor,
    query: &ListQuery<Expiration>,
    now: DateTime<Utc>,
) -> Result<(Vec<Expiration>, Pages), Error> {
    let (from, to) = match Within::parse(query.filter("within")) {
        Some(within) => within.span(now),
        None => (DateTime::UNIX_EPOCH, DateTime::<Utc>::MAX_UTC.min(far())),
    };
    let rows = format!(
        "SELECT * FROM ({}) AS found WHERE ($1 = '' OR strpos(lower(label), lower($1)) > 0) AND ($2 = '' OR kind = $2)
           AND ends_at > $3 AND ends_at <= $4",
        rows(by)
    );
    let binds = [Bind::Text(query.search.clone()), query.filter("kind").into(), Bind::Time(from), Bind::Time(to)];
    query.fetch(conn, Select { rows: &rows, binds: &binds, ..Select::default() }).await
}

/// Beyond everything that is stored.
fn far() -> DateTime<Utc> {
    DateTime::from_timestamp(9_000_000_000_000, 0).unwrap_or(DateTime::<Utc>::MAX_UTC)
}

/// What ends from then on, soonest first.
pub(super) async fn events(conn: &mut Conn, by: &Actor, from: DateTime<Utc>) -> Result<Vec<Expiration>, Error> {
    let sql =
        format!("SELECT * FROM ({}) AS found WHERE ends_at >= $1 ORDER BY ends_at, id LIMIT {MOST_EVENTS}", rows(by));
    Ok(bound(sql, &[Bind::Time(from)]).load(conn).await?)
}
