//! The create form and the Details form: typed text in, a checked connector or the form with its errors out.

use uuid::Uuid;

use super::model::{CheckedDetails, Connector, ConnectorId, NewConnector, parse_name};
use super::{LegacyGrants, Method};
use crate::categories::{CategoryChoice, CategoryId, UNCATEGORIZED};
use crate::name::Name;
use crate::outbound::HttpUrl;
use crate::web::{Check, CheckList, Choice, Errors, FormData, Option_, SelectField, TextArea, TextField};

/// The longest description, in characters.
const LONGEST_DESCRIPTION: usize = 4000;
const LONGEST_DISPLAY_NAME: usize = 255;

/// What the forms share.
pub(super) struct ConnectorForm {
    pub new_id: ConnectorId,
    name: String,
    display_name: String,
    description: String,
    base_url: String,
    method: String,
    categories: Vec<CategoryId>,
    enabled: bool,
    pub errors: Errors,
    choices: Vec<CategoryChoice>,
    grants: LegacyGrants,
}

impl ConnectorForm {
    pub fn empty(choices: Vec<CategoryChoice>) -> ConnectorForm {
        ConnectorForm {
            new_id: Uuid::now_v7(),
            name: String::new(),
            display_name: String::new(),
            description: String::new(),
            base_url: String::new(),
            method: Method::NoAuth.code().into(),
            categories: vec![UNCATEGORIZED],
            enabled: true,
            errors: Errors::default(),
            choices,
            grants: LegacyGrants::default(),
        }
    }

    /// The form with the methods that are left on here.
    pub fn offering(mut self, grants: LegacyGrants) -> ConnectorForm {
        self.grants = grants;
        self
    }

    pub fn of(connector: &Connector, categories: Vec<CategoryId>, choices: Vec<CategoryChoice>) -> ConnectorForm {
        ConnectorForm {
            name: connector.name.clone(),
            display_name: connector.display_name.clone(),
            description: connector.description.clone(),
            base_url: connector.base_url.as_ref().map_or("", HttpUrl::as_str).into(),
            method: connector.method().code().into(),
            categories,
            enabled: connector.enabled,
            ..ConnectorForm::empty(choices)
        }
    }

    pub fn read(data: &FormData, choices: Vec<CategoryChoice>) -> ConnectorForm {
        ConnectorForm {
            new_id: data.get("new_id").and_then(|id| id.parse().ok()).unwrap_or_else(Uuid::now_v7),
            name: data.text("connector_name"),
            display_name: data.text("display_name"),
            description: data.text("description"),
            base_url: data.text("base_url"),
            method: data.text("auth_method"),
            categories: data.all("category").iter().filter_map(|id| id.parse().ok()).collect(),
            enabled: data.ticked("enabled"),
            ..ConnectorForm::empty(choices)
        }
    }

    /// The checked new connector; `None` leaves the messages in the form. A description is asked for here.
    pub fn check_new(&mut self) -> Option<NewConnector> {
        let name = self.check_name();
        let display_name = self.check_display_name();
        let description = self.check_description();
        if self.description.trim().is_empty() {
            self.errors.add("description", "Enter a description");
        }
        let base_url = self.check_base_url();
        let method = self.check_method();
        let categories = self.check_categories();
        if self.errors.any() {
            return None;
        }
        Some(NewConnector {
            id: self.new_id,
            name: name?,
            display_name: display_name?,
            description: description?,
            base_url: base_url?,
            method: method?,
            categories: categories?,
            enabled: true,
        })
    }

    /// The checked Details of this connector; `None` leaves the messages in the form. Removing the base URL sends
    /// secrets nowhere.
    pub fn check_details(&mut self, old: &Connector) -> Option<CheckedDetails> {
        let name = self.check_name();
        let display_name = self.check_display_name();
        let description = self.check_description();
        let base_url = self.check_base_url();
        let categories = self.check_categories();
        let base_url = base_url?;
        let after = base_url.as_ref().map(origin);
        Some(CheckedDetails {
            name: name?,
            display_name: display_name?,
            description: description?,
            categories: categories?,
            enabled: self.enabled,
            has_new_origin: after.is_some() && after != stored_origin(old),
            base_url,
        })
    }

    fn check_method(&mut self) -> Option<Method> {
        let method = match Method::parse(&self.method) {
            None => Err("Choose an authentication type".to_string()),
            Some(method) if !self.grants.allow(method) => {
                Err(format!("{} is switched off here. Choose another authentication type.", method.label()))
            }
            Some(method) => Ok(method),
        };
        self.errors.keep("auth_method", method)
    }

    fn check_name(&mut self) -> Option<Name> {
        self.errors.keep("connector_name", parse_name(&self.name))
    }

    fn check_display_name(&mut self) -> Option<String> {
        let text = self.display_name.split_whitespace().collect::<Vec<_>>().join(" ");
        self.limit("display_name", "Display name", text, LONGEST_DISPLAY_NAME)
    }

