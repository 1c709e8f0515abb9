//! What deserves an administrator's attention, in words, with what to do.
//!
//! Rule: only what was found, never what might be. Each warning is a function of the facts that gives nothing while all
//! is well.

use ipnet::IpNet;
use url::Url;

use super::facts::Facts;
use crate::config::is_this_machine;
use crate::web::{counted, plural, relative, size};

/// A problem that an administrator should solve.
pub(super) struct Warning {
    /// A sentence.
    pub title: String,
    /// What it means, and what to do.
    pub text: String,
    /// Where to see more: words and address.
    pub link: Option<(&'static str, &'static str)>,
}

/// A part of a whole that is nearly used up: more than nine tenths.
const NEARLY_ALL: (u64, u64) = (9, 10);

/// Networks with shorter prefixes have room for many more machines than proxies.
const WIDE_V4: u8 = 24;
const WIDE_V6: u8 = 64;

/// All that there is to say.
pub(super) fn all(facts: &Facts) -> Vec<Warning> {
    let checks = [
        root,
        unencrypted_pages,
        proxies,
        trusting_many,
        unencrypted_database,
        unsafe_database,
        full_disk,
        connections,
        clocks,
        silent,
        versions,
        later_schema,
        lacking_keys,
        interrupted_rotation,
        unchecked_certificates,
        unencrypted_mail,
    ];
    checks.iter().filter_map(|check| check(facts)).collect()
}

fn warning(title: impl Into<String>, text: impl Into<String>) -> Option<Warning> {
    Some(Warning { title: title.into(), text: text.into(), link: None })
}

fn root(facts: &Facts) -> Option<Warning> {
    if !facts.about.is_root {
        return None;
    }
    warning(
        "Connectory runs as root.",
        "A vulnerability in it would give an attacker the whole machine. It does not need root: run it as a user of its own that owns the data folder, as the systemd service in the documentation does.",
    )
}

fn unencrypted_pages(facts: &Facts) -> Option<Warning> {
    let url = Url::parse(&facts.public_url).ok()?;
    if url.scheme() == "https" || url.host_str().is_some_and(is_this_machine) {
        return None;
    }
    warning(
        "People reach Connectory without encryption.",
        format!(
            "The public address is {}: anyone on the network path can read passwords and take over sessions. Put a reverse proxy with TLS before Connectory, and set CONNECTORY_PUBLIC_URL to its https address.",
            facts.public_url
        ),
    )
}

fn proxies(facts: &Facts) -> Option<Warning> {
    let meaning = "everybody behind it seems to be at its address: failed sign-ins are counted for all of them together, and the audit log does not say where they were";
    if let Some(peer) = facts.forwarder {
        return warning(
            format!("{peer} says for whom it asks, and is not trusted."),
            format!(
                "This page was asked for from there with X-Forwarded-For. If that is your reverse proxy, name it in CONNECTORY_TRUSTED_PROXIES; until then {meaning}."
            ),
        );
    }
    let has_proxy = facts.public_url.starts_with("https://");
    if !has_proxy || is_set(facts, "CONNECTORY_TRUSTED_PROXIES") {
        return None;
    }
    warning(
        "No reverse proxy is trusted.",
        format!(
            "The public address is https, so a proxy stands before Connectory. Until CONNECTORY_TRUSTED_PROXIES names it, {meaning}."
        ),
    )
}

fn is_set(facts: &Facts, name: &str) -> bool {
    facts.about.settings.is_set(name)
}

fn trusting_many(facts: &Facts) -> Option<Warning> {
    let trusted = facts.about.settings.text("CONNECTORY_TRUSTED_PROXIES")?;
    let networks = trusted.split(',').filter_map(|text| text.trim().parse().ok());
    let wide: Vec<String> = networks.filter(is_wide).map(|network: IpNet| network.to_string()).collect();
    if wide.is_empty() {
        return None;
    }
    warning(
        "Many machines are trusted as reverse proxies.",
        format!(
            "CONNECTORY_TRUSTED_PROXIES holds {}: every machine there that sends X-Forwarded-For chooses the address that throttling and the audit log see. Name your proxies alone, address by address.",
            wide.join(", ")
        ),
    )
}

fn is_wide(network: &IpNet) -> bool {
    let narrowest = match network {
        IpNet::V4(_) => WIDE_V4,
        IpNet::V6(_) => WIDE_V6,
    };
    network.prefix_len() < narrowest
}

fn unencrypted_database(facts: &Facts) -> Option<Warning> {
    let hosts = facts.about.exposed_database.as_ref()?;
    warning(
        "The connection to the database is not encrypted.",
        format!(
            "It goes to {hosts}. Secrets in it are sealed, but names, hashes and the audit log can be read on the network. Add sslmode=verify-full to DATABASE_URL."
        ),
    )
}

fn unsafe_database(facts: &Facts) -> Option<Warning> {
    if facts.server.is_durable {
        return None;
    }
    warning(
        "The database may lose what it has acknowledged.",
        "One of fsync, full_page_writes and synchronous_commit is off in PostgreSQL: when its machine fails, confirmed saves can be lost, or the database damaged. Turn them on.",
    )
}

