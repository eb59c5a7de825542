//! One run of the fleet from the first call to the last: starts the threads, watches, and brings home what was seen.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::mpsc;

use super::dial::{self, Directory, Errand, Order};
use super::driver::{Driver, Gauges, Plan};
use super::observer::{Live, Observer, Seen, Windows};
use crate::fleet::call::Shared;
use crate::fleet::voice::Voices;
use crate::rng::Rng;
use crate::shell::clock::{self, Clock};
use crate::time::Micros;

/// Waits of 10 ms for the last reports.
const LAST_WORDS: u32 = 300;

/// Holds the calls of `plan`, all of them over when it returns; `show` is called about fifty times a second.
///
/// # Errors
/// When the server's process or page is not there, or the system gives no threads.
pub fn run(
    plan: Plan,
    directory: Directory,
    voices: Voices,
    windows: Windows,
    show: &mut dyn FnMut(&Live),
) -> Result<(Shared, Seen), String> {
    let system = |e: std::io::Error| format!("cannot start: {e}");
    let clock = Clock::start();
    let gauges = Arc::new(Gauges::default());
    let observer = Observer::new(clock, Arc::clone(&gauges), windows)?;
    // Every call may be waiting to be replaced and reported while as many again have just been connected.
    let (errands, taken) = mpsc::channel(4 * plan.calls + 64);
    let (connected, dialed) = std::sync::mpsc::sync_channel(4 * plan.calls + 64);
    let mut rng = Rng::new(plan.seed);
    let begins = clock.now();
    for index in 0..plan.calls as u64 {
        let at = begins + Micros(plan.ramp.0 * index / plan.calls as u64);
        // There is room for all.
        let _ = errands.try_send(Errand::Call(Order { index, at, seed: rng.next_u64() }));
    }
    let dialing = dial::spawn(clock, directory, taken, connected).map_err(system)?;
    let driver = Driver::new(clock, plan, voices, gauges, dialed, errands).map_err(system)?;
    let driving = std::thread::Builder::new().name("fleet".into()).spawn(move || driver.run()).map_err(system)?;
    let seen = observer.watch(show);
    // The last ends are being reported; a server that does not answer is not waited for.
    for _ in 0..LAST_WORDS {
        if dialing.is_finished() {
            break;
        }
        clock::pause(Duration::from_millis(10));
    }
    let shared = driving.join().map_err(|_| "the fleet's thread broke".to_owned())?;
    Ok((shared, seen))
}
