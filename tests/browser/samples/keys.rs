//! Programs and API keys, in every state.

use super::Place::{Empty, Full};
use super::Step::{Behind, Fill, Press, Tick};
use super::Who::{Admin, Confirmed, Viewer};
use super::{Sample, sample};
use crate::support::TestApp;

/// Written out in the addresses, so that they can stand in a table.
macro_rules! at {
    (billing) => {
        "/programs/00000000-0000-7000-8000-0000000000b1"
    };
    (billing $rest:literal) => {
        concat!("/programs/00000000-0000-7000-8000-0000000000b1", $rest)
    };
    (long $rest:literal) => {
        concat!("/programs/00000000-0000-7000-8000-0000000000b2", $rest)
    };
    (idle $rest:literal) => {
        concat!("/programs/00000000-0000-7000-8000-0000000000b3", $rest)
    };
}

#[rustfmt::skip] // a table: a sample a line, with its steps below
pub const SAMPLES: &[Sample] = &[
    sample("programs-empty", Empty, Admin, "/programs", &[], "No programs yet"),
    sample("programs", Full, Admin, "/programs", &[], "which call APIs through Connectory"),
    sample("programs-filtered", Full, Admin, "/programs?q=e&status=active&sort=-used", &[], "Clear all filters"),
    sample("programs-no-results", Full, Admin, "/programs?q=nothing+is+called+that", &[], "No results"),
    sample("programs-not-permitted", Full, Viewer, "/programs", &[], "This needs the permission “Manage Users”."),
    sample("program-new", Full, Admin, "/programs/new", &[], "Create program"),
    sample("program-new-errors", Full, Confirmed, "/programs/new", &[Fill("program_name", "<"), Press("Create program")], "There is a problem"),
    sample("program-created", Full, Confirmed, "/programs/new",
        &[Fill("program_name", "Street lamp watch"), Press("Create program")], "Now create a key for it"),
    sample("program", Full, Admin, at!(billing), &[], "3 API keys"),
    sample("program-long", Full, Admin, at!(long ""), &[], "Donaudampfschifffahrts"),
    sample("program-inactive", Full, Admin, at!(idle ""), &[], "This program is inactive."),
    sample("program-edit", Full, Admin, at!(billing "/edit"), &[], "Edit program “Billing run”"),
    sample("program-conflict", Full, Confirmed, at!(idle "/edit"),
        &[Fill("description", "What I think"), Behind("UPDATE programs SET version = version + 1, description = 'What a colleague thinks' WHERE name = 'Idle'"),
            Press("Save program")], "Someone else saved this first"),
    sample("program-delete", Full, Admin, at!(billing "/delete"), &[], "Data connectors that it called"),
    sample("program-delete-idle", Full, Admin, at!(idle "/delete"), &[], "Nothing: it has made no call."),

    // Keys
    sample("key-new", Full, Admin, at!(billing "/keys/new"), &[], "Confirm it’s you"),
    sample("key-new-errors", Full, Confirmed, at!(billing "/keys/new"),
        &[Tick("On a date"), Fill("expires_on", "<soon>"), Tick("Only the ticked ones"), Press("Create key")], "There are 3 problems"),
    sample("key-new-wrong-password", Full, Admin, at!(billing "/keys/new"),
        &[Fill("key_name", "Nightly"), Fill("own_password", "wrong"), Press("Create key")], "This is not your password"),
    sample("key-new-confirmed", Full, Confirmed, at!(billing "/keys/new"), &[], "Give a key no more access than it needs."),
    sample("key-created", Full, Confirmed, at!(idle "/keys/new"), &[Fill("key_name", "Nightly"), Press("Create key")], "It is shown only now."),
    sample("key-created-all", Full, Confirmed, at!(idle "/keys/new"),
        &[Fill("key_name", "Everything"), Tick("All data connectors"), Press("Create key")], "all endpoints of all data connectors"),
    sample("key", Full, Admin, at!(billing "/keys/00000000-0000-7000-8000-0000000000c1"), &[], "Allowed data connectors"),
    sample("key-expired", Full, Admin, at!(billing "/keys/00000000-0000-7000-8000-0000000000c2"), &[], "This key can call all data connectors,"),
    sample("key-revoked", Full, Admin, at!(billing "/keys/00000000-0000-7000-8000-0000000000c3"), &[], "Revoked"),
    sample("key-long", Full, Admin, at!(long "/keys/00000000-0000-7000-8000-0000000000c4"), &[], "It has no access yet"),
    sample("key-edit", Full, Admin, at!(billing "/keys/00000000-0000-7000-8000-0000000000c1/edit"), &[], "The key itself stays the same."),
    sample("key-edit-errors", Full, Confirmed, at!(billing "/keys/00000000-0000-7000-8000-0000000000c1/edit"),
        &[Fill("key_name", ""), Press("Save")], "There is a problem"),
    sample("key-saved", Full, Confirmed, at!(billing "/keys/00000000-0000-7000-8000-0000000000c2/edit"), &[Tick("In a year"), Press("Save")], "The API key was saved"),
    sample("key-revoke", Full, Admin, at!(billing "/keys/00000000-0000-7000-8000-0000000000c1/revocation"), &[], "Calls with it are refused at once."),
    sample("key-revoked-now", Full, Admin, at!(idle "/keys/00000000-0000-7000-8000-0000000000c5/revocation"),
        &[Press("Revoke “Tried out”")], "The API key was revoked."),

    sample("key-replace", Full, Admin, at!(billing "/keys/00000000-0000-7000-8000-0000000000c1/replacement"), &[], "The present key ends"),
    sample("key-replace-errors", Full, Confirmed, at!(billing "/keys/00000000-0000-7000-8000-0000000000c1/replacement"),
        &[Tick("On a date"), Press("Create the new key")], "There is a problem"),
    sample("key-replaced", Full, Confirmed, at!(billing "/keys/00000000-0000-7000-8000-0000000000c1/replacement"),
        &[Press("Create the new key")], "It can do what the key before can"),

    // Where they lead
    sample("allow-search", Full, Admin, at!(billing "/keys/00000000-0000-7000-8000-0000000000c1/connectors/new"), &[], "Search to find others."),
    sample("allow-search-errors", Full, Admin, at!(billing "/keys/00000000-0000-7000-8000-0000000000c1/connectors/new?q=e"),
        &[Press("Continue")], "Choose at least one data connector"),
    sample("allow-search-none", Full, Admin, at!(billing "/keys/00000000-0000-7000-8000-0000000000c1/connectors/new?q=nothing+is+called+that"), &[], "No results"),
    sample("allow", Full, Admin, at!(billing "/keys/00000000-0000-7000-8000-0000000000c1/connectors/bare"), &[], "What this key may do"),
    sample("allow-errors", Full, Confirmed, at!(billing "/keys/00000000-0000-7000-8000-0000000000c1/connectors/bare"),
        &[Tick("Only the ticked ones"), Press("Allow it")], "Allow something"),
    sample("allow-edit", Full, Admin, at!(billing "/keys/00000000-0000-7000-8000-0000000000c1/connectors/weather"), &[], "forecast (GET)"),
    sample("allow-all", Full, Admin, at!(billing "/keys/00000000-0000-7000-8000-0000000000c1/connectors/_all"), &[], "This is for all data connectors,"),
    sample("allow-remove", Full, Admin, at!(billing "/keys/00000000-0000-7000-8000-0000000000c1/connectors/weather/removal"), &[], "You can add it again."),

    sample("allow-several", Full, Admin, at!(billing "/keys/00000000-0000-7000-8000-0000000000c1/connectors?connector=bare&connector=weather"),
        &[], "Add 2 data connectors"),
    sample("allow-several-errors", Full, Confirmed, at!(billing "/keys/00000000-0000-7000-8000-0000000000c1/connectors?connector=bare"),
        &[Tick("No endpoint"), Press("Allow them")], "Allow something"),
    sample("allow-program", Full, Admin, "/connectors/bare/programs", &[], "Choose the key that may call this data connector."),

    // One's own
    sample("own-keys", Full, Admin, "/profile", &[Press("API keys")], "1 API key"),
    sample("own-keys-viewer", Full, Viewer, "/profile/keys", &[], "For that you need the permission"),
    sample("own-keys-none", Full, Confirmed, "/profile/keys", &[], "You have no API key yet."),
    sample("own-key", Full, Admin, "/profile/keys", &[Press("My script")], "It has no access yet"),
    sample("own-key-new", Full, Admin, "/profile/keys/new", &[], "Create an API key of your own"),
];

