//! What an API, rather than a token server, says of an error.

use super::error_message;
use super::response::Reply;
use super::response_document::Document;
use crate::outbound::{Mask, quote};

/// The message in a response with an error status as it may be shown and stored; `None` if nothing in it is meant for
/// people.
pub fn words_of_api(response: &Reply, mask: &Mask) -> Option<String> {
    quote(&error_message::of_failure(&Document::of(response))?, mask)
}
