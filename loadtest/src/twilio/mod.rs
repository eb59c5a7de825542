//! Twilio's side of a call, without a socket or a clock: webhooks, TwiML, and the media stream.
//!
//! In the order of a call: [`params`] and [`signature`] make the webhook request, [`twiml`] reads the answer and
//! [`rules`] leave out what Twilio does, [`executor`] carries it out, with [`speech`], [`recording`]s, [`transcript`]s
//! and [`callee`]s, and tells others by [`notice`]s; [`stream`] speaks [`message`]s to the media server, checks what
//! comes back with [`validate`], and plays it from [`playback`].

pub mod callee;
pub mod date;
pub mod delivery;
pub mod ending;
pub mod executor;
pub mod form;
pub mod gather;
pub mod ids;
pub mod message;
pub mod notice;
pub mod params;
pub mod payload;
pub mod playback;
pub mod recording;
pub mod rules;
pub mod signature;
pub mod sound;
pub mod speech;
pub mod stream;
pub mod stream_plan;
pub mod transcript;
pub mod twiml;
pub mod url;
pub mod validate;
pub mod warning;
