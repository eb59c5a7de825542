//! A page that stands alone: one HTML file without anything from elsewhere, drawn by a few nouns.
//!
//! ```text
//! element (a tag; escapes what is not ours) ─► table, chart, histogram, timeline ─► page (head, style, sections)
//! ```
//! What it writes is well-formed XML as well as HTML, so that a test can read it back.

pub mod chart;
pub mod element;
pub mod frame;
pub mod histogram;
pub mod number;
pub mod page;
pub mod scale;
pub mod table;
pub mod timeline;
