//! What settings are accepted and how wrong ones are reported.

use super::*;

fn config(pairs: &[(&str, &str)]) -> Result<Config, ConfigError> {
    Config::of(pairs.iter().copied().chain([("HOME", "/home/ana")]))
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
    for name in
        ["LISTEN", "WORKERS", "OUTBOUND_LOOPBACK", "PUBLIC_URL", "LOG_FORMAT", "METRICS_TOKEN", "TRUSTED_PROXIES"]
    {
        assert!(error.contains(name), "{name} is missing in: {error}");
    }
}

#[test]
fn a_database_of_ones_own_needs_a_master_key_of_ones_own() {
    let error = config(&[("DATABASE_URL", "postgres://u@h/d")]).err().unwrap().to_string();
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
    let error = config(&[("CONNECTORY_LISTENS", "127.0.0.1:1")]).err().unwrap().to_string();
    assert!(error.contains("there is no setting CONNECTORY_LISTENS"));
}

/// The least that a provider needs.
const PROVIDER: [(&str, &str); 2] =
    [("CONNECTORY_OIDC_ISSUER", "https://login.example.org/staff"), ("CONNECTORY_OIDC_CLIENT_ID", "connectory")];

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
    assert!(alone.starts_with("CONNECTORY_OIDC_ISSUER must be"), "{alone}");
    let both = [("CONNECTORY_OIDC_CLIENT_SECRET", "one"), ("CONNECTORY_OIDC_CLIENT_SECRET_FILE", "two")];
    let both = refusal(&[PROVIDER, both].concat());
    assert!(both.contains("not both") && !both.contains("one"), "{both}");
    let rule = [("CONNECTORY_OIDC_ALLOWED_GROUPS", "staff")];
    let rule = refusal(&[PROVIDER.as_slice(), &rule].concat());
    assert!(rule.contains("CONNECTORY_OIDC_GROUPS_CLAIM must be set"), "{rule}");
}

/// How the line of a setting ends in the list of what is in effect.
fn shown(config: &Config, name: &str) -> (Shown, Origin) {
    let setting = config.settings.iter().find(|setting| setting.name == name);
    let setting = setting.expect(name);
    (setting.shown.clone(), setting.origin.clone())
}

#[test]
fn every_setting_is_listed_with_its_value_in_effect() {
    let listed = config(&[("CONNECTORY_LISTEN", "192.0.2.7:80")]).unwrap();
    let names: Vec<&str> = listed.settings.iter().map(|setting| setting.name).collect();
    let known: Vec<&str> = SETTINGS.iter().map(|setting| setting.name).collect();
    assert_eq!(names, known);
    let text = |text: &str| Shown::Text(text.into());
    for (name, shown_, origin) in [
        ("CONNECTORY_LISTEN", text("192.0.2.7:80"), Origin::Environment),
        ("CONNECTORY_PUBLIC_URL", text("http://192.0.2.7:80"), Origin::Default),
        ("CONNECTORY_SESSION_HOURS", text("12"), Origin::Default),
        ("CONNECTORY_OUTBOUND_LOOPBACK", text("no"), Origin::Default),
        ("CONNECTORY_LOG", text("info"), Origin::Default),
        ("CONNECTORY_LOG_FORMAT", text("text"), Origin::Default),
        ("CONNECTORY_SMTP_PORT", Shown::NotSet, Origin::Default),
        ("CONNECTORY_MASTER_KEY", Shown::NotSet, Origin::Default),
    ] {
        assert_eq!(shown(&listed, name), (shown_, origin), "{name}");
    }
}

