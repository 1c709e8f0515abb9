//! Putting members into a group: a search, boxes to tick, one press.

use actix_web::HttpResponse;
use askama::Template;

use super::members::chosen;
use super::model::{Group, MemberRow};
use super::queries::{self, Added};
use crate::access::RequestContext;
use crate::db::Conn;
use crate::people::lineage::{Start, above};
use crate::web::{Error, Errors, Form, Layout, Segment, page, plural, search_term, searched};

/// Those who are offered at once, at most.
const MOST: usize = 50;

#[derive(Template)]
#[template(path = "people/members_add.html")]
struct AddPage {
    layout: Layout,
    group: Group,
    search: String,
    rows: Vec<MemberRow>,
    /// There are more than are shown.
    more: bool,
    ticked: Vec<String>,
    errors: Errors,
}

impl AddPage {
    fn is_ticked(&self, row: &MemberRow) -> bool {
        self.ticked.contains(&row.value())
    }
}

pub async fn choose(context: RequestContext, Segment(id): Segment) -> Result<HttpResponse, Error> {
    let search = searched(context.req.query_string());
    let mut conn = context.conn().await?;
    let group = queries::find(&mut conn, &id).await?;
    show(context.layout, &mut conn, group, search, (Vec::new(), Errors::default())).await
}

async fn show(
    layout: Layout,
    conn: &mut Conn,
    group: Group,
    search: String,
    (ticked, errors): (Vec<String>, Errors),
) -> Result<HttpResponse, Error> {
    let most = i64::try_from(MOST + 1).unwrap_or(i64::MAX);
    let mut rows = queries::candidates(conn, group.id(), &search, most).await?;
    let more = rows.len() > MOST;
    rows.truncate(MOST);
    let status = errors.status();
    page(status, &AddPage { layout, group, search, rows, more, ticked, errors })
}

pub async fn add(context: RequestContext, Segment(id): Segment, Form(data): Form) -> Result<HttpResponse, Error> {
    let mut conn = context.conn().await?;
    let group = queries::find(&mut conn, &id).await?;
    let chosen = chosen(&data);
    let mut errors = Errors::default();
    if chosen.is_empty() {
        errors.add("member-0", "Select who is to become a member");
    } else {
        let (by, now) = (&context.actor, context.now());
        match queries::add(&mut conn, by, now, group.id(), &chosen).await? {
            Added::Number(number) => {
                let number = i64::try_from(number).unwrap_or(i64::MAX);
                let outcome = plural(number, "member was added", "members were added");
                return Ok(context.see_other(&format!("{}/members", group.address()), outcome));
            }
            Added::Circle(row) => {
                errors.add("member-0", circle_words(&mut conn, &group, &row).await?);
            }
        }
    }
    let search = search_term(&data.text("q"));
    show(context.layout, &mut conn, group, search, (data.all("member"), errors)).await
}

/// Why a group cannot become a member: the way on which the group is in it already.
async fn circle_words(conn: &mut Conn, group: &Group, row: &MemberRow) -> Result<String, Error> {
    let above = above(conn, Start::Group(group.id())).await?;
    let way = above.into_iter().find(|ancestor| ancestor.id == row.id);
    let between = way.map(|ancestor| ancestor.through).unwrap_or_default();
    let mut chain = format!("“{}” is in ", group.name());
    for name in between {
        chain += &format!("“{name}”, which is in ");
    }
    Ok(format!(
        "The group “{}” cannot be a member of “{}”: {chain}“{}”. Nobody was added",
        row.name,
        group.name(),
        row.name
    ))
}
