//! The samples of endpoints.

use super::Place::Full;
use super::Step::{Choose, Fill, Meanwhile, Press};
use super::Who::{Admin, Caller, Viewer};
use super::{NO_ADDRESS, Sample, sample};

const LIST: &str = "/connectors/water-levels/endpoints/00000000-0000-7000-8000-0000000000e1";
const EXPORT: &str = "/connectors/water-levels/endpoints/00000000-0000-7000-8000-0000000000e3";
const LONG: &str = "/connectors/water-levels/endpoints/00000000-0000-7000-8000-0000000000e4";
const GOING: &str = "/connectors/water-levels/endpoints/00000000-0000-7000-8000-0000000000e5";
const TWO_EDITORS: &str = "/connectors/water-levels/endpoints/00000000-0000-7000-8000-0000000000e6";
const CHANGING: &str = "/connectors/water-levels/endpoints/00000000-0000-7000-8000-0000000000e7";

#[rustfmt::skip] // a table, as the other samples are
pub const SAMPLES: &[Sample] = &[
    // The tab
    sample("endpoints-none", Full, Admin, "/connectors/unused-interface/endpoints", &[], "Create the first endpoint"),
    sample("endpoints-none-viewer", Full, Viewer, "/connectors/unused-interface/endpoints", &[], "“Edit Data Connectors”"),
    sample("endpoints", Full, Admin, "/connectors/water-levels/endpoints", &[], "ago"),
    sample("endpoints-viewer", Full, Viewer, "/connectors/water-levels/endpoints", &[], "Sorted by name"),

    // The editor
    sample("endpoint-new", Full, Admin, "/connectors/unused-interface/endpoints/new", &[], "Body type"),
    sample("endpoint-rows", Full, Admin, "/connectors/unused-interface/endpoints/new",
        &[Choose("body_kind", "Form"), Press("Add a parameter"), Press("Add a header"), Press("Add another parameter"), Press("Add a form field")],
        "Form field 1"),
    sample("endpoint-parts", Full, Admin, "/connectors/unused-interface/endpoints/new",
        &[Choose("body_kind", "Multipart"), Press("Add a parameter"), Press("Add a part"), Choose("part_1_kind", "File"), Press("Add another part")], "Part 2"),
    sample("endpoint-paging", Full, Admin, "/connectors/unused-interface/endpoints/new",
        &[Choose("paging", "Cursor in the response"), Press("Save")], "Enter the name of the query parameter"),
    sample("endpoint-row-removed", Full, Admin, LIST, &[Press("Remove parameter 1")], "Parameter 1 was removed."),
    sample("endpoint-errors", Full, Admin, "/connectors/unused-interface/endpoints/new",
        &[Choose("body_kind", "JSON"), Press("Add a parameter"), Press("Add a header"), Fill("endpoint_name", "<"), Fill("endpoint_url", NO_ADDRESS), Fill("parameter_1_value", "{{a"),
            Fill("header_1_name", "Host"), Fill("body", "{"), Fill("sample", "[]"), Fill("time_out", "0"), Press("Save")],
        "There are 8 problems"),
    sample("endpoint-created", Full, Admin, "/connectors/unused-interface/endpoints/new", &[Fill("endpoint_url", "/orders"), Press("Save")], "The endpoint was created"),
    sample("endpoint", Full, Admin, LIST, &[], "Variables: from, limit (50 if there is no value)"),
    sample("endpoint-viewer", Full, Viewer, LIST, &[], "“Call Data Connectors”"),
    sample("endpoint-caller", Full, Caller, EXPORT, &[], "Try it out"),
    sample("endpoint-long", Full, Admin, LONG, &[], "measuring of levels"),
    sample("endpoint-elsewhere", Full, Admin, "/connectors/kept-secrets/endpoints/new",
        &[Fill("endpoint_url", "https://elsewhere.example.org/"), Press("Save")], "are refused until it is approved"),
    sample("endpoint-conflict", Full, Admin, TWO_EDITORS,
        &[Fill("endpoint_url", "/mine"), Meanwhile(TWO_EDITORS, &[("endpoint_url", "/theirs"), ("description", "What a colleague thinks")]), Press("Save")],
        "Someone else saved this first"),

    // Run
    sample("run", Full, Admin, LIST, &[Press("Run")], "200 OK in"),
    sample("run-caller", Full, Caller, EXPORT, &[Fill("sample", "{\"from\": \"2026-11-01\"}"), Press("Run")], "200 OK in"),
    sample("run-missing", Full, Admin, LIST, &[Fill("sample", ""), Press("Run")], "There is no value for “from”"),
    sample("run-not-found", Full, Admin, "/connectors/lost-pages/endpoints/new", &[Press("Run")], "404 Not Found in"),
    sample("run-long", Full, Admin, "/connectors/long-reports/endpoints/new", &[Press("Run")], "Download the whole body"),
    sample("run-binary", Full, Admin, "/connectors/pictures/endpoints/new", &[Press("Run")], "which a page cannot show"),
    sample("run-failed", Full, Admin, "/connectors/broken-line/endpoints/new", &[Press("Run")], "Nothing was sent to the API."),

    // Deleting
    sample("endpoint-delete", Full, Admin, GOING, &[Press("Delete this endpoint")], "Are you sure you want to delete"),
    sample("endpoint-delete-changed", Full, Admin, CHANGING,
        &[Press("Delete this endpoint"), Meanwhile(CHANGING, &[("description", "Changed")]), Press("Delete “changing”")], "Not deleted."),
    sample("endpoint-deleted", Full, Admin, GOING, &[Press("Delete this endpoint"), Press("Delete “going”")], "The endpoint was deleted"),
];
