//! The samples of the audit log's pages.

use super::Place::{Empty, Full};
use super::Step::{FirstRow, Press};
use super::Who::{Admin, Auditor, Viewer};
use super::{Sample, sample};

#[rustfmt::skip] // a table, as the other samples are
pub const SAMPLES: &[Sample] = &[
    sample("audit", Full, Admin, "/audit", &[], "End of the chain"),
    sample("audit-nothing-yet", Empty, Admin, "/audit?period=month&event=connector.", &[], "No entry matches these filters."),
    sample("audit-auditor", Full, Auditor, "/audit?thing=busy&size=50", &[], "Connector created"),
    sample("audit-filtered", Full, Admin, "/audit?thing=busy&event=connector.&period=week", &[], "Clear all filters"),
    sample("audit-older", Full, Admin, "/audit", &[Press("Older entries")], "Newer"),
    sample("audit-no-results", Full, Admin, "/audit?thing=nothing+is+called+that", &[], "No entry matches these filters."),
    sample("audit-errors", Full, Admin, "/audit?from=tomorrow&to=2026-02-30", &[], "There are 2 problems"),
    sample("audit-further", Full, Auditor, "/audit?thing=far+away", &[], "No results yet"),
    sample("audit-not-permitted", Full, Viewer, "/audit", &[], "This needs the permission “View Audit Log”."),
    sample("audit-line", Full, Admin, "/audit?thing=busy&event=connector.saved", &[FirstRow], "Hash before"),
    sample("audit-line-secret", Full, Auditor, "/audit?thing=busy&event=authorization.saved", &[FirstRow], "For secrets, only the fact of a change is shown."),
    sample("audit-line-long", Full, Auditor, "/audit?event=connector.created&thing=donaudampf", &[FirstRow], "Überall dort"),
];
