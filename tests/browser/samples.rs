//! Every page of the site in every state that looks different, and how a person gets there.
//!
//! To add one: a line in [`SAMPLES`], or in the file of its family (`collections.rs`, `oauth.rs`, `keys.rs`, `openid.rs`, `people.rs`,
//! `profile.rs`, `system.rs`). What it needs to exist is made in [`World`].

mod audit;
mod calls_world;
mod checks;
mod collections;
mod endpoints;
mod endpoints_world;
mod keys;
mod notices_world;
mod oauth;
mod oauth_world;
mod openid;
mod own_password;
mod people;
mod people_world;
mod profile;
mod rights;
mod rights_world;
mod system;
mod world;

pub use world::World;

use world::{ISSUER, TOKEN_URL};

use crate::support::oauth_server::{USER, USERS_PASSWORD};

/// The site that a sample is taken from.
#[derive(Clone, Copy)]
pub enum Place {
    /// Nobody has an account yet.
    Fresh,
    /// There are people, and nothing else.
    Empty,
    /// What an organisation has after a year.
    Full,
    /// The legacy grants are switched off, and the sign-in provider is down.
    Strict,
    /// People come through a sign-in provider.
    Staff,
}

/// Who looks at the page.
#[derive(Clone, Copy)]
pub enum Who {
    Nobody,
    /// May do everything.
    Admin,
    /// The same, and has just entered the own password again.
    Confirmed,
    /// May see connectors and categories, and change nothing.
    Viewer,
    /// Manages users, is no super admin, and has just entered the own password again.
    Manager,
    /// May call data connectors, and change nothing.
    Caller,
    /// May read the audit log, and nothing else.
    Auditor,
    /// May do nothing.
    Newcomer,
    /// Somebody who is about to sign out.
    Leaver,
}

