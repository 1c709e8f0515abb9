//! A group's Members tab, and taking members out.

use actix_web::HttpResponse;
use askama::Template;

use super::model::{Group, Member, MemberRow};
use super::queries;
use crate::access::RequestContext;
use crate::people::confirm::Confirm;
use crate::web::{Error, Errors, Form, FormData, Layout, ListQuery, Pages, Segment, page, plural};

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

pub async fn members(context: RequestContext, Segment(id): Segment) -> Result<HttpResponse, Error> {
    let query = context.req.query_string().to_string();
    show(context, &id, &query, Errors::default()).await
}

async fn show(context: RequestContext, id: &str, query: &str, errors: Errors) -> Result<HttpResponse, Error> {
    let mut conn = context.conn().await?;
    let group = queries::find(&mut conn, id).await?;
    let query = ListQuery::parse(format!("{}/members", group.address()), query, &[]);
    let (rows, pages) = queries::members(&conn, group.id(), &query).await?;
    let status = errors.status();
    page(status, &MembersPage { layout: context.layout, group, query, rows, pages, errors })
}

/// The chosen members of a form.
pub(super) fn chosen(data: &FormData) -> Vec<Member> {
    let values = data.all("member");
    values.iter().filter_map(|value| Member::parse(value)).collect()
}

/// Asks first, and takes them out when the answer comes back.
pub async fn remove(context: RequestContext, Segment(id): Segment, Form(data): Form) -> Result<HttpResponse, Error> {
    let mut conn = context.conn().await?;
    let group = queries::find(&mut conn, &id).await?;
    let chosen = chosen(&data);
    let there = queries::among(&mut conn, group.id(), &chosen).await?;
    if there.is_empty() {
        let mut errors = Errors::default();
        errors.add("member-0", "Select the members that you want to remove");
        // The page takes a connection of its own: several who hold one and wait for another would wait for each other.
        drop(conn);
        return show(context, &id, "", errors).await;
    }
    if !data.ticked("confirmed") {
        return question(context, &group, &there).ask();
    }
    let (by, now) = (&context.actor, context.now());
    let number = queries::remove(&mut conn, by, now, group.id(), &chosen).await?;
    let number = i64::try_from(number).unwrap_or(i64::MAX);
    let outcome = plural(number, "member was removed", "members were removed");
    Ok(context.see_other(&format!("{}/members", group.address()), outcome))
}

fn question(context: RequestContext, group: &Group, there: &[MemberRow]) -> Confirm {
    let number = plural(i64::try_from(there.len()).unwrap_or(i64::MAX), "member", "members");
    let names: Vec<String> = there.iter().map(MemberRow::full_name).collect();
    let mut fields: Vec<(&'static str, String)> = there.iter().map(|row| ("member", row.value())).collect();
    fields.push(("confirmed", "yes".into()));
    let mut consequences = vec![
        format!("To be removed: {}.", names.join(", ")),
        "They keep what they have directly and through other groups. It counts on the next request.".into(),
    ];
    if there.iter().any(|row| row.by_claim) {
        consequences.push(
            "Who became a member by claim becomes one again at the next sign-in, as long as the provider says so."
                .into(),
        );
    }
    Confirm {
        layout: context.layout,
        list: ("/groups", "Groups"),
        back: format!("{}/members", group.address()),
        subject: group.name().to_string(),
        step: "Remove members",
        question: format!("Remove {number} from “{}”?", group.name()),
        consequences,
        action: format!("{}/removals", group.address()),
        fields,
        button: format!("Remove {number}"),
        destroys: true,
        refusal: None,
    }
}
