//! The samples of the System page, and a site of which much is to be said.

use connectory::config::{Config, Settings};

use super::Place::{Empty, Full};
use super::Step::{Behind, Press};
use super::Who::{Admin, Viewer};
use super::{Sample, sample};
use crate::support::TestApp;

/// Those that run are heard of every few seconds, however long the samples take.
const HEARD_OF: &str = "UPDATE instances SET seen_at = now() WHERE host <> 'dead.example.org'";

#[rustfmt::skip] // a table, as the other samples are
pub const SAMPLES: &[Sample] = &[
    sample("system", Full, Admin, "/calls", &[Behind(HEARD_OF), Press("System")], "Instances of different versions run."),
    sample("system-bare", Empty, Admin, "/system", &[], "1 data key"),
    sample("system-not-permitted", Full, Viewer, "/system", &[], "Only a super admin can do this"),
];

/// Settings of every kind, some of them long.
pub(super) fn settings() -> Settings {
    let path = format!("/srv/{}/secret", "a-folder-whose-name-is-long/".repeat(7));
    let claim = "https://claims.example.org/".repeat(6);
    let config = Config::of([
        ("DATABASE_URL", "postgres://connectory:secret@database.internal.example.org/connectory?sslmode=require"),
        ("CONNECTORY_DATA_DIR", path.as_str()),
        ("CONNECTORY_MASTER_KEY_FILE", &path),
        ("CONNECTORY_TRUSTED_PROXIES", "192.0.2.0/24, 198.51.100.0/24, 203.0.113.0/24, 2001:db8::/32, 0.0.0.0/0"),
        ("CONNECTORY_OUTBOUND_ONLY", "10.0.0.0/8, *.apis.example.org, payroll.internal.example.org"),
        ("CONNECTORY_OIDC_ISSUER", "https://login.example.org/staff"),
        ("CONNECTORY_OIDC_CLIENT_ID", "connectory"),
        ("CONNECTORY_OIDC_CLIENT_SECRET", "secret"),
        ("CONNECTORY_OIDC_USERNAME_CLAIM", &claim),
        ("CONNECTORY_METRICS_TOKEN", "a-token-for-the-metrics"),
    ]);
    config.expect("settings").settings
}

/// Instances of every kind, and a data key that waits.
pub(super) async fn fill(app: &TestApp) {
    app.sign_on().await;
    app.sql(
        "INSERT INTO instances (id, address, started_at, seen_at, newest_key, sealing_key, version, host, pid) VALUES
            (gen_random_uuid(), '[2001:db8:85a3:8d3:1319:8a2e:370:7348]:8443', now() - interval '2 days', now(), 1, 1, '9.10.11', 'wolfeschlegelsteinhausenbergerdorff.connectory.internal.example.org', 4194304),
            (gen_random_uuid(), '192.0.2.8:80', now() - interval '40 days', now(), 1, 1, '', '', 0),
            (gen_random_uuid(), '192.0.2.9:80', now() - interval '3 days', now() - interval '2 hours', 1, 1, '9.10.11', 'dead.example.org', 8);
         INSERT INTO data_keys (id, master_key_id, wrapped, created_at) SELECT 2, master_key_id, wrapped, now() FROM data_keys",
    )
    .await;
}
