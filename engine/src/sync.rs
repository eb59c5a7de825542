//! What threads share, from the standard library, or from loom where it tries every order in which they may run:
//!
//! `RUSTFLAGS="--cfg offhook_loom" cargo test -p offhook-engine --lib --release loom_`

#[cfg(not(offhook_loom))]
pub(crate) use std::sync::{
    Mutex,
    atomic::{AtomicBool, AtomicU8, AtomicU32, AtomicU64, AtomicUsize, Ordering},
};

#[cfg(offhook_loom)]
pub(crate) use loom::sync::{
    Mutex,
    atomic::{AtomicBool, AtomicU8, AtomicU32, AtomicU64, AtomicUsize, Ordering},
};
