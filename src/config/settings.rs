//! Every setting: its name, what it is for, whether it may be seen; and what came of each in this run.
//!
//! Rule: only what stands in [`SETTINGS`] can be set, and [`Settings`] has a line for each of them, so that a page of
//! all settings forgets none. A secret one is a [`Secret`] from the moment it is read, and its line has no text of it.
//!
//! Danger: a new setting that holds a secret and is not said to be one. A test looks at the names.

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::Arc;

use crate::vault::Secret;

/// A setting that there is.
pub struct Setting {
    pub name: &'static str,
    /// What it is for, without a capital letter and a full stop.
    pub purpose: &'static str,
    /// Whether its value is, or may hold, a secret.
    pub is_secret: bool,
}

const fn plain(name: &'static str, purpose: &'static str) -> Setting {
    Setting { name, purpose, is_secret: false }
}

const fn secret(name: &'static str, purpose: &'static str) -> Setting {
    Setting { name, purpose, is_secret: true }
}

/// All of them, in the order of the documentation.
pub const SETTINGS: &[Setting] = &[
    secret("DATABASE_URL", "a PostgreSQL server to use instead of the private one"),
    plain(
        "CONNECTORY_DATABASE_PLAINTEXT",
        "whether the connection to a database on another machine may be without TLS",
    ),
    plain("CONNECTORY_DATA_DIR", "folder of the private PostgreSQL and the master key"),
    plain("CONNECTORY_LISTEN", "address and port to serve on"),
    plain("CONNECTORY_PUBLIC_URL", "the address that people open in the browser"),
    secret("CONNECTORY_MASTER_KEY", "the master key itself, 64 hexadecimal digits"),
    plain("CONNECTORY_MASTER_KEY_FILE", "a file that contains the master key"),
    secret("CONNECTORY_OLD_MASTER_KEY", "the previous master key, which only decrypts"),
    plain("CONNECTORY_OLD_MASTER_KEY_FILE", "a file that contains the previous master key"),
    secret("CONNECTORY_NEW_MASTER_KEY", "the next master key, for key rotate"),
    plain("CONNECTORY_NEW_MASTER_KEY_FILE", "a file that contains the next master key"),
    plain("CONNECTORY_TRUSTED_PROXIES", "reverse proxies whose X-Forwarded-For is believed"),
    plain("CONNECTORY_WORKERS", "threads that serve requests"),
    plain("CONNECTORY_DATABASE_CONNECTIONS", "connections to the database, all workers together"),
    plain("CONNECTORY_OUTBOUND_LOOPBACK", "whether connectors may reach this machine"),
    plain("CONNECTORY_OUTBOUND_ONLY", "the only hosts and networks that connectors may reach"),
    plain("CONNECTORY_OUTBOUND_NAT_PREFIXES", "the network's own prefixes of NAT64"),
    plain("CONNECTORY_OUTBOUND_LINK_LOCAL", "link-local addresses that connectors may reach"),
    plain("CONNECTORY_PASSWORD_GRANT", "whether connectors may use Auth 2.0 Password"),
    plain("CONNECTORY_IMPLICIT_GRANT", "whether connectors may use OAuth 2.0 Implicit"),
    plain("CONNECTORY_SESSION_IDLE_MINUTES", "minutes without a request after which a session ends"),
    plain("CONNECTORY_SESSION_HOURS", "hours after which a session ends in any case"),
    plain("CONNECTORY_OIDC_ISSUER", "the OpenID Connect provider that people can sign in with"),
    plain("CONNECTORY_OIDC_CLIENT_ID", "Connectory's client ID at the provider"),
    secret("CONNECTORY_OIDC_CLIENT_SECRET", "the client secret; without one Connectory is a public client"),
    plain("CONNECTORY_OIDC_CLIENT_SECRET_FILE", "a file that contains the client secret"),
    plain("CONNECTORY_OIDC_NAME", "the provider's name on the sign-in button"),
    plain("CONNECTORY_OIDC_SCOPES", "the requested scopes"),
    plain("CONNECTORY_OIDC_USERNAME_CLAIM", "the claim that becomes a new user's user name"),
    plain("CONNECTORY_OIDC_GROUPS_CLAIM", "the claim with a user's groups"),
    plain("CONNECTORY_OIDC_ALLOWED_GROUPS", "groups of which a user needs one to sign in"),
    plain("CONNECTORY_OIDC_CREATE_USERS", "whether an account is created at the first sign-in"),
    plain("CONNECTORY_BODY_MEMORY", "mebibytes of request and response bodies in memory at the same time"),
    plain("CONNECTORY_CALLER_REQUESTS_PER_MINUTE", "requests per minute of one API key"),
    plain("CONNECTORY_CALLER_REQUESTS_AT_ONCE", "concurrent requests of one API key"),
    plain(
        "CONNECTORY_CLIENT_IDLE_SECONDS",
        "seconds after which a client that does not read its response is disconnected",
    ),
    plain("CONNECTORY_CALL_LOG_DAYS", "days for which calls are kept in the call log"),
    plain("CONNECTORY_SMTP_HOST", "the mail server for notices; without it none are sent by e-mail"),
    plain("CONNECTORY_SMTP_PORT", "the mail server's port"),
    plain("CONNECTORY_SMTP_TLS", "how mail is encrypted: starttls, implicit or none"),
    plain("CONNECTORY_SMTP_CA_FILE", "certificate authorities of the mail server in addition to the machine's"),
    plain("CONNECTORY_SMTP_USER", "the user name at the mail server"),
    secret("CONNECTORY_SMTP_PASSWORD", "the password at the mail server"),
    plain("CONNECTORY_SMTP_PASSWORD_FILE", "a file that contains the password at the mail server"),
    plain("CONNECTORY_NOTICES_FROM", "the sender of notices by e-mail"),
    plain("CONNECTORY_NOTICES_TO", "the recipients of notices by e-mail"),
    secret("CONNECTORY_NOTICES_WEBHOOK_URL", "the address that notices are posted to"),
    secret("CONNECTORY_NOTICES_WEBHOOK_SECRETS", "the secrets that sign notices by webhook"),
    plain("CONNECTORY_NOTICES_WEBHOOK_SECRETS_FILE", "a file that contains the secrets that sign notices"),
    plain("CONNECTORY_NOTICES_QUIET_MINUTES", "minutes in which a connector causes no second notice of a kind"),
    plain("CONNECTORY_NOTICES_DAYS", "days for which events are kept after their end"),
    secret("CONNECTORY_METRICS_TOKEN", "bearer token for /metrics; without it /metrics is off"),
    plain("CONNECTORY_LOG", "log filter, such as info or connectory=debug"),
    plain("CONNECTORY_LOG_FORMAT", "format of the log"),
];

