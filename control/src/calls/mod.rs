//! The calls that live: their registry, their tokens, and what is told of them.

pub(crate) mod act;
pub(crate) mod admission;
pub(crate) mod chronicle;
mod facts;
pub(crate) mod hearing;
pub(crate) mod placing;
pub(crate) mod reaper;
mod refusals;
pub(crate) mod registry;
mod sums;
pub(crate) mod token;

pub(crate) use admission::{Admission, Level};
pub(crate) use chronicle::{Chronicle, Outcome};
pub(crate) use facts::Facts;
pub(crate) use registry::Registry;
pub(crate) use token::Token;
