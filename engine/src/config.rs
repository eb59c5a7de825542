//! How an engine is built.

use std::time::Duration;

/// The engine's configuration. All of it needs a restart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct EngineConfig {
    /// Calls held at most; their slots are made at the start. Default 1,024; each costs about 2 KB idle and 40 KB in a call.
    pub calls_max: usize,
    /// Worker threads. Default: as [`Placement`](crate::Placement) finds for this machine.
    pub workers: Option<usize>,
    /// I/O threads, on which sockets live. Default: as [`Placement`](crate::Placement) finds for this machine.
    pub io_threads: Option<usize>,
    /// Whether each worker stays on a core of its own. Default: as [`Placement`](crate::Placement) finds.
    pub pin: Option<bool>,
    /// Time between two ticks of a worker. Default 1 ms: half of it is added to every
    /// reaction on average. At 1,000 calls 2 ms saves 5 % of the processor time and adds 1 ms to
    /// the slowest reactions.
    pub tick: Duration,
}

impl Default for EngineConfig {
    fn default() -> Self {
        Self { calls_max: 1_024, workers: None, io_threads: None, pin: None, tick: Duration::from_millis(1) }
    }
}
