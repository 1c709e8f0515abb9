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
        ("CONNECTORY_TRUSTED_PROXIES", "10.0.0.0/8, the proxy"),
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
        "TRUSTED_PROXIES",
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
fn proxies_are_trusted_by_address_or_network() {
    assert!(config(&[]).unwrap().trusted_proxies.is_empty());
    let set = config(&[("CONNECTORY_TRUSTED_PROXIES", "127.0.0.1, 10.0.0.0/8,::1")]);
    let networks = set.unwrap().trusted_proxies;
    let networks: Vec<String> = networks.iter().map(ToString::to_string).collect();
    assert_eq!(networks, ["127.0.0.1/32", "10.0.0.0/8", "::1/128"]);
}

#[test]
fn a_misspelt_setting_is_reported() {
    let error = config(&[("CONNECTORY_LISTENS", "127.0.0.1:1")])
        .err()
        .unwrap()
        .to_string();
    assert!(error.contains("there is no setting CONNECTORY_LISTENS"));
}

/// The least that a provider needs.
const PROVIDER: [(&str, &str); 2] = [
    ("CONNECTORY_OIDC_ISSUER", "https://login.example.org/staff"),
    ("CONNECTORY_OIDC_CLIENT_ID", "connectory"),
];

fn refusal(pairs: &[(&str, &str)]) -> String {
    config(pairs).err().expect("a refusal").to_string()
}

#[test]
fn a_provider_needs_an_issuer_and_a_client_and_has_defaults_for_the_rest() {
    assert!(config(&[]).unwrap().oidc.is_none());
    let oidc = config(&PROVIDER).unwrap().oidc.unwrap();
    assert_eq!(oidc.issuer, "https://login.example.org/staff");
    assert_eq!(oidc.name, "single sign-on");
    assert_eq!(oidc.scopes, "openid profile email");
    assert_eq!(oidc.username_claim, "preferred_username");
    assert!(oidc.client_secret.is_none() && oidc.groups_claim.is_none());
    assert!(oidc.allowed_groups.is_none() && oidc.create_people);
}

#[test]
fn wrong_settings_of_a_provider_are_told_by_name() {
    for (name, value) in [
        ("CONNECTORY_OIDC_ISSUER", "login.example.org"),
        ("CONNECTORY_OIDC_ISSUER", "http://login.example.org"),
        ("CONNECTORY_OIDC_ISSUER", "https://login.example.org?x"),
        ("CONNECTORY_OIDC_ISSUER", "https://u:p@login.example.org"),
        ("CONNECTORY_OIDC_CLIENT_ID", ""),
        ("CONNECTORY_OIDC_NAME", &"x".repeat(61)),
        ("CONNECTORY_OIDC_SCOPES", "profile email"),
        ("CONNECTORY_OIDC_SCOPES", "openid \"x\""),
        ("CONNECTORY_OIDC_USERNAME_CLAIM", "user name"),
        ("CONNECTORY_OIDC_GROUPS_CLAIM", "a b"),
        ("CONNECTORY_OIDC_ALLOWED_GROUPS", ","),
        ("CONNECTORY_OIDC_CREATE_USERS", "perhaps"),
        ("CONNECTORY_OIDC_CLIENT_SECRET_FILE", "/nowhere/at/all"),
    ] {
        let told = refusal(&[PROVIDER.as_slice(), &[(name, value)]].concat());
        assert!(told.contains(name), "{name}={value}: {told}");
    }
}

#[test]
fn settings_of_a_provider_hang_together() {
    let alone = refusal(&[("CONNECTORY_OIDC_NAME", "Staff login")]);
    assert!(
        alone.starts_with("CONNECTORY_OIDC_ISSUER must be"),
        "{alone}"
    );
    let both = [
        ("CONNECTORY_OIDC_CLIENT_SECRET", "one"),
        ("CONNECTORY_OIDC_CLIENT_SECRET_FILE", "two"),
    ];
    let both = refusal(&[PROVIDER, both].concat());
    assert!(both.contains("not both") && !both.contains("one"), "{both}");
    let rule = [("CONNECTORY_OIDC_ALLOWED_GROUPS", "staff")];
    let rule = refusal(&[PROVIDER.as_slice(), &rule].concat());
    assert!(
        rule.contains("CONNECTORY_OIDC_GROUPS_CLAIM must be set"),
        "{rule}"
    );
}
