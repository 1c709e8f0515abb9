//! `connectory notices`: for administrators who set up mail or webhooks.

use anyhow::bail;
use clap::Subcommand;

use super::setup::{Tools, outbound_policy, with_database};
use crate::config::Config;
use crate::notices::{Channels, Courier};
use crate::outbound::Outbound;
use crate::web::PublicAddress;

#[derive(Subcommand)]
pub(super) enum NoticesCommand {
    /// Send a test notice through every channel that is set up, and print each result
    Test,
}

pub(super) fn run(config: &Config, command: &NoticesCommand) -> anyhow::Result<()> {
    match command {
        NoticesCommand::Test => {
            let channels = Channels::new(&config.notices)?;
            with_database(config, async |tools| test(config, tools, channels).await)
        }
    }
}

async fn test(config: &Config, tools: Tools, channels: Channels) -> anyhow::Result<()> {
    let (outbound, address) = (Outbound::new(outbound_policy(config)?)?, PublicAddress::new(&config.public_url));
    let courier = Courier::new(tools.db, outbound, tools.clock, address, channels);
    let all = courier.test().await.map_err(anyhow::Error::from)?;
    if all.is_empty() {
        bail!(
            "no channel is set up; set CONNECTORY_SMTP_HOST or CONNECTORY_NOTICES_WEBHOOK_URL, with what belongs to it"
        );
    }
    let mut failed = 0;
    for tested in &all {
        match &tested.outcome {
            Ok(()) => println!("{}: sent", tested.target),
            Err(reason) => {
                failed += 1;
                println!("{}: not sent. {reason}", tested.target);
            }
        }
    }
    if failed > 0 {
        bail!("{failed} of {} test notices were not sent", all.len());
    }
    Ok(())
}
