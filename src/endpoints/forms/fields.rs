//! The editor's fields.

use super::super::model::{BodyKind, HttpMethod};
use super::EndpointForm;
use crate::web::{Option_, SelectField, TextArea, TextField, secret_warning};

const MAX_RETRIES: u8 = 5;

impl EndpointForm {
    pub fn name_field(&self) -> TextField {
        TextField::new("endpoint_name", "Name", &self.name)
            .prose()
            .hint("What the endpoint does. Programs call it by this name.")
            .errors(&self.errors)
    }

    pub fn description_field(&self) -> TextArea {
        TextArea::new("description", "Description", &self.description).optional().errors(&self.errors)
    }

    pub fn method_field(&self) -> SelectField {
        let options = HttpMethod::ALL.map(|method| Option_::new(method.code(), method.code()));
        SelectField::new("http_method", "Method", options.into(), &self.method).errors(&self.errors)
    }

    pub fn url_field(&self) -> TextField {
        let hint = match &self.base_url {
            Some(base) => format!(
                "A path below the base URL {}, or a whole address that starts with https://. Write variables as {{{{name}}}}, such as /orders/{{{{order.id}}}}.",
                base.as_str()
            ),
            None => "A whole address that starts with https://, because the data connector has no base URL. Write variables as {{name}}, such as /orders/{{order.id}}.".to_string(),
        };
        TextField::url("endpoint_url", "URL", &self.url)
            .hint(hint)
            .warning(secret_warning(&self.url))
            .errors(&self.errors)
    }

    pub fn body_kind_field(&self) -> SelectField {
        let options = BodyKind::ALL.map(|kind| Option_::new(kind.code(), kind.label()));
        SelectField::new("body_kind", "Body type", options.into(), self.body_kind().code())
            .switches("Showing fields for {}")
            .errors(&self.errors)
    }

    pub fn body_kind_label(&self) -> &'static str {
        self.body_kind().label()
    }

    pub fn body_field(&self) -> TextArea {
        TextArea::new("body", "Body", &self.body)
            .code(10)
            .hint("In JSON, write a variable inside a string, or alone for a number, text, list or object: {\"n\": {{n}}}. In XML, write it in the text of an element or in an attribute.")
            .warning(secret_warning(&self.body))
            .errors(&self.errors)
    }

    pub fn sample_field(&self) -> TextArea {
        TextArea::new("sample", "Sample data", &self.sample)
            .code(8)
            .optional()
            .hint("A JSON object with a value for each variable, such as {\"order\": {\"id\": 7}}. Only Run uses it.")
            .warning(secret_warning(&self.sample))
            .errors(&self.errors)
    }

    pub fn time_out_field(&self) -> TextField {
        TextField::new("time_out", "Timeout", &self.time_out)
            .optional()
            .width("w20")
            .hint("In seconds, from 1 to 300. Leave empty to use the timeout of the Authorization tab.")
            .errors(&self.errors)
    }

    pub fn retries_field(&self) -> SelectField {
        let option = |number: u8| {
            let label = match number {
                0 => "None".to_string(),
                number => crate::web::plural(number.into(), "retry", "retries"),
            };
            Option_::new(number.to_string(), label)
        };
        SelectField::new(
            "retries",
            "Retries",
            (0..=MAX_RETRIES).map(option).collect(),
            &self.retries,
        )
        .hint("How often to retry a call that found no connection or a busy server. POST and PATCH are retried only if they have not reached the server.")
        .errors(&self.errors)
    }

    /// Whether a group of fields belongs to the chosen body type.
    pub fn shows(&self, kinds: &str) -> bool {
        kinds.split(' ').any(|code| code == self.body_kind().code())
    }
}
