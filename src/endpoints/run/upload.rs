//! The form of a run as it comes: with files for the parts of a multipart body.

use std::sync::Arc;
use std::time::Duration;

use actix_web::{FromRequest, HttpRequest, web};

use crate::endpoints::definition::{FileValue, Files, MAX_BODY};
use crate::endpoints::editor::Editor;
use crate::endpoints::forms::EndpointForm;
use crate::endpoints::model::RowKind;
use crate::endpoints::template::Template;
use crate::web::form::Form;
use crate::web::{Budget, Error, FormData, FormPart, Held, is_multipart, read_parts};

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
    let (mut payload, mut held) = (payload.into_inner(), Held::of(budget));
    if !is_multipart(req) {
        let form = Form::of(FormData::from_request(req, &mut payload).await?)?;
        return Ok(Submitted { form, uploads: Vec::new(), held });
    }
    let mut uploads = read_parts(req, payload, (MAX_FORM, ARRIVAL), &mut held).await?;
    let form = Form::of(FormData::of_parts(req, &uploads)?)?;
    // A field without a file is sent as a file without a name.
    uploads.retain(|part| part.file_name.as_deref().is_some_and(|name| !name.is_empty()));
    Ok(Submitted { form, uploads, held })
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
