//! The command line: serving, migrating, users, keys, the audit log, notices, sample data.

mod audit;
mod demo;
mod key;
mod key_files;
mod notices;
mod serve;
mod setup;
mod users;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Parser, Subcommand};

use crate::config::Config;

/// Keeps an organisation's data connectors.
#[derive(Parser)]
#[command(name = "connectory", version, about, disable_help_subcommand = true)]
struct Arguments {
    /// Folder of the private PostgreSQL and the master key
    #[arg(long, global = true, value_name = "FOLDER")]
    data_dir: Option<PathBuf>,
    /// File with settings, NAME=value a line; the environment wins
    #[arg(long, global = true, value_name = "FILE")]
    config: Option<PathBuf>,
    #[command(subcommand)]
    command: Option<Command>,
}

#[derive(Subcommand)]
enum Command {
    /// Serve the site (the default)
    Serve,
    /// Bring the database up to this version
    Migrate,
    /// Create users and reset their passwords
    #[command(subcommand)]
    User(users::UserCommand),
    /// Change the keys that seal secrets and tokens
    #[command(subcommand)]
    Key(key::KeyCommand),
    /// Prove the audit log
    #[command(subcommand)]
    Audit(audit::AuditCommand),
    /// Send notices about data connectors
    #[command(subcommand)]
    Notices(notices::NoticesCommand),
    /// Fill in sample data: sixty data connectors of a town administration
    Demo,
}

/// Runs the command that the arguments name; problems go to standard error, a line each.
pub fn run() -> ExitCode {
    let arguments = Arguments::parse();
    let outcome =
        Config::load(arguments.config.as_deref(), arguments.data_dir).map_err(anyhow::Error::from).and_then(|config| {
            setup::start_log(&config)?;
            match arguments.command.unwrap_or(Command::Serve) {
                Command::Serve => serve::run(config),
                Command::Migrate => setup::with_database(&config, async |_| {
                    println!("The database is up to date.");
                    Ok(())
                }),
                Command::User(command) => users::run(&config, command),
                Command::Key(command) => key::run(&config, command),
                Command::Audit(command) => audit::run(&config, command),
                Command::Notices(command) => notices::run(&config, &command),
                Command::Demo => setup::with_database(&config, demo::fill),
            }
        });
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("connectory: {error:#}");
            audit::exit_code(&error).unwrap_or(ExitCode::FAILURE)
        }
    }
}
