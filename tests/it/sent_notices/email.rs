//! Notices by e-mail, as a mail server and people see them.

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use connectory::config::{EmailSettings, MailTls};
use connectory::vault::Secret;
use lettre::message::Mailboxes;

use super::*;
use crate::support::smtp_server::{Door, Mail, PASSWORD, SmtpServer, USER};

const TO: &str = "\"Ruiz, Ana\" <ana@example.org>, ben@example.org";

/// A site that writes to ana and ben by this server, as it wants it.
fn mail_by(server: &SmtpServer, tls: MailTls) -> NoticeSettings {
    let to: Mailboxes = TO.parse().expect("addresses");
    NoticeSettings {
        email: Some(EmailSettings {
            host: server.address.ip().to_string(),
            port: server.address.port(),
            tls,
            ca_pem: Some(server.ca_pem.clone()),
            sign_in: (tls != MailTls::None).then(|| (USER.into(), Secret::new(PASSWORD.into()))),
            from: "Connectory <connectory@example.org>".parse().expect("an address"),
            to: to.into_iter().collect(),
        }),
        ..nothing()
    }
}

async fn written_to(door: Door, tls: MailTls) -> (TestApp, SmtpServer) {
    let server = SmtpServer::start(door).await;
    (site(&mail_by(&server, tls)).await, server)
}

/// The mails to ben.
fn to_ben(server: &SmtpServer) -> Vec<Mail> {
    let mut all = server.mails();
    all.retain(|mail| mail.to == ["ben@example.org"]);
    all
}

#[tokio::test]
async fn a_mail_says_what_happened_and_where_to_repair_it_and_the_end_answers_it() {
    let (app, server) = written_to(Door::StartTls, MailTls::StartTls).await;
    let id = app.connector("Zürich - Löhne 給与").await;
    app.sql(&format!("INSERT INTO breakers (connector_id, since, open_until, message) VALUES ('{id}', now(), now(), 'api.example.org did not answer within 30 seconds.')")).await;
    set_health(&app, id, "failing").await;
    let since = app.clock.now().format("%-d %B %Y, %H:%M UTC").to_string();
    round(&app).await;
    after(&app, TimeDelta::minutes(3)).await;
    assert_eq!(server.mails().len(), 2, "one for each of them");
    let mail = to_ben(&server).remove(0);
    assert!(mail.was_encrypted);
    assert_eq!((mail.user.as_str(), mail.from.as_str()), (USER, "connectory@example.org"));
    assert_eq!(mail.subject(), "[Connectory] Zürich - Löhne 給与: Failing");
    assert_eq!(mail.header("Auto-Submitted"), "auto-generated");
    assert_eq!(mail.header("Content-Type"), "text/plain; charset=utf-8");
    for address in ["ana@example.org", "ben@example.org"] {
        assert!(mail.header("To").contains(address), "{}", mail.header("To"));
    }
    let text = mail.text();
    for words in [
        format!("The data connector “Zürich - Löhne 給与” has been failing since {since}."),
        "What happened: api.example.org did not answer within 30 seconds.".into(),
        format!("{}/connectors/", app.public_url),
    ] {
        assert!(text.contains(&words), "{words} in {text}");
    }

    set_health(&app, id, "healthy").await;
    round(&app).await;
    let answer = to_ben(&server).remove(1);
    assert_eq!(answer.subject(), "[Connectory] Zürich - Löhne 給与: Healthy again");
    assert_eq!(answer.header("In-Reply-To"), mail.header("Message-ID"));
    assert_ne!(answer.header("Message-ID"), mail.header("Message-ID"));
    assert!(answer.text().contains("works again since"), "{}", answer.text());
}

#[tokio::test]
async fn a_name_cannot_become_a_header() {
    let (app, server) = written_to(Door::Open, MailTls::None).await;
    let id = app.connector("Payroll").await;
    app.sql(&format!(
        "UPDATE connectors SET display_name = E'Payroll\\r\\nBcc: eve@example.org\\r\\n\\r\\nHello' WHERE id = '{id}'"
    ))
    .await;
    set_health(&app, id, "needs_reauthorization").await;
    round(&app).await;
    let mail = to_ben(&server).remove(0);
    assert_eq!(mail.count("Bcc"), 0, "{}", mail.data);
    assert_eq!(mail.subject(), "[Connectory] Payroll Bcc: eve@example.org Hello: Needs re-authorization");
    assert!(mail.text().contains("“Payroll Bcc: eve@example.org Hello”"), "{}", mail.text());
    assert_eq!(server.mails().len(), 2, "nobody else is written to");
}

