//! The category form: typed text in, a checked category or the form with its errors out.

use uuid::Uuid;

use super::model::{Category, CategoryId, CategoryStatus, CheckedCategory, parse_name};
use crate::db::StoredValueError;
use crate::web::{Errors, FormData, Option_, SelectField, TextField};

/// What the form holds.
pub(super) struct CategoryForm {
    /// The id that a new category will have; made with the empty form so that pressing twice creates one.
    pub new_id: CategoryId,
    name: String,
    status: String,
    pub errors: Errors,
}

impl CategoryForm {
    pub fn empty() -> CategoryForm {
        CategoryForm {
            new_id: Uuid::now_v7(),
            name: String::new(),
            status: CategoryStatus::Active.code().into(),
            errors: Errors::default(),
        }
    }

    pub fn of(category: &Category) -> Result<CategoryForm, StoredValueError> {
        Ok(CategoryForm {
            name: category.name.clone(),
            status: category.status()?.code().into(),
            ..CategoryForm::empty()
        })
    }

    pub fn read(data: &FormData) -> CategoryForm {
        CategoryForm {
            new_id: data.get("new_id").and_then(|id| id.parse().ok()).unwrap_or_else(Uuid::now_v7),
            name: data.text("category_name"),
            status: data.text("status"),
            errors: Errors::default(),
        }
    }

    /// The checked category; `None` leaves the messages in the form.
    pub fn check(&mut self) -> Option<CheckedCategory> {
        let name = self.errors.keep("category_name", parse_name(&self.name));
        let status = self.errors.keep("status", CategoryStatus::parse(&self.status).ok_or("Choose Active or Inactive"));
        Some(CheckedCategory { name: name?, status: status? })
    }

    pub fn typed_name(&self) -> String {
        self.name.trim().to_string()
    }

    pub fn name_taken(&mut self) {
        let name = parse_name(&self.name).map(|name| name.as_str().to_string()).unwrap_or_default();
        self.errors.add("category_name", format!("A category named “{name}” already exists"));
    }

    pub fn name_field(&self) -> TextField {
        TextField::new("category_name", "Name", &self.name).prose().width("w28").errors(&self.errors)
    }

    pub fn status_field(&self) -> SelectField {
        let options = CategoryStatus::ALL.map(|status| Option_::new(status.code(), status.label())).into();
        SelectField::new("status", "Status", options, &self.status)
            .hint("Only active categories can be given to connectors. Connectors that have one keep it.")
            .errors(&self.errors)
    }
}
