//! The System page: the state of this program, its settings, its database and the other instances, and problems with them.
//!
//! For super admins. Rule: it only reads, and says in words what is wrong instead of leaving numbers to be judged. What
//! cannot be known is not guessed.
//!
//! Danger: secrets among the settings. They come from [`crate::config::Settings`], which has no text of them.

mod facts;
mod page;
mod queries;
mod warnings;

use std::path::PathBuf;

use chrono::{DateTime, Utc};
use uuid::Uuid;

use crate::config::Settings;
use crate::db::Pools;

pub use page::show;

/// What the page shows of this process and cannot ask the database.
#[derive(Clone)]
pub struct About {
    /// As it is called among the instances.
    pub instance: Uuid,
    pub started_at: DateTime<Utc>,
    pub settings: Settings,
    /// The folder of the private PostgreSQL; `None` if the database is an external one.
    pub private_data: Option<PathBuf>,
    /// The servers of the database on other machines, if they are spoken to without TLS.
    pub exposed_database: Option<String>,
    /// Whether the program runs as root.
    pub is_root: bool,
    /// The workers' connections to the database.
    pub pools: Pools,
}
