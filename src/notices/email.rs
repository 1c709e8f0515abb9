//! Notices by e-mail: plain text over SMTP (RFC 5321), an envelope for each recipient, so that one address that is
//! refused does not affect the others.

use std::error::Error as _;
use std::time::{Duration, SystemTime};

use anyhow::Context;
use chrono::{DateTime, Utc};
use lettre::address::Envelope;
use lettre::message::header::{ContentType, Header, HeaderName, HeaderValue};
use lettre::message::{Mailbox, Message as Mail};
use lettre::transport::smtp::authentication::Credentials;
use lettre::transport::smtp::client::{Certificate, Tls, TlsParameters};
use lettre::transport::smtp::extension::ClientId;
use lettre::transport::smtp::{AsyncSmtpTransport, Error as SmtpError};
use lettre::{Address, AsyncTransport, Tokio1Executor};
use tokio::time::timeout;

use super::channels::Undelivered;
use super::message::Message;
use super::model::Occasion;
use super::schedule::LONGEST_ATTEMPT;
use crate::config::{EmailSettings, MailTls};
use crate::outbound::{Mask, quote};

/// How long the server may take for each of its answers.
const TIME_OUT: Duration = Duration::from_secs(20);

/// The mail server, and who writes to whom.
pub(super) struct Mailer {
    transport: AsyncSmtpTransport<Tokio1Executor>,
    /// “mail.example.org:587 (STARTTLS)”
    pub server: String,
    from: Mailbox,
    to: Vec<Mailbox>,
    /// What the server is sent to sign in, which it may echo.
    mask: Mask,
}

impl Mailer {
    pub fn new(settings: &EmailSettings) -> anyhow::Result<Mailer> {
        let builder = AsyncSmtpTransport::<Tokio1Executor>::builder_dangerous(&settings.host)
            .port(settings.port)
            .tls(tls(settings)?)
            .timeout(Some(TIME_OUT))
            .hello_name(ClientId::Domain(settings.from.email.domain().to_string()));
        let builder = match &settings.sign_in {
            Some((user, password)) => {
                builder.credentials(Credentials::new(user.clone(), password.expose().to_string()))
            }
            None => builder,
        };
        let mut mask = Mask::default();
        if let Some((user, password)) = &settings.sign_in {
            let password = password.expose();
            mask.add(password);
            mask.add(&format!("\0{user}\0{password}")); // as AUTH PLAIN encodes it
        }
        let words = match settings.tls {
            MailTls::StartTls => "STARTTLS",
            MailTls::Implicit => "TLS",
            MailTls::None => "not encrypted",
        };
        Ok(Mailer {
            transport: builder.build(),
            server: format!("{}:{} ({words})", settings.host, settings.port),
            from: settings.from.clone(),
            to: settings.to.clone(),
            mask,
        })
    }

    /// The addresses that are written to.
    pub fn recipients(&self) -> impl Iterator<Item = String> {
        self.to.iter().map(|mailbox| mailbox.email.to_string())
    }

    pub fn sender(&self) -> String {
        self.from.email.to_string()
    }

    /// Sends the message to one of the recipients.
    pub async fn send(&self, message: &Message, recipient: &str, now: DateTime<Utc>) -> Result<(), Undelivered> {
        let unusable = |_| Undelivered::refused("The message could not be written.");
        let to: Address = recipient.parse().map_err(|_| Undelivered::refused("This is no e-mail address."))?;
        let envelope = Envelope::new(Some(self.from.email.clone()), vec![to]).map_err(unusable)?;
        let mail = self.mail(message, now).map_err(unusable)?.formatted();
        let sending = self.transport.send_raw(&envelope, &mail);
        match timeout(LONGEST_ATTEMPT, sending).await {
            Ok(Ok(_)) => Ok(()),
            Ok(Err(error)) => Err(undelivered(&error, &self.mask)),
            Err(_) => Err(Undelivered::unreachable("The mail server took longer than a minute.")),
        }
    }

    fn mail(&self, message: &Message, now: DateTime<Utc>) -> Result<Mail, lettre::error::Error> {
        let id = |occasion: Occasion| {
            let domain = self.from.email.domain();
            let domain = if domain.is_ascii() { domain } else { "connectory" };
            format!("<{}.{}@{domain}>", message.event.simple(), occasion.code())
        };
        let mut builder = Mail::builder()
            .from(self.from.clone())
            .subject(format!("[Connectory] {}", message.subject))
            .date(SystemTime::from(now))
            .message_id(Some(id(message.occasion)))
            .header(AutoSubmitted)
            .header(ContentType::TEXT_PLAIN);
        for mailbox in &self.to {
            builder = builder.to(mailbox.clone());
        }
        // The end stands under the beginning in whatever shows threads.
        if message.occasion == Occasion::Ended {
            let began = id(Occasion::Began);
            builder = builder.in_reply_to(began.clone()).references(began);
        }
        builder.body(message.text.clone())
    }
}

fn tls(settings: &EmailSettings) -> anyhow::Result<Tls> {
    if settings.tls == MailTls::None {
        return Ok(Tls::None);
    }
    let mut parameters = TlsParameters::builder(settings.host.clone());
    if let Some(pem) = &settings.ca_pem {
        let certificate = Certificate::from_pem(pem.as_bytes()).context("CONNECTORY_SMTP_CA_FILE")?;
        parameters = parameters.add_root_certificate(certificate);
    }
    let parameters = parameters.build_rustls().context("the certificate authorities of the mail server")?;
    Ok(match settings.tls {
        MailTls::Implicit => Tls::Wrapper(parameters),
        _ => Tls::Required(parameters),
    })
}

/// The failure in a sentence. Only super admins see what the server said, by [`quote`].
fn undelivered(error: &SmtpError, mask: &Mask) -> Undelivered {
    let mut words = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        let cause_words = cause.to_string();
        if !words.contains(&cause_words) {
            words = format!("{words}: {cause_words}");
        }
        source = cause.source();
    }
    let words = quote(&words, mask).unwrap_or_else(|| "in words that are not shown".to_owned());
    let Some(code) = error.status().map(|code| code.to_string()) else {
        return Undelivered::unreachable(format!("The mail server could not be used: {words}"));
    };
    let mut refused = Undelivered::refused(format!("The mail server refused it: {words}"));
    // Closing (421) and sign-in (53x) concern every message; trying on could lock the account.
    refused.is_down = code == "421" || code.starts_with("53");
    refused
}

/// Keeps out-of-office replies away (RFC 3834 section 5).
#[derive(Clone)]
struct AutoSubmitted;

impl Header for AutoSubmitted {
    fn name() -> HeaderName {
        HeaderName::new_from_ascii_str("Auto-Submitted")
    }

    fn parse(_: &str) -> Result<Self, Box<dyn std::error::Error + Send + Sync>> {
        Ok(AutoSubmitted)
    }

    fn display(&self) -> HeaderValue {
        HeaderValue::new(Self::name(), "auto-generated".into())
    }
}
