//! What settings are accepted and how wrong ones are reported.

use super::*;

fn config(pairs: &[(&str, &str)]) -> Result<Config, ConfigError> {
    let mut values: HashMap<String, String> = pairs
        .iter()
        .map(|(name, value)| (name.to_string(), value.to_string()))
        .collect();
    values.insert("HOME".into(), "/home/ana".into());
    Config::from_values(values)
}

#[test]
fn nothing_set_is_a_private_database_on_loopback() {
    let config = config(&[]).unwrap();
    assert!(config.database_url.is_none());
    assert_eq!(config.public_url, "http://127.0.0.1:8080");
    assert!(!config.outbound_loopback);
}

#[test]
fn every_problem_is_reported_at_once_with_its_setting() {
    let error = config(&[
        ("CONNECTORY_LISTEN", "somewhere"),
        ("CONNECTORY_WORKERS", "0"),
        ("CONNECTORY_OUTBOUND_LOOPBACK", "perhaps"),
        ("CONNECTORY_PUBLIC_URL", "ftp://x"),
        ("CONNECTORY_LOG_FORMAT", "xml"),
        ("CONNECTORY_METRICS_TOKEN", "short"),
    ])
    .err()
    .unwrap()
    .to_string();
    for name in [
        "LISTEN",
        "WORKERS",
        "OUTBOUND_LOOPBACK",
        "PUBLIC_URL",
        "LOG_FORMAT",
        "METRICS_TOKEN",
    ] {
        assert!(error.contains(name), "{name} is missing in: {error}");
    }
}

#[test]
fn a_database_of_ones_own_needs_a_master_key_of_ones_own() {
    let error = config(&[("DATABASE_URL", "postgres://u@h/d")])
        .err()
        .unwrap()
        .to_string();
    assert!(error.contains("CONNECTORY_MASTER_KEY_FILE"));
}

#[test]
fn a_misspelt_setting_is_reported() {
    let error = config(&[("CONNECTORY_LISTENS", "127.0.0.1:1")])
        .err()
        .unwrap()
        .to_string();
    assert!(error.contains("there is no setting CONNECTORY_LISTENS"));
}
