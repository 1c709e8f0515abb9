//! The samples of collections, their records and imports.

use super::Place::{Empty, Full};
use super::Step::{Fill, Meanwhile, Press};
use super::Who::{Admin, Viewer};
use super::{Sample, sample};
use crate::support::TestApp;

const RECORD: &str = "/collections/books/records/00000000-0000-7000-8000-0000000000b1";
const CHANGED: &str = "/collections/books/records/00000000-0000-7000-8000-0000000000b2";
const DELETED: &str = "/collections/books/records/00000000-0000-7000-8000-0000000000b3";

#[rustfmt::skip] // a table, as the other samples are
pub const SAMPLES: &[Sample] = &[
    sample("collections", Full, Admin, "/collections", &[], "Records that Connectory keeps itself."),
    sample("collections-empty", Empty, Viewer, "/collections", &[], "No collections yet"),
    sample("collections-no-results", Full, Admin, "/collections?q=nothing+is+called+that", &[], "No results"),
    sample("collections-new", Full, Admin, "/collections/new", &[], "Create collection"),
    sample("collections-new-errors", Full, Admin, "/collections/new", &[Fill("collection_name", "<"), Fill("schema", "{\"type\": }"), Press("Create collection")], "There are 2 problems"),
    sample("collections-settings", Full, Admin, "/collections/books/edit", &[], "Books: Settings"),
    sample("collections-conflict", Full, Admin, "/collections/shelves/edit",
        &[Fill("description", "Mine"), Meanwhile("/collections/shelves/edit", &[("description", "Theirs")]), Press("Save collection")], "Someone else saved this first"),
    sample("collections-delete", Full, Admin, "/collections/books/edit", &[Press("Delete collection “Books”")], "and so do its records"),
    sample("collections-connector", Full, Admin, "/connectors/books/details", &[], "belongs to the collection"),
    sample("collections-authorization", Full, Admin, "/connectors/books/authorization", &[], "Connectory authorizes this data connector itself"),
    sample("collections-not-changed", Full, Admin, "/connectors/books/authorization/token-requests", &[], "This data connector belongs to a collection"),

    // Records
    sample("records", Full, Admin, "/collections/books", &[], "Export as CSV"),
    sample("records-viewer", Full, Viewer, "/collections/books", &[], "Rows per page"),
    sample("records-empty", Full, Admin, "/collections/shelves", &[], "No records yet"),
    sample("records-empty-viewer", Full, Viewer, "/collections/shelves", &[], "A person who may call the data connector can add one."),
    sample("records-filtered", Full, Admin, "/collections/books?member=title&comparison=beginning&value=book", &[], "begins with “book”"),
    sample("records-no-results", Full, Admin, "/collections/books?member=title&value=nothing", &[], "No record fits these filters."),
    sample("record-new", Full, Admin, "/collections/books/records/new", &[], "As on the cover"),
    sample("record-new-errors", Full, Admin, "/collections/books/records/new", &[Fill("member_1", "many"), Press("Save record")], "There are 2 problems"),
    sample("record-new-json", Full, Admin, "/collections/books/records/new", &[Fill("member_0", "Emil"), Press("Edit as JSON")], "Numbers keep all their digits."),
    sample("record-json-errors", Full, Admin, "/collections/shelves/records/new", &[Fill("json", "{\"a\": }"), Press("Save record")], "Line 1, column"),
    sample("record", Full, Admin, RECORD, &[], "History of this record"),
    sample("record-viewer", Full, Viewer, RECORD, &[], "History of this record"),
    sample("record-conflict", Full, Admin, CHANGED,
        &[Fill("member_0", "Mine"), Meanwhile(CHANGED, &[("member_0", "Theirs")]), Press("Save record")], "Someone else saved this first"),
    sample("record-history", Full, Admin, RECORD, &[Press("History of this record")], "An earlier title"),
    sample("record-delete", Full, Admin, RECORD, &[Press("Delete this record")], "Are you sure you want to delete this record?"),
    sample("record-delete-changed", Full, Admin, DELETED,
        &[Press("Delete this record"), Meanwhile(DELETED, &[("member_0", "Changed")]), Press("Delete this record")], "Not deleted."),

    // Imports
    sample("import-first", Full, Admin, "/collections/shelves/imports/new", &[], "because the collection has no schema"),
    sample("import-errors", Full, Admin, "/collections/shelves/imports/new", &[Press("Import")], "Choose a file"),
    sample("imports", Full, Admin, "/collections/books/imports/new", &[], "Latest imports"),
    sample("import-running", Full, Admin, "/collections/books/imports/new", &[Press("running.csv")], "have been read, 50 % of the file"),
    sample("import-done", Full, Admin, "/collections/books/imports/new", &[Press("done.csv")], "61 records were imported."),
    sample("import-failed", Full, Admin, "/collections/books/imports/new", &[Press("failed.csv")], "Nothing was imported."),
    sample("import-cancelled", Full, Admin, "/collections/books/imports/new", &[Press("cancelled.csv")], "The import was cancelled."),
    sample("import-interrupted", Full, Admin, "/collections/books/imports/new", &[Press("interrupted.csv")], "The import was interrupted"),
    sample("import-not-permitted", Full, Viewer, "/collections/books/imports/new", &[], "This needs the permission “Call Data Connectors”."),
];

