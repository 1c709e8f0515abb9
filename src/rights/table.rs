//! The Access tab: what is open to everybody with the permission, and what to whom; and listing users and groups: a
//! search, boxes to tick, the rights they get, one press.

use actix_web::HttpResponse;
use askama::Template;
use serde::Deserialize;

use super::model::{Boxes, CheckedAccess, Entry, MOST, address};
use super::queries::{self, Added};
use crate::access::{Permission, RequestContext, Right, Rights};
use crate::audit::Change;
use crate::connectors::{self, Connector, ConnectorHead, Tab};
use crate::db::Conn;
use crate::people::{Member, MemberRow};
use crate::web::form::{Form, Text};
use crate::web::{
    Choice, ConflictPage, Error, Errors, FormData, LastSave, Layout, SaveError, Segment, TypedForm, counted, page,
    search_term, searched,
};

/// The field of the first row.
const EVERYBODY: &str = "everybody";

/// The field that names who has a row, so that an entry that was added since the form was opened is distinguished from one that
/// was unticked.
const LISTED: &str = "listed";

#[derive(Template)]
#[template(path = "rights/table.html")]
struct AccessPage {
    layout: Layout,
    head: ConnectorHead,
    connector: Connector,
    rows: Vec<Row>,
    open: Rights,
    /// Programs' keys that can call this by name though Call is not open to everybody.
    named_keys: usize,
    /// The reader may let programs call.
    manages_programs: bool,
    errors: Errors,
}

/// A user or group that is listed, with the boxes as they are ticked.
struct Row {
    who: MemberRow,
    ticked: Rights,
}

impl Row {
    /// The field that says whose row it is.
    fn listed_field(&self) -> &'static str {
        LISTED
    }

    fn boxes(&self) -> Boxes {
        Boxes::new(field(&self.who), self.who.full_name(), self.ticked)
    }
}

impl AccessPage {
    fn everybody(&self) -> Boxes {
        Boxes::new(EVERYBODY, "everybody with the permission", self.open)
    }

    /// “2 API keys of programs can call”, where closing to everybody has not stopped them.
    fn named_words(&self) -> Option<String> {
        let number = self.named_keys;
        let words = || counted(number, "API key of a program can call", "API keys of programs can call");
        (number > 0).then(words)
    }

    /// Only super admins can use it.
    fn is_shut(&self) -> bool {
        self.connector.open.is_empty() && self.rows.is_empty()
    }

    fn address(&self) -> String {
        address(&self.connector)
    }
}

/// The field of a row's boxes.
fn field(who: &MemberRow) -> String {
    format!("{}-{}", who.kind, who.id)
}

pub async fn edit(context: RequestContext, Segment(key): Segment) -> Result<HttpResponse, Error> {
    let mut conn = context.conn().await?;
    let connector = connectors::find_visible(&conn, &context.actor, &key).await?;
    let entries = queries::entries(&mut conn, connector.id).await?;
    let rows = entries.into_iter().map(|entry| Row { who: entry.who, ticked: entry.rights });
    let (rows, open) = (rows.collect(), connector.open);
    access_page(context, &mut conn, connector, open, rows, Errors::default()).await
}

async fn access_page(
    context: RequestContext,
    conn: &mut Conn,
    connector: Connector,
    open: Rights,
    rows: Vec<Row>,
    errors: Errors,
) -> Result<HttpResponse, Error> {
    // While it is open to everybody, closing has had no effect.
    let named_keys = match connector.open.contains(Right::Call) {
        true => 0,
        false => queries::keys(conn, &connector, context.now(), i64::MAX).await?.len(),
    };
    let head = ConnectorHead::new(&connector, Tab::Access, &context.actor);
    let (status, manages_programs) = (errors.status(), context.may(Permission::ManageUsers));
    page(
        status,
        &AccessPage { layout: context.layout, head, connector, rows, open, named_keys, manages_programs, errors },
    )
}

/// The form as it was sent: the boxes of everybody, and of each who is listed. An entry without a row in it keeps what it
/// has.
struct Sent {
    open: Rights,
    listed: Vec<(Entry, Rights)>,
}

impl Sent {
    fn read(data: &FormData, entries: Vec<Entry>) -> Sent {
        let shown = data.all(LISTED);
        let ticked = |entry: Entry| {
            let rights =
                if shown.contains(&entry.who.value()) { Boxes::read(data, &field(&entry.who)) } else { entry.rights };
            (entry, rights)
        };
        Sent { open: Boxes::read(data, EVERYBODY), listed: entries.into_iter().map(ticked).collect() }
    }

