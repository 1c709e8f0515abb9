//! The address of the database, and whether the connection to it is encrypted.

use std::net::IpAddr;

use tokio_postgres::config::{Host, SslMode};

use super::reader::Reader;
use crate::vault::Secret;

impl Reader {
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
                "DATABASE_URL connects to {hosts} without encryption, and everything but secrets could be read on the network: add sslmode=verify-full to it, or set CONNECTORY_DATABASE_PLAINTEXT=yes if the network between is yours alone"
            ));
        }
        Some((url, exposed))
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

/// Whether a host is this machine: `localhost` or a loopback address, an IPv6 one with or without the brackets that it
/// has in URLs.
pub fn is_this_machine(host: &str) -> bool {
    let bare = host.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')).unwrap_or(host);
    host.eq_ignore_ascii_case("localhost")
        || bare.parse::<IpAddr>().is_ok_and(|address| address.to_canonical().is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_loopback_by_name_or_address_is_this_machine() {
        for host in ["localhost", "LOCALHOST", "127.0.0.1", "127.8.9.10", "::1", "[::1]", "::ffff:127.0.0.1"] {
            assert!(is_this_machine(host), "{host}");
        }
        for host in ["", "localhost.example.org", "127.example.org", "10.0.0.1", "0.0.0.0", "::", "[::2]"] {
            assert!(!is_this_machine(host), "{host}");
        }
    }
}
