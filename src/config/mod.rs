//! Settings from the environment and from one file of `NAME=value` lines; the environment wins.
//!
//! Every problem is reported at once, with the setting's name, before anything is started. docs/operations.md describes
//! each setting; [`SETTINGS`] is the list it must agree with. What came of each is in [`Settings`], for the page that
//! shows them all.

use std::collections::HashMap;
use std::fmt;
use std::net::SocketAddr;
use std::num::NonZeroU32;
use std::path::{Path, PathBuf};
use std::time::Duration;

use ipnet::IpNet;

pub use database::is_this_machine;
pub use notices::{EmailSettings, MailTls, NoticeSettings, WebhookSettings};
pub use oidc::OidcConfig;
use reader::Reader;
use settings::Given;
pub use settings::{Origin, SETTINGS, Setting, SettingInEffect, Settings, Shown};

use crate::vault::Secret;

mod database;
mod notices;
mod oidc;
mod private_file;
mod reader;
mod settings;

/// How the program's own settings begin.
const PREFIX: &str = "CONNECTORY_";

/// The one that the command line can give.
const DATA_DIR: &str = "CONNECTORY_DATA_DIR";

/// The checked settings of one run.
pub struct Config {
    /// A server to use; `None` means the private PostgreSQL in [`Config::data_dir`].
    pub database_url: Option<Secret>,
    /// The servers of [`Config::database_url`] on other machines, if they are spoken to without TLS, as a setting
    /// allows.
    pub exposed_database: Option<String>,
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
    pub outbound_nat64: Vec<String>,
    pub outbound_link_local: Vec<String>,
    /// Whether connectors may use the legacy grants (RFC 9700 sections 2.1.2 and 2.4).
    pub password_grant: bool,
    pub implicit_grant: bool,
    pub session_idle: Duration,
    pub session_lifetime: Duration,
    /// `None`: people sign in with a password alone.
    pub oidc: Option<OidcConfig>,
    /// How much of the machine those who ask may take.
    pub resources: ResourceLimits,
    pub call_log_days: u16,
    pub notices: NoticeSettings,
    pub metrics_token: Option<Secret>,
    pub log: String,
    pub log_json: bool,
    /// All of these again, as they may be shown.
    pub settings: Settings,
}

/// Where the master key comes from.
pub enum MasterKeySource {
    /// The key's text, from the environment.
    Text(Secret),
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
            let folder = folder.to_string_lossy();
            values.extend([given(DATA_DIR, &folder, Origin::CommandLine)]);
        }
        Config::from_values(values)
    }

    /// The same from these values alone, as if the environment had them.
    pub fn of<'a>(values: impl IntoIterator<Item = (&'a str, &'a str)>) -> Result<Config, ConfigError> {
        let values = values.into_iter();
        let values = values.map(|(name, text)| given(name, text, Origin::Environment));
        Config::from_values(values.collect())
    }

    fn from_values(values: HashMap<String, Given>) -> Result<Config, ConfigError> {
        let mut reader = Reader::new(values);
        reader.refuse_unknown();
        let listen = reader.parsed(
            "CONNECTORY_LISTEN",
            SocketAddr::from(([127, 0, 0, 1], 8080)),
            "an address and port such as 127.0.0.1:8080",
        );
        let workers = reader.number("CONNECTORY_WORKERS", default_workers(), 1..=64);
        let database = reader.database();
        let (database_url, exposed_database) = database.unzip();
        let config = Config {
            database_url,
            exposed_database: exposed_database.flatten(),
            data_dir: reader.data_dir(),
            public_url: reader.public_url(listen),
            listen,
            master_key: reader.master_key(),
            old_master_key: reader.key_source("CONNECTORY_OLD_MASTER_KEY"),
            new_master_key: reader.key_source("CONNECTORY_NEW_MASTER_KEY"),
            workers,
            database_connections: reader.number("CONNECTORY_DATABASE_CONNECTIONS", (workers * 4).max(8), 2..=1000),
            trusted_proxies: reader.networks("CONNECTORY_TRUSTED_PROXIES"),
            outbound_loopback: reader.yes_or_no("CONNECTORY_OUTBOUND_LOOPBACK", false),
            outbound_only: reader.list("CONNECTORY_OUTBOUND_ONLY"),
            outbound_nat64: reader.list("CONNECTORY_OUTBOUND_NAT_PREFIXES").unwrap_or_default(),
            outbound_link_local: reader.list("CONNECTORY_OUTBOUND_LINK_LOCAL").unwrap_or_default(),
            password_grant: reader.yes_or_no("CONNECTORY_PASSWORD_GRANT", true),
            implicit_grant: reader.yes_or_no("CONNECTORY_IMPLICIT_GRANT", true),
            session_idle: Duration::from_secs(
                60 * reader.number("CONNECTORY_SESSION_IDLE_MINUTES", 60, 1..=60 * 24 * 30),
            ),
            session_lifetime: Duration::from_secs(3600 * reader.number("CONNECTORY_SESSION_HOURS", 12, 1..=24 * 365)),
            oidc: reader.oidc(),
            resources: reader.resources(),
            call_log_days: reader.number("CONNECTORY_CALL_LOG_DAYS", 30, 1..=366),
            notices: reader.notices(),
            metrics_token: reader.metrics_token(),
            log: reader.text("CONNECTORY_LOG", "info"),
            log_json: reader.choice(
                "CONNECTORY_LOG_FORMAT",
                &[("text", false), ("json", true)],
                "text",
                "text or json",
            ),
            settings: reader.settings(),
        };
        if reader.problems.is_empty() { Ok(config) } else { Err(ConfigError(reader.problems)) }
    }

    /// Whether people reach the site over TLS, which decides the cookie's name and flags.
    pub fn is_https(&self) -> bool {
        self.public_url.starts_with("https://")
    }
}