/// The setting of this name.
pub(super) fn known(name: &str) -> Option<&'static Setting> {
    SETTINGS.iter().find(|setting| setting.name == name)
}

/// A value as it was given.
pub(super) struct Given {
    pub value: Value,
    pub origin: Origin,
}

/// What can be shown, and what cannot.
pub(super) enum Value {
    Plain(String),
    Secret(Secret),
}

impl Given {
    /// The text of the setting of this name.
    pub fn new(name: &str, text: &str, origin: Origin) -> Given {
        let text = text.trim().to_string();
        let value = match known(name) {
            Some(setting) if setting.is_secret => Value::Secret(Secret::new(text)),
            _ => Value::Plain(text),
        };
        Given { value, origin }
    }

    /// An empty value counts as not set, and takes away what stands in the file.
    pub fn is_empty(&self) -> bool {
        match &self.value {
            Value::Plain(text) => text.is_empty(),
            Value::Secret(text) => text.is_empty(),
        }
    }
}

/// Where a value comes from.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Origin {
    Environment,
    /// The file of this path, which `--config` has named.
    File(PathBuf),
    CommandLine,
    /// It is not set.
    Default,
}

/// What may be shown of a setting.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Shown {
    /// What is in effect.
    Text(String),
    /// A secret of which nothing is shown.
    Set,
    /// Not set, and without a value of its own.
    NotSet,
}

/// A setting as it is in effect.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct SettingInEffect {
    pub name: &'static str,
    pub purpose: &'static str,
    pub shown: Shown,
    pub origin: Origin,
}

/// All settings of a run as they are in effect, for the System page. Clones share them.
#[derive(Clone)]
pub struct Settings(Arc<[SettingInEffect]>);

impl Settings {
    /// From what was given, and what readers have said is in effect.
    pub(super) fn new(given: &HashMap<String, Given>, effects: &HashMap<&'static str, String>) -> Settings {
        let in_effect = |setting: &Setting| {
            let given = given.get(setting.name).filter(|given| !given.is_empty());
            let effect = effects.get(setting.name).cloned();
            let shown = match (effect, given.map(|given| &given.value)) {
                (Some(effect), _) => Shown::Text(effect),
                (None, Some(Value::Plain(text))) => Shown::Text(text.clone()),
                (None, Some(Value::Secret(_))) => Shown::Set,
                (None, None) => Shown::NotSet,
            };
            SettingInEffect {
                name: setting.name,
                purpose: setting.purpose,
                shown,
                origin: given.map_or(Origin::Default, |given| given.origin.clone()),
            }
        };
        Settings(SETTINGS.iter().map(in_effect).collect())
    }

    /// In the order of the documentation.
    pub fn iter(&self) -> impl Iterator<Item = &SettingInEffect> {
        self.0.iter()
    }

    /// Whether it is set.
    pub fn is_set(&self, name: &str) -> bool {
        self.find(name).is_some_and(|setting| setting.origin != Origin::Default)
    }

    /// What is in effect, where it may be shown.
    pub fn text(&self, name: &str) -> Option<&str> {
        match &self.find(name)?.shown {
            Shown::Text(text) => Some(text),
            Shown::Set | Shown::NotSet => None,
        }
    }

    fn find(&self, name: &str) -> Option<&SettingInEffect> {
        self.iter().find(|setting| setting.name == name)
    }
}
