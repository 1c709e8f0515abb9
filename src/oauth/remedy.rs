//! What to try after a refusal. Real servers mix up the codes of RFC 6749 5.2, so a code and a
//! status only choose words here; nothing is decided by them.

pub(super) const CHECK_URL: &str = "Check the address that tokens are asked from.";
pub(super) const CHECK_SIGN_IN: &str =
    "Check user and password, and Client ID and Client Secret if the server wants them.";
pub(super) const REDIRECT: &str = "If you trust that address, enter it. Redirects are not followed, for the sign-in would go \
     along.";
pub(super) const WEB_PAGE: &str = "Check the address: a page for people stands there, perhaps the sign-in page. The address for \
     programs often ends in /token.";
pub(super) const POINTER: &str =
    "Enter where the token stands in the answer as JSON Pointer, for example /data/token.";
pub(super) const NO_JSON: &str = "Let the token be found by itself, or check the address.";

/// By the error code where it says more than the status, else by the status.
pub(super) fn for_status(status: u16, code: Option<&str>) -> &'static str {
    if let (400 | 401 | 403, Some(remedy)) = (status, for_code(code)) {
        return remedy;
    }
    match status {
        400 | 422 => {
            "Check user, password and Client ID, and try another request style: something that \
             the server needs is missing or wrong."
        }
        401 | 403 => CHECK_SIGN_IN,
        404 | 410 => "Check the path of the address: the server knows nothing there.",
        405 => "Try another request style: the server wants another HTTP method at this address.",
        406 | 415 => {
            "Try another request style: the server wants the sign-in in another form (JSON in \
             place of a form, or the other way round)."
        }
        407 => "A proxy stands in the way: have this machine let through to the server.",
        408 | 429 => "Wait some minutes, then try again.",
        500.. => {
            "The server has a fault of its own: try again later, or tell the people who run it."
        }
        _ => CHECK_URL,
    }
}

/// By the error code of RFC 6749 5.2 alone.
pub(super) fn for_code(code: Option<&str>) -> Option<&'static str> {
    Some(match code? {
        "invalid_client" => {
            "Check Client ID and Client Secret, and whether the server wants them in the body or \
             as HTTP Basic (request style)."
        }
        "invalid_grant" => {
            "Check user and password. The account may also be locked, or need another way of \
             signing in."
        }
        "unsupported_grant_type" | "unauthorized_client" => {
            "The server does not let this client sign in in this way: have it allow the grant, or \
             choose another method."
        }
        "invalid_scope" => "Check Scope: leave it empty, or enter what the server offers.",
        "invalid_request" => {
            "Check user, password and Client ID, and try another request style: something that \
             the server needs is missing or wrong."
        }
        "temporarily_unavailable" | "slow_down" => "Wait some minutes, then try again.",
        _ => return None,
    })
}
