//! The calls that live: their registry and their tokens.

pub(crate) mod act;
pub mod registry;
pub mod token;

pub use registry::Registry;
pub use token::Token;