const MIB: usize = 1024 * 1024;

/// Limits on what one client can use.
#[derive(Clone, Copy, Debug)]
pub struct ResourceLimits {
    /// Bytes of bodies in memory at once, half of it for programs and half for people.
    pub body_memory: usize,
    /// Requests of one API key in a minute.
    pub key_per_minute: NonZeroU32,
    /// Concurrent requests of one API key.
    pub key_at_once: usize,
    /// How long a client may take nothing of an answer that waits for it.
    pub client_idle: Duration,
}

impl Default for ResourceLimits {
    fn default() -> ResourceLimits {
        ResourceLimits {
            body_memory: 256 * MIB,
            key_per_minute: NonZeroU32::MIN.saturating_add(5_999),
            key_at_once: 64,
            client_idle: Duration::from_secs(60),
        }
    }
}

impl Reader {
    fn resources(&mut self) -> ResourceLimits {
        let usual = ResourceLimits::default();
        let mebibytes = self.number("CONNECTORY_BODY_MEMORY", usual.body_memory / MIB, 64..=65_536);
        let per_minute =
            self.number("CONNECTORY_CALLER_REQUESTS_PER_MINUTE", usual.key_per_minute.get(), 1..=10_000_000);
        let seconds = self.number("CONNECTORY_CLIENT_IDLE_SECONDS", usual.client_idle.as_secs(), 1..=3_600);
        ResourceLimits {
            body_memory: mebibytes.saturating_mul(MIB),
            // A number out of the range is already a problem.
            key_per_minute: NonZeroU32::new(per_minute).unwrap_or(usual.key_per_minute),
            key_at_once: self.number("CONNECTORY_CALLER_REQUESTS_AT_ONCE", usual.key_at_once, 1..=10_000),
            client_idle: Duration::from_secs(seconds),
        }
    }
}

fn default_workers() -> usize {
    std::thread::available_parallelism().map_or(2, usize::from).min(8)
}

#[expect(clippy::disallowed_methods, reason = "the one place that reads the environment")]
fn environment() -> HashMap<String, Given> {
    let asked = |name: &str| name.starts_with(PREFIX) || matches!(name, "DATABASE_URL" | "HOME" | "XDG_DATA_HOME");
    std::env::vars_os()
        .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
        .filter(|(name, _)| asked(name))
        .map(|(name, value)| given(&name, &value, Origin::Environment))
        .collect()
}

/// A value under its name.
fn given(name: &str, text: &str, origin: Origin) -> (String, Given) {
    (name.to_string(), Given::new(name, text, origin))
}

/// Whether a line of a settings file has a secret.
fn sets_a_secret(text: &str) -> bool {
    text.lines().any(|line| {
        let (name, value) = line.trim().split_once('=').unwrap_or_default();
        let known = settings::known(name.trim());
        known.is_some_and(|setting| setting.is_secret) && !value.trim().is_empty()
    })
}

fn read_file(path: &Path) -> Result<HashMap<String, Given>, ConfigError> {
    let text = private_file::read(path, sets_a_secret)
        .map_err(|words| ConfigError(vec![format!("{}: {words}", path.display())]))?;
    let mut values = HashMap::new();
    let mut problems = Vec::new();
    for (number, line) in text.lines().enumerate() {
        let line = line.trim();
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        let place = format!("{}:{}", path.display(), number + 1);
        match line.split_once('=') {
            Some((name, value)) if settings::known(name.trim()).is_some() => {
                let value = value.trim().trim_matches('"');
                values.extend([given(name.trim(), value, Origin::File(path.into()))]);
            }
            Some((name, _)) => problems.push(format!("{place}: there is no setting {}", name.trim())),
            None => problems.push(format!("{place}: write NAME=value")),
        }
    }
    if problems.is_empty() { Ok(values) } else { Err(ConfigError(problems)) }
}

#[cfg(test)]
mod tests;
