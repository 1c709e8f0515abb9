//! A group's Members tab, taking members out, and putting members in: a search, boxes to tick, one press.

use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use askama::Template;
use serde::Deserialize;
use uuid::Uuid;

use super::model::{Group, Member, MemberRow};
use super::queries::{self, Added};
use crate::access::RequestContext;
use crate::audit::Change;
use crate::db::Conn;
use crate::people::ancestors::above;
use crate::web::form::{Form, Text, ticked};
use crate::web::{
    Confirmation, Error, Errors, Layout, ListQuery, Pages, Segment, counted, page, search_term, searched,
};

/// The search and the ticked boxes.
#[derive(Default, Deserialize)]
#[serde(default)]
pub struct MembersForm {
    q: Text,
    member: Vec<String>,
    /// The question was answered.
    #[serde(deserialize_with = "ticked")]
    confirmed: bool,
}

impl MembersForm {
    fn chosen(&self) -> Vec<Member> {
        self.member.iter().filter_map(|value| Member::parse(value)).collect()
    }
}

/// The first box, at which a mistake is shown.
const FIRST_BOX: &str = "member-0";

#[derive(Template)]
#[template(path = "people/members.html")]
struct MembersPage {
    layout: Layout,
    group: Group,
    query: ListQuery<MemberRow>,
    rows: Vec<MemberRow>,
    pages: Pages,
    errors: Errors,
}

impl MembersPage {
    fn chips(&self) -> Vec<(String, String)> {
        self.query.chips("Name has", [])
    }
}

pub async fn members(context: RequestContext, Segment(id): Segment<Uuid>) -> Result<HttpResponse, Error> {
    let query = context.req.query_string().to_string();
    show(context, id, &query, Errors::default()).await
}

async fn show(context: RequestContext, id: Uuid, query: &str, errors: Errors) -> Result<HttpResponse, Error> {
    let mut conn = context.conn().await?;
    let group = queries::find(&mut conn, id).await?;
    let query = ListQuery::parse(format!("{}/members", group.address()), query, &[]);
    let (rows, pages) = queries::members(&conn, group.id, &query).await?;
    page(errors.status(), &MembersPage { layout: context.layout, group, query, rows, pages, errors })
}

/// Asks first, and takes them out when the answer comes back.
pub async fn remove(
    context: RequestContext,
    Segment(id): Segment<Uuid>,
    mut form: Form<MembersForm>,
) -> Result<HttpResponse, Error> {
    let mut conn = context.conn().await?;
    let group = queries::find(&mut conn, id).await?;
    let chosen = form.chosen();
    let there = queries::among(&mut conn, group.id, &chosen).await?;
    if there.is_empty() {
        form.errors.add(FIRST_BOX, "Select the members that you want to remove");
        // The page takes a connection of its own: several who hold one and wait for another would wait for each other.
        drop(conn);
        return show(context, id, "", form.errors).await;
    }
    if !form.confirmed || form.data.is_draft() {
        return question(&group, &there).respond(context.layout, StatusCode::OK);
    }
    let number = queries::remove(&mut Change::new(&mut conn, &context), group.id, &chosen).await?;
    let outcome = counted(number, "member was removed", "members were removed");
    Ok(context.see_other(&format!("{}/members", group.address()), outcome))
}

fn question(group: &Group, there: &[MemberRow]) -> Confirmation {
    let number = counted(there.len(), "member", "members");
    let names: Vec<String> = there.iter().map(MemberRow::full_name).collect();
    let fields = there.iter().map(|row| ("member", row.value())).chain([("confirmed", "yes".into())]);
    let by_claim = there.iter().any(|row| row.by_claim).then_some(
        "Who became a member by claim becomes one again at the next sign-in, as long as the provider says so.",
    );
    let mut sentences = vec![
        format!("To be removed: {}.", names.join(", ")).into(),
        "They keep what they have directly and through other groups. It counts on the next request.".into(),
    ];
    sentences.extend(by_claim.map(Into::into));
    let address = format!("{}/members", group.address());
    Confirmation {
        question: format!("Remove {number} from “{}”?", &group.name),
        sentences,
        action: format!("{}/removals", group.address()),
        fields: fields.collect(),
        button: format!("Remove {number}"),
        ..Confirmation::about(("/groups", "Groups"), (&address, &group.name), "Remove members")
    }
}

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

pub async fn choose(context: RequestContext, Segment(id): Segment<Uuid>) -> Result<HttpResponse, Error> {
    let search = searched(context.req.query_string());
    let mut conn = context.conn().await?;
    let group = queries::find(&mut conn, id).await?;
    offer(context.layout, &mut conn, group, search, Vec::new(), Errors::default()).await
}

async fn offer(
    layout: Layout,
    conn: &mut Conn,
    group: Group,
    search: String,
    ticked: Vec<String>,
    errors: Errors,
) -> Result<HttpResponse, Error> {
    let (rows, more) = queries::candidates(conn, group.id, &search).await?;
    page(errors.status(), &AddPage { layout, group, search, rows, more, ticked, errors })
}

pub async fn add(
    context: RequestContext,
    Segment(id): Segment<Uuid>,
    mut form: Form<MembersForm>,
) -> Result<HttpResponse, Error> {
    let mut conn = context.conn().await?;
    let group = queries::find(&mut conn, id).await?;
    let chosen = form.chosen();
    if chosen.is_empty() {
        form.errors.add(FIRST_BOX, "Select who is to become a member");
    } else if !form.data.is_draft() {
        match queries::add(&mut Change::new(&mut conn, &context), group.id, &chosen).await? {
            Added::Number(number) => {
                let outcome = counted(number, "member was added", "members were added");
                return Ok(context.see_other(&format!("{}/members", group.address()), outcome));
            }
            Added::Cycle(row) => form.errors.add(FIRST_BOX, cycle_words(&mut conn, &group, &row).await?),
        }
    }
    let search = search_term(&form.q);
    offer(context.layout, &mut conn, group, search, form.fields.member, form.errors).await
}

/// Why a group cannot become a member: the groups through which it contains the other one already.
async fn cycle_words(conn: &mut Conn, group: &Group, row: &MemberRow) -> Result<String, Error> {
    let above = above(conn, Member::Group(group.id)).await?;
    let through = above.into_iter().find(|ancestor| ancestor.id == row.id).map(|ancestor| ancestor.through);
    let between: String = through.iter().flatten().map(|name| format!("“{name}”, which is in ")).collect();
    let (name, group) = (&row.name, &group.name);
    Ok(format!(
        "The group “{name}” cannot be a member of “{group}”: “{group}” is in {between}“{name}”. No member was added"
    ))
}
