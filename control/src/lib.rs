//! Control: what decides. Webhooks in, TwiML out, media sockets handed to the engine.
//!
//! ```text
//! config ─► boot ─► http ─► twilio (signature, webhooks, socket) ─► calls (the registry) ─► media (the engine's door)
//! ```
//! Everything below `http` is told the time; only [`clock`] reads it. The registry is the one place that knows which
//! calls live; pages, limits and metrics are views of it.

pub mod cli;
pub mod config;

pub mod backend;
pub mod boot;
pub mod descriptors;
pub mod greeting;
pub mod logs;
pub mod memory;
pub mod signals;

mod app;
pub mod db;
mod directory;
pub mod guard;
mod http;
mod journal;
mod reseal;
pub mod secrets;
pub mod tls;
pub mod twilio;

pub mod carrier;

mod calls;
mod capture;
mod media;
pub mod model;
mod voice;

pub mod clock;
mod histograms;
mod mask;
mod metrics;
