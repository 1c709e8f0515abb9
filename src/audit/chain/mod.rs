//! The chain over the log: every line has a number and an HMAC-SHA-256 over itself and the code before, so that a line
//! that was changed, taken out, put in or moved shows at once, and whoever has noted the last code elsewhere can prove
//! all before it. The key is derived from a data key, so whoever has the database without the master key cannot make
//! links. Links of earlier versions are SHA-256 alone; [`transition`] says where they end.
//!
//! Rule: a change writes its line and nothing of the chain. Links are appended afterwards, within a second, by
//! whichever instance gets hold of the chain's end ([`link_waiting`]). Linking inside the change's transaction would
//! need one lock for all changes, held until the commit is on the disk: every save would wait for every other one's
//! disk, and each transaction that does something after its audit line could end in a deadlock with another
//! (docs/architecture.md has what was measured).
//!
//! Order: lines that wait are linked by their ids, which rise with time. A line whose transaction is committed later is
//! linked later, behind lines with higher ids. Only whoever holds the chain's row appends, so instances cannot give two
//! lines one number.
//!
//! Danger: between the commit and the link a line can be changed unseen by whoever owns the database. They can also cut
//! off the end of the chain and have a running program link other lines there. Only an anchor that is kept outside
//! tells of that.

mod anchor;
mod encoding;
mod link;
mod transition;
mod verify;

pub(super) use anchor::hex;
pub use anchor::{Anchor, AnchorFormatError};
pub use link::{end, link_waiting};
pub use transition::key_links;
pub use verify::{Fault, Verified, verify};
