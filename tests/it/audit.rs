//! The audit log: its chain, its pages, and its exports.

mod chain;
mod export;
mod keyed;
mod kinds;
mod list;
mod page;
mod people;
mod refusals;
mod rows_read;
mod tampering;
mod verify;

use connectory::audit::chain as links;

use crate::support::TestApp;

impl TestApp {
    /// Links the lines that wait, as the program does every second.
    async fn chain(&self) -> usize {
        links::link_waiting(&mut *self.conn().await, &self.vault).await.expect("the chain can be extended")
    }

    /// What is wrong with the chain, if anything is.
    async fn fault(&self) -> Option<String> {
        let verified = links::verify(&mut *self.conn().await, &self.vault, None).await.expect("the chain can be read");
        verified.err().map(|fault| fault.to_string())
    }

    async fn end(&self) -> links::Anchor {
        links::end(&mut *self.conn().await).await.expect("an end")
    }
}
