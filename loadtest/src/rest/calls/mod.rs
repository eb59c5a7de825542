//! Calls as resources: created, listed, shown, changed, deleted.

mod book;
mod entry;
pub mod list;
pub mod update;
mod wanted;

pub use book::CallBook;
pub use entry::Entry;
pub use wanted::Wanted;
pub(super) use wanted::{place, word, words};
