//! Listing users and groups on a connector: a search, boxes to tick, the rights they get, one press.

use actix_web::HttpResponse;
use askama::Template;

use super::boxes::Boxes;
use super::model::MOST;
use super::queries::{self, Added};
use crate::access::{RequestContext, Right, Rights};
use crate::connectors::{self, Connector, ConnectorHead, Tab};
use crate::people::{Member, MemberRow};
use crate::web::{
    CheckList, Choice, Error, Errors, Form, FormData, Layout, SaveError, Segment, page, plural, search_term, searched,
};

/// Those who are offered at once, at most.
const OFFERED: usize = 50;

/// The field of the rights that all who are ticked get.
const RIGHT: &str = "right";

#[derive(Template)]
#[template(path = "rights/add.html")]
struct AddPage {
    layout: Layout,
    head: ConnectorHead,
    connector: Connector,
    rows: Vec<MemberRow>,
    /// There are more than are shown.
    more: bool,
    typed: Typed,
    errors: Errors,
}

/// What was typed and ticked.
struct Typed {
    search: String,
    chosen: Vec<String>,
    rights: Rights,
}

impl Typed {
    /// Whoever is listed is listed for a use, and mostly for calls.
    fn nothing(search: String) -> Typed {
        Typed { search, chosen: Vec::new(), rights: Rights::exactly([Right::View, Right::Call]) }
    }

    fn read(data: &FormData) -> Typed {
        Typed { search: search_term(&data.text("q")), chosen: data.all("member"), rights: Boxes::read(data, RIGHT) }
    }

    fn members(&self) -> Vec<Member> {
        let chosen = self.chosen.iter();
        chosen.filter_map(|value| Member::parse(value)).collect()
    }
}

impl AddPage {
    fn address(&self) -> String {
        format!("/connectors/{}/access", self.connector.key)
    }

    fn is_chosen(&self, row: &MemberRow) -> bool {
        self.typed.chosen.contains(&row.value())
    }

    /// View is what all others need, so it is given without a box.
    fn rights_field(&self) -> CheckList {
        let choice = |right: Right| Choice {
            value: right.code().into(),
            label: right.label().into(),
            ticked: self.typed.rights.contains(right),
            note: "",
        };
        let others = [Right::Call, Right::Edit, Right::Authorize];
        CheckList::new(RIGHT, "What they may do besides View", others.map(choice).into())
    }
}

pub async fn choose(context: RequestContext, Segment(key): Segment) -> Result<HttpResponse, Error> {
    let connector = connectors::find_visible(&*context.conn().await?, &context.actor, &key).await?;
    let search = searched(context.req.query_string());
    show(context, connector, Typed::nothing(search), Errors::default()).await
}

async fn show(
    context: RequestContext,
    connector: Connector,
    typed: Typed,
    errors: Errors,
) -> Result<HttpResponse, Error> {
    let most = i64::try_from(OFFERED + 1).unwrap_or(i64::MAX);
    let mut conn = context.conn().await?;
    let mut rows = queries::candidates(&mut conn, connector.id, &typed.search, most).await?;
    drop(conn);
    let more = rows.len() > OFFERED;
    rows.truncate(OFFERED);
    let head = ConnectorHead::new(&connector, Tab::Access, &context.actor).about("Add users and groups");
    let status = errors.status();
    page(status, &AddPage { layout: context.layout, head, connector, rows, more, typed, errors })
}

pub async fn add(context: RequestContext, Segment(key): Segment, Form(data): Form) -> Result<HttpResponse, Error> {
    let mut conn = context.conn().await?;
    let connector = connectors::find_visible(&conn, &context.actor, &key).await?;
    let typed = Typed::read(&data);
    let (chosen, mut errors) = (typed.members(), Errors::default());
    if chosen.is_empty() {
        errors.add("member-0", "Select users or groups");
    } else {
        let rights = typed.rights.or(Rights::exactly([Right::View]));
        let (by, now) = (&context.actor, context.now());
        match queries::add(&mut conn, by, now, &connector, (&chosen, rights)).await {
            Ok(Added::Number(number)) => {
                let number = i64::try_from(number).unwrap_or(i64::MAX);
                let outcome = plural(number, "entry was added", "entries were added");
                return Ok(
                    context.see_other(&format!("/connectors/{}/access", connector.key), outcome)
                );
            }
            Ok(Added::TooMany) => errors.add(
                "member-0",
                format!("A data connector can list {MOST} users and groups. Nobody was added. Put users into a group and list that"),
            ),
            Err(SaveError::Fault(fault)) => return Err(fault),
            // The connector, or one of them, was deleted meanwhile.
            Err(_) => return Err(Error::NotFound),
        }
    }
    drop(conn);
    show(context, connector, typed, errors).await
}
