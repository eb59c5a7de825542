//! The engine's threads, as far as the operator has an opinion of them.

use std::time::Duration;

use super::build::{number, text_of};
use super::layers::Layers;
use super::settings::{self, Setting};

/// More threads than cores of any machine that this runs on.
const THREADS_MAX: usize = 256;

/// What is wanted; `None` leaves it to the engine, which looks at the machine.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Threads {
    /// Threads that work on calls.
    pub workers: Option<usize>,
    /// Threads on which sockets live.
    pub io_threads: Option<usize>,
    /// Whether each worker keeps a core to itself.
    pub pin: Option<bool>,
    /// Between two looks of a worker.
    pub tick: Duration,
}

pub(super) fn threads(layers: &mut Layers) -> Option<Threads> {
    let workers = count(layers, &settings::WORKERS);
    let io_threads = count(layers, &settings::IO_THREADS);
    let pin = pin(layers);
    let tick = number(layers, &settings::TICK_MS, 1, 10).map(Duration::from_millis);
    Some(Threads { workers: workers?, io_threads: io_threads?, pin: pin?, tick: tick? })
}

/// `Some(None)` is the engine's own choice, `None` a fault.
fn count(layers: &mut Layers, setting: &Setting) -> Option<Option<usize>> {
    let text = text_of(layers, setting);
    match text.parse() {
        Ok(threads) if (1..=THREADS_MAX).contains(&threads) => Some(Some(threads)),
        _ if text.eq_ignore_ascii_case("auto") => Some(None),
        _ => {
            let wrong = format!("{text:?} is no number of threads");
            layers.fault(setting, wrong, format!("write auto, or a number from 1 to {THREADS_MAX}"));
            None
        }
    }
}

fn pin(layers: &mut Layers) -> Option<Option<bool>> {
    match text_of(layers, &settings::PIN_WORKERS).to_ascii_lowercase().as_str() {
        "auto" => Some(None),
        "1" | "true" | "yes" | "on" => Some(Some(true)),
        "0" | "false" | "no" | "off" => Some(Some(false)),
        other => {
            let wrong = format!("{other:?} is neither auto, true nor false");
            layers.fault(&settings::PIN_WORKERS, wrong, "write auto, true or false");
            None
        }
    }
}
