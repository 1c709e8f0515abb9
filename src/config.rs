//! Settings from the environment and from one file of `NAME=value` lines; the environment wins.
//!
//! Every problem is reported at once, with the setting's name, before anything is started.
//! docs/operations.md describes each setting; [`SETTINGS`] is the list it must agree with.

use std::collections::HashMap;
use std::fmt;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use ipnet::IpNet;

pub use notices::{EmailSettings, MailTls, NoticeSettings, WebhookSettings};
use reader::Reader;

mod notices;
mod oidc;
mod reader;

pub use oidc::OidcConfig;

/// Every setting's name and what it is for, in the order of the documentation.
pub const SETTINGS: &[(&str, &str)] = &[
    (
        "DATABASE_URL",
        "a PostgreSQL server to use instead of the private one",
    ),
    (
        "CONNECTORY_DATA_DIR",
        "folder of the private PostgreSQL and the master key",
    ),
    ("CONNECTORY_LISTEN", "address and port to serve on"),
    (
        "CONNECTORY_PUBLIC_URL",
        "the address that people open in the browser",
    ),
    (
        "CONNECTORY_MASTER_KEY",
        "the master key itself, 64 hexadecimal digits",
    ),
    (
        "CONNECTORY_MASTER_KEY_FILE",
        "a file that holds the master key",
    ),
    (
        "CONNECTORY_OLD_MASTER_KEY",
        "the master key of before, which still opens what it has wrapped",
    ),
    (
        "CONNECTORY_OLD_MASTER_KEY_FILE",
        "a file that holds the master key of before",
    ),
    (
        "CONNECTORY_NEW_MASTER_KEY",
        "the master key to come, for key rotate",
    ),
    (
        "CONNECTORY_NEW_MASTER_KEY_FILE",
        "a file that holds the master key to come",
    ),
    (
        "CONNECTORY_TRUSTED_PROXIES",
        "reverse proxies whose X-Forwarded-For counts",
    ),
    ("CONNECTORY_WORKERS", "threads that serve requests"),
    (
        "CONNECTORY_DATABASE_CONNECTIONS",
        "connections to the database, all workers together",
    ),
    (
        "CONNECTORY_OUTBOUND_LOOPBACK",
        "whether connectors may reach this machine",
    ),
    (
        "CONNECTORY_OUTBOUND_ONLY",
        "the only hosts and networks that connectors may reach",
    ),
    (
        "CONNECTORY_PASSWORD_GRANT",
        "whether connectors may use Auth 2.0 Password",
    ),
    (
        "CONNECTORY_IMPLICIT_GRANT",
        "whether connectors may use OAuth 2.0 Implicit",
    ),
    (
        "CONNECTORY_SESSION_IDLE_MINUTES",
        "minutes without a request after which a session ends",
    ),
    (
        "CONNECTORY_SESSION_HOURS",
        "hours after which a session ends in any case",
    ),
    (
        "CONNECTORY_OIDC_ISSUER",
        "the OpenID Connect provider that people may sign in with",
    ),
    (
        "CONNECTORY_OIDC_CLIENT_ID",
        "what the provider knows Connectory by",
    ),
    (
        "CONNECTORY_OIDC_CLIENT_SECRET",
        "the client secret; without one Connectory is a public client",
    ),
    (
        "CONNECTORY_OIDC_CLIENT_SECRET_FILE",
        "a file that holds the client secret",
    ),
    (
        "CONNECTORY_OIDC_NAME",
        "what people call the provider, on the button",
    ),
    ("CONNECTORY_OIDC_SCOPES", "scopes that are asked for"),
    (
        "CONNECTORY_OIDC_USERNAME_CLAIM",
        "the claim that becomes a new person's user name",
    ),
    (
        "CONNECTORY_OIDC_GROUPS_CLAIM",
        "the claim with a person's groups",
    ),
    (
        "CONNECTORY_OIDC_ALLOWED_GROUPS",
        "groups of which a person needs one to come in",
    ),
    (
        "CONNECTORY_OIDC_CREATE_USERS",
        "whether whoever comes for the first time gets an account",
    ),
    (
        "CONNECTORY_CALL_LOG_DAYS",
        "days for which calls are kept in the call log",
    ),
    (
        "CONNECTORY_SMTP_HOST",
        "the mail server that takes notices; without it none go by e-mail",
    ),
    ("CONNECTORY_SMTP_PORT", "its port"),
    ("CONNECTORY_SMTP_TLS", "starttls, implicit or none"),
    (
        "CONNECTORY_SMTP_CA_FILE",
        "certificate authorities of the mail server besides the machine's",
    ),
    ("CONNECTORY_SMTP_USER", "who signs in to the mail server"),
    ("CONNECTORY_SMTP_PASSWORD", "the password for it"),
    (
        "CONNECTORY_SMTP_PASSWORD_FILE",
        "a file that holds the password",
    ),
    ("CONNECTORY_NOTICES_FROM", "the sender of notices by e-mail"),
    ("CONNECTORY_NOTICES_TO", "who gets notices by e-mail"),
    (
        "CONNECTORY_NOTICES_WEBHOOK_URL",
        "the address that notices are posted to",
    ),
    (
        "CONNECTORY_NOTICES_WEBHOOK_SECRETS",
        "the secrets that sign them",
    ),
    (
        "CONNECTORY_NOTICES_WEBHOOK_SECRETS_FILE",
        "a file that holds the secrets",
    ),
    (
        "CONNECTORY_NOTICES_QUIET_MINUTES",
        "minutes in which a connector causes no second notice of a kind",
    ),
    (
        "CONNECTORY_NOTICES_DAYS",
        "days for which it is kept what was told",
    ),
    (
        "CONNECTORY_METRICS_TOKEN",
        "bearer token that /metrics asks for; without it /metrics is off",
    ),
    (
        "CONNECTORY_LOG",
        "what is logged, such as info or connectory=debug",
    ),
    ("CONNECTORY_LOG_FORMAT", "text or json"),
];

