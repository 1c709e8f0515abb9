//! Reads single settings, and collects what is wrong with them.

use std::collections::HashMap;
use std::fmt;
use std::net::{IpAddr, SocketAddr};
use std::path::{Path, PathBuf};
use std::str::FromStr;

use ipnet::IpNet;
use tokio_postgres::config::{Host, SslMode};
use url::Url;

use super::private_file;
use super::settings::{Given, Settings, Value, known};
use super::{DATA_DIR, MasterKeySource, PREFIX, is_this_machine};
use crate::vault::Secret;

/// The settings as they were given, and what was found of them so far.
pub(super) struct Reader {
    given: HashMap<String, Given>,
    pub problems: Vec<String>,
    /// What is in effect, as it may be shown, where that is not the very text that was given.
    effects: HashMap<&'static str, String>,
}

impl Reader {
    pub fn new(given: HashMap<String, Given>) -> Reader {
        Reader { given, problems: Vec::new(), effects: HashMap::new() }
    }

    /// The value of a setting that is no secret; an empty one counts as not given.
    pub fn take(&self, name: &str) -> Option<String> {
        match &self.find(name)?.value {
            Value::Plain(text) => Some(text.clone()),
            Value::Secret(_) => None,
        }
    }

    /// The value of a secret setting.
    pub fn secret(&self, name: &str) -> Option<Secret> {
        match &self.find(name)?.value {
            Value::Plain(_) => None,
            Value::Secret(secret) => Some(secret.clone()),
        }
    }

    /// Whether it is given, secret or not.
    pub fn is_given(&self, name: &str) -> bool {
        self.find(name).is_some()
    }

    fn find(&self, name: &str) -> Option<&Given> {
        self.given.get(name).filter(|given| !given.is_empty())
    }

    /// The names of all that was given, empty or not.
    pub fn names(&self) -> impl Iterator<Item = &String> {
        self.given.keys()
    }

    /// Says what is in effect for a setting. It will be shown: nothing of a secret may be in it.
    pub fn note(&mut self, name: &'static str, effect: impl Into<String>) {
        self.effects.insert(name, effect.into());
    }

    /// All settings as they may be shown; read first.
    pub fn settings(&self) -> Settings {
        Settings::new(&self.given, &self.effects)
    }

    pub fn problem(&mut self, name: &str, wanted: &str) {
        self.problems.push(format!("{name} must be {wanted}"));
    }

    /// A misspelt setting would otherwise be one that is silently not set.
    pub fn refuse_unknown(&mut self) {
        let mut unknown: Vec<&String> = self.names().collect();
        unknown.retain(|name| name.starts_with(PREFIX) && known(name).is_none());
        unknown.sort();
        let problems: Vec<String> = unknown.iter().map(|name| format!("there is no setting {name}")).collect();
        self.problems.extend(problems);
    }

    /// The value of a plain setting, or its default.
    pub fn text(&mut self, name: &'static str, default: &str) -> String {
        let text = self.take(name).unwrap_or_else(|| default.into());
        self.note(name, &text);
        text
    }

    /// A secret from its setting, or from the file that another one names.
    pub fn secret_or_file(&mut self, name: &str, file_name: &str) -> Option<Secret> {
        match (self.secret(name), self.take(file_name)) {
            (Some(_), Some(_)) => {
                self.problems.push(format!("set {name} or {file_name}, not both"));
                None
            }
            (Some(secret), None) => Some(secret),
            (None, Some(path)) => self.secret_file(file_name, &path),
            (None, None) => None,
        }
    }

    /// The secret in a file that no other user can read, without the line break at its end.
    fn secret_file(&mut self, name: &str, path: &str) -> Option<Secret> {
        let read = private_file::read(Path::new(path), |_| true);
        read.map(|text| Secret::new(text.trim_end_matches(['\r', '\n']).to_string()))
            .map_err(|words| self.problems.push(format!("{name}: {path}: {words}")))
            .ok()
    }

    /// The text of a file without the line break at its end.
    pub fn file(&mut self, name: &str, path: &str) -> Option<String> {
        match std::fs::read_to_string(path) {
            Ok(text) => Some(text.trim_end_matches(['\r', '\n']).to_string()),
            Err(error) => {
                self.problems.push(format!("{name}: {path}: {error}"));
                None
            }
        }
    }

