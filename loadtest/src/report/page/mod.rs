//! A page that stands alone: one HTML file without anything from elsewhere, drawn by a few nouns.
//!
//! ```text
//! element (a tag; escapes what is not ours) ─► table, chart, histogram, timeline ─► page (head, style, sections)
//! ```
//! What it writes is well-formed XML as well as HTML, so that a test can read it back.

pub mod element;
pub mod page;
pub mod table;
