//! The pages of one record: adding, editing, deleting it, and its history.
//!
//! Rule: who may view the collection's connector reads; who may call it changes. The form is shown again with all that
//! was typed whatever is wrong with it.

use std::collections::HashMap;

use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use askama::Template;
use chrono::{DateTime, Utc};

use super::json::RecordData;
use super::model::Collection;
use super::queries;
use super::record_form::{OTHER_SETTINGS, RecordForm, indented};
use super::record_list::readable;
use super::records::{self, NewRecord, Record, RecordVersion, changed_names};
use super::schema::RecordSchema;
use crate::access::{RequestContext, Right};
use crate::audit::Change;
use crate::db::Conn;
use crate::web::{
    Confirmation, ConflictPage, Error, Fact, FormData, LastSave, Layout, SaveError, Segment, Segments, TypedForm,
    beginning, date_time, grouped, page,
};

/// The most characters of a value in a comparison.
const COMPARED: usize = 300;

/// The most members in a comparison of two states.
const MAX_DIFFERENCES: usize = 100;

pub(super) fn address(collection: &Collection) -> String {
    format!("/collections/{}", collection.connector.key)
}

fn record_address(collection: &Collection, record: &Record) -> String {
    format!("{}/records/{}", address(collection), record.id)
}

/// The page of a new record, or of a stored one.
#[derive(Template)]
#[template(path = "collections/record.html")]
struct RecordPage {
    layout: Layout,
    collection: Collection,
    record: Option<Record>,
    form: RecordForm,
    may_change: bool,
}

impl RecordPage {
    fn heading(&self) -> String {
        match &self.record {
            Some(record) if self.may_change => format!("Edit record {}", record.id),
            Some(record) => format!("Record {}", record.id),
            None => "Add record".into(),
        }
    }

    /// The schema says what each member is.
    fn has_fields(&self) -> bool {
        !self.form.fields.is_empty()
    }
}

fn record_page(
    context: RequestContext,
    collection: Collection,
    record: Option<Record>,
    form: RecordForm,
) -> Result<HttpResponse, Error> {
    let may_change = collection.connector.rights.contains(Right::Call);
    page(form.errors.status(), &RecordPage { layout: context.layout, collection, record, form, may_change })
}

fn schema(collection: &Collection) -> Result<Option<RecordSchema>, Error> {
    collection.settings.schema().map_err(Error::internal)
}

async fn load(
    context: &RequestContext,
    conn: &Conn,
    [key, id]: &[String; 2],
    right: Right,
) -> Result<(Collection, Record), Error> {
    let collection = queries::find(conn, &context.actor, key, right).await?;
    let id = id.parse().map_err(|_| Error::NotFound)?;
    let record = records::find(conn, collection.connector.id, id).await?;
    Ok((collection, record))
}

pub async fn new(context: RequestContext, Segment(key): Segment) -> Result<HttpResponse, Error> {
    let collection = queries::find(&*context.conn().await?, &context.actor, &key, Right::Call).await?;
    let form = RecordForm::empty(schema(&collection)?.as_ref());
    record_page(context, collection, None, form)
}

pub async fn create(
    context: RequestContext,
    Segment(key): Segment,
    TypedForm(data): TypedForm,
) -> Result<HttpResponse, Error> {
    let mut conn = context.conn().await?;
    let collection = queries::find(&conn, &context.actor, &key, Right::Call).await?;
    let schema = schema(&collection)?;
    let mut form = RecordForm::sent(schema.as_ref(), data);
    if form.is_switched() {
        form.switch();
    } else if let Some(data) = form.checked(schema.as_ref()) {
        let new = NewRecord { id: form.new_id.0, text: &data.text };
        match records::create(&mut Change::new(&mut conn, &context), &collection, &new).await {
            // The second press of the same form finds what the first has made.
            Ok(()) | Err(SaveError::Repeated) => {
                return Ok(context.see_other(&address(&collection), "The record was added"));
            }
            Err(SaveError::Stale) => form.errors.add(form.whole(), OTHER_SETTINGS),
            Err(other) => return Err(other.into()),
        }
    }
    record_page(context, collection, None, form)
}

pub async fn edit(context: RequestContext, Segments(path): Segments<2>) -> Result<HttpResponse, Error> {
    let conn = context.conn().await?;
    let (collection, record) = load(&context, &conn, &path, Right::View).await?;
    let form = RecordForm::of(schema(&collection)?.as_ref(), &record.data);
    record_page(context, collection, Some(record), form)
}

