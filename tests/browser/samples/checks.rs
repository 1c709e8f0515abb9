//! The samples of checks.

use super::Place::{Empty, Full};
use super::Step::Press;
use super::Who::{Admin, Viewer};
use super::{Sample, sample};
use crate::support::TestApp;

#[rustfmt::skip] // a table, as the other samples are
pub const SAMPLES: &[Sample] = &[
    sample("checks", Full, Admin, "/checks", &[], "Checks that people started."),
    sample("checks-viewer", Full, Viewer, "/checks", &[], "is checked every day."),
    sample("checks-empty", Empty, Viewer, "/checks", &[], "No checks yet"),
    sample("checks-all", Full, Admin, "/checks/new", &[], "Do you want to check"),
    sample("checks-run", Full, Admin, "/checks/00000000-0000-7000-8000-0000000000c1", &[], "4 of 5 data connectors checked, 1 problem."),
    sample("checks-run-cancelled", Full, Viewer, "/checks/00000000-0000-7000-8000-0000000000c2", &[], "The rest was cancelled by"),
    sample("checks-tab", Full, Admin, "/connectors/donaudampfschifffahrt/checks", &[], "The schedule"),
    sample("checks-tab-viewer", Full, Viewer, "/connectors/donaudampfschifffahrt/checks", &[], "Check by itself: Every day"),
    sample("checks-tab-none", Full, Admin, "/connectors/bare/checks", &[], "No checks yet"),
    sample("checks-tab-saved", Full, Admin, "/connectors/newsletter/checks", &[Press("Save schedule")], "The schedule was saved"),
];

/// Checks with each result, one that runs and one that waits.
pub(super) async fn fill(app: &TestApp) {
    app.sql(
        "INSERT INTO check_runs (id, started_at, started_by, connectors, cancelled_at, cancelled_by) VALUES
            ('00000000-0000-7000-8000-0000000000c1', now() - interval '20 seconds', 'Ada Admin (ada)', 5, NULL, ''),
            ('00000000-0000-7000-8000-0000000000c2', now() - interval '1 day', 'Connectory', 60, now() - interval '1 day', 'Ada Admin (ada)');
         INSERT INTO checks (id, connector_id, run_id, requested_at, leased_until, finished_at, outcome, message, remedy, duration_ms)
         SELECT gen_random_uuid(), c.id, '00000000-0000-7000-8000-0000000000c1', now() - interval '20 seconds', CASE WHEN k.outcome <> '' THEN now() END,
            CASE WHEN k.outcome <> '' THEN now() END, nullif(k.outcome, ''), k.message, k.remedy, CASE WHEN k.outcome <> '' THEN 184 END
         FROM (VALUES
            ('donaudampfschifffahrt', 'failed', 'Base URL: The API answered 401 (Unauthorized) in 12 milliseconds.', 'The API refuses the credential. Check that it is the right one, and what it may do.'),
            ('weather', 'warning', 'API: TLS: TLS 1.3. Its certificate is valid until 12 December 2026 (11 days left).', 'Ask the operator of the server to renew its certificate.'),
            ('payroll-ledger', 'works', 'Base URL: The API answered 200 (OK) in 184 milliseconds.', ''),
            ('sms-gateway', 'skipped', 'The data connector is disabled.', ''),
            ('busy', '', '', '')
         ) AS k (key, outcome, message, remedy) JOIN connectors c ON c.key = k.key;
         INSERT INTO checks (id, connector_id, requested_at, finished_at, outcome, message, duration_ms)
         SELECT gen_random_uuid(), id, now() - interval '1 day', now() - interval '1 day', 'works', 'Base URL: The API answered 200 (OK) in 3 milliseconds.', 1003
         FROM connectors WHERE key = 'donaudampfschifffahrt';
         INSERT INTO check_schedules (connector_id, schedule, next_at) SELECT id, 'daily', now() + interval '1 hour' FROM connectors WHERE key = 'donaudampfschifffahrt'",
    )
    .await;
}
