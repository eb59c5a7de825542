//! What happened, for people and for machines: timeline, table, JSON, WAV.

#[cfg(target_os = "linux")]
pub mod capacity;
#[cfg(target_os = "linux")]
pub mod compare;
pub mod doctor;
pub mod figures;
#[cfg(target_os = "linux")]
pub mod fleet;
pub mod page;
pub mod scenarios;
pub mod table;
pub mod timeline;
pub mod verdict;
pub mod wav;
#[cfg(target_os = "linux")]
pub mod webhooks;
