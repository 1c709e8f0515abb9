//! The editor's form: typed text in, a checked endpoint or the form with its errors out.
//!
//! Rows are added and removed by buttons that send the whole form: nothing is saved by them, and nothing typed is lost.

mod check;
mod fields;
mod rows;

use uuid::Uuid;

use super::definition::Definition;
use super::model::{BodyKind, Endpoint, EndpointId, HttpMethod, field_words, offered};
use crate::outbound::HttpUrl;
use crate::web::{Error, Errors, FormData};

pub(super) use rows::{RowGroup, Rows};

/// What the form is sent for, besides saving.
pub(super) enum Purpose {
    /// Shows the fields of another kind of body.
    Show,
    AddRow(RowGroup),
    /// Which row, from 0.
    RemoveRow(RowGroup, usize),
    Save,
}

impl Purpose {
    pub fn of(data: &FormData) -> Purpose {
        let pressed = data.get("do").unwrap_or_default();
        if pressed == "show" {
            return Purpose::Show;
        }
        for group in RowGroup::ALL {
            if pressed == format!("add-{}", group.code()) {
                return Purpose::AddRow(group);
            }
            let removed = pressed.strip_prefix(&format!("remove-{}-", group.code()));
            let number = removed.and_then(|number| number.parse::<usize>().ok());
            if let Some(index) = number.and_then(|number| number.checked_sub(1)) {
                return Purpose::RemoveRow(group, index);
            }
        }
        Purpose::Save
    }
}

/// What has been typed into the editor.
pub(super) struct EndpointForm {
    /// The id of a new endpoint, made with the empty form, so that pressing twice creates one.
    pub new_id: EndpointId,
    name: String,
    description: String,
    method: String,
    url: String,
    pub parameters: Rows,
    pub headers: Rows,
    body_kind: String,
    body: String,
    pub form_fields: Rows,
    sample: String,
    time_out: String,
    retries: String,
    pub errors: Errors,
    /// The connector's base URL, which the hint of the URL names.
    base_url: Option<HttpUrl>,
    /// It was sent for something else than saving.
    is_rearranged: bool,
}

impl EndpointForm {
    /// A new endpoint's, with the first usual name that is not `taken`.
    pub fn empty(base_url: Option<HttpUrl>, taken: &[String]) -> EndpointForm {
        let offer = offered(taken);
        EndpointForm {
            new_id: Uuid::now_v7(),
            name: offer.map_or(String::new(), |(name, _)| name.to_string()),
            description: String::new(),
            method: offer.map_or(HttpMethod::Get, |(_, method)| method).code().into(),
            url: String::new(),
            parameters: Rows::empty(RowGroup::Parameter),
            headers: Rows::empty(RowGroup::Header),
            body_kind: BodyKind::None.code().into(),
            body: String::new(),
            form_fields: Rows::empty(RowGroup::FormField),
            sample: String::new(),
            time_out: String::new(),
            retries: "0".into(),
            errors: Errors::default(),
            base_url,
            is_rearranged: false,
        }
    }

    pub fn of(endpoint: &Endpoint, base_url: Option<HttpUrl>) -> Result<EndpointForm, Error> {
        let recipe = endpoint.recipe().map_err(Error::internal)?;
        Ok(EndpointForm {
            new_id: endpoint.id,
            name: endpoint.name.clone(),
            description: endpoint.description.clone(),
            method: recipe.method.code().into(),
            url: recipe.url,
            parameters: Rows::of(RowGroup::Parameter, recipe.parameters),
            headers: Rows::of(RowGroup::Header, recipe.headers),
            body_kind: recipe.body_kind.code().into(),
            body: recipe.body,
            form_fields: Rows::of(RowGroup::FormField, recipe.form),
            sample: endpoint.sample.clone(),
            time_out: recipe.time_out.map_or(String::new(), |seconds| seconds.to_string()),
            retries: recipe.retries.to_string(),
            errors: Errors::default(),
            base_url,
            is_rearranged: false,
        })
    }

    pub fn read(data: &FormData, base_url: Option<HttpUrl>) -> EndpointForm {
        EndpointForm {
            new_id: data.get("new_id").and_then(|id| id.parse().ok()).unwrap_or_else(Uuid::now_v7),
            name: data.text("endpoint_name"),
            description: data.text("description"),
            method: data.text("http_method"),
            url: data.trimmed("endpoint_url"),
            parameters: Rows::read(RowGroup::Parameter, data),
            headers: Rows::read(RowGroup::Header, data),
            body_kind: data.text("body_kind"),
            body: data.text("body"),
            form_fields: Rows::read(RowGroup::FormField, data),
            sample: data.text("sample"),
            time_out: data.trimmed("time_out"),
            retries: data.trimmed("retries"),
            errors: Errors::default(),
            base_url,
            is_rearranged: false,
        }
    }

    /// Does what a button besides Save and Run asks for; gives whether it was one.
    pub fn rearrange(&mut self, purpose: Purpose) -> bool {
        match purpose {
            Purpose::Save => return false,
            Purpose::Show => {}
            Purpose::AddRow(group) => self.rows_mut(group).add(),
            Purpose::RemoveRow(group, index) => self.rows_mut(group).remove(index),
        }
        self.is_rearranged = true;
        true
    }

    /// Where the buttons of the rows send the form.
    pub fn send_rows_to(&mut self, action: &str) {
        for group in RowGroup::ALL {
            self.rows_mut(group).send_to(action);
        }
    }

    /// Whether the page shows what is not saved: leaving it would lose that.
    pub fn is_unsaved(&self) -> bool {
        self.is_rearranged || self.errors.any()
    }

    pub fn mark_unsaved(&mut self) {
        self.is_rearranged = true;
    }

    fn rows_mut(&mut self, group: RowGroup) -> &mut Rows {
        match group {
            RowGroup::Parameter => &mut self.parameters,
            RowGroup::Header => &mut self.headers,
            RowGroup::FormField => &mut self.form_fields,
        }
    }

    /// The name, for headings.
    pub fn name(&self) -> &str {
        self.name.trim()
    }

    pub fn set_sample(&mut self, sample: String) {
        self.sample = sample;
    }

    fn body_kind(&self) -> BodyKind {
        BodyKind::parse(&self.body_kind).unwrap_or(BodyKind::None)
    }

    /// Its fields as people read them, for the page with both versions.
    pub fn words(&self) -> Vec<(&'static str, String)> {
        field_words(self.name(), self.description.trim(), &self.recipe_as_typed(), &self.sample)
    }

    /// The variables of what has been typed, with what they are without a value; none while it cannot be read.
    pub fn variables(&self) -> Vec<(String, Option<String>)> {
        let definition = Definition::new(&self.recipe_as_typed(), self.base_url.as_ref());
        let definition = definition.ok();
        let variables = definition.iter().flat_map(|one| one.variables());
        let words = |variable: &super::template::Variable| {
            let default = variable.default().map(str::to_string);
            (variable.name().to_string(), default)
        };
        variables.map(words).collect()
    }
}
