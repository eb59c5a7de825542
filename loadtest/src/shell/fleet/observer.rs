//! Watches a run from its own thread: the progress bar, and what the server and we take, at the edges of the window.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use super::driver::Gauges;
use super::process::{self, Sample};
use crate::fleet::timeline::Stage;
use crate::shell::clock::{Clock, pause};
use crate::time::Micros;

/// How often the stage is looked at; so exact are the edges of the window, which are then measured, not assumed.
const LOOK: Duration = Duration::from_millis(20);
/// How long the server may take to close what the fleet has left.
const IDLE: Micros = Micros::from_ms(5_000);

/// What was seen at one moment.
#[derive(Clone, Debug, Default)]
pub struct Edge {
    /// When.
    pub at: Micros,
    /// Frames sent so far.
    pub frames: u64,
    /// Calls on the line.
    pub calls: usize,
    /// The server, where its process is known.
    pub server: Option<Sample>,
    /// Ourselves.
    pub own: Sample,
    /// The machine's stolen, idle and total ticks.
    pub ticks: [u64; 3],
}

/// What was seen of a run.
#[derive(Clone, Debug, Default)]
pub struct Seen {
    /// Before the first call.
    pub idle: Edge,
    /// When measuring began.
    pub begin: Edge,
    /// When it ended, all calls still up.
    pub end: Edge,
    /// When all had hung up and the server had had time to clear away.
    pub after: Edge,
}

/// The eyes of the run.
#[derive(Debug)]
pub struct Observer {
    clock: Clock,
    gauges: Arc<Gauges>,
    pid: Option<u32>,
    idle: Edge,
}

impl Observer {
    /// Looks at the server while it is idle.
    ///
    /// # Errors
    /// When there is no process `pid`.
    pub fn new(clock: Clock, gauges: Arc<Gauges>, pid: Option<u32>) -> Result<Self, String> {
        if let Some(pid) = pid {
            process::look(pid)?;
        }
        let idle = edge(clock, &gauges, pid);
        Ok(Self { clock, gauges, pid, idle })
    }

    /// Watches until the driver is done, over `length` of measuring.
    #[must_use]
    pub fn watch(self, calls: usize, length: Micros) -> Seen {
        super::machine::yield_to_others();
        let bar = bar(length);
        let mut seen = Seen { idle: self.idle.clone(), ..Seen::default() };
        let mut stage = Stage::Ramp;
        while stage != Stage::Done {
            pause(LOOK);
            let now = self.gauges.stage();
            if now != stage && now >= Stage::Measure {
                let edge = edge(self.clock, &self.gauges, self.pid);
                match now {
                    Stage::Measure => seen.begin = edge,
                    _ if stage == Stage::Measure => seen.end = edge,
                    _ => {}
                }
            }
            stage = now;
            self.show(&bar, stage, calls, &seen);
        }
        bar.finish_and_clear();
        seen.after = self.until_idle();
        seen
    }

    fn show(&self, bar: &ProgressBar, stage: Stage, calls: usize, seen: &Seen) {
        let (up, lost) = (self.gauges.calls.load(Ordering::Relaxed), self.gauges.lost.load(Ordering::Relaxed));
        let doing = match stage {
            Stage::Ramp => "calling",
            Stage::Settle => "settling",
            Stage::Measure => "measuring",
            Stage::HangUp | Stage::Done => "hanging up",
        };
        bar.set_message(format!("{doing}, {up} of {calls} calls, {lost} lost"));
        if stage == Stage::Measure {
            bar.set_position(self.clock.now().since(seen.begin.at).0 / 1_000_000);
        }
    }

    /// Waits a while for the server to close its descriptors.
    fn until_idle(&self) -> Edge {
        let until = self.clock.now() + IDLE;
        let idle = self.idle.server.as_ref().map_or(0, |server| server.descriptors);
        loop {
            let edge = edge(self.clock, &self.gauges, self.pid);
            let is_idle = edge.server.as_ref().is_none_or(|server| server.descriptors <= idle);
            if is_idle || edge.at >= until {
                return edge;
            }
            pause(LOOK * 5);
        }
    }
}

fn edge(clock: Clock, gauges: &Gauges, pid: Option<u32>) -> Edge {
    // A server that is gone has no figures; that its calls were lost is said elsewhere.
    let server = pid.and_then(|pid| process::look(pid).ok());
    Edge {
        at: clock.now(),
        frames: gauges.frames.load(Ordering::Relaxed),
        calls: gauges.calls.load(Ordering::Relaxed),
        server,
        own: process::look(std::process::id()).unwrap_or_default(),
        ticks: process::machine_ticks(),
    }
}

/// On a terminal only.
fn bar(length: Micros) -> ProgressBar {
    let bar = ProgressBar::with_draw_target(Some(length.0 / 1_000_000), ProgressDrawTarget::stderr_with_hz(4));
    if let Ok(style) = ProgressStyle::with_template("{bar:30} {pos:>4}/{len} s  {msg}") {
        bar.set_style(style);
    }
    bar
}
