//! The person on the phone, without a clock: what is said, over which line, what is heard, and by which script.

pub mod background;
pub mod clips;
mod comfort;
pub mod ear;
pub mod echo;
pub mod espeak;
pub mod fault;
pub mod label;
pub mod library;
pub mod line;
pub mod made;
pub mod noise;
pub mod pickup;
pub mod recogniser;
pub mod runner;
pub mod script;
pub mod steps;