/// What is done on a page, or meanwhile elsewhere.
pub enum Step {
    /// Types into the field of this id.
    Fill(&'static str, &'static str),
    /// Chooses an option of the select of this id.
    Choose(&'static str, &'static str),
    /// Ticks or unticks the box, or chooses the radio button, with this label.
    Tick(&'static str),
    /// Opens the part of a page with this summary.
    Expand(&'static str),
    /// Presses a link or button that leads to another page.
    Press(&'static str),
    /// Opens the first row of the list.
    FirstRow,
    /// Comes back from the authorization server that the open page leads to, with this answer and the state.
    Return(&'static str),
    /// Something is changed behind the site's back.
    Behind(&'static str),
    /// A colleague opens the page of this address, fills in its form and saves it.
    Meanwhile(&'static str, &'static [(&'static str, &'static str)]),
}

/// A page in one state.
pub struct Sample {
    pub name: &'static str,
    pub place: Place,
    pub who: Who,
    pub at: &'static str,
    pub steps: &'static [Step],
    /// Words in the main part which only this state shows.
    pub shows: &'static str,
}

const fn sample(
    name: &'static str,
    place: Place,
    who: Who,
    at: &'static str,
    steps: &'static [Step],
    shows: &'static str,
) -> Sample {
    Sample { name, place, who, at, steps, shows }
}

use Place::{Empty, Fresh, Full};
use Step::{Choose, Expand, Fill, FirstRow, Meanwhile, Press, Tick};
use Who::{Admin, Confirmed, Leaver, Newcomer, Nobody, Viewer};

/// An address that is none, and what it is made of would end a tag.
const NO_ADDRESS: &str = "ftp://example.org/<b>";
const NOT_A_CERTIFICATE: &str = "-----BEGIN CERTIFICATE-----";

/// All samples.
pub fn all() -> impl Iterator<Item = &'static Sample> {
    let families = [
        SAMPLES,
        oauth::SAMPLES,
        checks::SAMPLES,
        collections::SAMPLES,
        keys::SAMPLES,
        people::SAMPLES,
        profile::SAMPLES,
        rights::SAMPLES,
        endpoints::SAMPLES,
        audit::SAMPLES,
        system::SAMPLES,
        openid::SAMPLES,
        own_password::SAMPLES,
    ];
    families.into_iter().flatten()
}

#[rustfmt::skip] // a table: a sample a line, with its steps below
const SAMPLES: &[Sample] = &[
    // Coming in
    sample("first-run", Fresh, Nobody, "/", &[], "Create the first super admin"),
    sample("first-run-errors", Fresh, Nobody, "/first-run", &[Press("Create super admin")], "There are 4 problems"),
    sample("sign-in", Empty, Nobody, "/connectors", &[], "Forgotten your password?"),
    sample("sign-in-errors", Empty, Nobody, "/sign-in", &[Press("Sign in")], "There are 2 problems"),
    sample("sign-in-wrong", Empty, Nobody, "/sign-in",
        &[Fill("username", "ana"), Fill("password", "wrong"), Press("Sign in")], "The user name or the password is wrong"),
    sample("signed-out", Empty, Leaver, "/", &[Press("Sign out")], "You are signed out"),
    sample("welcome", Empty, Newcomer, "/", &[], "There is nothing for you here yet"),

    // Errors
    sample("not-permitted", Empty, Viewer, "/connectors/new", &[], "This needs the permission “Create Data Connectors”."),
    sample("not-found", Empty, Admin, "/nowhere", &[], "Page not found"),
    sample("not-found-signed-out", Empty, Nobody, "/nowhere", &[], "Go to the sign-in page"),

    // Home
    sample("home-empty", Empty, Admin, "/", &[], "How to begin"),
    sample("home-empty-viewer", Empty, Viewer, "/", &[], "A person with the permission"),
    sample("home", Full, Admin, "/", &[], "worst first"),
    sample("home-viewer", Full, Viewer, "/", &[], "worst first"),

    // The list
    sample("list-empty", Empty, Admin, "/connectors", &[], "Create the first data connector"),
    sample("list-empty-viewer", Empty, Viewer, "/connectors", &[], "A person with the permission"),
    sample("list", Full, Admin, "/connectors", &[], "data connectors"),
    sample("list-viewer", Full, Viewer, "/connectors", &[], "data connectors"),
    sample("list-by-status", Full, Admin, "/connectors?sort=status&size=50", &[], "Needs re-authorization"),
    sample("list-second-page", Full, Admin, "/connectors?sort=-modified", &[Press("Next page")], "Page 2 of"),
    sample("list-filtered", Full, Admin, "/connectors?q=e&method=bearer&status=healthy&sort=-created", &[], "Clear all filters"),
    sample("list-no-results", Full, Admin, "/connectors?q=nothing+is+called+that", &[], "No results"),

    // Creating
    sample("create", Full, Admin, "/connectors/new", &[], "New category"),
    sample("create-errors", Full, Admin, "/connectors/new",
        &[Fill("connector_name", "Payroll <ledger>"), Fill("base_url", NO_ADDRESS), Tick("Uncategorized"), Press("Save")], "There are 4 problems"),
    sample("templates", Full, Admin, "/connectors/templates", &[], "Templates of providers"),
    sample("template", Full, Admin, "/connectors/templates/zoho-crm", &[Expand("What the template fills in")], "Domain of the data center"),
    sample("template-errors", Full, Admin, "/connectors/templates/keycloak", &[Press("Create")], "There are"),
    sample("template-unknown", Full, Admin, "/connectors/templates/nothing", &[], "not found"),
    sample("template-save", Full, Admin, "/connectors/payroll-ledger/template", &[], "Text that differs"),
    sample("template-save-errors", Full, Admin, "/connectors/payroll-ledger/template",
        &[Fill("template_name", ""), Fill("variable", "a b"), Press("Save template")], "There are 2 problems"),
    sample("create-name-taken", Full, Admin, "/connectors/new",
        &[Fill("connector_name", "PAYROLL LEDGER"), Fill("description", "A second one"), Press("Save")], "already exists"),
    sample("created", Full, Admin, "/connectors/new",
        &[Fill("connector_name", "Street lamps"), Fill("description", "Which ones are out"), Choose("auth_method", "API Key"), Press("Save")],
        "The Data Connector was created"),

    // Overview
    sample("overview", Full, Admin, "/connectors/payroll-ledger", &[], "Who calls it"),
    sample("overview-viewer", Full, Viewer, "/connectors/payroll-ledger", &[], "People with the permission “View Activity”"),
    sample("overview-bare", Full, Admin, "/connectors/bare", &[], "No endpoints yet"),
    sample("overview-long", Full, Admin, "/connectors/donaudampfschifffahrt", &[], "Donaudampfschifffahrts"),
    sample("overview-disabled", Full, Admin, "/connectors/sms-gateway", &[], "Calls are refused"),

    // Expirations
    sample("expirations", Full, Admin, "/expirations", &[], "soonest first"),
    sample("expirations-viewer", Full, Viewer, "/expirations?within=90", &[], "Ends: In the next 90 days"),
    sample("expirations-empty", Empty, Viewer, "/expirations", &[], "Nothing expires"),

    // Details
    sample("details", Full, Admin, "/connectors/payroll-ledger/details", &[], "Duplicate this data connector"),
    sample("details-viewer", Full, Viewer, "/connectors/payroll-ledger/details", &[], "Authentication Type"),
    sample("details-bare", Full, Viewer, "/connectors/bare/details", &[], "None"),
    sample("details-long", Full, Admin, "/connectors/donaudampfschifffahrt/details", &[], "Donaudampfschifffahrts"),
    sample("details-disabled", Full, Admin, "/connectors/sms-gateway/details", &[], "Disabled"),
    sample("details-errors", Full, Admin, "/connectors/payroll-ledger/details",
        &[Fill("connector_name", ""), Fill("base_url", NO_ADDRESS), Press("Save")], "There are 2 problems"),
    sample("details-elsewhere", Full, Admin, "/connectors/waiting/details",
        &[Fill("base_url", "https://elsewhere.example.org/"), Press("Save")], "are refused until it is approved"),
    sample("details-saved", Full, Admin, "/connectors/newsletter/details", &[Fill("display_name", "Monthly letter"), Press("Save")], "The Data Connector was saved"),
    sample("details-conflict", Full, Admin, "/connectors/two-editors/details",
        &[Fill("connector_name", "Two editors - mine"), Fill("description", "What I think that it is for,\nin two lines"),
            Meanwhile("/connectors/two-editors/details", &[("description", "What a colleague thinks"), ("base_url", "https://theirs.example.org/v2")]),
            Press("Save")],
        "Someone else saved this first"),
    sample("duplicated", Full, Admin, "/connectors/weather/details", &[Press("Duplicate this data connector")], "without its secrets and tokens"),
    sample("changes", Full, Admin, "/connectors/busy/activity/changes", &[], "What was changed"),

    // Calls
    sample("calls-none", Empty, Admin, "/calls", &[], "No calls yet"),
    sample("calls", Full, Admin, "/calls", &[], "Every call through a data connector"),
    sample("calls-week", Full, Admin, "/calls?period=7d&size=25", &[Expand("Figures as a table")], "Calls by day"),
    sample("calls-filtered", Full, Admin, "/calls?outcome=errors&status=5xx&period=30d", &[], "with any outcome and status"),
    sample("calls-no-results", Full, Admin, "/calls?outcome=cancelled&status=1xx", &[], "matches these filters"),
    sample("calls-wrong-time", Full, Admin, "/calls", &[Fill("from", "last week"), Press("Apply filters")], "From must be a day or a time"),
    sample("calls-tab", Full, Admin, "/connectors/payroll-ledger/activity", &[], "Response time"),
    sample("calls-tab-none", Full, Admin, "/connectors/busy/activity", &[], "No calls yet"),
    sample("calls-not-permitted", Full, Viewer, "/calls", &[], "This needs the permission “View Activity”."),
    sample("call", Full, Admin, "/calls?outcome=answered&status=2xx", &[FirstRow], "Where the time went"),
    sample("call-long", Full, Admin, "/calls?status=5xx", &[FirstRow], "502 Bad Gateway"),
    sample("call-failed", Full, Admin, "/calls?outcome=failed", &[FirstRow], "did not answer within"),

    // Notices
    sample("notices-none", Empty, Admin, "/notices", &[], "No notices are sent."),
    sample("notices", Full, Admin, "/calls", &[Press("Notices")], "The webhook is stopped."),
    sample("notices-not-permitted", Full, Viewer, "/notices", &[], "Only a super admin can do this"),

    // The API
    sample("interface", Full, Viewer, "/api/v1", &[Expand("Problems of: Call an endpoint")], "What happened"),

    // Authorization
    sample("no-auth", Full, Admin, "/connectors/weather/authorization", &[], "There is no security with this option."),
    sample("no-auth-viewer", Full, Viewer, "/connectors/weather/authorization", &[], "No Auth"),
    sample("basic", Full, Admin, "/connectors/dog-licences/authorization", &[], "Not authorized"),
    sample("basic-set", Full, Admin, "/connectors/parking-permits/authorization", &[], "Certificates are not checked."),
    sample("basic-not-tested", Full, Admin, "/connectors/waiting/authorization", &[], "Press Test connection, or make a call."),
    sample("refused", Full, Admin, "/connectors/weather/authorization", &[], "The API answered 401 Unauthorized."),
    sample("refused-viewer", Full, Viewer, "/connectors/weather/authorization", &[], "The API answered 401 Unauthorized."),
    sample("basic-viewer", Full, Viewer, "/connectors/parking-permits/authorization", &[], "Set on"),
    sample("basic-errors", Full, Admin, "/connectors/dog-licences/authorization", &[Fill("user_name", "a:b"), Press("Save")], "There is a problem"),
    sample("bearer", Full, Admin, "/connectors/bare/authorization", &[], "Not authorized"),
    sample("bearer-set", Full, Admin, "/connectors/payroll-ledger/authorization", &[], "Reveal token"),
    sample("bearer-viewer", Full, Viewer, "/connectors/payroll-ledger/authorization", &[], "Kept fresh"),
    sample("bearer-ended", Full, Admin, "/connectors/electronic-identity/authorization", &[], "The token has ended."),
    sample("bearer-failing", Full, Admin, "/connectors/room-calendars/authorization", &[], "The last renewal failed for a reason that may pass."),
    sample("bearer-errors", Full, Admin, "/connectors/payroll-ledger/authorization", &[Tick("Replace it"), Press("Save")], "There is a problem"),
    sample("bearer-own-password-errors", Full, Admin, "/connectors/payroll-ledger/authorization",
        &[Tick("Replace it"), Fill("token", "another"), Press("Save")], "Enter your password"),
    sample("bearer-renewal-refused", Full, Admin, "/connectors/room-calendars/authorization", &[Press("Try again now")], "No access token"),
    sample("api-key", Full, Admin, "/connectors/unset-key/authorization", &[], "Name of the header or parameter"),
    sample("api-key-set", Full, Admin, "/connectors/air-quality/authorization", &[Tick("Replace it")], "New API key"),
    sample("api-key-viewer", Full, Viewer, "/connectors/air-quality/authorization", &[], "Set on"),
    sample("api-key-errors", Full, Admin, "/connectors/air-quality/authorization",
        &[Fill("api_key_name", "X Key"), Tick("Replace it"), Press("Save")], "There are 2 problems"),
    sample("certificate-checks-off", Full, Admin, "/connectors/air-quality/authorization",
        &[Tick("Enable SSL certificate verification"), Press("Save")], "Send secrets without checking certificates"),
    sample("certificate-errors", Full, Admin, "/connectors/air-quality/authorization",
        &[Expand("Certificates and time-out"), Fill("ca_certificate", NOT_A_CERTIFICATE), Fill("client_certificate", NOT_A_CERTIFICATE), Press("Save")],
        "Certificates and time-out"),
    sample("proxy-errors", Full, Admin, "/connectors/air-quality/authorization",
        &[Expand("Proxy"), Fill("proxy_url", "ftp://proxy.example.org"), Fill("proxy_user", "a:b"), Press("Save")],
        "User of the proxy must not contain a colon"),
    sample("connection-errors", Full, Admin, "/connectors/air-quality/authorization",
        &[Expand("Certificates and time-out"), Fill("time_out", "soon"), Fill("concurrency", "many"), Press("Save")],
        "Concurrent calls must be a whole number"),
    sample("authorization-conflict", Full, Admin, "/connectors/two-authorizers/authorization",
        &[Fill("user_name", "mine"), Fill("password", "typed in vain"),
            Meanwhile("/connectors/two-authorizers/authorization", &[("user_name", "theirs")]), Press("Save")],
        "Passwords and other secrets"),

    // Tokens
    sample("token-request", Full, Admin, "/connectors/token-asker/authorization/token-requests", &[], "Never filled in for you."),
    sample("token-request-errors", Full, Admin, "/connectors/token-asker/authorization/token-requests",
        &[Expand("More options"), Fill("token_url", NO_ADDRESS), Fill("token_pointer", "no pointer"), Press("Get Access Token")], "There are 2 problems"),
    sample("token-received", Full, Admin, "/connectors/token-asker/authorization/token-requests",
        &[Fill("token_url", TOKEN_URL), Fill("token_user", USER), Fill("token_password", USERS_PASSWORD), Press("Get Access Token")],
        "Access token received."),
    sample("token-refused", Full, Admin, "/connectors/token-asker/authorization/token-requests",
        &[Fill("token_url", TOKEN_URL), Fill("token_user", USER), Fill("token_password", "tr0ub4dor"), Press("Get Access Token")],
        "The server said:"),
    sample("token-unreachable", Full, Admin, "/connectors/token-asker/authorization/token-requests",
        &[Fill("token_url", "https://127.0.0.1:1/token"), Fill("token_user", "ana"), Fill("token_password", "any"), Press("Get Access Token")],
        "No access token"),
    sample("token-stored", Full, Admin, "/connectors/token-taker/authorization/token-requests",
        &[Fill("token_url", TOKEN_URL), Fill("token_user", USER), Fill("token_password", USERS_PASSWORD), Press("Get Access Token"),
            Press("Keep it fresh")],
        "The token was stored and is kept fresh"),
    sample("origins-waiting", Full, Admin, "/connectors/waiting/authorization", &[], "Waiting for approval"),
    sample("approvals", Full, Admin, "/connectors/waiting/authorization/approvals", &[], "Approve origins"),
    sample("approvals-errors", Full, Confirmed, "/connectors/waiting/authorization/approvals", &[Press("Approve")], "Tick the origins to approve"),
    sample("origins-to-tick", Full, Admin, "/connectors/ticking/authorization", &[], "May be sent to endpoints on"),
    sample("reveal", Full, Admin, "/connectors/payroll-ledger/authorization/token-reveals", &[], "Your password"),
    sample("reveal-errors", Full, Admin, "/connectors/payroll-ledger/authorization/token-reveals", &[Press("Reveal token")], "Enter your password"),
    sample("reveal-confirmed", Full, Confirmed, "/connectors/payroll-ledger/authorization/token-reveals", &[], "You have entered your password a short time ago."),
    sample("revealed", Full, Confirmed, "/connectors/payroll-ledger/authorization/token-reveals", &[Press("Reveal token")], "The token is shown once on this page."),

    // Deleting
    sample("delete", Full, Admin, "/connectors/payroll-ledger/delete", &[], "Who uses it"),
    sample("delete-unused", Full, Admin, "/connectors/busy/delete", &[], "It has not been called in the last 30 days."),
    sample("delete-changed", Full, Admin, "/connectors/changing/delete",
        &[Meanwhile("/connectors/changing/details", &[("description", "Changed")]), Press("Delete “Changing”")], "Not deleted."),
    sample("deleted", Full, Admin, "/connectors/going/delete", &[Press("Delete “Going”")], "The Data Connector was deleted"),
    sample("trash-empty", Empty, Admin, "/connectors/trash", &[], "The trash is empty"),
    sample("trash", Full, Admin, "/connectors/trash", &[], "Deleted permanently"),
    sample("trash-name-taken", Full, Confirmed, "/connectors/trash", &[Press("Restore Namesake")], "Not restored."),

    // Categories
    sample("categories", Full, Admin, "/categories", &[], "Labels that group data connectors."),
    sample("categories-viewer", Full, Viewer, "/categories", &[], "Labels that group data connectors."),
    sample("categories-filtered", Full, Admin, "/categories?q=e&status=active&sort=-connectors", &[], "Clear all filters"),
    sample("categories-no-results", Full, Admin, "/categories?q=nothing+is+called+that", &[], "No results"),
    sample("help", Full, Admin, "/help", &[], "About Connectory"),
    sample("category-new", Full, Admin, "/categories/new", &[], "Create category"),
    sample("category-new-errors", Full, Admin, "/categories/new", &[Fill("category_name", "<"), Press("Create category")], "There is a problem"),
    sample("category-created", Full, Admin, "/categories/new", &[Fill("category_name", "Street works"), Press("Create category")], "The category was created"),
    sample("category-edit", Full, Admin, "/categories", &[Press("Finance")], "Edit category “Finance”"),
    sample("category-delete", Full, Admin, "/categories", &[Press("Delete Environment")], "No data connector has this category."),
    sample("category-delete-used", Full, Admin, "/categories", &[Press("Delete Finance")], "cannot be deleted"),
    sample("category-delete-trashed", Full, Admin, "/categories", &[Press("Delete Heritage")], "in the trash"),
    sample("category-built-in", Full, Admin, "/categories", &[Press("Generated")], "Generated"),
    sample("category-conflict", Full, Admin, "/categories", &[Press("Roads"), Fill("category_name", "Roads and paths"),
        Meanwhile("Roads", &[("status", "inactive")]), Press("Save category")], "Someone else saved this first"),
];
