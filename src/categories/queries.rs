//! The categories' SQL.

use diesel::prelude::*;
use diesel::result::Error as DbError;
use diesel::sql_types::Uuid as SqlUuid;
use diesel_async::RunQueryDsl;
use uuid::{Uuid, uuid};

use super::model::{Category, CategoryId, CategoryStatus, CheckedCategory};
use crate::access::Visibility;
use crate::audit::{Change, Changes, next_version, transaction};
use crate::db::Conn;
use crate::db::keyset::{Bind, Select};
use crate::db::schema::{categories, connector_categories, connector_total, connectors};
use crate::db::version::SeenVersion;
use crate::name::{Name, fold, like_pattern};
use crate::web::{Error, ListQuery, Pages, SaveError};

/// The built-in category that new connectors start in.
pub const UNCATEGORIZED: CategoryId = uuid!("00000000-0000-7000-8000-000000000001");

/// The built-in category of the connectors of collections.
pub const GENERATED: CategoryId = uuid!("00000000-0000-7000-8000-000000000002");

const COLUMNS: &str = "id, name, status, built_in, connectors, version, created_at, updated_at, updated_by";

/// One page of the list, with the number of those connectors that the reader sees.
pub(super) async fn list(
    conn: &Conn,
    visibility: Visibility,
    query: &ListQuery<Category>,
) -> Result<(Vec<Category>, Pages), Error> {
    let rows =
        format!("SELECT {COLUMNS} FROM {} WHERE name_folded LIKE $1 AND ($2 = '' OR status = $2)", counted(visibility));
    let binds = [Bind::Text(like_pattern(&query.search)), query.filter("status").into()];
    query.fetch(conn, Select { rows: &rows, binds: &binds, ..Select::default() }).await
}

/// The table; where not all connectors are seen, with the hidden ones taken off the kept number, so that it can be
/// sorted by what it shows.
fn counted(visibility: Visibility) -> String {
    let Some(hidden) = visibility.hidden("c") else {
        return "categories".into();
    };
    format!(
        "(SELECT id, name, name_folded, status, built_in, version, created_at, updated_at, updated_by,
            connectors - coalesce(hidden, 0)::integer AS connectors
        FROM categories LEFT JOIN (
            SELECT category_id, count(*) AS hidden FROM connectors c JOIN connector_categories cc ON cc.connector_id = c.id
            WHERE c.deleted_at IS NULL AND {hidden} GROUP BY category_id
        ) AS hidden ON category_id = id) AS categories"
    )
}

pub(super) async fn find(conn: &mut Conn, id: CategoryId) -> Result<Category, Error> {
    Ok(categories::table.find(id).select(Category::as_select()).first(conn).await?)
}

/// The category of this name, without regard to case.
pub async fn find_by_name(conn: &mut Conn, name: &str) -> Result<Option<CategoryId>, Error> {
    Ok(categories::table
        .filter(categories::name_key.eq(crate::name::key(name)))
        .select(categories::id)
        .first(conn)
        .await
        .optional()?)
}

/// Categories that a form offers, at most.
const MOST_CHOICES: i64 = 500;

/// A category that a connector can have.
#[derive(Queryable)]
pub struct CategoryChoice {
    pub id: CategoryId,
    pub name: String,
    pub status: CategoryStatus,
}

impl CategoryChoice {
    pub fn is_active(&self) -> bool {
        self.status == CategoryStatus::Active
    }
}

/// The active categories and those of `also` that are not, in the order of their names.
pub async fn assignable(conn: &Conn, also: &[CategoryId]) -> Result<Vec<CategoryChoice>, Error> {
    Ok(categories::table
        .filter(categories::status.eq(CategoryStatus::Active).or(categories::id.eq_any(also)))
        .order(categories::name)
        .limit(MOST_CHOICES)
        .select((categories::id, categories::name, categories::status))
        .load(&mut &*conn)
        .await?)
}

/// The active categories and those of the connector of this key that are not, in the order of their names.
pub async fn assignable_to(conn: &Conn, key: &str) -> Result<Vec<CategoryChoice>, Error> {
    let its = connector_categories::table
        .inner_join(connectors::table)
        .filter(connectors::key.eq(key))
        .select(connector_categories::category_id);
    Ok(categories::table
        .filter(categories::status.eq(CategoryStatus::Active).or(categories::id.eq_any(its)))
        .order(categories::name)
        .limit(MOST_CHOICES)
        .select((categories::id, categories::name, categories::status))
        .load(&mut &*conn)
        .await?)
}

