//! What happened, for people and for machines: timeline, table, JSON, WAV.

pub mod figures;
pub mod table;
pub mod timeline;
pub mod verdict;
pub mod wav;
