//! What the provider says of a person, as it is used here: subject, user name, name, groups.

use chrono::{DateTime, Utc};
use serde_json::{Map, Value};
use unicode_normalization::UnicodeNormalization;

use super::id_token;
use crate::config::OidcConfig;

/// The most groups of a person that count, and the longest name of one, in characters.
const MOST_GROUPS: usize = 1_000;
const LONGEST_GROUP: usize = 255;

/// The longest name of a person, in characters.
const LONGEST_NAME: usize = 255;

/// A person who has signed in to the provider.
pub(super) struct Claims {
    /// The provider's own, unchanging name for the person.
    pub subject: String,
    /// What the username claim says, as it came.
    pub username: String,
    /// The person's name for pages; empty if the provider sends none.
    pub name: String,
    /// The values of the groups claim; empty without one.
    pub groups: Vec<String>,
    /// When the person signed in to the provider, if it says so.
    pub signed_in_at: Option<DateTime<Utc>>,
}

impl Claims {
    /// Reads checked claims.
    pub fn read(members: &Map<String, Value>, settings: &OidcConfig) -> Claims {
        let text = |name: &str| find(members, name).and_then(Value::as_str).unwrap_or_default();
        let given = format!("{} {}", text("given_name"), text("family_name"));
        let name = [text("name"), given.as_str()].map(cleaned);
        let groups = settings.groups_claim.as_deref();
        Claims {
            subject: text("sub").to_string(),
            signed_in_at: id_token::time(members, "auth_time"),
            username: text(&settings.username_claim).to_string(),
            name: name.into_iter().find(|name| !name.is_empty()).unwrap_or_default(),
            groups: groups.and_then(|claim| find(members, claim)).map(texts).unwrap_or_default(),
        }
    }

    /// Whether the settings let this person come in.
    pub fn may_come_in(&self, settings: &OidcConfig) -> bool {
        match &settings.allowed_groups {
            Some(allowed) => self.groups.iter().any(|group| allowed.contains(group)),
            None => true,
        }
    }
}

/// Whether a claim that is used here is missing, so that it must be fetched.
pub(super) fn is_incomplete(members: &Map<String, Value>, settings: &OidcConfig) -> bool {
    let wanted = [Some(settings.username_claim.as_str()), Some("name"), settings.groups_claim.as_deref()];
    let mut wanted = wanted.into_iter().flatten();
    wanted.any(|claim| find(members, claim).is_none())
}

/// A claim by its name, or by a JSON Pointer (RFC 6901) where it is deeper.
fn find<'a>(members: &'a Map<String, Value>, claim: &str) -> Option<&'a Value> {
    let Some(path) = claim.strip_prefix('/') else {
        return members.get(claim);
    };
    let (first, rest) = match path.split_once('/') {
        Some((first, rest)) => (first, format!("/{rest}")),
        None => (path, String::new()),
    };
    let first = first.replace("~1", "/").replace("~0", "~");
    members.get(&first)?.pointer(&rest)
}

/// The texts of a list, or the one text.
fn texts(value: &Value) -> Vec<String> {
    let items: Vec<&Value> = match value {
        Value::Array(items) => items.iter().collect(),
        one => vec![one],
    };
    let texts = items.into_iter().filter_map(Value::as_str);
    let fits = |text: &&str| (1..=LONGEST_GROUP).contains(&text.chars().count()) && !text.contains('\0');
    texts.filter(fits).take(MOST_GROUPS).map(str::to_string).collect()
}

/// A name as pages can show it: one line, single spaces, nothing that turns the direction of text.
fn cleaned(text: &str) -> String {
    let is_hidden = |c: &char| c.is_control() || matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    let words: Vec<&str> = text.split_whitespace().collect();
    let line = words.join(" ");
    let shown: String = line.nfc().filter(|c| !is_hidden(c)).take(LONGEST_NAME).collect();
    shown.trim().to_string()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn settings(groups_claim: Option<&str>, allowed: Option<&[&str]>) -> OidcConfig {
        OidcConfig {
            issuer: "https://login.example.org".into(),
            client_id: "connectory".into(),
            client_secret: None,
            name: "Staff login".into(),
            scopes: "openid".into(),
            username_claim: "preferred_username".into(),
            groups_claim: groups_claim.map(str::to_string),
            allowed_groups: allowed.map(|all| all.iter().map(|one| one.to_string()).collect()),
            create_people: true,
        }
    }

    fn read(document: Value, settings: &OidcConfig) -> Claims {
        Claims::read(document.as_object().expect("an object"), settings)
    }

    #[test]
    fn groups_are_a_list_or_a_text_wherever_they_stand() {
        for (claim, document, groups) in [
            ("groups", json!({"groups": ["a", 7, "", "b"]}), vec!["a", "b"]),
            ("groups", json!({"groups": "a"}), vec!["a"]),
            ("groups", json!({"groups": {"a": true}}), vec![]),
            ("groups", json!({}), vec![]),
            ("/realm_access/roles", json!({"realm_access": {"roles": ["a"]}}), vec!["a"]),
            ("/a~1b", json!({"a/b": ["x"]}), vec!["x"]),
            ("https://example.org/groups", json!({"https://example.org/groups": ["a"]}), vec!["a"]),
        ] {
            let claims = read(document, &settings(Some(claim), None));
            assert_eq!(claims.groups, groups, "{claim}");
        }
        assert!(read(json!({"groups": ["a"]}), &settings(None, None)).groups.is_empty());
    }

    #[test]
    fn a_name_is_one_clean_line() {
        for (document, name) in [
            (json!({"name": " Ana \n Ruiz "}), "Ana Ruiz"),
            (json!({"name": "Ana\u{202e}ziuR\u{7}"}), "AnaziuR"),
            (json!({"name": "", "given_name": "Ana", "family_name": "Ruiz"}), "Ana Ruiz"),
            (json!({"given_name": "Ana"}), "Ana"),
            (json!({"name": ["Ana"]}), ""),
        ] {
            assert_eq!(read(document, &settings(None, None)).name, name);
        }
        let long = json!({"name": "x".repeat(1000)});
        assert_eq!(read(long, &settings(None, None)).name.len(), LONGEST_NAME);
    }

    #[test]
    fn who_has_none_of_the_groups_stays_out() {
        let open = settings(Some("groups"), None);
        let closed = settings(Some("groups"), Some(&["staff", "guests"]));
        let of = |groups: Value| read(json!({"groups": groups}), &closed);
        assert!(of(json!(["x", "guests"])).may_come_in(&closed));
        assert!(!of(json!(["Staff"])).may_come_in(&closed));
        assert!(!of(json!([])).may_come_in(&closed));
        assert!(of(json!([])).may_come_in(&open));
    }
}