/// Stores a new category under the id that its form was given, so that a second press finds the first.
pub async fn create(
    change: &mut Change<'_>,
    id: CategoryId,
    name: &Name,
    status: CategoryStatus,
) -> Result<(), SaveError> {
    transaction(change, async |change| {
        diesel::insert_into(categories::table)
            .values((
                categories::id.eq(id),
                categories::name.eq(name.as_str()),
                categories::name_key.eq(name.key()),
                categories::name_folded.eq(fold(name.as_str())),
                categories::status.eq(status),
                categories::created_at.eq(change.now),
                categories::updated_at.eq(change.now),
                categories::updated_by.eq(change.by.attribution()),
            ))
            .execute(change.conn)
            .await?;
        let changes = Changes::none().field("Name", "", name.as_str()).field("Status", "", status.label());
        Ok(change.record("category.created", id, name.as_str(), changes).await?)
    })
    .await
}

/// Taken first by every transaction that changes which connectors there are, what is in which category, or what
/// categories are called: the counts and the copied names are rows that they all write, and without a first lock two
/// of them would each wait for the other.
pub async fn lock_counts(conn: &mut Conn) -> Result<(), DbError> {
    let total = connector_total::table.select(connector_total::total);
    total.for_update().first::<i64>(conn).await.map(|_| ())
}

/// Saves a category that has not been saved since it was read, and its name in its connectors.
pub(super) async fn update(
    change: &mut Change<'_>,
    (old, seen): (&Category, SeenVersion),
    new: &CheckedCategory,
) -> Result<(), SaveError> {
    transaction(change, async |change| {
        lock_counts(change.conn).await?;
        let row = categories::table.find(old.id);
        seen.lock(change.conn, row.select(categories::version).for_no_key_update()).await?;
        diesel::update(row)
            .set((
                categories::name.eq(new.name.as_str()),
                categories::name_key.eq(new.name.key()),
                categories::name_folded.eq(fold(new.name.as_str())),
                categories::status.eq(new.status),
                next_version!(categories, change),
            ))
            .execute(change.conn)
            .await?;
        if old.name != new.name.as_str() {
            rename_in_connectors(change.conn, old.id).await?;
        }
        let status = old.status().map_err(Error::internal)?.label();
        let changes = Changes::none().field("Name", &old.name, new.name.as_str());
        let changes = changes.field("Status", status, new.status.label());
        Ok(change.record("category.saved", old.id, new.name.as_str(), changes).await?)
    })
    .await
}

/// Writes the names of their categories into all connectors of this one.
async fn rename_in_connectors(conn: &mut Conn, id: CategoryId) -> Result<(), Error> {
    let sql = "UPDATE connectors SET category_names = names.joined, category_names_folded = names.folded
        FROM (
            SELECT cc.connector_id, string_agg(k.name, ', ' ORDER BY k.name, k.id) AS joined, string_agg(k.name_folded, ', ' ORDER BY k.name, k.id) AS folded
            FROM connector_categories cc JOIN categories k ON k.id = cc.category_id
            WHERE cc.connector_id IN (SELECT connector_id FROM connector_categories WHERE category_id = $1)
            GROUP BY cc.connector_id
        ) AS names
        WHERE connectors.id = names.connector_id";
    diesel::sql_query(sql).bind::<SqlUuid, _>(id).execute(conn).await?;
    Ok(())
}

/// Deletes a category without connectors; the foreign key refuses one with connectors, trashed ones included.
pub(super) async fn delete(change: &mut Change<'_>, category: &Category) -> Result<(), SaveError> {
    transaction(change, async |change| {
        let deletable = categories::table
            .find(category.id)
            .filter(categories::built_in.is_null())
            .filter(categories::connectors.eq(0));
        let deleted = diesel::delete(deletable).returning(categories::name);
        let name: Option<String> = deleted.get_result(change.conn).await.optional()?;
        let name = name.ok_or(SaveError::InUse)?;
        Ok(change.record("category.deleted", category.id, &name, Changes::none()).await?)
    })
    .await
}

/// How many connectors in the trash still have this category.
pub(super) async fn trashed_connectors(conn: &mut Conn, id: Uuid) -> Result<i64, Error> {
    Ok(connector_categories::table
        .inner_join(connectors::table)
        .filter(connector_categories::category_id.eq(id))
        .filter(connectors::deleted_at.is_not_null())
        .count()
        .get_result(conn)
        .await?)
}
