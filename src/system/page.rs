//! The page itself, in words.

use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use actix_web::web::Data;
use askama::Template;

use super::About;
use super::facts::{Disk, Facts};
use super::queries::Table;
use super::warnings::{self, Warning};
use crate::access::RequestContext;
use crate::calls::{CallLog, Retention};
use crate::config::{Origin, Shown};
use crate::db;
use crate::keyring::{Seen, StoredKey};
use crate::web::{Error, Layout, grouped, page, plural, size};

/// Tables that are shown one by one.
const TABLES: usize = 8;

#[derive(Template)]
#[template(path = "system/show.html")]
struct SystemPage {
    layout: Layout,
    facts: Facts,
    warnings: Vec<Warning>,
    waiting_calls: usize,
    retention: Retention,
    may_read_audit_log: bool,
}

/// Shows the page.
pub async fn show(
    context: RequestContext,
    about: Data<About>,
    call_log: Data<CallLog>,
    retention: Data<Retention>,
) -> Result<HttpResponse, Error> {
    let facts = Facts::gather(&context, &about).await?;
    let may_read_audit_log = context.may(crate::access::Permission::ViewAuditLog);
    page(
        StatusCode::OK,
        &SystemPage {
            layout: context.layout,
            warnings: warnings::all(&facts),
            facts,
            waiting_calls: call_log.waiting(),
            retention: **retention,
            may_read_audit_log,
        },
    )
}

impl SystemPage {
    fn version(&self) -> &'static str {
        env!("CARGO_PKG_VERSION")
    }

    /// “payroll-1, process 4711”, as far as this instance could tell the database.
    fn place(&self) -> Option<String> {
        let seen = self.facts.this_instance()?;
        Some(format!("{}, process {}", seen.host, seen.pid))
    }

    fn warning_count(&self) -> String {
        plural(i64::try_from(self.warnings.len()).unwrap_or(i64::MAX), "problem", "problems")
    }

    /// Where the database is, without how to get in.
    fn server_place(&self) -> String {
        let server = &self.facts.server;
        match (&server.address, server.port) {
            (Some(address), Some(port)) => format!("{address}, port {port}"),
            _ => "this machine, by a socket".into(),
        }
    }

    fn is_private(&self) -> bool {
        self.facts.about.private_data.is_some()
    }

    fn size_of(&self, table: &Table) -> String {
        size(table.size)
    }

    fn shown_tables(&self) -> &[Table] {
        let tables = &self.facts.tables;
        &tables[..tables.len().min(TABLES)]
    }

    /// How many more tables there are, with their size; `None` if all are shown.
    fn other_tables(&self) -> Option<String> {
        let others = self.facts.tables.get(TABLES..)?;
        let number = i64::try_from(others.len()).ok().filter(|number| *number > 0)?;
        let bytes: i64 = others.iter().map(|table| table.size).sum();
        let tables = plural(number, "other table", "other tables");
        Some(format!("{tables}: {}", size(bytes)))
    }

    /// “15, the last 2026-11-24-000015_describe_instances”.
    fn schema(&self) -> String {
        let Some(last) = self.facts.migrated.last() else {
            return "None".into();
        };
        let known = db::migrations();
        let name = known.iter().find(|(version, _)| *version == last.version);
        let name = name.map_or(&last.version, |(_, name)| name);
        format!("{}, the last {name}", grouped(count(self.facts.migrated.len())))
    }

    fn disk_words(&self, disk: &Disk) -> String {
        let words = |bytes| size(i64::try_from(bytes).unwrap_or(i64::MAX));
        format!("{} free of {}", words(disk.available), words(disk.size()))
    }

    fn is_this(&self, seen: &Seen) -> bool {
        seen.id == self.facts.about.instance
    }

    fn is_alive(&self, seen: &Seen) -> bool {
        seen.is_alive(self.facts.now)
    }

    fn alive_count(&self) -> String {
        let alive = count(self.facts.alive().count());
        plural(alive, "instance runs", "instances run")
    }

    fn uses_of(&self, key: &StoredKey) -> String {
        grouped(self.facts.uses.get(&key.id).copied().unwrap_or_default())
    }

    fn key_count(&self) -> String {
        plural(count(self.facts.keys.len()), "data key", "data keys")
    }

    fn key_state(&self, key: &StoredKey) -> &'static str {
        match (key.activated_at, key.retired_at) {
            (_, Some(_)) => "Retired; it still opens",
            (None, None) => "Waits to be put to use",
            (Some(_), None) if key.id == self.facts.sealing_key() => "Seals",
            (Some(_), None) => "Opens",
        }
    }

    fn audit_lines(&self) -> String {
        let lines = plural(self.facts.audit_end.seq, "linked line", "linked lines");
        match self.facts.unlinked {
            0 => lines,
            waiting => format!("{lines}, and {} waiting to be linked", grouped(waiting)),
        }
    }

    fn calls_kept(&self) -> String {
        let days = plural(self.retention.0.into(), "day", "days");
        let waiting = count(self.waiting_calls);
        let waiting = plural(waiting, "line waits", "lines wait");
        format!("Kept for {days}; {waiting} to be written")
    }

    /// What is set, if it is and may be shown.
    fn set(&self, name: &str) -> Option<&str> {
        let settings = &self.facts.about.settings;
        settings.text(name).filter(|_| settings.is_set(name))
    }

    fn may_reach_itself(&self) -> bool {
        self.facts.about.settings.text("CONNECTORY_OUTBOUND_LOOPBACK") == Some("yes")
    }

    fn origin(&self, origin: &Origin) -> String {
        match origin {
            Origin::Environment => "Environment".into(),
            Origin::File(path) => format!("File {}", path.display()),
            Origin::CommandLine => "Command line".into(),
            Origin::Default => "Default".into(),
        }
    }
}

fn count(number: usize) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}