/// Books have a schema, more records than a page, one of them with long texts and a history, and imports in every
/// state. Shelves have nothing.
pub async fn fill(app: &TestApp) {
    let schema = r#"{"required": ["title"], "properties": {
        "title": {"type": "string", "title": "Title", "description": "As on the cover", "maxLength": 200},
        "pages": {"type": "integer", "title": "Pages"}, "lent": {"type": "boolean", "title": "Lent"},
        "shelf": {"enum": ["A", "B"], "title": "Shelf"}, "about": {"type": "string", "maxLength": 4000}}}"#;
    app.collection("Books", schema).await;
    app.collection("Shelves", "").await;
    app.sql(
        "INSERT INTO records (collection_id, id, data, version, created_at, created_by, updated_at, updated_by)
         SELECT id, format('00000000-0000-7000-8000-0000000000%s', n)::uuid,
             jsonb_build_object('title', CASE n WHEN 'b1' THEN repeat('Donaudampfschifffahrtsgesellschaft', 5) ELSE 'Book ' || n END, 'pages', 12, 'lent', true),
             2, now(), 'Ana', now(), 'Ana'
         FROM connectors, unnest(ARRAY['b1', 'b2', 'b3']) n WHERE key = 'books';
         INSERT INTO records (collection_id, id, data, created_at, created_by, updated_at, updated_by)
         SELECT id, gen_random_uuid(), jsonb_build_object('title', 'Book ' || n, 'shelf', 'A'), now(), 'Ana', now(), 'Ana'
         FROM connectors, generate_series(1, 60) n WHERE key = 'books';
         INSERT INTO record_versions (collection_id, record_id, version, data, saved_at, saved_by)
         SELECT collection_id, id, 1, '{\"title\": \"An earlier title\"}', now(), 'Ben' FROM records WHERE version = 2;
         INSERT INTO imports (id, collection_id, file_name, size, state, bytes_read, records_read, problems, created_at, created_by, updated_at)
         SELECT gen_random_uuid(), id, import || '.csv', 4096, CASE import WHEN 'interrupted' THEN 'running' ELSE import END, 2048, 61,
             CASE import WHEN 'failed' THEN ARRAY['Line 3: /pages: the value is not of type integer', 'Line 4 is not UTF-8. Save the file as “CSV UTF-8”'] ELSE '{}' END,
             now(), 'Ana', now() + CASE import WHEN 'interrupted' THEN '-1 day' ELSE '1 day' END::interval
         FROM connectors, unnest(ARRAY['running', 'done', 'failed', 'cancelled', 'interrupted']) import WHERE key = 'books'",
    )
    .await;
}
