//! What templates accept, what they refuse in which words, and that no value leaves its place.

mod places;
mod syntax;

use serde_json::Value;

use super::*;

fn json(text: &str) -> Value {
    serde_json::from_str(text).expect("JSON")
}

fn plain(template: &str, variables: &str) -> Result<String, Vec<String>> {
    Template::parse(template)
        .expect("a template")
        .render_plain(&json(variables))
        .map_err(sentences)
}

fn sentences(faults: Vec<Fault>) -> Vec<String> {
    faults
        .iter()
        .map(|fault| fault.sentence("the text"))
        .collect()
}

fn misfits<T>(result: Result<T, Vec<Fault>>) -> Vec<Misfit> {
    let faults = result.err().expect("a refusal");
    faults.into_iter().map(|fault| fault.misfit).collect()
}
