//! The hash chain over the log: every line has a number and a SHA-256 over itself and the hash before, so that a line that
//! was changed, taken out, put in or moved shows at once, and whoever has noted the last hash elsewhere can prove all before it.
//!
//! Rule: a change writes its line and nothing of the chain. Links are appended afterwards, within a second, by whichever
//! instance gets hold of the chain's end ([`link_waiting`]). Linking inside the change's transaction would need one lock for
//! all changes, held until the commit is on the disk: every save would wait for every other one's disk, and each transaction that
//! does something after its audit line could end in a deadlock with another (docs/architecture.md has what was measured).
//!
//! Order: lines that wait are linked by their ids, which rise with time. A line whose transaction is committed later is linked
//! later, behind lines with higher ids. Only whoever holds the chain's row appends, so instances cannot give two lines one number.
//!
//! Danger: between the commit and the link a line can be changed unseen by whoever owns the database, as can the end of the
//! chain with all hashes made anew. Only an anchor that is kept outside tells of the second.

mod anchor;
mod encoding;
mod link;
mod verify;

pub(super) use anchor::hex;
pub use anchor::{Anchor, AnchorFormatError};
pub use link::{end, link_waiting};
pub use verify::{Fault, Verified, verify};
