//! `connectory user`: for scripts, and for administrators who have locked themselves out.

use std::io::{BufRead, IsTerminal, Write};

use anyhow::{Context, bail};
use clap::Subcommand;

use super::setup::{Tools, with_database};
use crate::access::{Actor, PasswordHasher, Permission, PermissionSet, check_new_password};
use crate::accounts::{self, NewUser, Username};
use crate::audit::Change;
use crate::config::Config;
use crate::web::SaveError;

#[derive(Subcommand)]
pub(super) enum UserCommand {
    /// Create a user; the password is read from standard input
    Create {
        /// What the user signs in with
        username: String,
        /// The name that pages show
        #[arg(long)]
        name: Option<String>,
        /// A permission, such as edit-data-connectors; repeat for several. What it needs is granted too
        #[arg(long = "permission", value_name = "PERMISSION", value_parser = permission)]
        permissions: Vec<Permission>,
        /// May do everything
        #[arg(long)]
        super_admin: bool,
    },
    /// Set a user's password, read from standard input, and end all sessions of the user
    ResetPassword { username: String },
}

fn permission(code: &str) -> Result<Permission, String> {
    Permission::parse(code).ok_or_else(|| {
        let known: Vec<&str> = Permission::all().map(Permission::code).collect();
        format!("there is no such permission; there are: {}", known.join(", "))
    })
}

pub(super) fn run(config: &Config, command: UserCommand) -> anyhow::Result<()> {
    match command {
        UserCommand::Create { username, name, permissions, super_admin } => {
            let username = Username::parse(&username)?;
            let name = name.unwrap_or_else(|| username.as_str().to_string());
            let password = read_password(username.as_str(), &name)?;
            let permissions = PermissionSet::with_required(permissions);
            let id = uuid::Uuid::now_v7();
            let new = NewUser { id, username, name, password_hash: None, super_admin, permissions };
            with_database(config, async |tools| create(tools, new, password).await)
        }
        UserCommand::ResetPassword { username } => {
            // The name is in the database, which is not open yet.
            let password = read_password(&username, "")?;
            with_database(config, async |tools| reset(tools, &username, password).await)
        }
    }
}

async fn create(tools: Tools, new: NewUser, password: String) -> anyhow::Result<()> {
    let new = NewUser { password_hash: Some(PasswordHasher::new(1)?.hash(password).await?), ..new };
    let mut conn = tools.db.get().await?;
    let change = &mut Change { conn: &mut conn, by: &Actor::command_line(), now: tools.clock.now() };
    match accounts::insert(change, &new).await {
        Ok(()) => {
            println!("Created user {}.", new.username.as_str());
            for permission in new.permissions.iter() {
                println!("  {permission}");
            }
            Ok(())
        }
        Err(SaveError::NameTaken) => bail!("there is a user {} already", new.username.as_str()),
        Err(SaveError::Fault(fault)) => Err(fault.into()),
        Err(_) => bail!("the user was not created"),
    }
}

async fn reset(tools: Tools, username: &str, password: String) -> anyhow::Result<()> {
    let hash = PasswordHasher::new(1)?.hash(password).await?;
    let mut conn = tools.db.get().await?;
    let change = &mut Change { conn: &mut conn, by: &Actor::command_line(), now: tools.clock.now() };
    match accounts::set_password(change, username, &hash).await {
        Ok(()) => {
            println!("Set the password of {username} and ended all sessions.");
            Ok(())
        }
        Err(SaveError::Fault(crate::web::Error::NotFound)) => bail!("there is no user {username}"),
        Err(SaveError::Fault(fault)) => Err(fault.into()),
        Err(_) => bail!("the password was not set"),
    }
}

/// One line of standard input. Not an argument, which everybody on the machine could see.
fn read_password(username: &str, name: &str) -> anyhow::Result<String> {
    if std::io::stdin().is_terminal() {
        print!("Password for {username} (it will be visible): ");
        std::io::stdout().flush()?;
    }
    let mut line = String::new();
    std::io::stdin().lock().read_line(&mut line).context("cannot read the password from standard input")?;
    let password = line.trim_end_matches(['\r', '\n']).to_string();
    check_new_password(&password, username, name)?;
    Ok(password)
}
