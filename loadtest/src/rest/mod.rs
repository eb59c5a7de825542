//! Twilio's voice REST API (2010-04-01), without a socket or a clock: requests in, answers and calls out.
//!
//! ```text
//! Request ─► exchange ─► auth ─► route ─► calls, numbers, recordings ─► Answer
//!               │                           │
//!               │ queue (calls per second)  └─► orders to live calls
//!               └─► CallPlan ─► a live call ─► News ─┐
//!               ▲                                    │
//!               └────────────────────────────────────┘
//! ```
//! Everything is kept in memory and bounded; nothing survives the process. Whatever is ours and not Twilio's lives
//! under the path `/loadtest`.

pub mod account;
pub mod answer;
pub mod auth;
pub mod calls;
pub mod debugger;
pub mod exchange;
pub mod faults;
pub mod file;
pub mod given;
pub mod moment;
pub mod news;
pub mod number;
pub mod page;
pub mod phone;
pub mod queue;
pub mod recordings;
pub mod request;
pub mod route;
pub mod streams;