/// The form of a record with what an earlier version says.
pub async fn restore(
    context: RequestContext,
    Segments([key, id, version]): Segments<3>,
) -> Result<HttpResponse, Error> {
    let conn = context.conn().await?;
    let (collection, record) = load(&context, &conn, &[key, id], Right::Call).await?;
    let versions = records::versions(&conn, collection.connector.id, record.id).await?;
    let earlier = versions.iter().find(|earlier| earlier.version.to_string() == version).ok_or(Error::NotFound)?;
    let mut form = RecordForm::of(schema(&collection)?.as_ref(), &earlier.data);
    form.restored = Some(earlier.version);
    record_page(context, collection, Some(record), form)
}

pub async fn update(
    context: RequestContext,
    Segments(path): Segments<2>,
    TypedForm(data): TypedForm,
) -> Result<HttpResponse, Error> {
    let mut conn = context.conn().await?;
    let (collection, record) = load(&context, &conn, &path, Right::Call).await?;
    let schema = schema(&collection)?;
    let mut form = RecordForm::sent(schema.as_ref(), data);
    if form.is_switched() {
        // The page has the version that the form was made from, so that saving finds a conflict.
        let version = form.data.version();
        form.switch();
        return record_page(context, collection, Some(Record { version, ..record }), form);
    }
    let Some(seen) = form.data.seen_version(record.version) else {
        return conflict((context.layout, &conn), &collection, &record, &form).await;
    };
    if let Some(new) = form.checked(schema.as_ref()) {
        match records::update(&mut Change::new(&mut conn, &context), &collection, (&record, seen), &new).await {
            Ok(()) => return Ok(context.see_other(&address(&collection), "The record was saved")),
            Err(SaveError::Stale) => {
                let theirs = records::find(&conn, collection.connector.id, record.id).await?;
                if theirs.version != record.version {
                    return conflict((context.layout, &conn), &collection, &theirs, &form).await;
                }
                form.errors.add(form.whole(), OTHER_SETTINGS);
            }
            Err(other) => return Err(other.into()),
        }
    }
    record_page(context, collection, Some(record), form)
}

async fn conflict(
    (layout, conn): (Layout, &Conn),
    collection: &Collection,
    theirs: &Record,
    mine: &RecordForm,
) -> Result<HttpResponse, Error> {
    let saved = LastSave { by: &theirs.updated_by, at: Some(theirs.updated_at), version: theirs.version };
    let name = format!("{} in {}", theirs.id, collection.connector.label);
    let page = ConflictPage::new(layout, &name, &record_address(collection, theirs), saved).fields(mine.data.carried());
    let mine = mine.json_text();
    let page = match RecordData::parse(&mine) {
        Ok(data) => differences(&theirs.data, &records::as_stored(conn, &data).await?)?
            .into_iter()
            .fold(page, |page, Difference { member, from, to }| page.difference(member, from, to)),
        Err(_) => page.difference("Record", indented(&theirs.data), mine),
    };
    page.respond()
}

/// A member whose value differs between two states of a record.
struct Difference {
    member: String,
    /// Empty where there is none.
    from: String,
    to: String,
}

fn differences(before: &str, after: &str) -> Result<Vec<Difference>, Error> {
    let members = |text| RecordData::raw_members(text).map_err(Error::internal);
    let (before, after) = (members(before)?, members(after)?);
    let names = changed_names(&before, &after);
    let values = |members: Vec<(String, &'_ str)>| -> HashMap<String, String> {
        let wanted = members.into_iter().filter(|(name, _)| names.contains(name));
        // Null is shown, because it differs from nothing.
        let shown = wanted.map(|(name, raw)| (name, if raw == "null" { raw.to_owned() } else { readable(raw) }));
        shown.map(|(name, text)| (name, beginning(&text, COMPARED))).collect()
    };
    let (mut before, mut after) = (values(before), values(after));
    let more = names.len().saturating_sub(MAX_DIFFERENCES);
    let mut differences: Vec<Difference> = names
        .into_iter()
        .take(MAX_DIFFERENCES)
        .map(|member| Difference {
            from: before.remove(&member).unwrap_or_default(),
            to: after.remove(&member).unwrap_or_default(),
            member,
        })
        .collect();
    if more > 0 {
        let member = format!("{} more members", grouped(i64::try_from(more).unwrap_or(i64::MAX)));
        differences.push(Difference { member, from: String::new(), to: String::new() });
    }
    Ok(differences)
}

