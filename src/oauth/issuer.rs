//! Which server an authorization answer comes from (RFC 9207), so that the code of one server is
//! never sent to another (mix-up, RFC 9700 4.4).

use thiserror::Error;

/// Why an answer is not to be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum IssuerProblem {
    /// It names another server than the one that was asked.
    #[error("the answer comes from another server than the one that was asked")]
    Other,
    /// It names none, though its server always does.
    #[error("the answer does not say which server it comes from, though this server always does")]
    Missing,
}

/// Compares the issuer that is known with the `iss` of an answer, letter by letter (RFC 9207 2.4).
/// `required` is whether the server's metadata say that it always sends one.
pub fn check_issuer(expected: Option<&str>, got: Option<&str>, required: bool) -> Result<(), IssuerProblem> {
    match (expected, got) {
        (Some(expected), Some(got)) if expected != got => Err(IssuerProblem::Other),
        (_, None) if required => Err(IssuerProblem::Missing),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_issuer_is_compared_letter_by_letter() {
        let a = Some("https://a.example");
        for (expected, got, required, result) in [
            (a, a, true, Ok(())),
            (a, Some("https://a.example/"), false, Err(IssuerProblem::Other)),
            (a, Some("https://A.example"), false, Err(IssuerProblem::Other)),
            (a, Some("https://b.example"), true, Err(IssuerProblem::Other)),
            (a, None, false, Ok(())),
            (a, None, true, Err(IssuerProblem::Missing)),
            (None, a, true, Ok(())),
            (None, None, false, Ok(())),
        ] {
            assert_eq!(check_issuer(expected, got, required), result);
        }
    }
}
