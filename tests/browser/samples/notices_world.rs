//! Notices of every kind and fate, by e-mail and by a webhook whose receiver wants no more.

use connectory::config::{EmailSettings, MailTls, NoticeSettings, WebhookSettings};
use connectory::notices::Channels;

use super::system;
use crate::support::TestApp;

const RECEIVER: &str = "https://hooks.example.org/services/notices";

/// A site on which both ways are set up.
pub(super) async fn site() -> TestApp {
    let email = EmailSettings {
        host: "mail.example.org".into(),
        port: 587,
        tls: MailTls::StartTls,
        ca_pem: None,
        sign_in: None,
        from: "Connectory <connectory@example.org>".parse().expect("an address"),
        to: vec![
            "ana@example.org".parse().expect("an address"),
            "a.wolfeschlegelsteinhausenbergerdorff-of-the-night-shift@operations.example.org"
                .parse()
                .expect("an address"),
        ],
    };
    let settings = NoticeSettings {
        email: Some(email),
        webhook: Some(WebhookSettings { url: RECEIVER.into(), keys: vec![vec![1; 24], vec![2; 24]] }),
        quiet_minutes: 60,
        days: 90,
    };
    let channels = Channels::new(&settings).expect("good settings");
    TestApp::start_with(|site| {
        site.channels = channels;
        site.about.settings = system::settings();
    })
    .await
}

/// Records what has happened to some connectors, and what was told of it.
pub(super) async fn fill(app: &TestApp) {
    app.sql(&format!(
        "INSERT INTO notice_events (id, connector_id, health, began_at, ended_at, message)
         SELECT gen_random_uuid(), c.id, e.health, now() - e.age, CASE WHEN e.is_over THEN now() - e.age / 2 END, e.message
         FROM (VALUES ('payroll-ledger', 'failing', interval '3 hours', true, 'api.example.org did not answer within 30 seconds.'),
                      ('payroll-ledger', 'failing', interval '2 hours', true, ''),
                      ('donaudampfschifffahrt', 'needs_reauthorization', interval '90 minutes', false, 'The server refused to renew the token: 400 Bad Request.'),
                      ('weather', 'expiring', interval '1 hour', false, ''),
                      ('newsletter', 'failing', interval '30 seconds', false, 'The connection was refused.')
              ) AS e (key, health, age, is_over, message) JOIN connectors c ON c.key = e.key;
         INSERT INTO notice_deliveries (id, event_id, occasion, channel, recipient, since, due_at)
         SELECT gen_random_uuid(), id, 'began', channel, recipient, began_at, now() + interval '90 seconds' FROM notice_events,
            (VALUES ('email', 'ana@example.org'), ('email', 'gone@example.org'), ('webhook', '')) AS t (channel, recipient);
         UPDATE notice_deliveries d SET state = 'sent', sent_at = e.began_at + interval '2 minutes' FROM notice_events e
            WHERE e.id = d.event_id AND d.recipient = 'ana@example.org' AND e.message LIKE 'api%';
         INSERT INTO notice_deliveries (id, event_id, occasion, channel, recipient, since, due_at, state, sent_at)
            SELECT gen_random_uuid(), event_id, 'ended', channel, recipient, since, now(), 'sent', now() FROM notice_deliveries WHERE state = 'sent';
         UPDATE notice_deliveries d SET state = 'over' FROM notice_events e WHERE e.id = d.event_id AND e.ended_at IS NOT NULL AND e.message = '';
         UPDATE notice_deliveries d SET attempts = 3, problem = 'The mail server refused it: permanent error (550): 5.1.1 No such user here' FROM notice_events e
            WHERE e.id = d.event_id AND d.channel = 'email' AND d.state = 'waiting' AND e.message LIKE 'The server%';
         UPDATE notice_deliveries SET state = 'given_up', attempts = 10, problem = 'The receiver answered 410 Gone. It wants no more notices.'
            WHERE channel = 'webhook' AND state = 'waiting';
         INSERT INTO notice_stops VALUES ('webhook', sha256('{RECEIVER}'), now() - interval '1 hour')"
    ))
    .await;
}
