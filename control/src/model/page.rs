//! Pages of a list: newest first, continued after the last id seen.

use serde::Serialize;
use uuid::Uuid;

/// Where a page begins: after this id, going back in time. Opaque to clients; says nothing but an id of their own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cursor(pub Uuid);

/// Which page is wanted.
#[derive(Debug, Clone, Copy)]
pub struct PageRequest {
    /// At most so many, 1 to 200.
    pub limit: u32,
    /// After which.
    pub after: Option<Cursor>,
}

/// A page of a list.
#[derive(Debug, Clone, Serialize)]
pub struct Page<T> {
    /// What is on it, newest first.
    pub items: Vec<T>,
    /// Where the next begins; `None` on the last.
    #[serde(skip)]
    pub next: Option<Cursor>,
}
