//! The calls that live: their registry and their tokens.

pub mod registry;
pub mod token;

pub use registry::Registry;
pub use token::Token;