#[tokio::test]
async fn an_address_that_is_refused_keeps_nobody_else_from_the_mail() {
    let (app, server) = written_to(Door::Open, MailTls::None).await;
    server.refuse("ana@example.org", "550 5.1.1 No such\tuser here");
    let id = app.connector("Payroll").await;
    set_health(&app, id, "needs_reauthorization").await;
    round(&app).await;
    assert_eq!(to_ben(&server).len(), 1);
    assert_eq!(server.mails().len(), 1);
    let problem = app.value("SELECT problem FROM notice_deliveries WHERE recipient = 'ana@example.org'").await;
    assert!(problem.contains("550") && problem.contains("No such user here"), "{problem}");
    server.refuse_nobody();
    after(&app, TimeDelta::seconds(6)).await;
    let mails = server.mails();
    assert_eq!(mails[1].to, ["ana@example.org"]);
    assert_eq!(mails[0].header("Message-ID"), mails[1].header("Message-ID"));
    assert_eq!(mails.len(), 2);
}

#[tokio::test]
async fn what_the_mail_server_says_is_told_without_the_sign_in_and_tokens() {
    let (app, server) = written_to(Door::Tls, MailTls::Implicit).await;
    let sign_in = BASE64_STANDARD.encode(format!("\0{USER}\0{PASSWORD}"));
    let token = "d41d8cd98f00b204e9800998ecf8427e";
    let says = format!("550 5.7.1 Not for {PASSWORD} by {sign_in}, trace {token} ended");
    server.refuse("ana@example.org", &says);
    let id = app.connector("Payroll").await;
    set_health(&app, id, "needs_reauthorization").await;
    round(&app).await;
    let problem = app.value("SELECT problem FROM notice_deliveries WHERE recipient = 'ana@example.org'").await;
    let told = "5.7.1 Not for ‹masked› by ‹masked›, trace ‹masked› ended";
    assert!(problem.contains("550") && problem.contains(told), "{problem}");
}

#[tokio::test]
async fn tls_from_the_first_byte_is_spoken_where_it_is_set() {
    let (app, server) = written_to(Door::Tls, MailTls::Implicit).await;
    let tested = app.courier.test().await.expect("a test");
    assert_eq!(tested.len(), 2);
    for one in &tested {
        assert_eq!(one.outcome, Ok(()), "{}", one.target);
    }
    let mail = to_ben(&server).remove(0);
    assert!(mail.was_encrypted && mail.user == USER);
    assert_eq!(mail.subject(), "[Connectory] Test notice");
}

/// Why nothing goes out by this server.
async fn refusal(server: &SmtpServer, settings: NoticeSettings) -> String {
    let app = site(&settings).await;
    let mut tested = app.courier.test().await.expect("a test");
    assert!(server.mails().is_empty());
    tested.remove(0).outcome.expect_err("not sent")
}

#[tokio::test]
async fn a_server_that_offers_no_encryption_gets_no_password() {
    let server = SmtpServer::start(Door::Open).await;
    let reason = refusal(&server, mail_by(&server, MailTls::StartTls)).await;
    assert!(reason.contains("STARTTLS"), "{reason}");
}

#[tokio::test]
async fn a_server_that_nobody_vouches_for_gets_no_password() {
    let server = SmtpServer::start(Door::StartTls).await;
    let mut settings = mail_by(&server, MailTls::StartTls);
    if let Some(email) = &mut settings.email {
        email.ca_pem = None;
    }
    let reason = refusal(&server, settings).await;
    assert!(reason.contains("certificate"), "{reason}");
}

#[tokio::test]
async fn a_wrong_password_is_tried_once_a_round_and_shown_nowhere() {
    let server = SmtpServer::start(Door::StartTls).await;
    let mut settings = mail_by(&server, MailTls::StartTls);
    if let Some(email) = &mut settings.email {
        email.sign_in = Some((USER.into(), Secret::new("tr0ub4dor".into())));
    }
    let app = site(&settings).await;
    for name in ["One", "Two", "Three"] {
        let id = app.connector(name).await;
        set_health(&app, id, "needs_reauthorization").await;
    }
    round(&app).await;
    assert_eq!(server.connections(), 1);
    let problem = app.value("SELECT max(problem) FROM notice_deliveries").await;
    assert!(problem.contains("535") && !problem.contains("tr0ub4dor"), "{problem}");
    let page = app.super_admin().await.get("/notices").await.expect(200);
    assert!(page.text().contains("535") && !page.text().contains("tr0ub4dor"));
}
