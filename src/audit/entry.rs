//! An entry of the log as pages and exports show it, and what events are called: the same text everywhere.
//!
//! Rule: every kind that the program records stands in [`KINDS`]; a test goes through the program for kinds that do not.
//! What has been recorded stays in the log for ever, so a kind is never renamed or taken out.

use std::ops::Deref;

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use serde::Deserialize;
use serde_json::Value;
use uuid::Uuid;

use super::chain::{Anchor, Link};
use crate::access::{PROGRAMS, attribution};
use crate::db::StoredValueError;
use crate::db::schema::audit_events;
use crate::web::capitalized;

/// What is stored of an entry, and authenticated by its link.
#[derive(Clone, Queryable, Selectable)]
#[diesel(table_name = audit_events)]
pub struct Record {
    pub id: Uuid,
    pub at: DateTime<Utc>,
    pub actor_id: Option<Uuid>,
    pub actor_name: String,
    /// Empty for programs and for requests without a session; `None` where it was not recorded, by an earlier version.
    pub actor_username: Option<String>,
    /// Where the request came from; empty for the command line and the program itself.
    pub address: String,
    pub request_id: String,
    pub kind: String,
    pub subject_id: Option<Uuid>,
    pub subject_name: String,
    pub changes: Value,
}

/// An entry with its link, once it has one.
#[derive(Queryable, Selectable)]
#[diesel(table_name = audit_events)]
pub struct AuditEntry {
    #[diesel(embed)]
    record: Record,
    #[diesel(embed)]
    pub(super) link: Option<Link>,
}

impl Deref for AuditEntry {
    type Target = Record;

    fn deref(&self) -> &Record {
        &self.record
    }
}

/// A field before and after.
#[derive(Deserialize)]
pub struct FieldChange {
    pub field: String,
    pub from: String,
    pub to: String,
}

impl AuditEntry {
    /// Who did it, with the user name where it is known: no other person is called so.
    pub fn attribution(&self) -> String {
        let username = self.actor_username.as_deref().unwrap_or_default();
        attribution(&self.actor_name, username)
    }

    /// Whether a program did it by itself. Only people have ids.
    pub(super) fn is_program(&self) -> bool {
        self.actor_id.is_none() && PROGRAMS.contains(&self.actor_name.as_str())
    }

    /// Whether a person did it of whom only the display name was recorded.
    pub(super) fn lacks_username(&self) -> bool {
        self.actor_id.is_some() && self.actor_username.is_none()
    }

    /// `Connector saved`
    pub fn label(&self) -> String {
        event_label(&self.kind)
    }

    /// The same on the page of a connector; events of its endpoints name the endpoint.
    pub fn label_for_connector(&self) -> String {
        let label = self.label();
        if self.kind.starts_with("endpoint.") { format!("{label}: {}", self.subject_name) } else { label }
    }

    /// The changed fields. What cannot be read is shown as that, because the rest of the log must stay readable.
    pub fn changes(&self) -> Vec<FieldChange> {
        Vec::deserialize(&self.changes).unwrap_or_else(|_| {
            StoredValueError::new("audit_events.changes", self.id).log();
            vec![FieldChange { field: "Fields that cannot be read".into(), from: String::new(), to: String::new() }]
        })
    }

    /// The names of the changed fields.
    pub(super) fn fields(&self) -> String {
        let changes = self.changes();
        let names: Vec<&str> = changes.iter().map(|change| change.field.as_str()).collect();
        names.join(", ")
    }

    /// Its place in the chain.
    pub(super) fn anchor(&self) -> Option<Anchor> {
        self.link.as_ref().and_then(Link::anchor)
    }
}

/// Every kind of event with its label.
pub const KINDS: &[(&str, &str)] = &[
    ("api_key.created", "API key created"),
    ("api_key.data_connector_added", "API key given a data connector"),
    ("api_key.data_connector_removed", "Data connector taken from API key"),
    ("api_key.data_connector_saved", "API key’s rights to a data connector saved"),
    ("api_key.refused", "API key refused"),
    ("api_key.replaced", "API key replaced"),
    ("api_key.revoked", "API key revoked"),
    ("api_key.saved", "API key saved"),
    ("audit_log.exported", "Audit log exported"),
    ("authorization.begun", "Authorization begun"),
    ("authorization.cancelled", "Authorization cancelled"),
    ("authorization.saved", "Authorization saved"),
    ("category.created", "Category created"),
    ("category.deleted", "Category deleted"),
    ("category.saved", "Category saved"),
    ("checks.cancelled", "Checks cancelled"),
    ("checks.started", "Checks started"),
    ("collection.created", "Collection created"),
    ("collection.saved", "Collection saved"),
    ("connector.access_saved", "Access to connector saved"),
    ("connector.authorized", "Connector authorized"),
    ("connector.checks_scheduled", "Checks of connector scheduled"),
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
    ("notices.tested", "Test notice sent"),
    ("origins.approved", "Origins approved"),
    ("profile.saved", "Profile saved"),
    ("program.created", "Program created"),
    ("program.deleted", "Program deleted"),
    ("program.saved", "Program saved"),
    ("record.created", "Record added"),
    ("record.deleted", "Record deleted"),
    ("record.saved", "Record saved"),
    ("records.exported", "Records exported"),
    ("records.import_cancelled", "Import of records cancelled"),
    ("records.imported", "Records imported"),
    ("session.ended", "Signed out"),
    ("session.others_revoked", "All other sessions ended"),
    ("session.revoked", "Session ended from elsewhere"),
    ("session.started", "Signed in"),
    ("sign_in.refused", "Sign-in refused"),
    ("sign_in.slowed", "Sign-ins slowed down"),
    ("template.created", "Template created"),
    ("template.deleted", "Template deleted"),
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
    ("user.signed_out", "User signed out by another person"),
];

/// The label of an event. A kind that a later version has recorded reads as its code does.
pub(super) fn event_label(kind: &str) -> String {
    KINDS
        .iter()
        .find(|(code, _)| *code == kind)
        .map_or_else(|| capitalized(&kind.replace(['.', '_'], " ")), |(_, label)| label.to_string())
}

/// The label of a kind of object: `connector` is “Connector”.
pub(super) fn object_label(code: &str) -> String {
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
        assert_eq!(event_label("connector.saved"), "Connector saved");
        assert_eq!(event_label("session.started"), "Signed in");
        assert_eq!(event_label("robot_arm.moved"), "Robot arm moved");
        assert_eq!(object_label("audit_log"), "Audit log");
        assert_eq!(object_label("api_key"), "API key");
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
