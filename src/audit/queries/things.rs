//! Where the things stand that lines are about, as long as there are any.

use std::collections::HashMap;

use diesel::prelude::*;
use diesel::sql_types::{Array, Text, Uuid as SqlUuid};
use diesel_async::RunQueryDsl;
use uuid::Uuid;

use crate::access::{Actor, Permission};
use crate::db::Conn;
use crate::web::Error;

/// Each kind of thing: what its page needs, and its page by its id; `{seen}` stands for what somebody sees of
/// connectors.
const PAGES: &[(Permission, &str)] = &[
    (
        Permission::ViewConnectors,
        "SELECT id, '/connectors/' || key AS page FROM connectors WHERE id = ANY($1) AND deleted_at IS NULL{seen}",
    ),
    (
        Permission::EditCategories,
        "SELECT id, '/categories/' || id || '/edit' AS page FROM categories WHERE id = ANY($1)",
    ),
    (Permission::ManageUsers, "SELECT id, '/users/' || id AS page FROM users WHERE id = ANY($1)"),
    (Permission::ManageUsers, "SELECT id, '/groups/' || id AS page FROM groups WHERE id = ANY($1)"),
    (Permission::ManageUsers, "SELECT id, '/programs/' || id AS page FROM programs WHERE id = ANY($1)"),
    // Of somebody's own keys only they have a page.
    (
        Permission::ManageUsers,
        "SELECT id, '/programs/' || program_id || '/keys/' || id AS page FROM api_keys WHERE id = ANY($1) AND program_id IS NOT NULL",
    ),
];

#[derive(QueryableByName)]
struct Page {
    #[diesel(sql_type = SqlUuid)]
    id: Uuid,
    #[diesel(sql_type = Text)]
    page: String,
}

/// The pages of those things that are still there and that this person may open.
pub(in crate::audit) async fn thing_links(
    conn: &mut Conn,
    actor: &Actor,
    subjects: Vec<Uuid>,
) -> Result<HashMap<Uuid, String>, Error> {
    let seen = actor.visibility.and("connectors");
    let open: Vec<String> = PAGES
        .iter()
        .filter(|(permission, _)| actor.may(*permission))
        .map(|(_, query)| query.replace("{seen}", &seen))
        .collect();
    if open.is_empty() || subjects.is_empty() {
        return Ok(HashMap::new());
    }
    let pages: Vec<Page> =
        diesel::sql_query(open.join(" UNION ALL ")).bind::<Array<SqlUuid>, _>(subjects).load(conn).await?;
    Ok(pages.into_iter().map(|page| (page.id, page.page)).collect())
}
