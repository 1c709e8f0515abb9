//! No secret is anywhere it could be read: not in the database, its dumps, its files, the log or a page; and a sealed
//! value opens in its own place only.

mod at_rest;
mod moved_values;
mod oauth_at_rest;
mod secrets_that_look_like_masks;
mod server_answers;

use std::fs;
use std::io::Write;
use std::path::Path;
use std::process::{Command, Stdio};

use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE};
use connectory::access::Permission::EditConnectors;
use connectory::authorization::SecretField;
use connectory::connectors::Method;
use connectory::db::private::PrivatePostgres;
use tokio_postgres::{NoTls, SimpleQueryMessage};

use crate::support::hostile::{Behaviour, Hostile, Issued};
use crate::support::program::Installation;
use crate::support::{Browser, PASSWORD, Page, TestApp};