    fn check_description(&mut self) -> Option<String> {
        let text = self.description.trim().to_string();
        self.limit("description", "Description", text, LONGEST_DESCRIPTION)
    }

    fn limit(&mut self, field: &str, label: &str, text: String, longest: usize) -> Option<String> {
        let fits = text.chars().count() <= longest;
        let checked = if fits {
            Ok(text)
        } else {
            Err(format!("{label} must be {} characters or fewer", crate::web::grouped(longest as i64)))
        };
        self.errors.keep(field, checked)
    }

    fn check_base_url(&mut self) -> Option<Option<HttpUrl>> {
        if self.base_url.trim().is_empty() {
            return Some(None);
        }
        let checked = HttpUrl::parse(&self.base_url).map_err(|problem| format!("Base URL {problem}")).and_then(|url| {
            match url.has_step() {
                true => Err("Base URL has an encoded “.” or “..” in its path".to_string()),
                false => Ok(Some(url)),
            }
        });
        self.errors.keep("base_url", checked)
    }

    fn check_categories(&mut self) -> Option<Vec<CategoryId>> {
        let known = |id: &CategoryId| self.choices.iter().any(|choice| choice.id == *id);
        let chosen: Vec<CategoryId> = self.categories.iter().copied().filter(known).collect();
        let checked = if chosen.is_empty() { Err("Choose at least one category") } else { Ok(chosen) };
        self.errors.keep("category", checked)
    }

    pub fn name_taken(&mut self) {
        let name = parse_name(&self.name).map(|name| name.as_str().to_string()).unwrap_or_default();
        self.errors.add("connector_name", format!("A data connector named “{name}” already exists"));
    }

    pub fn name_field(&self) -> TextField {
        TextField::new("connector_name", "Name", &self.name)
            .prose()
            .hint("Letters, numbers, spaces, apostrophes, hyphens, underscores and full stops. No two data connectors have the same name.")
            .errors(&self.errors)
    }

    pub fn display_name_field(&self) -> TextField {
        TextField::new("display_name", "Display name", &self.display_name)
            .prose()
            .optional()
            .hint("Shown in place of the name.")
            .errors(&self.errors)
    }

    pub fn description_field(&self, optional: bool) -> TextArea {
        let field = TextArea::new("description", "Description", &self.description)
            .hint("What the data source is, and who uses it.")
            .errors(&self.errors);
        if optional { field.optional() } else { field }
    }

    pub fn base_url_field(&self) -> TextField {
        TextField::url("base_url", "Base URL", &self.base_url)
            .optional()
            .hint("Where the API begins, such as https://api.example.org/v1. Stored secrets are sent only to servers that are approved on the Authorization tab.")
            .errors(&self.errors)
    }

    pub fn method_field(&self) -> SelectField {
        let choices = self.grants.choices(None);
        let options = choices.map(|method| Option_::new(method.code(), method.label())).collect();
        SelectField::new("auth_method", "Authentication Type", options, &self.method)
            .hint("How the data source wants to be signed in to. The next page asks for the details.")
            .errors(&self.errors)
    }

    pub fn categories_field(&self) -> CheckList {
        let choice = |choice: &CategoryChoice| Choice {
            value: choice.id.to_string(),
            label: choice.name.clone(),
            ticked: self.categories.contains(&choice.id),
            note: if choice.is_active() { "" } else { "inactive" },
        };
        CheckList::new("category", "Category", self.choices.iter().map(choice).collect())
            .hint("Choose one or more.")
            .errors(&self.errors)
    }

    pub fn enabled_field(&self) -> Check {
        Check::new("enabled", "Enabled", self.enabled)
            .hint("A disabled data connector keeps everything and refuses calls.")
    }

    /// What was typed, for the page with both versions.
    pub fn typed(&self) -> TypedDetails {
        let names =
            |id: &CategoryId| self.choices.iter().find(|choice| choice.id == *id).map(|choice| choice.name.clone());
        let mut categories: Vec<String> = self.categories.iter().filter_map(names).collect();
        categories.sort();
        TypedDetails {
            name: self.name.trim().to_string(),
            display_name: self.display_name.trim().to_string(),
            description: self.description.trim().to_string(),
            base_url: HttpUrl::parse(&self.base_url).map_or(self.base_url.clone(), |url| url.as_str().to_string()),
            categories: categories.join(", "),
            enabled: self.enabled,
        }
    }
}

/// The host, with scheme and port.
fn origin(url: &HttpUrl) -> String {
    url.origin().to_string()
}

/// That of the stored base URL.
fn stored_origin(connector: &Connector) -> Option<String> {
    connector.base_url.as_ref().map(origin)
}

/// The fields of the Details form as the person meant them.
pub(super) struct TypedDetails {
    pub name: String,
    pub display_name: String,
    pub description: String,
    pub base_url: String,
    pub categories: String,
    pub enabled: bool,
}
