//! The credentials of HTTP Basic (RFC 7617), to stand after the word `Basic`.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use form_urlencoded::byte_serialize;

use crate::outbound::Mask;

/// User and password as typed, in UTF-8 (RFC 7617 2.1). The caller has checked that the user holds
/// no colon, for the first one ends it.
pub(super) fn as_typed(user: &str, password: &str) -> String {
    STANDARD.encode(format!("{user}:{password}"))
}

/// Client id and secret, each form-encoded first (RFC 6749 2.3.1), so that either may hold a colon.
pub(super) fn form_encoded(id: &str, secret: &str) -> String {
    as_typed(&encoded(id), &encoded(secret))
}

/// Adds the secret of a sign-in to what is masked, and what stands encoded in the header that carries
/// it.
pub(super) fn add_to(mask: &mut Mask, name: &str, secret: &str) {
    if !secret.is_empty() {
        mask.add(secret);
        mask.add(&format!("{name}:{secret}"));
        mask.add(&format!("{}:{}", encoded(name), encoded(secret)));
    }
}

fn encoded(text: &str) -> String {
    byte_serialize(text.as_bytes()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_examples_of_the_standards_come_out() {
        // RFC 7617 2 and 2.1.
        assert_eq!(as_typed("Aladdin", "open sesame"), "QWxhZGRpbjpvcGVuIHNlc2FtZQ==");
        assert_eq!(as_typed("test", "123£"), "dGVzdDoxMjPCow==");
        assert_eq!(form_encoded("a:b", "c d+%&"), as_typed("a%3Ab", "c+d%2B%25%26"));
    }
}
