//! Invitations: links by which a new user, or one whose password is replaced, sets a password.
//!
//! Rules: 256 random bits, of which the database keeps the hash; shown once, to the person who made the link; valid for
//! three days and one use; a newer one replaces it. The secret stands behind the `#` of the address, which browsers do
//! not send: so it is in no log, not ours and not a proxy's, and in no Referer. The page takes it from there by script,
//! or asks to paste the link.

mod pages;
mod queries;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use sha2::{Digest, Sha256};

use crate::web::PublicAddress;

pub use pages::{ask, open, take};
pub use queries::{Invitation, Pending, make, pending, purge, withdraw as withdraw_invitations};

/// The secret part of a link: 256 random bits. Not printable but as part of its link.
pub struct InvitationToken([u8; 32]);

impl InvitationToken {
    pub fn random() -> InvitationToken {
        InvitationToken(rand::random())
    }

    /// Reads what was pasted: the whole link, or the part behind its `#`.
    pub fn parse(typed: &str) -> Option<InvitationToken> {
        let typed = typed.trim();
        let secret = typed.rsplit_once('#').map_or(typed, |(_, secret)| secret);
        let bytes = URL_SAFE_NO_PAD.decode(secret).ok()?;
        bytes.try_into().ok().map(InvitationToken)
    }

    /// The address to hand to the person.
    pub fn link(&self, address: &PublicAddress) -> String {
        format!("{address}/set-password#{}", URL_SAFE_NO_PAD.encode(self.0))
    }

    /// What the database keeps.
    pub fn hash(&self) -> Vec<u8> {
        Sha256::digest(self.0).to_vec()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_link_is_read_whole_or_from_its_sign_on_and_nothing_else_is() {
        let token = InvitationToken::random();
        let link = token.link(&PublicAddress::new("https://connectory.example.org/"));
        assert!(link.starts_with("https://connectory.example.org/set-password#"));
        let secret = URL_SAFE_NO_PAD.encode(token.0);
        for typed in [link.clone(), format!("  {link}\n"), secret] {
            let read = InvitationToken::parse(&typed).expect("a token");
            assert!(read.hash() == token.hash());
        }
        for other in
            ["", "#", "https://connectory.example.org/set-password", &link[..link.len() - 1], &format!("{link}A")]
        {
            assert!(InvitationToken::parse(other).is_none(), "{other}");
        }
    }
}