    /// With View added to everything else, and taken where it was unticked.
    fn coupled(&self, connector: &Connector) -> CheckedAccess {
        let listed = self.listed.iter().map(|(entry, ticked)| {
            let rights = Rights::couple(entry.rights, *ticked);
            (entry.who.member(), rights)
        });
        CheckedAccess {
            open: Rights::couple(connector.open, self.open),
            listed: listed.filter(|(_, rights)| !rights.is_empty()).collect(),
        }
    }

    fn is_as(&self, checked: &CheckedAccess) -> bool {
        let stay = self.listed.iter().filter(|(_, ticked)| !ticked.is_empty());
        let ticked = stay.map(|(entry, ticked)| (entry.who.member(), *ticked));
        self.open == checked.open && ticked.eq(checked.listed.iter().copied())
    }

    fn rows(self) -> Vec<Row> {
        let row = |(entry, ticked): (Entry, Rights)| Row { who: entry.who, ticked };
        self.listed.into_iter().map(row).collect()
    }
}

pub async fn update(
    context: RequestContext,
    Segment(key): Segment,
    TypedForm(data): TypedForm,
) -> Result<HttpResponse, Error> {
    let mut conn = context.conn().await?;
    let connector = connectors::find_visible(&conn, &context.actor, &key).await?;
    let sent = Sent::read(&data, queries::entries(&mut conn, connector.id).await?);
    let Some(seen) = data.seen_version(connector.access_version) else {
        return conflict(context.layout, &connector, &sent, &data);
    };
    if data.is_draft() {
        let open = sent.open;
        return access_page(context, &mut conn, connector, open, sent.rows(), Errors::default()).await;
    }
    let checked = sent.coupled(&connector);
    if shuts_out(&context, &mut conn, &checked).await? {
        let mut errors = Errors::default();
        errors.add("everybody-view", SHUT_OUT);
        let open = sent.open;
        return access_page(context, &mut conn, connector, open, sent.rows(), errors).await;
    }
    match queries::save(&mut Change::new(&mut conn, &context), (&connector, seen), &checked).await {
        Ok(()) => {
            let moved = if sent.is_as(&checked) { "" } else { COUPLED };
            let outcome = format!("The access to the Data Connector was saved{moved}");
            Ok(context.see_other(&address(&connector), outcome))
        }
        Err(SaveError::Fault(fault)) => Err(fault),
        Err(_) => {
            let theirs = connectors::find_visible(&conn, &context.actor, &key).await?;
            let entries = queries::entries(&mut conn, theirs.id).await?;
            let mine = Sent::read(&data, entries);
            conflict(context.layout, &theirs, &mine, &data)
        }
    }
}

const SHUT_OUT: &str = "With this you could not view the data connector any more yourself. Keep View ticked for everybody, for yourself or for a group that you are in, or ask a super admin";

const COUPLED: &str = ". View goes with all other rights: it was ticked with them, or they were unticked with it";

/// Whether the person who saves this could not view the connector afterwards.
async fn shuts_out(context: &RequestContext, conn: &mut Conn, new: &CheckedAccess) -> Result<bool, Error> {
    if context.actor.super_admin || new.open.contains(Right::View) {
        return Ok(false);
    }
    let user = context.user()?;
    let members = queries::memberships(conn, user).await?;
    Ok(!new.admits(&members).contains(Right::View))
}

fn conflict(layout: Layout, theirs: &Connector, mine: &Sent, data: &FormData) -> Result<HttpResponse, Error> {
    let words = |rights: Rights| match rights.labels() {
        words if words.is_empty() => "Nothing".to_string(),
        words => words,
    };
    let saved =
        LastSave { by: &theirs.access_updated_by, at: theirs.access_updated_at, version: theirs.access_version };
    let page = ConflictPage::new(layout, &theirs.label, &address(theirs), saved).fields(data.carried()).difference(
        connectors::EVERYBODY,
        words(theirs.open),
        words(mine.open),
    );
    let listed = mine.listed.iter();
    listed
        .fold(page, |page, (entry, ticked)| page.difference(entry.who.full_name(), words(entry.rights), words(*ticked)))
        .respond()
}

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
    add_page(context, &connector, Form::new(AddForm::empty(search))).await
}

async fn add_page(context: RequestContext, connector: &Connector, form: Form<AddForm>) -> Result<HttpResponse, Error> {
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
    } else if !form.data.is_draft() {
        let rights = Rights::from(form.right.clone()).or(Rights::exactly([Right::View]));
        let change = &mut Change::new(&mut conn, &context);
        match queries::add(change, &connector, &chosen, rights).await {
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
    add_page(context, &connector, form).await
}
