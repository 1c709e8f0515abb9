//! Reads single settings, and collects what is wrong with them.

use std::collections::HashMap;
use std::fmt;
use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;
use std::str::FromStr;

use ipnet::IpNet;
use url::Url;

use super::{MasterKeySource, PREFIX, SETTINGS};

/// The settings as text, and the problems found so far.
pub(super) struct Reader {
    pub values: HashMap<String, String>,
    pub problems: Vec<String>,
}

impl Reader {
    /// The value of a setting; an empty one counts as not given.
    pub fn take(&self, name: &str) -> Option<String> {
        self.values
            .get(name)
            .map(|value| value.trim().to_string())
            .filter(|value| !value.is_empty())
    }

    pub fn problem(&mut self, name: &str, wanted: &str) {
        self.problems.push(format!("{name} must be {wanted}"));
    }

    /// A misspelt setting would otherwise be one that is silently not set.
    pub fn refuse_unknown(&mut self) {
        let known = |name: &String| SETTINGS.iter().any(|(setting, _)| setting == name);
        let mut unknown: Vec<&String> = self.values.keys().collect();
        unknown.retain(|name| name.starts_with(PREFIX) && !known(name));
        unknown.sort();
        let problems = unknown
            .iter()
            .map(|name| format!("there is no setting {name}"));
        self.problems.extend(problems);
    }

    pub fn parsed<T: FromStr>(&mut self, name: &str, default: T, wanted: &str) -> T {
        match self.take(name).map(|text| text.parse()) {
            None => default,
            Some(Ok(value)) => value,
            Some(Err(_)) => {
                self.problem(name, wanted);
                default
            }
        }
    }

    pub fn number<T>(&mut self, name: &str, default: T, range: std::ops::RangeInclusive<T>) -> T
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

    pub fn yes_or_no(&mut self, name: &str, default: bool) -> bool {
        match self.take(name).as_deref() {
            None => default,
            Some("yes" | "true" | "1") => true,
            Some("no" | "false" | "0") => false,
            Some(_) => {
                self.problem(name, "yes or no");
                default
            }
        }
    }

    pub fn list(&self, name: &str) -> Option<Vec<String>> {
        self.take(name).map(|text| {
            text.split(',')
                .map(|item| item.trim().to_string())
                .filter(|item| !item.is_empty())
                .collect()
        })
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
            self.problem(
                name,
                "addresses and networks such as 127.0.0.1, 10.0.0.0/8, separated by commas",
            );
            Vec::new()
        })
    }

    pub fn database_url(&mut self) -> Option<String> {
        // libpq's name for what `require` does here: the server's certificate is always checked.
        let url = self
            .take("DATABASE_URL")?
            .replace("sslmode=verify-full", "sslmode=require");
        if url.parse::<tokio_postgres::Config>().is_err() {
            self.problem(
                "DATABASE_URL",
                "a PostgreSQL address such as postgres://user@host/database",
            );
        }
        Some(url)
    }

    pub fn data_dir(&mut self) -> PathBuf {
        if let Some(folder) = self.take("CONNECTORY_DATA_DIR") {
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
                self.problem(
                    "CONNECTORY_DATA_DIR",
                    "set, since there is no HOME to put the data in",
                );
                PathBuf::new()
            }
        }
    }

    pub fn public_url(&mut self, listen: SocketAddr) -> String {
        let Some(text) = self.take("CONNECTORY_PUBLIC_URL") else {
            return format!("http://{listen}");
        };
        match Url::parse(&text) {
            Ok(url)
                if matches!(url.scheme(), "http" | "https")
                    && url.path() == "/"
                    && url.query().is_none()
                    && url.fragment().is_none()
                    && url.username().is_empty() =>
            {
                url.as_str().trim_end_matches('/').to_string()
            }
            _ => {
                self.problem(
                    "CONNECTORY_PUBLIC_URL",
                    "an address such as https://connectory.example.org, without a path",
                );
                text
            }
        }
    }

    pub fn master_key(&mut self) -> MasterKeySource {
        match (
            self.take("CONNECTORY_MASTER_KEY"),
            self.take("CONNECTORY_MASTER_KEY_FILE"),
        ) {
            (Some(_), Some(_)) => {
                self.problems.push(
                    "set CONNECTORY_MASTER_KEY or CONNECTORY_MASTER_KEY_FILE, not both".into(),
                );
                MasterKeySource::DataDir
            }
            (Some(text), None) => MasterKeySource::Text(text),
            (None, Some(path)) => MasterKeySource::File(path.into()),
            (None, None) if self.take("DATABASE_URL").is_some() => {
                self.problems.push("with DATABASE_URL, set CONNECTORY_MASTER_KEY_FILE (or CONNECTORY_MASTER_KEY): the key must be the same for every instance".into());
                MasterKeySource::DataDir
            }
            (None, None) => MasterKeySource::DataDir,
        }
    }

    /// A master key beside the current one: as text under this name, or in a file under this name and `_FILE`.
    pub fn other_master_key(&mut self, name: &str) -> Option<MasterKeySource> {
        let file = format!("{name}_FILE");
        match (self.take(name), self.take(&file)) {
            (Some(_), Some(_)) => {
                self.problems
                    .push(format!("set {name} or {file}, not both"));
                None
            }
            (Some(text), None) => Some(MasterKeySource::Text(text)),
            (None, path) => path.map(|path| MasterKeySource::File(path.into())),
        }
    }

    pub fn metrics_token(&mut self) -> Option<String> {
        let token = self.take("CONNECTORY_METRICS_TOKEN")?;
        if token.len() < 16 {
            self.problem("CONNECTORY_METRICS_TOKEN", "at least 16 characters long");
        }
        Some(token)
    }

    pub fn log_json(&mut self) -> bool {
        match self.take("CONNECTORY_LOG_FORMAT").as_deref() {
            None | Some("text") => false,
            Some("json") => true,
            Some(_) => {
                self.problem("CONNECTORY_LOG_FORMAT", "text or json");
                false
            }
        }
    }
}