fn full_disk(facts: &Facts) -> Option<Warning> {
    let disk = facts.disk?;
    if !is_nearly_all(disk.used, disk.size()) {
        return None;
    }
    let free = size(i64::try_from(disk.available).unwrap_or(i64::MAX));
    warning(
        "The disk of the database is nearly full.",
        format!("{free} are left where the data folder is. When nothing is left, nothing can be saved."),
    )
}

fn is_nearly_all(used: u64, whole: u64) -> bool {
    let (nine, tenths) = NEARLY_ALL;
    used.saturating_mul(tenths) > whole.saturating_mul(nine)
}

fn connections(facts: &Facts) -> Option<Warning> {
    let server = &facts.server;
    let used = u64::try_from(server.all_connections).ok()?;
    let most = u64::try_from(server.most_connections).ok()?;
    if !is_nearly_all(used, most) {
        return None;
    }
    warning(
        "The database has hardly any connections left.",
        format!(
            "{used} of {most} are open, all databases of the server together. Raise max_connections of PostgreSQL, or lower CONNECTORY_DATABASE_CONNECTIONS."
        ),
    )
}

fn clocks(facts: &Facts) -> Option<Warning> {
    let ahead = facts.clock_ahead?;
    let there = facts.now + ahead;
    let distance = relative(&there, &facts.now);
    let (words, direction) = match distance.strip_prefix("in ") {
        Some(words) => (words, "ahead of"),
        None => (distance.trim_end_matches(" ago"), "behind"),
    };
    warning(
        "The clocks of this machine and of the database differ.",
        format!(
            "The database's is {words} {direction} this machine's. Times in the logs do not fit together, tokens may be renewed at the wrong moment, and instances may count as gone. Let NTP set the clocks of both."
        ),
    )
}

fn silent(facts: &Facts) -> Option<Warning> {
    if facts.this_instance().is_some_and(|seen| seen.is_alive(facts.now)) {
        return None;
    }
    warning(
        "This instance cannot say that it is there.",
        "Its row in the table of instances is missing or more than half a minute old, so a change of data keys would not wait for it. The log says why.",
    )
}

fn versions(facts: &Facts) -> Option<Warning> {
    let mut versions: Vec<&str> = facts.alive().map(|seen| seen.version.as_str()).collect();
    versions.push(env!("CARGO_PKG_VERSION"));
    versions.sort_unstable();
    versions.dedup();
    if versions.len() < 2 {
        return None;
    }
    let named = |version: &&str| match *version {
        "" => "an earlier one".to_string(),
        version => version.to_string(),
    };
    let versions: Vec<String> = versions.iter().map(named).collect();
    warning(
        "Instances of different versions run.",
        format!(
            "They are of the versions {}. That is meant for the minutes of an upgrade: bring all to the same one.",
            versions.join(" and ")
        ),
    )
}

fn later_schema(facts: &Facts) -> Option<Warning> {
    let later = facts.later_migrations();
    let newest = later.last()?;
    warning(
        "The database belongs to a later version of Connectory.",
        format!(
            "It has {} that this program does not know, the last of them {newest}. Upgrade this instance.",
            counted(later.len(), "migration", "migrations")
        ),
    )
}

fn lacking_keys(facts: &Facts) -> Option<Warning> {
    let sealing = facts.sealing_key();
    let lacking = facts.alive().find(|seen| seen.newest_key < sealing)?;
    warning(
        "An instance lacks a data key.",
        format!(
            "The one at {} opens data keys up to {}, and data key {sealing} seals. Restart it with the current master key.",
            lacking.address, lacking.newest_key
        ),
    )
}

fn interrupted_rotation(facts: &Facts) -> Option<Warning> {
    let first = facts.keys.first()?;
    let masters_differ = facts.keys.iter().any(|key| key.master_key_id != first.master_key_id);
    if masters_differ {
        return warning(
            "The data keys are wrapped under different master keys.",
            "Run connectory key rotate with the settings of the last change.",
        );
    }
    let waits = facts.keys.iter().any(|key| key.activated_at.is_none());
    let older = facts.sealed_by_older_keys();
    if !waits && older == 0 {
        return None;
    }
    warning(
        "A change of data keys is not finished.",
        format!(
            "{} sealed with older keys. If no connectory key rotate --data-key runs now, run it: it goes on where it was interrupted.",
            plural(older, "value is", "values are")
        ),
    )
}

fn unchecked_certificates(facts: &Facts) -> Option<Warning> {
    if facts.unchecked == 0 {
        return None;
    }
    let count = plural(facts.unchecked, "data connector", "data connectors");
    Some(Warning {
        title: "Certificates are not checked.".into(),
        text: format!(
            "Anyone on the way can read what {count} {} with its credentials.",
            if facts.unchecked == 1 { "sends" } else { "send" }
        ),
        link: Some(("The home page names the first of them", "/")),
    })
}

fn unencrypted_mail(facts: &Facts) -> Option<Warning> {
    let settings = &facts.about.settings;
    let host = settings.text("CONNECTORY_SMTP_HOST")?;
    if settings.text("CONNECTORY_SMTP_TLS") != Some("none") || is_this_machine(host) {
        return None;
    }
    warning(
        "Notices go to the mail server without encryption.",
        format!(
            "CONNECTORY_SMTP_TLS is none, and {host} is another machine: names of data connectors can be read on the way."
        ),
    )
}
