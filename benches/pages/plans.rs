//! How PostgreSQL goes about the queries.

use std::path::{Path, PathBuf};

use anyhow::Context;

use super::cases::{COLUMNS, List};
use super::data::Data;
use super::program::BINARY;

/// The plan of a list's query, and whether it scans the table from its beginning.
pub async fn explain(data: &Data, list: &List) -> anyhow::Result<(String, bool)> {
    let mut plans = format!("== {}, {} connectors\n", list.name, data.rows());
    let query = list.sql(COLUMNS);
    let lines = data.column(&format!("EXPLAIN (ANALYZE, BUFFERS) {query}")).await?;
    plans.push_str(&format!("{query}\n{}\n\n", lines.join("\n")));
    let reads_all = plans.contains("Seq Scan on connectors");
    Ok((plans, reads_all))
}

/// Writes the plans beside the program's build.
pub fn save(plans: &[&str]) -> anyhow::Result<PathBuf> {
    let target = Path::new(BINARY).ancestors().nth(2).context("the program has no folder")?;
    let folder = target.join("bench");
    std::fs::create_dir_all(&folder)?;
    let file = folder.join("explain.txt");
    std::fs::write(&file, plans.concat())?;
    Ok(file)
}
