//! What settings of notices are accepted.

use super::*;
use crate::config::settings::{Given, Origin};

const SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";

/// What is read, or what is wrong.
fn read(pairs: &[(&str, &str)]) -> Result<NoticeSettings, String> {
    let given = |(name, value): &(&str, &str)| {
        let name = format!("CONNECTORY_{name}");
        let given = Given::new(&name, value, Origin::Environment);
        (name, given)
    };
    let mut reader = Reader::new(pairs.iter().map(given).collect());
    let settings = reader.notices();
    if reader.problems.is_empty() { Ok(settings) } else { Err(reader.problems.join("\n")) }
}

const MAIL: [(&str, &str); 3] = [
    ("SMTP_HOST", "mail.example.org"),
    ("NOTICES_FROM", "Connectory <connectory@example.org>"),
    ("NOTICES_TO", "\"Ruiz, Ana\" <ana@example.org>, ben@example.org, ANA <ana@example.org>"),
];

#[test]
fn nothing_set_sends_nothing() {
    let settings = read(&[]).expect("no problem");
    assert!(settings.email.is_none() && settings.webhook.is_none());
    assert_eq!((settings.quiet_minutes, settings.days), (60, 90));
}

#[test]
fn the_port_follows_the_encryption_and_nobody_is_written_to_twice() {
    for (tls, port) in [("starttls", 587), ("implicit", 465), ("none", 25)] {
        let mut pairs = MAIL.to_vec();
        pairs.push(("SMTP_TLS", tls));
        let email = read(&pairs).expect("no problem").email.expect("a server");
        assert_eq!(email.port, port);
        let to: Vec<String> = email.to.iter().map(|to| to.email.to_string()).collect();
        assert_eq!(to, ["ana@example.org", "ben@example.org"]);
    }
}

#[test]
fn what_cannot_be_meant_is_refused_with_the_settings_name() {
    let mail = |more: &[(&'static str, &'static str)]| [&MAIL[..], more].concat();
    let hook =
        |secrets| vec![("NOTICES_WEBHOOK_URL", "https://hooks.example.org/in"), ("NOTICES_WEBHOOK_SECRETS", secrets)];
    for (pairs, named) in [
        (vec![("NOTICES_TO", "ana@example.org")], "SMTP_HOST"),
        (vec![("NOTICES_WEBHOOK_SECRETS", SECRET)], "WEBHOOK_URL"),
        (vec![("SMTP_HOST", "mail.example.org")], "NOTICES_FROM"),
        (mail(&[("SMTP_TLS", "perhaps")]), "SMTP_TLS"),
        (mail(&[("SMTP_USER", "ana")]), "SMTP_PASSWORD"),
        (mail(&[("SMTP_USER", "ana"), ("SMTP_PASSWORD", "x"), ("SMTP_TLS", "none")]), "SMTP_TLS"),
        (mail(&[("SMTP_PASSWORD_FILE", "/nowhere")]), "/nowhere"),
        (mail(&[("SMTP_CA_FILE", "/dev/null")]), "SMTP_CA_FILE"),
        (mail(&[("SMTP_PORT", "0")]), "SMTP_PORT"),
        (hook("whsec_short"), "WEBHOOK_SECRETS"),
        (hook("whsec_c2hvcnQ="), "WEBHOOK_SECRETS"),
        (hook(SECRET.trim_start_matches("whsec_")), "WEBHOOK_SECRETS"),
        (hook(""), "WEBHOOK_SECRETS"),
        (vec![("NOTICES_WEBHOOK_URL", "ftp://x")], "WEBHOOK_URL"),
        (vec![("NOTICES_QUIET_MINUTES", "-1")], "QUIET_MINUTES"),
    ] {
        let problems = read(&pairs).err().expect("a problem");
        assert!(problems.contains(named), "{named}: {problems}");
        assert!(!problems.contains("c2hvcnQ"), "no secret: {problems}");
    }
}

#[test]
fn several_secrets_sign_while_they_are_changed() {
    let both = format!("{SECRET}, {SECRET}");
    let settings = read(&[("NOTICES_WEBHOOK_URL", "https://hooks.example.org/in"), ("NOTICES_WEBHOOK_SECRETS", &both)]);
    let webhook = settings.expect("no problem").webhook.expect("a receiver");
    assert_eq!(webhook.keys.len(), 2);
    assert_eq!(webhook.keys[0].len(), 24);
}
