//! Resources that a token is for (RFC 8707 2), as a person types them.

use thiserror::Error;
use url::Url;

/// The most resources, and the longest one in characters.
const MOST: usize = 10;
const LONGEST: usize = 1_000;

/// Why a text holds no list of resources; the words complete the label of its field.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum ResourceProblem {
    /// No absolute URI (RFC 3986 4.3), for example one without a scheme.
    #[error("must be a whole address such as https://api.example.org (line {0})")]
    NotAbsolute(usize),
    /// A part from `#` on, which RFC 8707 forbids.
    #[error("must not have a fragment, the part from # (line {0})")]
    Fragment(usize),
    /// More than 1,000 characters.
    #[error("must not have more than 1,000 characters in a line (line {0})")]
    TooLong(usize),
    /// More than 10 resources.
    #[error("must not have more than 10 lines")]
    TooMany,
}

/// Reads resources, one a line, as they were typed but for outer white space; empty lines say
/// nothing.
pub fn parse_resources(text: &str) -> Result<Vec<String>, ResourceProblem> {
    let lines = (1..).zip(text.lines().map(str::trim));
    let filled = lines.filter(|(_, line)| !line.is_empty());
    let all = filled.map(|(at, line)| resource(at, line)).collect::<Result<Vec<_>, _>>()?;
    if all.len() > MOST {
        return Err(ResourceProblem::TooMany);
    }
    Ok(all)
}

fn resource(at: usize, text: &str) -> Result<String, ResourceProblem> {
    if text.chars().count() > LONGEST {
        return Err(ResourceProblem::TooLong(at));
    }
    if text.contains('#') {
        return Err(ResourceProblem::Fragment(at));
    }
    // The parser repairs what is no URI; a resource is compared letter by letter.
    if text.bytes().all(is_uri_byte) && Url::parse(text).is_ok() && !text.ends_with(':') {
        return Ok(text.to_owned());
    }
    Err(ResourceProblem::NotAbsolute(at))
}

/// What may stand in a URI (RFC 3986 2).
fn is_uri_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"-._~:/?[]@!$&'()*+,;=%".contains(&byte)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn resources_read_back_as_typed() {
        let typed = "https://api.example.org\n\n  urn:example:api \r\napi://1b2c/.default\n\
                     https://a.example/x?y=%20z";
        let read = ["https://api.example.org", "urn:example:api", "api://1b2c/.default", "https://a.example/x?y=%20z"];
        assert_eq!(parse_resources(typed), Ok(read.map(str::to_owned).to_vec()));
        assert_eq!(parse_resources(" \n"), Ok(vec![]));
    }

    #[test]
    fn what_is_no_resource_is_refused_with_its_line() {
        use ResourceProblem::*;
        let long = format!("https://a.example/{}", "x".repeat(1_000));
        let many = "urn:a\n".repeat(11);
        for (typed, problem) in [
            ("urn:a\n\napi.example.org", NotAbsolute(3)),
            ("/api", NotAbsolute(1)),
            ("https://", NotAbsolute(1)),
            ("urn:", NotAbsolute(1)),
            ("1a:b", NotAbsolute(1)),
            ("https://a b.example", NotAbsolute(1)),
            ("https://bücher.example", NotAbsolute(1)),
            ("https:\\\\a.example", NotAbsolute(1)),
            ("https://a.example/#top", Fragment(1)),
            ("https://a.example/#", Fragment(1)),
            (&long, TooLong(1)),
            (&many, TooMany),
        ] {
            assert_eq!(parse_resources(typed), Err(problem), "{typed}");
        }
    }
}
