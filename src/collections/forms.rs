//! The form of a collection's settings.

use serde::Deserialize;
use validator::Validate;

use super::json::JsonProblem;
use super::model::{Collection, MAX_MEMBERS, NewCollection, RecordSettings};
use super::schema::{RecordSchema, SchemaProblem};
use crate::categories::GENERATED;
use crate::connectors::{Details, Method, NewConnector, Stewardship, parse_name};
use crate::name::Name;
use crate::web::Errors;
use crate::web::form::{NewId, Text};

/// The longest name of a member, in characters.
const MAX_MEMBER: usize = 100;

#[derive(Default, Deserialize, Validate)]
#[serde(default)]
pub struct CollectionForm {
    pub(super) new_id: NewId,
    pub(super) collection_name: Text,
    #[validate(length(max = 4000, message = "Description must be 4,000 characters or fewer"))]
    pub(super) description: Text,
    pub(super) schema: Text,
    pub(super) members: Text,
}

/// A checked form.
pub(super) struct CheckedCollection {
    pub name: Name,
    pub description: String,
    pub records: RecordSettings,
}

impl CollectionForm {
    pub(super) fn of(collection: &Collection) -> CollectionForm {
        CollectionForm {
            collection_name: collection.connector.name.to_string().into(),
            description: collection.connector.description.as_str().into(),
            schema: collection.settings.schema_text().into(),
            members: collection.settings.members.join("\n").into(),
            ..CollectionForm::default()
        }
    }

    pub(super) fn checked(&self, errors: &mut Errors) -> Option<CheckedCollection> {
        let name = errors.keep("collection_name", parse_name(&self.collection_name));
        let schema = errors.keep("schema", self.checked_schema());
        let members = errors.keep("members", self.checked_members());
        let records = RecordSettings { schema: schema?, members: members? };
        Some(CheckedCollection { name: name?, description: self.description.trim().into(), records })
    }

    /// The new collection, with members from its schema if none were entered.
    pub(super) fn checked_new(&self, errors: &mut Errors) -> Option<NewCollection> {
        let CheckedCollection { name, description, mut records } = self.checked(errors)?;
        if let (true, Some(schema)) = (records.members.is_empty(), &records.schema) {
            let sortable = schema.sortable().into_iter().filter(|name| member_problem(name).is_none());
            records.members = sortable.take(MAX_MEMBERS).collect();
        }
        let details = Details {
            name,
            description,
            display_name: String::new(),
            base_url: None,
            enabled: true,
            stewardship: Stewardship::default(),
        };
        let connector =
            NewConnector { id: self.new_id.0, key: None, details, method: Method::Bearer, categories: vec![GENERATED] };
        Some(NewCollection { connector, records })
    }

    fn checked_schema(&self) -> Result<Option<RecordSchema>, String> {
        if self.schema.trim().is_empty() {
            return Ok(None);
        }
        RecordSchema::parse(&self.schema).map(Some).map_err(|problem| match problem {
            SchemaProblem::Json(JsonProblem::TooLarge) => "Schema must be 256 kilobytes or less".into(),
            SchemaProblem::Json(JsonProblem::NotAnObject) => {
                "Schema must be a JSON object, such as {\"type\": \"object\"}".into()
            }
            SchemaProblem::Json(problem) => format!("Schema is not JSON. {problem}"),
            problem => problem.to_string(),
        })
    }

    fn checked_members(&self) -> Result<Vec<String>, String> {
        let mut members: Vec<String> = Vec::new();
        for name in self.members.lines().map(str::trim).filter(|name| !name.is_empty()) {
            if let Some(problem) = member_problem(name) {
                return Err(problem);
            }
            if !members.iter().any(|other| other == name) {
                members.push(name.to_owned());
            }
        }
        match members.len() {
            0..=MAX_MEMBERS => Ok(members),
            _ => Err(format!("There can be {MAX_MEMBERS} members. Remove some")),
        }
    }

    /// The fields with their labels, as the page with both versions shows them.
    pub(super) fn labelled(&self) -> [(&'static str, String); 4] {
        let schema = RecordSchema::parse(&self.schema).map(|schema| format!("{:#}", schema.document));
        let members: Vec<&str> = self.members.lines().map(str::trim).filter(|name| !name.is_empty()).collect();
        [
            ("Name", self.collection_name.trim().into()),
            ("Description", self.description.trim().into()),
            ("Schema", schema.unwrap_or_else(|_| self.schema.trim().into())),
            ("Members to sort and filter by", members.join("\n")),
        ]
    }
}

/// Why records cannot be sorted by a member of this name.
fn member_problem(name: &str) -> Option<String> {
    (name.chars().count() > MAX_MEMBER)
        .then(|| format!("The name of a member must be {MAX_MEMBER} characters or fewer"))
}
