//! What events are called: the same words on every page and in exports.
//!
//! Rule: every kind that the program records stands here; a test goes through the program for kinds that do not. What
//! has been recorded stays in the log for ever, so a kind is never renamed or taken out.

use crate::web::capitalized;

/// Every kind of event, and what happened in words.
pub const KINDS: &[(&str, &str)] = &[
    ("api_key.created", "API key created"),
    ("api_key.data_connector_added", "API key given a data connector"),
    ("api_key.data_connector_removed", "Data connector taken from API key"),
    ("api_key.data_connector_saved", "API key’s rights to a data connector saved"),
    ("api_key.refused", "API key refused"),
    ("api_key.revoked", "API key revoked"),
    ("api_key.saved", "API key saved"),
    ("audit_log.exported", "Audit log exported"),
    ("authorization.begun", "Authorization begun"),
    ("authorization.saved", "Authorization saved"),
    ("category.created", "Category created"),
    ("category.deleted", "Category deleted"),
    ("category.saved", "Category saved"),
    ("connector.access_saved", "Access to connector saved"),
    ("connector.authorized", "Connector authorized"),
    ("connector.created", "Connector created"),
    ("connector.deleted", "Connector deleted"),
    ("connector.disconnected", "Connector disconnected"),
    ("connector.purged", "Connector purged from the trash"),
    ("connector.restored", "Connector restored"),
    ("connector.saved", "Connector saved"),
    ("data_key.activated", "Data key put to use"),
    ("data_key.retired", "Data key retired"),
    ("endpoint.created", "Endpoint created"),
    ("endpoint.deleted", "Endpoint deleted"),
    ("endpoint.saved", "Endpoint saved"),
    ("group.created", "Group created"),
    ("group.deleted", "Group deleted"),
    ("group.member_added", "Member added to group"),
    ("group.member_removed", "Member removed from group"),
    ("group.saved", "Group saved"),
    ("identity.connected", "Sign-in provider connected"),
    ("identity.disconnected", "Sign-in provider disconnected"),
    ("invitation.made", "Set-password link made"),
    ("invitation.used", "Set-password link used"),
    ("master_key.rotated", "Master key changed"),
    ("origins.approved", "Origins approved"),
    ("profile.saved", "Profile saved"),
    ("program.created", "Program created"),
    ("program.deleted", "Program deleted"),
    ("program.saved", "Program saved"),
    ("session.ended", "Signed out"),
    ("session.others_revoked", "All other sessions ended"),
    ("session.revoked", "Session ended from elsewhere"),
    ("session.started", "Signed in"),
    ("sign_in.refused", "Sign-in refused"),
    ("sign_in.slowed", "Sign-ins slowed down"),
    ("token.read", "Token handed out to a program"),
    ("token.renewal_failed", "Token renewal failed"),
    ("token.renewed", "Token renewed"),
    ("token.requested", "Token requested"),
    ("token.revealed", "Token revealed"),
    ("token.stored", "Token stored"),
    ("user.created", "User created"),
    ("user.deactivated", "User deactivated"),
    ("user.deleted", "User deleted"),
    ("user.demoted", "Super admin made an ordinary user"),
    ("user.password_changed", "Password changed"),
    ("user.password_removed", "Password removed"),
    ("user.password_reset", "Password reset"),
    ("user.promoted", "User made a super admin"),
    ("user.reactivated", "User reactivated"),
    ("user.saved", "User saved"),
    ("user.signed_out", "User signed out by somebody else"),
];

/// The happening in words: `session.started` is “Signed in”. A kind that a later version has recorded reads as its code
/// does.
pub(super) fn happening(kind: &str) -> String {
    KINDS
        .iter()
        .find(|(code, _)| *code == kind)
        .map_or_else(|| capitalized(&kind.replace(['.', '_'], " ")), |(_, words)| words.to_string())
}

/// What events of one kind of thing are about: `connector` is “Connector”.
pub(super) fn thing(code: &str) -> String {
    match code {
        "api_key" => "API key".to_string(),
        "identity" => "Connection to the sign-in provider".to_string(),
        "invitation" => "Set-password link".to_string(),
        "session" => "Signing in and out".to_string(),
        "sign_in" => "Refused sign-in".to_string(),
        code => capitalized(&code.replace('_', " ")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_reads_as_words() {
        assert_eq!(happening("connector.saved"), "Connector saved");
        assert_eq!(happening("session.started"), "Signed in");
        assert_eq!(happening("robot_arm.moved"), "Robot arm moved");
        assert_eq!(thing("audit_log"), "Audit log");
        assert_eq!(thing("api_key"), "API key");
    }

    #[test]
    fn every_kind_stands_here_once_and_reads_as_a_sentence() {
        assert!(KINDS.is_sorted_by(|(one, _), (other, _)| one < other));
        for (code, words) in KINDS {
            assert!(code.split_once('.').is_some(), "{code}");
            assert!(words.starts_with(char::is_uppercase), "{words}");
            assert!(!words.contains(['.', '_']), "{words}");
        }
    }
}