/// How the program's own settings begin.
const PREFIX: &str = "CONNECTORY_";

/// The checked settings of one run.
pub struct Config {
    /// A server to use; `None` means the private PostgreSQL in [`Config::data_dir`].
    pub database_url: Option<String>,
    pub data_dir: PathBuf,
    pub listen: SocketAddr,
    /// Scheme, host and port that people see, without a trailing slash.
    pub public_url: String,
    pub master_key: MasterKeySource,
    /// Opens what is still wrapped under it.
    pub old_master_key: Option<MasterKeySource>,
    /// What `key rotate` goes to. It opens as well, so that an instance that has both keys starts before and after.
    pub new_master_key: Option<MasterKeySource>,
    pub workers: usize,
    pub database_connections: usize,
    /// Networks of reverse proxies whose `X-Forwarded-For` counts.
    pub trusted_proxies: Vec<IpNet>,
    pub outbound_loopback: bool,
    /// `None`: any address that is not always refused.
    pub outbound_only: Option<Vec<String>>,
    /// Whether connectors may use the legacy grants (RFC 9700 sections 2.1.2 and 2.4).
    pub password_grant: bool,
    pub implicit_grant: bool,
    pub session_idle: Duration,
    pub session_lifetime: Duration,
    /// `None`: people sign in with a password alone.
    pub oidc: Option<OidcConfig>,
    pub call_log_days: u16,
    pub notices: NoticeSettings,
    pub metrics_token: Option<String>,
    pub log: String,
    pub log_json: bool,
}

/// Where the master key comes from.
pub enum MasterKeySource {
    /// The key's text, from the environment.
    Text(String),
    /// A file that must exist.
    File(PathBuf),
    /// A file in the data folder, made on the first run of the private PostgreSQL.
    DataDir,
}

/// Everything that is wrong with the settings, a line each.
#[derive(Debug)]
pub struct ConfigError(Vec<String>);

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.join("\n"))
    }
}

impl std::error::Error for ConfigError {}

impl Config {
    /// Reads the file (if one is named) and the environment. `data_dir` from the command line wins over both.
    pub fn load(file: Option<&Path>, data_dir: Option<PathBuf>) -> Result<Config, ConfigError> {
        let mut values = match file {
            Some(path) => read_file(path)?,
            None => HashMap::new(),
        };
        values.extend(environment());
        if let Some(folder) = data_dir {
            values.insert(
                "CONNECTORY_DATA_DIR".into(),
                folder.to_string_lossy().into_owned(),
            );
        }
        Config::from_values(values)
    }

