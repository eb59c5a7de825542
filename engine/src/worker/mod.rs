//! Workers: threads that own calls for life. They wake on a tick, look at what is due, step the legs, and ring.
//!
//! In the order in which things happen: a [`Call`] arrives and takes its seat ([`thread`]), [`tick`] finds what is
//! due ([`due`]) and steps it ([`call`], which listens by an [`ear`]), [`bell`] tells the runtimes, and the finished call travels back to be freed.
//! [`slots`] is what a worker shares with others. [`stepped`] is a worker without a thread.
//!
//! *invariant:* in a tick no lock, allocation, free, log, await, or system call but one per bell.

mod bell;
mod call;
mod due;
mod ear;
mod slots;
mod stepped;
mod thread;
mod tick;

pub(crate) use call::Call;
pub(crate) use due::Side;
pub use ear::Ears;
pub(crate) use slots::{Lease, Order};
pub use stepped::SteppedWorker;
pub(crate) use thread::{Worker, WorkerConfig, spawn};
