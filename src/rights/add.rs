//! Listing users and groups on a connector: a search, boxes to tick, the rights they get, one press.

use actix_web::HttpResponse;
use askama::Template;
use serde::Deserialize;

use super::model::{MOST, address};
use super::queries::{self, Added};
use crate::access::{RequestContext, Right, Rights};
use crate::audit::Change;
use crate::connectors::{self, Connector, ConnectorHead, Tab};
use crate::people::{Member, MemberRow};
use crate::web::form::{Form, Text};
use crate::web::{Choice, Error, Layout, SaveError, Segment, counted, page, search_term, searched};

/// The first box, at which a mistake is shown.
const FIRST_BOX: &str = "member-0";

/// What was typed and ticked.
#[derive(Default, Deserialize)]
#[serde(default)]
pub struct AddForm {
    q: Text,
    member: Vec<String>,
    /// The rights that all who are ticked get.
    right: Vec<String>,
}

impl AddForm {
    /// With View and Call, which most people are listed for.
    fn empty(search: String) -> AddForm {
        let right = [Right::View, Right::Call].map(|right| right.code().to_string()).into();
        AddForm { q: search.into(), right, ..AddForm::default() }
    }

    fn search(&self) -> String {
        search_term(&self.q)
    }

    fn members(&self) -> Vec<Member> {
        self.member.iter().filter_map(|value| Member::parse(value)).collect()
    }

    fn is_chosen(&self, row: &MemberRow) -> bool {
        self.member.contains(&row.value())
    }

    /// View is what all others need, so it is given without a box.
    fn right_choices(&self) -> Vec<Choice> {
        let choice = |right: Right| Choice {
            value: right.code().into(),
            label: right.label().into(),
            ticked: self.right.iter().any(|code| code == right.code()),
            note: "",
        };
        [Right::Call, Right::Edit, Right::Authorize].map(choice).into()
    }
}

#[derive(Template)]
#[template(path = "rights/add.html")]
struct AddPage {
    layout: Layout,
    head: ConnectorHead,
    address: String,
    rows: Vec<MemberRow>,
    /// There are more than are shown.
    more: bool,
    form: Form<AddForm>,
}

pub async fn choose(context: RequestContext, Segment(key): Segment) -> Result<HttpResponse, Error> {
    let connector = connectors::find_visible(&*context.conn().await?, &context.actor, &key).await?;
    let search = searched(context.req.query_string());
    show(context, &connector, Form::new(AddForm::empty(search))).await
}

async fn show(context: RequestContext, connector: &Connector, form: Form<AddForm>) -> Result<HttpResponse, Error> {
    let (rows, more) = queries::candidates(&mut *context.conn().await?, connector.id, &form.search()).await?;
    let head = ConnectorHead::new(connector, Tab::Access, &context.actor).about("Add users and groups");
    let (status, address) = (form.errors.status(), address(connector));
    page(status, &AddPage { layout: context.layout, head, address, rows, more, form })
}

pub async fn add(
    context: RequestContext,
    Segment(key): Segment,
    mut form: Form<AddForm>,
) -> Result<HttpResponse, Error> {
    let mut conn = context.conn().await?;
    let connector = connectors::find_visible(&conn, &context.actor, &key).await?;
    let chosen = form.members();
    if chosen.is_empty() {
        form.errors.add(FIRST_BOX, "Select users or groups");
    } else {
        let rights = Rights::from(form.right.clone()).or(Rights::exactly([Right::View]));
        let change = &mut Change::new(&mut conn, &context);
        match queries::add(change, &connector, (&chosen, rights)).await {
            Ok(Added::Number(number)) => {
                let outcome = counted(number, "entry was added", "entries were added");
                return Ok(context.see_other(&address(&connector), outcome));
            }
            Ok(Added::TooMany) => form.errors.add(
                FIRST_BOX,
                format!("A data connector can list {MOST} users and groups. None was added. Put users into a group and list that"),
            ),
            Err(SaveError::Fault(fault)) => return Err(fault),
            // The connector, or one of them, was deleted meanwhile.
            Err(_) => return Err(Error::NotFound),
        }
    }
    drop(conn);
    show(context, &connector, form).await
}