    fn from_values(values: HashMap<String, String>) -> Result<Config, ConfigError> {
        let mut reader = Reader {
            values,
            problems: Vec::new(),
        };
        reader.refuse_unknown();
        let listen = reader.parsed(
            "CONNECTORY_LISTEN",
            SocketAddr::from(([127, 0, 0, 1], 8080)),
            "an address and port such as 127.0.0.1:8080",
        );
        let workers = reader.number("CONNECTORY_WORKERS", default_workers(), 1..=64);
        let config = Config {
            database_url: reader.database_url(),
            data_dir: reader.data_dir(),
            public_url: reader.public_url(listen),
            listen,
            master_key: reader.master_key(),
            old_master_key: reader.other_master_key("CONNECTORY_OLD_MASTER_KEY"),
            new_master_key: reader.other_master_key("CONNECTORY_NEW_MASTER_KEY"),
            workers,
            database_connections: reader.number(
                "CONNECTORY_DATABASE_CONNECTIONS",
                (workers * 4).max(8),
                2..=1000,
            ),
            trusted_proxies: reader.networks("CONNECTORY_TRUSTED_PROXIES"),
            outbound_loopback: reader.yes_or_no("CONNECTORY_OUTBOUND_LOOPBACK", false),
            outbound_only: reader.list("CONNECTORY_OUTBOUND_ONLY"),
            password_grant: reader.yes_or_no("CONNECTORY_PASSWORD_GRANT", true),
            implicit_grant: reader.yes_or_no("CONNECTORY_IMPLICIT_GRANT", true),
            session_idle: Duration::from_secs(
                60 * reader.number("CONNECTORY_SESSION_IDLE_MINUTES", 60, 1..=60 * 24 * 30),
            ),
            session_lifetime: Duration::from_secs(
                3600 * reader.number("CONNECTORY_SESSION_HOURS", 12, 1..=24 * 365),
            ),
            oidc: reader.oidc(),
            call_log_days: reader.number("CONNECTORY_CALL_LOG_DAYS", 30, 1..=366),
            notices: reader.notices(),
            metrics_token: reader.metrics_token(),
            log: reader
                .take("CONNECTORY_LOG")
                .unwrap_or_else(|| "info".into()),
            log_json: reader.log_json(),
        };
        if reader.problems.is_empty() {
            Ok(config)
        } else {
            Err(ConfigError(reader.problems))
        }
    }

    /// Whether people reach the site over TLS, which decides the cookie's name and flags.
    pub fn is_https(&self) -> bool {
        self.public_url.starts_with("https://")
    }
}

fn default_workers() -> usize {
    std::thread::available_parallelism()
        .map_or(2, usize::from)
        .min(8)
}

#[expect(
    clippy::disallowed_methods,
    reason = "the one place that reads the environment"
)]
fn environment() -> HashMap<String, String> {
    let asked = |name: &str| {
        name.starts_with(PREFIX) || matches!(name, "DATABASE_URL" | "HOME" | "XDG_DATA_HOME")
    };
    std::env::vars_os()
        .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
        .filter(|(name, _)| asked(name))
        .collect()
}

fn read_file(path: &Path) -> Result<HashMap<String, String>, ConfigError> {
    let text = std::fs::read_to_string(path)
        .map_err(|error| ConfigError(vec![format!("{}: {error}", path.display())]))?;
    let mut values = HashMap::new();
    let mut problems = Vec::new();
    for (number, line) in text.lines().enumerate() {
        let line = line.trim();
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        let place = format!("{}:{}", path.display(), number + 1);
        match line.split_once('=') {
            Some((name, value)) if SETTINGS.iter().any(|(known, _)| *known == name.trim()) => {
                values.insert(
                    name.trim().to_string(),
                    value.trim().trim_matches('"').to_string(),
                );
            }
            Some((name, _)) => {
                problems.push(format!("{place}: there is no setting {}", name.trim()))
            }
            None => problems.push(format!("{place}: write NAME=value")),
        }
    }
    if problems.is_empty() {
        Ok(values)
    } else {
        Err(ConfigError(problems))
    }
}

#[cfg(test)]
mod tests;
