//! How an engine is built.

use std::time::Duration;

/// The engine's configuration. All of it needs a restart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct EngineConfig {
    /// Calls held at most; their slots are made at the start. Default 1,024; each costs about 2 KB idle and 40 KB in a call.
    pub calls_max: usize,
    /// Time between two ticks of a worker. Default 2 ms: half of it is added to every reaction on average, and a tick
    /// without work costs about a microsecond.
    pub tick: Duration,
}

impl Default for EngineConfig {
    fn default() -> Self {
        Self { calls_max: 1_024, tick: Duration::from_millis(2) }
    }
}
