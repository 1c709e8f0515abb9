//! Who can use a connector, and why: each active user with what they may do and what that rests on, and the keys of
//! programs.

use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use askama::Template;
use uuid::Uuid;

use super::model::Entry;
use super::queries::{self, KeyRow, PersonRow};
use crate::access::{Permission, PermissionSet, RequestContext, Right, Rights};
use crate::connectors::{self, Connector, ConnectorHead, Tab};
use crate::db::Conn;
use crate::people::{Ancestor, Member, groups_above};
use crate::web::{Error, Layout, ListQuery, Pages, Segment, SelectOption, capitalized, counted, page, plural};

/// The keys of programs that the page shows.
const KEYS: usize = 200;

/// Which users are listed.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Narrowed {
    Everybody,
    May(Right),
    MayNothing,
}

/// In the address for those who may do nothing.
const NOTHING: &str = "nothing";

impl Narrowed {
    fn read(code: &str) -> Narrowed {
        match Right::parse(code) {
            Some(right) => Narrowed::May(right),
            None if code == NOTHING => Narrowed::MayNothing,
            None => Narrowed::Everybody,
        }
    }
}

/// A person with what they may do.
struct Person {
    row: PersonRow,
    rights: Rights,
    reasons: Vec<String>,
}

#[derive(Template)]
#[template(path = "rights/who.html")]
struct WhoPage {
    layout: Layout,
    head: ConnectorHead,
    connector: Connector,
    query: ListQuery<PersonRow>,
    people: Vec<Person>,
    pages: Pages,
    keys: Vec<KeyRow>,
    /// There are more keys than are shown.
    more_keys: bool,
}

impl WhoPage {
    fn rights(&self) -> &'static [Right; 4] {
        &Right::ALL
    }

    fn who(&self) -> impl Iterator<Item = SelectOption> {
        let may = |right: Right| SelectOption::new(right.code(), format!("May {}", right.label().to_lowercase()));
        Right::ALL.map(may).into_iter().chain([SelectOption::new(NOTHING, "May do nothing")])
    }

    /// The filters in use: their words, and the address without each.
    fn chips(&self) -> Vec<(String, String)> {
        let right = match Narrowed::read(self.query.filter("right")) {
            Narrowed::Everybody => None,
            Narrowed::May(right) => Some(format!("May {}", right.label().to_lowercase())),
            Narrowed::MayNothing => Some("May do nothing".to_string()),
        };
        self.query.chips("Name has", [("right", right)])
    }

    fn keys_caption(&self) -> String {
        let keys = counted(self.keys.len(), "API key", "API keys");
        match self.more_keys {
            true => format!("The first {keys} that can call this data connector"),
            false => format!("{keys} can call this data connector"),
        }
    }
}

impl KeyRow {
    /// “All endpoints, the proxy, the access token”
    fn opens(&self) -> String {
        let endpoints = match self.endpoints {
            _ if self.all_endpoints => Some("All endpoints".to_string()),
            0 => None,
            number => Some(plural(number, "endpoint", "endpoints")),
        };
        let proxy = self.proxy.then(|| "the proxy".to_string());
        let token = self.token.then(|| "the access token".to_string());
        let parts: Vec<String> = endpoints.into_iter().chain(proxy).chain(token).collect();
        capitalized(&parts.join(", "))
    }

    fn why(&self) -> &'static str {
        match self.named {
            true => "It can call this data connector by name",
            false => "It can call all data connectors that are open to everybody",
        }
    }
}

pub async fn list(context: RequestContext, Segment(key): Segment) -> Result<HttpResponse, Error> {
    let mut conn = context.conn().await?;
    let connector = connectors::find_visible(&conn, &context.actor, &key).await?;
    let path = format!("/connectors/{}/access/users", connector.key);
    let query = ListQuery::parse(path, context.req.query_string(), &["right"]);
    let narrowed = Narrowed::read(query.filter("right"));
    let (rows, pages) = queries::people(&conn, &connector, &query, narrowed).await?;
    let people = explain(&mut conn, &connector, rows).await?;
    let most = i64::try_from(KEYS + 1).unwrap_or(i64::MAX);
    let mut keys = queries::keys(&mut conn, &connector, context.now(), most).await?;
    drop(conn);
    let more_keys = keys.len() > KEYS;
    keys.truncate(KEYS);
    let head = ConnectorHead::new(&connector, Tab::Access, &context.actor).about("Who can use it, and why");
    page(StatusCode::OK, &WhoPage { layout: context.layout, head, connector, query, people, pages, keys, more_keys })
}