/// The question before a record is deleted; `changed` if it was saved since the page was opened.
fn delete_page(
    context: RequestContext,
    collection: &Collection,
    record: &Record,
    changed: bool,
) -> Result<HttpResponse, Error> {
    let (list, own, name) = (address(collection), record_address(collection, record), &collection.connector.label);
    Confirmation {
        title: format!("Delete record, {name}"),
        crumbs: vec![
            ("/collections".into(), "Collections".into()),
            (list, name.clone()),
            (own.clone(), record.id.to_string()),
        ],
        step: "Delete",
        question: "Are you sure you want to delete this record?".into(),
        sentences: vec!["This cannot be undone. Its history is deleted as well.".into()],
        facts: vec![
            Fact::code("Record", record.id.to_string()),
            Fact::code("Contents", beginning(&record.data, COMPARED)),
            Fact::text("Last changed", format!("{} by {}", date_time(&record.updated_at), record.updated_by)),
        ],
        action: format!("{own}/delete"),
        fields: vec![Confirmation::version(record.version)],
        button: "Delete this record".into(),
        back: (own, "Keep it"),
        changed_by: changed.then(|| ("record", record.updated_by.clone())),
        ..Confirmation::default()
    }
    .respond(context.layout, if changed { StatusCode::CONFLICT } else { StatusCode::OK })
}

pub async fn confirm_delete(context: RequestContext, Segments(path): Segments<2>) -> Result<HttpResponse, Error> {
    let (collection, record) = load(&context, &*context.conn().await?, &path, Right::Call).await?;
    delete_page(context, &collection, &record, false)
}

pub async fn delete(
    context: RequestContext,
    Segments(path): Segments<2>,
    data: FormData,
) -> Result<HttpResponse, Error> {
    let mut conn = context.conn().await?;
    let (collection, mut record) = load(&context, &conn, &path, Right::Call).await?;
    if let Some(seen) = data.seen_version(record.version) {
        match records::delete(&mut Change::new(&mut conn, &context), &collection, (&record, seen)).await {
            Ok(()) => return Ok(context.see_other(&address(&collection), "The record was deleted")),
            Err(SaveError::Stale) => record = records::find(&conn, collection.connector.id, record.id).await?,
            Err(other) => return Err(other.into()),
        }
    }
    delete_page(context, &collection, &record, true)
}

#[derive(Template)]
#[template(path = "collections/record_versions.html")]
struct HistoryPage {
    layout: Layout,
    collection: Collection,
    record: Record,
    saves: Vec<Save>,
    may_change: bool,
}

/// A save of a record, and what it changed.
struct Save {
    version: i32,
    at: DateTime<Utc>,
    by: String,
    /// `None` if the state before is not kept.
    changes: Option<Vec<Difference>>,
}

pub async fn history(context: RequestContext, Segments(path): Segments<2>) -> Result<HttpResponse, Error> {
    let conn = context.conn().await?;
    let (collection, record) = load(&context, &conn, &path, Right::View).await?;
    let mut states = records::versions(&conn, collection.connector.id, record.id).await?;
    drop(conn);
    let Record { version, data, updated_at: saved_at, updated_by: saved_by, .. } = record.clone();
    states.insert(0, RecordVersion { version, data, saved_at, saved_by });
    let saves = saves(states)?;
    let may_change = collection.connector.rights.contains(Right::Call);
    page(StatusCode::OK, &HistoryPage { layout: context.layout, collection, record, saves, may_change })
}

/// What each state changed of the one before it; the latest comes first.
fn saves(states: Vec<RecordVersion>) -> Result<Vec<Save>, Error> {
    let before: Vec<Option<String>> = states
        .iter()
        .map(|state| (state.version == 1).then(|| "{}".to_owned()))
        .zip(states.iter().skip(1).map(|earlier| Some(earlier.data.clone())).chain([None]))
        .map(|(created, earlier)| earlier.or(created))
        .collect();
    let saved = states.into_iter().zip(before);
    saved
        .map(|(state, before)| {
            let changes = before.map(|before| differences(&before, &state.data)).transpose()?;
            Ok(Save { version: state.version, at: state.saved_at, by: state.saved_by, changes })
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_change_beyond_what_is_shown_is_one_too() {
        let record = |end: &str| format!(r#"{{"a":"{}{end}","b":1}}"#, "x".repeat(COMPARED));
        let found = differences(&record("one"), &record("two")).expect("two records");
        let [Difference { member, from, to }] = found.as_slice() else { panic!("{} differences", found.len()) };
        assert_eq!((member.as_str(), from == to, from.ends_with('…')), ("a", true, true));
        assert!(differences(r#"{"a":1}"#, r#"{"a":1}"#).is_ok_and(|found| found.is_empty()));
    }
}
