//! Watches a run from its own thread: the progress bar, and what the server and we take, at the edges of the window.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use super::driver::Gauges;
use super::process::{self, Sample};
use super::scrape;
use crate::fleet::prometheus::Series;
use crate::fleet::timeline::Stage;
use crate::shell::clock::{Clock, pause};
use crate::time::Micros;
use crate::twilio::url::Url;

/// How often the stage is looked at; so exact are the edges of the window, which are then measured, not assumed.
const LOOK: Duration = Duration::from_millis(20);
/// How long the server may take to clear away what the fleet has left.
const IDLE: Micros = Micros::from_ms(15_000);

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
    /// What the server counts itself, where its page is known.
    pub metrics: Option<Series>,
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

/// Where the server can be looked at.
#[derive(Clone, Debug, Default)]
pub struct Windows {
    /// Its process.
    pub pid: Option<u32>,
    /// Its metrics page.
    pub metrics: Option<Url>,
}

/// The eyes of the run.
#[derive(Debug)]
pub struct Observer {
    clock: Clock,
    gauges: Arc<Gauges>,
    windows: Windows,
    idle: Edge,
}

impl Observer {
    /// Looks at the server while it is idle.
    ///
    /// # Errors
    /// When there is no such process or page.
    pub fn new(clock: Clock, gauges: Arc<Gauges>, windows: Windows) -> Result<Self, String> {
        if let Some(pid) = windows.pid {
            process::look(pid)?;
        }
        if let Some(url) = &windows.metrics {
            scrape::scrape(url)?;
        }
        let idle = edge(clock, &gauges, &windows);
        Ok(Self { clock, gauges, windows, idle })
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
                let edge = edge(self.clock, &self.gauges, &self.windows);
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

    /// Waits a while for the server to close its descriptors, and for its gauges to come back.
    fn until_idle(&self) -> Edge {
        let until = self.clock.now() + IDLE;
        let idle = self.idle.server.as_ref().map_or(0, |server| server.descriptors);
        loop {
            let edge = edge(self.clock, &self.gauges, &self.windows);
            let closed = edge.server.as_ref().is_none_or(|server| server.descriptors <= idle);
            let is_idle =
                closed && self.idle.metrics.as_ref().zip(edge.metrics.as_ref()).is_none_or(|(a, b)| a.same_gauges(b));
            if is_idle || edge.at >= until {
                return edge;
            }
            pause(LOOK * 5);
        }
    }
}

fn edge(clock: Clock, gauges: &Gauges, windows: &Windows) -> Edge {
    // A server that is gone has no figures; that its calls were lost is said elsewhere.
    let server = windows.pid.and_then(|pid| process::look(pid).ok());
    Edge {
        at: clock.now(),
        frames: gauges.frames.load(Ordering::Relaxed),
        calls: gauges.calls.load(Ordering::Relaxed),
        server,
        metrics: windows.metrics.as_ref().and_then(|url| scrape::scrape(url).ok()),
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
