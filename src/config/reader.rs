//! Reads single settings, and collects what is wrong with them.

use std::collections::HashMap;
use std::fmt;
use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;
use std::str::FromStr;

use ipnet::IpNet;
use url::Url;

use super::private_file;
use super::settings::{Given, Settings, Value, known};
use super::{DATA_DIR, MasterKeySource, PREFIX};
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

    /// A secret from the setting of this name, or the file that the setting of this name and `_FILE` names.
    fn text_or_file(&mut self, name: &str) -> (Option<Secret>, Option<PathBuf>) {
        let file = format!("{name}_FILE");
        let (text, path) = (self.secret(name), self.take(&file).map(PathBuf::from));
        if text.is_some() && path.is_some() {
            self.problems.push(format!("set {name} or {file}, not both"));
            return (None, None);
        }
        (text, path)
    }

    /// The secret, without the line break at the end of its file, which no other user may be able to read.
    pub fn secret_or_file(&mut self, name: &str) -> Option<Secret> {
        let (text, path) = self.text_or_file(name);
        if text.is_some() {
            return text;
        }
        let path = path?;
        match private_file::read(&path, |_| true) {
            Ok(text) => Some(Secret::new(text.trim_end_matches(['\r', '\n']).to_string())),
            Err(words) => {
                self.problems.push(format!("{name}_FILE: {}: {words}", path.display()));
                None
            }
        }
    }

    /// Where a master key is, unread.
    pub fn key_source(&mut self, name: &str) -> Option<MasterKeySource> {
        let (text, path) = self.text_or_file(name);
        text.map(MasterKeySource::Text).or(path.map(MasterKeySource::File))
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
        let answers = [("yes", true), ("no", false), ("true", true), ("false", false), ("1", true), ("0", false)];
        let value = self.choice(name, &answers, if default { "yes" } else { "no" }, "yes or no");
        self.note(name, if value { "yes" } else { "no" });
        value
    }

    /// One of these values, the first if the text is none of them. `default` is the text without the setting.
    pub fn choice<T: Copy>(&mut self, name: &'static str, values: &[(&str, T)], default: &str, wanted: &str) -> T {
        let text = self.text(name, default);
        let find = |text: &str| values.iter().find(|(known, _)| *known == text).map(|(_, value)| *value);
        if find(&text).is_none() {
            self.problem(name, wanted);
        }
        find(&text).unwrap_or(values[0].1)
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
        const NAME: &str = "CONNECTORY_MASTER_KEY";
        if !self.is_given(NAME) && !self.is_given("CONNECTORY_MASTER_KEY_FILE") && self.is_given("DATABASE_URL") {
            self.problems.push("with DATABASE_URL, set CONNECTORY_MASTER_KEY_FILE (or CONNECTORY_MASTER_KEY): the key must be the same for every instance".into());
        }
        self.key_source(NAME).unwrap_or(MasterKeySource::DataDir)
    }

    pub fn metrics_token(&mut self) -> Option<Secret> {
        let token = self.secret("CONNECTORY_METRICS_TOKEN")?;
        if token.expose().len() < 16 {
            self.problem("CONNECTORY_METRICS_TOKEN", "at least 16 characters long");
        }
        Some(token)
    }
}
