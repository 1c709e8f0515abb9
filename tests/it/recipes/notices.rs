//! Notices by e-mail and webhook, by the settings of the document.

use std::collections::BTreeSet;
use std::fs;

use serde_json::Value;

use super::machine::Machine;
use crate::support::program::mode;
use crate::support::smtp_server::{Door, PASSWORD, SmtpServer};
use crate::support::upstream::{Reply, Upstream};

/// The paths of all members.
fn members(value: &Value, place: &str, found: &mut BTreeSet<String>) {
    for (name, value) in value.as_object().into_iter().flatten() {
        let place = format!("{place}/{name}");
        members(value, &place, found);
        found.insert(place);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn notices_go_by_each_way_and_look_as_the_document_says() {
    let server = SmtpServer::start(Door::StartTls).await;
    let receiver = Upstream::start(|_| Reply::of(200, &[], "")).await;
    let mut machine = Machine::installed();
    machine.name("mail.example.org", "127.0.0.1");
    machine.name("https://hooks.example.org/connectory", &receiver.url("/connectory"));
    let folder = machine.path("/etc/connectory");
    machine.secret_file("/etc/connectory/mail-password", &format!("{PASSWORD}\n"));
    fs::write(folder.join("mail-ca.pem"), &server.ca_pem).expect("a file");
    machine.run("webhook-secret");
    assert_eq!(mode(&folder.join("webhook-secrets")), 0o600);
    machine.add_settings("notices-email");
    machine.add_settings("notices-webhook");
    machine.add_lines(&format!(
        "CONNECTORY_SMTP_PORT={}\nCONNECTORY_SMTP_CA_FILE={}\nCONNECTORY_OUTBOUND_LOOPBACK=yes\n",
        server.address.port(),
        folder.join("mail-ca.pem").display()
    ));
    machine.run("enable");
    let out = machine.run("notices-test");
    assert_eq!(out.matches(": sent\n").count(), 3, "{out}");
    let mails = server.mails();
    assert!(mails.iter().all(|mail| mail.was_encrypted && mail.user == "connectory"));
    let mut told: Vec<String> = mails.into_iter().flat_map(|mail| mail.to).collect();
    told.sort();
    assert_eq!(told, ["ana@example.org", "operations@example.org"]);
    assert_eq!(receiver.only().path(), "/connectory");
    a_webhook_has_the_members_that_are_shown(&mut machine, &receiver).await;
}

async fn a_webhook_has_the_members_that_are_shown(machine: &mut Machine, receiver: &Upstream) {
    let demo = machine.shell("connectory demo");
    assert_eq!(demo.code, 0, "{}", demo.err);
    let failing = "runuser -u connectory -- psql -h /var/lib/connectory/socket -U connectory -c \"WITH one AS (UPDATE connectors SET status = 'failing', status_since = now() - interval '5 minutes' WHERE method = 'bearer' AND status IN ('healthy', 'not_tested') RETURNING id) UPDATE renewals SET message = 'No answer.', remedy = 'Wait.', failures = 1 FROM one WHERE connector_id = id\"";
    let changed = machine.shell(&machine.translated(failing));
    assert_eq!(changed.code, 0, "{}", changed.err);
    machine.run("stop-and-start");

    let shown: Value = serde_json::from_str(&machine.recipe("webhook-body")).expect("JSON");
    let mut known = BTreeSet::new();
    members(&shown, "", &mut known);
    let body = first_of_type(receiver, &shown["type"]).await;
    let mut sent = BTreeSet::new();
    members(&body, "", &mut sent);
    // The table of members says which stand there only where they are known.
    sent.remove("/data/expires_at");
    assert_eq!(sent, known, "{body}");
    assert_eq!(body["data"]["health"], shown["data"]["health"]);
}

/// The first message of a type. Other connectors of the sample data have their own troubles.
async fn first_of_type(receiver: &Upstream, wanted: &Value) -> Value {
    for number in 1.. {
        receiver.wait_for(number).await;
        let seen = &receiver.seen()[number - 1];
        let body: Value = serde_json::from_slice(&seen.body).expect("JSON");
        if body["type"] == *wanted {
            return body;
        }
    }
    unreachable!("it waits until it is there, or gives up")
}
