//! The groups above a user or a group, each with the groups between, and the permissions that come from them.

use std::collections::{HashMap, HashSet, VecDeque};

use askama::Template;
use askama::filters::HtmlSafe;
use diesel::prelude::*;
use diesel::sql_types::{Array, Nullable, Text, Uuid as SqlUuid};
use diesel_async::RunQueryDsl;
use uuid::Uuid;

use super::groups::Member;
use crate::access::{Permission, PermissionSet};
use crate::db::Conn;
use crate::web::Error;

/// A group that a user or group is in, directly or through others.
#[derive(Clone)]
pub struct Ancestor {
    pub id: Uuid,
    pub name: String,
    /// The groups between on a shortest path, the nearest first; empty if there is none.
    pub through: Vec<String>,
    pub permissions: PermissionSet,
}

/// A group as a member of which the start, or another group, was found.
#[derive(QueryableByName)]
struct Step {
    /// The user or group at the beginning.
    #[diesel(sql_type = SqlUuid)]
    start_id: Uuid,
    /// `None`: the start itself.
    #[diesel(sql_type = Nullable<SqlUuid>)]
    member_id: Option<Uuid>,
    #[diesel(sql_type = SqlUuid)]
    group_id: Uuid,
    #[diesel(sql_type = Text)]
    name: String,
    #[diesel(sql_type = Array<Text>)]
    permissions: Vec<String>,
}

/// All groups above, the nearest first, and by name among equals.
pub(super) async fn above(conn: &mut Conn, start: Member) -> Result<Vec<Ancestor>, Error> {
    let (memberships, id) = match start {
        Member::User(id) => (OF_USERS, id),
        Member::Group(id) => (OF_GROUPS, id),
    };
    let mut found = above_each(conn, memberships, &[id]).await?;
    Ok(found.remove(&id).unwrap_or_default())
}

/// The groups above each of these users; nothing for those who are in none.
pub async fn groups_above(conn: &mut Conn, users: &[Uuid]) -> Result<HashMap<Uuid, Vec<Ancestor>>, Error> {
    above_each(conn, OF_USERS, users).await
}

const OF_USERS: &str = "SELECT user_id, NULL::uuid, group_id FROM group_users WHERE user_id = ANY ($1)";
const OF_GROUPS: &str =
    "SELECT member_group_id, NULL::uuid, group_id FROM group_groups WHERE member_group_id = ANY ($1)";

async fn above_each(
    conn: &mut Conn,
    memberships: &str,
    starts: &[Uuid],
) -> Result<HashMap<Uuid, Vec<Ancestor>>, Error> {
    let sql = format!(
        "WITH RECURSIVE above (start_id, member_id, group_id) AS (
            {memberships}
            UNION
            SELECT a.start_id, gg.member_group_id, gg.group_id FROM group_groups gg JOIN above a ON gg.member_group_id = a.group_id
        )
        SELECT a.start_id, a.member_id, a.group_id, g.name, ARRAY(SELECT permission FROM group_permissions p WHERE p.group_id = a.group_id) AS permissions
        FROM above a JOIN groups g ON g.id = a.group_id
        ORDER BY g.name COLLATE \"und-x-icu\", g.id"
    );
    let steps: Vec<Step> = diesel::sql_query(sql).bind::<Array<SqlUuid>, _>(starts).load(conn).await?;
    let mut by_start: HashMap<Uuid, Vec<Step>> = HashMap::new();
    for step in steps {
        by_start.entry(step.start_id).or_default().push(step);
    }
    let walked = by_start.into_iter().map(|(start, steps)| (start, walk(steps)));
    Ok(walked.collect())
}

/// Breadth first, so that the first path to a group is a shortest one.
fn walk(steps: Vec<Step>) -> Vec<Ancestor> {
    let mut from: HashMap<Option<Uuid>, Vec<Step>> = HashMap::new();
    for step in steps {
        from.entry(step.member_id).or_default().push(step);
    }
    let mut seen = HashSet::new();
    let mut found: Vec<Ancestor> = Vec::new();
    let mut waiting = VecDeque::from([(None, Vec::new())]);
    while let Some((member, through)) = waiting.pop_front() {
        for step in from.remove(&member).unwrap_or_default() {
            if !seen.insert(step.group_id) {
                continue;
            }
            let mut beyond: Vec<String> = through.clone();
            beyond.push(step.name.clone());
            waiting.push_back((Some(step.group_id), beyond));
            found.push(Ancestor {
                id: step.group_id,
                permissions: PermissionSet::granted_by_codes(&step.permissions),
                name: step.name,
                through: through.clone(),
            });
        }
    }
    found
}

/// A permission that comes from groups.
struct Inherited {
    permission: Permission,
    sources: Vec<Ancestor>,
}

/// The permissions that come from groups, with their sources, in the order of the specification.
#[derive(Template)]
#[template(path = "people/inherited.html")]
pub(super) struct InheritedRights {
    rights: Vec<Inherited>,
}

impl HtmlSafe for InheritedRights {}

impl InheritedRights {
    pub fn of(above: &[Ancestor]) -> InheritedRights {
        let from = |permission: Permission| Inherited {
            permission,
            sources: above.iter().filter(|group| group.permissions.contains(permission)).cloned().collect(),
        };
        InheritedRights { rights: Permission::all().map(from).filter(|right| !right.sources.is_empty()).collect() }
    }

    pub fn is_empty(&self) -> bool {
        self.rights.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn step(member: Option<u128>, group: u128, name: &str) -> Step {
        Step {
            start_id: Uuid::nil(),
            member_id: member.map(Uuid::from_u128),
            group_id: Uuid::from_u128(group),
            name: name.into(),
            permissions: vec!["view-activity".into()],
        }
    }

    #[test]
    fn a_group_is_reached_on_its_shortest_path_and_once() {
        let found = walk(vec![
            step(None, 1, "Accounting"),
            step(None, 4, "Staff"),
            step(Some(1), 2, "Finance"),
            step(Some(2), 3, "Everybody"),
            step(Some(4), 3, "Everybody"),
        ]);
        let paths: Vec<(&str, String)> =
            found.iter().map(|group| (group.name.as_str(), group.through.join(", "))).collect();
        assert_eq!(
            paths,
            [
                ("Accounting", String::new()),
                ("Staff", String::new()),
                ("Finance", "Accounting".into()),
                ("Everybody", "Staff".into())
            ]
        );
        let inherited = InheritedRights::of(&found).rights;
        assert_eq!((inherited.len(), inherited[0].sources.len()), (1, 4));
    }
}
