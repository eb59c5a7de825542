//! Twilio: who may speak to us, what they ask, what we answer.

pub mod signature;
