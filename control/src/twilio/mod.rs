//! Twilio: who may speak to us, what they ask, what we answer.

pub mod signature;
pub(crate) mod signer;
pub mod twiml;

pub(crate) mod callbacks;
pub(crate) mod flow;
pub(crate) mod socket;
pub(crate) mod webhook;