#[test]
fn nothing_of_a_secret_is_listed() {
    const CANARY: &str = "whsec_canaryMfKQ9r8GKYqrTwjUPD8ILPZIo2";
    let database = format!("host=/run/db,db.example.org user=ana password={CANARY} dbname=c sslmode=verify-full");
    let hook = format!("https://hooks.example.org:8443/{CANARY}?k={CANARY}");
    let mut pairs = vec![
        ("CONNECTORY_OIDC_ISSUER", "https://login.example.org"),
        ("CONNECTORY_OIDC_CLIENT_ID", "connectory"),
        ("CONNECTORY_SMTP_HOST", "mail.example.org"),
        ("CONNECTORY_SMTP_USER", "ana"),
        ("CONNECTORY_NOTICES_FROM", "a@example.org"),
        ("CONNECTORY_NOTICES_TO", "b@example.org"),
        ("DATABASE_URL", database.as_str()),
        ("CONNECTORY_NOTICES_WEBHOOK_URL", &hook),
    ];
    let secrets = SETTINGS.iter().filter(|setting| setting.is_secret);
    for setting in secrets {
        if !pairs.iter().any(|(name, _)| *name == setting.name) {
            pairs.push((setting.name, CANARY));
        }
    }
    let listed = config(&pairs).unwrap_or_else(|error| panic!("{error}"));
    for setting in listed.settings.iter() {
        assert!(!format!("{setting:?}").contains("canary"), "{setting:?}");
    }
    assert_eq!(shown(&listed, "CONNECTORY_METRICS_TOKEN"), (Shown::Set, Origin::Environment));
    assert_eq!(
        listed.settings.text("DATABASE_URL"),
        Some("host /run/db, db.example.org, database c, user ana, a password, encrypted")
    );
    assert_eq!(shown(&listed, "CONNECTORY_NOTICES_WEBHOOK_URL"), (Shown::Set, Origin::Environment));
}

#[test]
fn a_setting_whose_name_speaks_of_a_secret_is_one() {
    for setting in SETTINGS {
        let speaks = ["PASSWORD", "SECRET", "TOKEN", "KEY"].iter().any(|word| setting.name.contains(word));
        // They name a file, or a way to sign in.
        let is_none = setting.name.ends_with("_FILE") || setting.name.ends_with("_GRANT");
        assert!(setting.is_secret || !speaks || is_none, "{} may hold a secret", setting.name);
    }
}

#[test]
fn the_environment_wins_over_the_file_and_the_command_line_over_both() {
    let folder = std::env::temp_dir().join(format!("connectory-{}", uuid::Uuid::now_v7()));
    std::fs::create_dir(&folder).unwrap();
    let path = folder.join("settings");
    std::fs::write(
        &path,
        "CONNECTORY_WORKERS=3\nCONNECTORY_LOG = \"debug\"\nCONNECTORY_DATA_DIR=/in/the/file\nHOME=/x",
    )
    .unwrap();
    let wrong = read_file(&path).err().unwrap().to_string();
    assert!(wrong.contains("settings:4: there is no setting HOME"), "{wrong}");
    std::fs::write(&path, "CONNECTORY_WORKERS=3\nCONNECTORY_LOG = \"debug\"\n").unwrap();
    let mut values = read_file(&path).unwrap();
    std::fs::remove_dir_all(&folder).unwrap();
    values.extend([given("CONNECTORY_LOG", "", Origin::Environment), given(DATA_DIR, "/here", Origin::CommandLine)]);
    let config = Config::from_values(values).unwrap();
    let text = |text: &str| Shown::Text(text.into());
    assert_eq!(shown(&config, "CONNECTORY_WORKERS"), (text("3"), Origin::File(path)));
    assert_eq!(shown(&config, "CONNECTORY_LOG"), (text("info"), Origin::Default));
    assert_eq!(shown(&config, DATA_DIR), (text("/here"), Origin::CommandLine));
}

#[test]
fn a_password_in_the_public_address_is_refused() {
    let told = refusal(&[("CONNECTORY_PUBLIC_URL", "https://:secret@connectory.example.org")]);
    assert!(told.contains("CONNECTORY_PUBLIC_URL") && !told.contains("secret"), "{told}");
}