/// Works out for each person what they may do, from all that decides about it.
async fn explain(conn: &mut Conn, connector: &Connector, rows: Vec<PersonRow>) -> Result<Vec<Person>, Error> {
    let ids: Vec<Uuid> = rows.iter().map(|row| row.id).collect();
    let entries = queries::entries(conn, connector.id).await?;
    let own = queries::own_permissions(conn, &ids).await?;
    let groups = groups_above(conn, &ids).await?;
    let person = |row: PersonRow| {
        let case = Case {
            user: Member::User(row.id),
            super_admin: row.super_admin,
            own: PermissionSet::granted_by_codes(own.get(&row.id).into_iter().flatten()),
            groups: groups.get(&row.id).map_or(&[], Vec::as_slice),
            open: connector.open,
            entries: &entries,
        };
        Person { rights: case.rights(), reasons: case.lines(), row }
    };
    Ok(rows.into_iter().map(person).collect())
}

/// The permissions that the rights to a connector rest on.
const PERMISSIONS: [Permission; 3] =
    [Permission::ViewConnectors, Permission::CallConnectors, Permission::EditConnectors];

/// All that decides about a person and a connector.
struct Case<'a> {
    user: Member,
    super_admin: bool,
    /// Granted to the person directly.
    own: PermissionSet,
    /// The groups that the person is in, with what each grants.
    groups: &'a [Ancestor],
    /// What is open to everybody.
    open: Rights,
    entries: &'a [Entry],
}

impl Case<'_> {
    /// What the person may do.
    fn rights(&self) -> Rights {
        Rights::of(self.super_admin, PermissionSet::counting(self.granted()), self.open, self.listed())
    }

    fn granted(&self) -> impl Iterator<Item = Permission> {
        let inherited = self.groups.iter().flat_map(|group| group.permissions.iter());
        self.own.iter().chain(inherited)
    }

    /// The entries that are about the person, each with the group through which.
    fn entries(&self) -> impl Iterator<Item = (&Entry, Option<&Ancestor>)> {
        self.entries.iter().filter_map(|entry| match entry.who.member() {
            user if user == self.user => Some((entry, None)),
            Member::Group(id) => {
                let group = self.groups.iter().find(|group| group.id == id)?;
                Some((entry, Some(group)))
            }
            Member::User(_) => None,
        })
    }

    fn listed(&self) -> Rights {
        self.entries().fold(Rights::NONE, |all, (entry, _)| all.or(entry.rights))
    }

    /// The reasons, a line each.
    fn lines(&self) -> Vec<String> {
        if self.super_admin {
            return vec!["Super admin: passes every check.".into()];
        }
        let permissions = PERMISSIONS.iter().filter_map(|permission| self.source(*permission));
        let missing = self.missing();
        let entries = self.entries().map(|(entry, group)| {
            let rights = entry.rights.labels();
            match group {
                None => format!("Listed here: {rights}."),
                Some(group) => format!("{} is listed here: {rights}.", capitalized(&from(group))),
            }
        });
        let admits = match self.open {
            Rights::ALL => vec!["Everything is open to everybody with the permission.".to_string()],
            Rights::NONE => Vec::new(),
            open => vec![format!("Open to everybody with the permission: {}.", open.labels())],
        };
        let admits: Vec<String> = admits.into_iter().chain(entries).collect();
        let nothing = admits.is_empty().then(|| "Not listed here, and nothing is open to everybody.".to_string());
        permissions.chain(missing).chain(admits).chain(nothing).collect()
    }

    /// The permissions that nothing grants.
    fn missing(&self) -> Option<String> {
        let granted = PermissionSet::exactly(self.granted());
        let missing = PermissionSet::exactly(PERMISSIONS).without(granted);
        (!missing.is_empty()).then(|| format!("Not granted: {}.", missing.labels()))
    }

    /// Where a permission comes from, if it is granted.
    fn source(&self, permission: Permission) -> Option<String> {
        let counts = PermissionSet::counting(self.granted()).contains(permission);
        let own = self.own.contains(permission).then(|| "own".to_string());
        let groups = self.groups.iter();
        let inherited = groups.filter(|group| group.permissions.contains(permission)).map(from);
        let sources: Vec<String> = own.into_iter().chain(inherited).collect();
        if sources.is_empty() {
            return None;
        }
        let (label, sources) = (permission.label(), sources.join(", "));
        let view = Right::View.permission().label();
        Some(match counts {
            true => format!("{label}: {sources}."),
            false => format!("{label}: {sources}, but it counts only with {view}."),
        })
    }
}

/// “group Finance”, “group Everybody through Finance”.
fn from(group: &Ancestor) -> String {
    if group.through.is_empty() {
        format!("group {}", group.name)
    } else {
        format!("group {} through {}", group.name, group.through.join(", "))
    }
}