/// Programs with keys of every kind, and a key of the person with this id.
pub async fn fill(app: &TestApp, person: uuid::Uuid) {
    app.sql(&format!(r"
        INSERT INTO programs (id, name, name_key, description, searched, active, created_at, created_by, updated_at, updated_by) VALUES
            ('00000000-0000-7000-8000-0000000000b1', 'Billing run', 'billing run', 'Sends the bills at night. Looked after by the finance team.', ' billing run', true, now(), 'Ana', now(), 'Ana'),
            ('00000000-0000-7000-8000-0000000000b2', 'Donaudampfschifffahrtselektrizitaetenhauptbetriebswerkbauunterbeamtengesellschaft - Abrechnung', 'donau', repeat('Wherever a ship can come alongside. ', 40), ' donau', true, now(), 'Ana', now(), 'Ana'),
            ('00000000-0000-7000-8000-0000000000b3', 'Idle', 'idle', '', ' idle', false, now(), 'Ana', now(), 'Ana');
        INSERT INTO programs (id, name, name_key, searched, created_at, created_by, updated_at, updated_by)
            SELECT gen_random_uuid(), 'Sensor ' || n, 'sensor ' || n, ' sensor ' || n, now(), 'Ana', now(), 'Ana' FROM generate_series(1, 12) n;
        INSERT INTO api_keys (id, hash, prefix, name, program_id, methods, expires_at, created_at, created_by, last_used_at, last_used_address, revoked_at, revoked_by) VALUES
            ('00000000-0000-7000-8000-0000000000c1', 'c1', 'cty_a2b3c4d5', 'Nightly export', '00000000-0000-7000-8000-0000000000b1', '{{GET,HEAD}}', now() + interval '60 days', now(), 'Ana', now(), '192.0.2.17', NULL, NULL),
            ('00000000-0000-7000-8000-0000000000c2', 'c2', 'cty_e6f7g8h9', 'Before the move', '00000000-0000-7000-8000-0000000000b1', NULL, now() - interval '1 day', now() - interval '90 days', 'Ana', now() - interval '2 days', '2001:db8:85a3:8d3:1319:8a2e:370:7348', NULL, NULL),
            ('00000000-0000-7000-8000-0000000000c3', 'c3', 'cty_j2k3m4n5', 'Leaked', '00000000-0000-7000-8000-0000000000b1', NULL, NULL, now() - interval '9 days', 'Ana', NULL, '', now(), 'Ana'),
            ('00000000-0000-7000-8000-0000000000c4', 'c4', 'cty_p6q7r8s9', 'Donaudampfschifffahrtselektrizitaetenhauptbetriebswerkbauunterbeamtengesellschaft bei Nacht und Nebel', '00000000-0000-7000-8000-0000000000b2', '{{GET,HEAD,OPTIONS,POST,PUT,PATCH,DELETE}}', NULL, now(), 'Ana', NULL, '', NULL, NULL),
            ('00000000-0000-7000-8000-0000000000c5', 'c5', 'cty_t2u3v4w5', 'Tried out', '00000000-0000-7000-8000-0000000000b3', NULL, NULL, now(), 'Ana', NULL, '', NULL, NULL);
        INSERT INTO api_keys (id, hash, prefix, name, user_id, created_at, created_by) VALUES
            ('00000000-0000-7000-8000-0000000000c6', 'c6', 'cty_x6y7z8a9', 'My script', '{person}', now(), 'Ana');
        INSERT INTO endpoints (id, connector_id, name, name_key, method, url, created_at, created_by, updated_at, updated_by)
            SELECT gen_random_uuid(), c.id, e.name, e.name, e.method, '/', now(), 'Ana', now(), 'Ana' FROM connectors c,
            (VALUES ('forecast', 'GET'), ('stations', 'GET'), ('report a fault', 'POST'), ('warnings', 'GET'), ('history', 'GET'), ('radar', 'GET'), ('tides', 'GET')) AS e (name, method) WHERE c.key = 'weather';
        INSERT INTO api_key_scopes (id, api_key_id, connector_id, all_endpoints, proxy, token) SELECT '00000000-0000-7000-8000-0000000000d1', '00000000-0000-7000-8000-0000000000c1', id, false, false, false FROM connectors WHERE key = 'weather';
        INSERT INTO api_key_endpoints SELECT '00000000-0000-7000-8000-0000000000d1', id FROM endpoints WHERE name <> 'tides';
        INSERT INTO api_key_scopes (id, api_key_id, connector_id, proxy, token) SELECT gen_random_uuid(), '00000000-0000-7000-8000-0000000000c1', id, true, true FROM connectors WHERE key IN ('payroll-ledger', 'old-archive', 'donaudampfschifffahrt');
        INSERT INTO api_key_scopes (id, api_key_id) VALUES (gen_random_uuid(), '00000000-0000-7000-8000-0000000000c2');
        INSERT INTO call_hours (hour, connector_id, endpoint_id, caller_id, caller_kind, caller_name, calls, errors, latencies, last_at)
            SELECT now(), id, '00000000-0000-0000-0000-000000000000', '00000000-0000-7000-8000-0000000000b1', 'program', 'Billing run', 12345, 3, '{{}}', now() FROM connectors WHERE key IN ('weather', 'donaudampfschifffahrt')
    "))
    .await;
}