    pub fn parsed<T: FromStr + fmt::Display>(&mut self, name: &'static str, default: T, wanted: &str) -> T {
        let value = match self.take(name).map(|text| text.parse()) {
            None => default,
            Some(Ok(value)) => value,
            Some(Err(_)) => {
                self.problem(name, wanted);
                default
            }
        };
        self.note(name, value.to_string());
        value
    }

    pub fn number<T>(&mut self, name: &'static str, default: T, range: std::ops::RangeInclusive<T>) -> T
    where
        T: FromStr + PartialOrd + Copy + fmt::Display,
    {
        let wanted = format!("a whole number from {} to {}", range.start(), range.end());
        let value = self.parsed(name, default, &wanted);
        if !range.contains(&value) {
            self.problem(name, &wanted);
        }
        value
    }

    pub fn yes_or_no(&mut self, name: &'static str, default: bool) -> bool {
        let value = match self.take(name).as_deref() {
            None => default,
            Some("yes" | "true" | "1") => true,
            Some("no" | "false" | "0") => false,
            Some(_) => {
                self.problem(name, "yes or no");
                default
            }
        };
        self.note(name, if value { "yes" } else { "no" });
        value
    }

    pub fn list(&self, name: &str) -> Option<Vec<String>> {
        self.take(name)
            .map(|text| text.split(',').map(|item| item.trim().to_string()).filter(|item| !item.is_empty()).collect())
    }

    /// Networks and single addresses, separated by commas; none without the setting.
    pub fn networks(&mut self, name: &str) -> Vec<IpNet> {
        let network = |text: &String| {
            let address = text.parse().map(IpNet::from as fn(IpAddr) -> IpNet);
            text.parse().or(address).ok()
        };
        let texts = self.list(name).unwrap_or_default();
        let networks: Option<Vec<IpNet>> = texts.iter().map(network).collect();
        networks.unwrap_or_else(|| {
            self.problem(name, "addresses and networks such as 127.0.0.1, 10.0.0.0/8, separated by commas");
            Vec::new()
        })
    }

    /// The address of a database, and who of it is exposed ([`Config::exposed_database`](super::Config)), which must be
    /// allowed.
    pub fn database(&mut self) -> Option<(Secret, Option<String>)> {
        let may_be_exposed = self.yes_or_no("CONNECTORY_DATABASE_PLAINTEXT", false);
        const NAME: &str = "DATABASE_URL";
        // libpq's name for what `require` does here: the server's certificate is always checked.
        let url = self.secret(NAME)?;
        let url = Secret::new(url.expose().replace("sslmode=verify-full", "sslmode=require"));
        let Ok(parsed) = url.expose().parse::<tokio_postgres::Config>() else {
            self.problem(NAME, "a PostgreSQL address such as postgres://user@host/database");
            return Some((url, None));
        };
        self.note(NAME, described(&parsed));
        let exposed = exposed(&parsed);
        if let (Some(hosts), false) = (&exposed, may_be_exposed) {
            self.problems.push(format!(
                "DATABASE_URL leads to {hosts} without encryption, and everything but secrets could be read on the way: add sslmode=verify-full to it, or set CONNECTORY_DATABASE_PLAINTEXT=yes if the network between is yours alone"
            ));
        }
        Some((url, exposed))
    }

    pub fn data_dir(&mut self) -> PathBuf {
        let folder = self.given_or_usual_folder();
        self.note(DATA_DIR, folder.to_string_lossy());
        folder
    }

    fn given_or_usual_folder(&mut self) -> PathBuf {
        if let Some(folder) = self.take(DATA_DIR) {
            return PathBuf::from(folder);
        }
        // PostgreSQL does not run as root, and root's home is closed to every other user.
        if nix::unistd::Uid::effective().is_root() {
            return PathBuf::from("/var/lib/connectory");
        }
        match (self.take("XDG_DATA_HOME"), self.take("HOME")) {
            (Some(data), _) => PathBuf::from(data).join("connectory"),
            (None, Some(home)) => PathBuf::from(home).join(".local/share/connectory"),
            (None, None) => {
                self.problem(DATA_DIR, "set, since there is no HOME to put the data in");
                PathBuf::new()
            }
        }
    }

    pub fn public_url(&mut self, listen: SocketAddr) -> String {
        const NAME: &str = "CONNECTORY_PUBLIC_URL";
        let Some(text) = self.take(NAME) else {
            let usual = format!("http://{listen}");
            self.note(NAME, &usual);
            return usual;
        };
        match Url::parse(&text) {
            Ok(url)
                if matches!(url.scheme(), "http" | "https")
                    && url.path() == "/"
                    && url.query().is_none()
                    && url.fragment().is_none()
                    && url.username().is_empty()
                    && url.password().is_none() =>
            {
                url.as_str().trim_end_matches('/').to_string()
            }
            _ => {
                self.problem(NAME, "an address such as https://connectory.example.org, without a path");
                text
            }
        }
    }

    pub fn master_key(&mut self) -> MasterKeySource {
        match (self.secret("CONNECTORY_MASTER_KEY"), self.take("CONNECTORY_MASTER_KEY_FILE")) {
            (Some(_), Some(_)) => {
                self.problems.push("set CONNECTORY_MASTER_KEY or CONNECTORY_MASTER_KEY_FILE, not both".into());
                MasterKeySource::DataDir
            }
            (Some(text), None) => MasterKeySource::Text(text),
            (None, Some(path)) => MasterKeySource::File(path.into()),
            (None, None) if self.is_given("DATABASE_URL") => {
                self.problems.push("with DATABASE_URL, set CONNECTORY_MASTER_KEY_FILE (or CONNECTORY_MASTER_KEY): the key must be the same for every instance".into());
                MasterKeySource::DataDir
            }
            (None, None) => MasterKeySource::DataDir,
        }
    }

    /// A master key beside the current one: as text under this name, or in a file under this name and `_FILE`.
    pub fn other_master_key(&mut self, name: &str) -> Option<MasterKeySource> {
        let file = format!("{name}_FILE");
        match (self.secret(name), self.take(&file)) {
            (Some(_), Some(_)) => {
                self.problems.push(format!("set {name} or {file}, not both"));
                None
            }
            (Some(text), None) => Some(MasterKeySource::Text(text)),
            (None, path) => path.map(|path| MasterKeySource::File(path.into())),
        }
    }

    pub fn metrics_token(&mut self) -> Option<Secret> {
        let token = self.secret("CONNECTORY_METRICS_TOKEN")?;
        if token.expose().len() < 16 {
            self.problem("CONNECTORY_METRICS_TOKEN", "at least 16 characters long");
        }
        Some(token)
    }

    pub fn log_json(&mut self) -> bool {
        const NAME: &str = "CONNECTORY_LOG_FORMAT";
        match self.text(NAME, "text").as_str() {
            "text" => false,
            "json" => true,
            _ => {
                self.problem(NAME, "text or json");
                false
            }
        }
    }
}

/// The servers on other machines that are spoken to without TLS, with commas between them.
fn exposed(address: &tokio_postgres::Config) -> Option<String> {
    if is_encrypted(address) {
        return None;
    }
    let names = address.get_hosts().iter().filter_map(|host| match host {
        Host::Tcp(name) => Some(name.clone()),
        Host::Unix(_) => None,
    });
    // Where an address is given besides the name, it is the one that is connected to.
    let hosts: Vec<String> = match address.get_hostaddrs() {
        [] => names.collect(),
        addresses => addresses.iter().map(ToString::to_string).collect(),
    };
    let others: Vec<String> = hosts.into_iter().filter(|host| !is_this_machine(host)).collect();
    (!others.is_empty()).then(|| others.join(", "))
}

/// As [`crate::db`] decides it: nothing but `require` is TLS.
fn is_encrypted(address: &tokio_postgres::Config) -> bool {
    address.get_ssl_mode() == SslMode::Require
}

/// A database's address without its password, made of its parts: whatever else stands in it is not shown.
fn described(address: &tokio_postgres::Config) -> String {
    let hosts = address.get_hosts().iter().map(|host| match host {
        Host::Tcp(name) => name.clone(),
        Host::Unix(path) => path.display().to_string(),
    });
    let hosts: Vec<String> = hosts.collect();
    let ports: Vec<String> = address.get_ports().iter().map(u16::to_string).collect();
    let part = |name: &str, value: &str| match value {
        "" => String::new(),
        value => format!("{name} {value}"),
    };
    let password = match address.get_password() {
        Some(_) => "a password",
        None => "no password",
    };
    let tls = if is_encrypted(address) { "encrypted" } else { "not encrypted" };
    let parts = [
        part("host", &hosts.join(", ")),
        part("port", &ports.join(", ")),
        part("database", address.get_dbname().unwrap_or_default()),
        part("user", address.get_user().unwrap_or_default()),
        password.into(),
        tls.into(),
    ];
    let parts = parts.into_iter().filter(|part| !part.is_empty());
    parts.collect::<Vec<String>>().join(", ")
}
