//! The form of a run as it comes: with files for the parts of a multipart body.

use std::sync::Arc;
use std::time::Duration;

use actix_web::{HttpRequest, web};

use crate::endpoints::definition::{FileValue, Files, MAX_BODY};
use crate::endpoints::editor::Editor;
use crate::endpoints::forms::EndpointForm;
use crate::endpoints::model::RowKind;
use crate::template::Template;
use crate::web::form::Form;
use crate::web::{Budget, Error, FormPart, FormWithFiles, Held};

/// The most of a form with its files, in bytes.
const MAX_FORM: usize = MAX_BODY + 1024 * 1024;

/// How long a form with files may take to arrive.
const ARRIVAL: Duration = Duration::from_secs(600);

/// A form and the files that came with it.
pub(super) struct Submitted {
    pub form: Form<EndpointForm>,
    pub uploads: Vec<FormPart>,
    /// Counts the files in the memory for bodies.
    pub held: Held,
}

pub(super) async fn submitted(
    req: &HttpRequest,
    payload: web::Payload,
    budget: &Arc<Budget>,
) -> Result<Submitted, Error> {
    let form = FormWithFiles::read(req, payload.into_inner(), (MAX_FORM, ARRIVAL), budget).await?;
    Ok(Submitted { form: Form::of(form.data)?, uploads: form.files, held: form.held })
}

/// The files by the variables of their parts; a file for a part that has none is an error at its field.
pub(super) fn files(editor: &mut Editor, uploads: Vec<FormPart>) -> Files {
    let mut files = Files::new();
    for (index, row) in editor.form.fields.part.list.iter().enumerate() {
        let field = RowKind::Part.field(&index, "upload");
        let Some(upload) = uploads.iter().find(|upload| upload.name == field) else { continue };
        let value = Template::parse(&row.value).unwrap_or_default();
        match value.only_variable().filter(|_| row.is_file) {
            Some(variable) => {
                let file = FileValue {
                    bytes: upload.bytes.clone(),
                    name: upload.file_name.clone().unwrap_or_default(),
                    content_type: upload.content_type.clone(),
                };
                files.insert(variable.name().to_string(), file);
            }
            None => {
                let number = index + 1;
                let message = format!("Part {number} takes no file. Choose File, and enter one variable as its value");
                editor.form.errors.add(field, message);
            }
        }
    }
    files
}
