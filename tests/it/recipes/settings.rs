//! The tables of settings: all names, their defaults and their ranges are the program's.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;

use connectory::config::{Config, MailTls, SETTINGS};
use connectory::outbound::AllowListEntry;

use super::document::{read, recipe};
use super::machine::Machine;

/// The least that the families of settings need which are off by default.
const FAMILIES: &str = "CONNECTORY_OIDC_ISSUER=https://login.example.org\nCONNECTORY_OIDC_CLIENT_ID=connectory\nCONNECTORY_SMTP_HOST=mail.example.org\nCONNECTORY_NOTICES_FROM=connectory@example.org\nCONNECTORY_NOTICES_TO=ana@example.org\n";

/// A row of a table of settings: default, and what follows.
type Rows = BTreeMap<String, (String, String)>;

/// The settings of a machine as the program reads them.
pub fn config(machine: &Machine) -> Config {
    let file = machine.path("/etc/connectory/connectory.conf");
    Config::load(Some(&file), None).unwrap_or_else(|problems| panic!("{problems}"))
}

/// What the program says to a file of settings.
fn load(lines: &str) -> Result<Config, String> {
    let machine = Machine::new();
    let file = machine.path("/etc/settings");
    fs::write(&file, lines).expect("a file");
    Config::load(Some(&file), None).map_err(|problems| problems.to_string())
}

/// The rows of all tables of a document that begin with the name of a setting.
fn rows(path: &str) -> Rows {
    let mut rows = Rows::new();
    let document = read(path);
    let tables = document.lines().filter_map(|line| line.strip_prefix("| "));
    for line in tables.filter(|line| line.starts_with("`CONNECTORY_") || line.starts_with("`DATABASE_URL")) {
        let cells: Vec<&str> = line.trim_end_matches('|').splitn(3, " | ").collect();
        let [names, default, what] = cells.as_slice() else { panic!("{path}: {line}") };
        let mut before = "";
        for name in names.split('`').skip(1).step_by(2) {
            let name = match name.strip_prefix('…') {
                Some(end) => format!("{before}{end}"),
                None => name.to_owned(),
            };
            if !name.ends_with('…') {
                rows.insert(name, (default.to_string(), what.to_string()));
            }
            before = names.split('`').nth(1).unwrap_or_default();
        }
    }
    rows
}

#[test]
fn the_tables_have_every_setting_and_no_other_and_say_what_the_system_page_says() {
    let known: BTreeSet<&str> = SETTINGS.iter().map(|setting| setting.name).collect();
    let rows = rows("docs/operations.md");
    let shown: BTreeSet<&str> = rows.keys().map(String::as_str).collect();
    assert_eq!(shown, known);
    // The settings of the provider have a table with more words, and two files share a row with their keys.
    let is_described_here = |name: &str| !name.starts_with("CONNECTORY_OIDC_") && !name.ends_with("_MASTER_KEY_FILE");
    for setting in SETTINGS.iter().filter(|setting| is_described_here(setting.name)) {
        let (_, what) = &rows[setting.name];
        assert!(what.contains(setting.purpose), "{}: {what}", setting.name);
    }
}

#[test]
fn every_name_of_a_setting_in_the_documents_is_one() {
    for path in ["docs/operations.md", "README.md"] {
        let document = read(path);
        for (place, _) in document.match_indices("CONNECTORY_") {
            let rest = &document[place..];
            let end = rest.find(|letter: char| !letter.is_ascii_uppercase() && letter != '_');
            let name = &rest[..end.unwrap_or(rest.len())];
            let is_family = name.ends_with('_');
            let is_known = SETTINGS.iter().any(|known| known.name == name || is_family && known.name.starts_with(name));
            assert!(is_known, "{path} names {name}");
        }
    }
}

