//! What docs/operations.md tells an administrator to type, write and expect: run as it stands there.
//!
//! A code block with the comment `<!-- recipe: name -->` before it is taken out of the document by that name and given
//! to a shell, to the program, to PostgreSQL, to nginx, on a [`machine::Machine`] of the test's own. Only names of
//! hosts, addresses and folders are exchanged for the test's. So whoever changes the document changes what is tested. A
//! block that no test can run says why, with `<!-- not run: reason -->`; one with neither fails in [`document`].

mod backup;
mod database;
mod document;
mod document_rules;
mod emergencies;
mod failover;
mod keys;
mod logs;
mod machine;
mod notices;
mod point_in_time;
mod postgresql;
mod proxies;
mod readme;
mod service;
mod settings;
mod sign_in;
mod stand_ins;

/// How the person in the examples signs in.
const ANA: (&str, &str) = ("ana", "several words make a good one");