#[test]
fn the_tables_have_the_defaults_that_the_program_takes() {
    let config = load(FAMILIES).expect("settings");
    let yes_or_no = |is_set| if is_set { "yes" } else { "no" }.to_owned();
    let oidc = config.oidc.expect("a provider");
    let email = config.notices.email.expect("a mail server");
    assert_eq!((email.tls, email.port), (MailTls::StartTls, 587));
    let defaults = [
        ("CONNECTORY_LISTEN", config.listen.to_string()),
        ("CONNECTORY_OUTBOUND_LOOPBACK", yes_or_no(config.outbound_loopback)),
        (
            "CONNECTORY_DATABASE_PLAINTEXT",
            config.settings.text("CONNECTORY_DATABASE_PLAINTEXT").unwrap_or_default().into(),
        ),
        ("CONNECTORY_PASSWORD_GRANT", yes_or_no(config.password_grant)),
        ("CONNECTORY_IMPLICIT_GRANT", yes_or_no(config.implicit_grant)),
        ("CONNECTORY_SESSION_IDLE_MINUTES", (config.session_idle.as_secs() / 60).to_string()),
        ("CONNECTORY_SESSION_HOURS", (config.session_lifetime.as_secs() / 3600).to_string()),
        ("CONNECTORY_BODY_MEMORY", (config.resources.body_memory / 1024 / 1024).to_string()),
        ("CONNECTORY_CALLER_REQUESTS_PER_MINUTE", config.resources.key_per_minute.to_string()),
        ("CONNECTORY_CALLER_REQUESTS_AT_ONCE", config.resources.key_at_once.to_string()),
        ("CONNECTORY_CLIENT_IDLE_SECONDS", config.resources.client_idle.as_secs().to_string()),
        ("CONNECTORY_CALL_LOG_DAYS", config.call_log_days.to_string()),
        ("CONNECTORY_SMTP_TLS", "starttls".into()),
        ("CONNECTORY_NOTICES_QUIET_MINUTES", config.notices.quiet_minutes.to_string()),
        ("CONNECTORY_NOTICES_DAYS", config.notices.days.to_string()),
        ("CONNECTORY_LOG", config.log),
        ("CONNECTORY_LOG_FORMAT", if config.log_json { "json" } else { "text" }.into()),
        ("CONNECTORY_OIDC_NAME", oidc.name),
        ("CONNECTORY_OIDC_SCOPES", oidc.scopes),
        ("CONNECTORY_OIDC_USERNAME_CLAIM", oidc.username_claim),
        ("CONNECTORY_OIDC_CREATE_USERS", yes_or_no(oidc.create_people)),
    ];
    let rows = rows("docs/operations.md");
    for (name, default) in &defaults {
        assert_eq!(rows[*name].0, format!("`{default}`"), "{name}");
    }
    // Whatever else has a plain value for its default would not be compared.
    let is_plain = |text: &str| {
        text.len() > 2
            && text.starts_with('`')
            && text.find('`') != text.rfind('`')
            && text[1..].find('`') == Some(text.len() - 2)
    };
    for (name, (default, _)) in &rows {
        let is_compared = defaults.iter().any(|(known, _)| known == name);
        assert!(is_compared || !is_plain(default), "{name} {default}");
    }
}

#[test]
fn the_ranges_of_the_table_are_the_programs() {
    let mut compared = 0;
    for (name, (_, what)) in rows("docs/operations.md") {
        let words: Vec<&str> = what.split([' ', ',', ';']).collect();
        let [least, "to", most, ..] = words.as_slice() else {
            continue;
        };
        let (Ok(least), Ok(most)) = (least.parse::<i64>(), most.parse::<i64>()) else {
            continue;
        };
        for (value, is_good) in [(least - 1, false), (least, true), (most, true), (most + 1, false)] {
            let outcome = load(&format!("{FAMILIES}{name}={value}\n"));
            assert_eq!(outcome.is_ok(), is_good, "{name}={value}");
        }
        compared += 1;
    }
    assert!(compared >= 7, "{compared}");
}

#[test]
fn short_examples_of_settings_are_taken_as_they_stand() {
    let with = |settings: String| {
        let machine = Machine::installed();
        machine.add_lines(&settings);
        config(&machine)
    };
    let only = with(recipe("outbound-only")).outbound_only.expect("a list");
    assert_eq!(only.len(), 5);
    for entry in only {
        assert!(entry.parse::<AllowListEntry>().is_ok(), "{entry}");
    }
    let off = with(recipe("legacy-grants-off"));
    assert!(!off.password_grant && !off.implicit_grant);
    let proxies = with(recipe("trusted-proxies")).trusted_proxies;
    let proxies: Vec<String> = proxies.iter().map(ToString::to_string).collect();
    assert_eq!(proxies, ["127.0.0.1/32", "10.20.0.5/32", "10.20.0.6/32"]);
}
