//! Watches a run from its own thread: what is shown while it runs, and what the server and we take, every second and at
//! the edges of the window.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use serde::Serialize;

use super::driver::Gauges;
use super::process::{self, Sample, Whose};
use super::scrape;
use crate::fleet::prometheus::Series;
use crate::fleet::timeline::Stage;
use crate::shell::clock::{Clock, pause};
use crate::time::Micros;
use crate::twilio::url::Url;

/// How often the stage is looked at; so exact are the edges of the window, which are then measured, not assumed.
const LOOK: Duration = Duration::from_millis(20);
const SECOND: Micros = Micros::from_ms(1_000);

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
    /// Second by second, from the first call to the last.
    pub seconds: Vec<Second>,
}

/// One second of a run.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub struct Second {
    /// When it ended, since the run began, s.
    pub at_s: f64,
    /// Calls on the line.
    pub calls: usize,
    /// Calls lost so far.
    pub lost: usize,
    /// Onset of speech to `clear`, p95 of this second, ms; zero when there was none.
    pub clear_p95_ms: f64,
    /// The latest of our own frames, ms.
    pub late_max_ms: f64,
    /// The server's share of one core, percent, where its process is known.
    pub core_percent: Option<f64>,
}

/// What there is to see while a run goes on.
#[derive(Clone, Copy, Debug)]
pub struct Live {
    /// The stage.
    pub stage: Stage,
    /// Whether another second is over since the last look.
    pub is_new: bool,
    /// The last second.
    pub second: Second,
    /// Interruptions without a `clear` so far.
    pub missed: u64,
    /// How long has been measured.
    pub measured: Micros,
}

/// Where the server can be looked at.
#[derive(Clone, Debug, Default)]
pub struct Windows {
    /// Its process, or processes.
    pub server: Option<Whose>,
    /// Its metrics page.
    pub metrics: Option<Url>,
    /// How long it may take to clear away what the fleet has left, before that is looked at.
    pub patience: Micros,
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
        if let Some(server) = windows.server {
            server.look()?;
        }
        if let Some(url) = &windows.metrics {
            scrape::scrape(url)?;
        }
        let idle = edge(clock, &gauges, &windows);
        Ok(Self { clock, gauges, windows, idle })
    }

    /// Watches until the driver is done, and shows each look to `show`.
    #[must_use]
    pub fn watch(self, show: &mut dyn FnMut(&Live)) -> Seen {
        super::machine::yield_to_others();
        let mut seen = Seen { idle: self.idle.clone(), ..Seen::default() };
        let mut stage = Stage::Ramp;
        let mut begun = (self.idle.at, self.cpu_ms());
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
            let is_new = self.clock.now() >= begun.0 + SECOND;
            if is_new {
                seen.seconds.push(self.second(&mut begun));
            }
            let second = seen.seconds.last().copied().unwrap_or_default();
            let second = Second { calls: self.gauges.calls.load(Ordering::Relaxed), ..second };
            let measured = if stage == Stage::Measure { self.clock.now().since(seen.begin.at) } else { Micros::ZERO };
            show(&Live { stage, is_new, second, missed: self.gauges.missed.load(Ordering::Relaxed), measured });
        }
        seen.after = self.until_idle();
        seen
    }

    /// The second that is over, which began `begun`: when, and with how much processor time of the server.
    fn second(&self, begun: &mut (Micros, Option<u64>)) -> Second {
        let now = (self.clock.now(), self.cpu_ms());
        let (since, before) = std::mem::replace(begun, now);
        let wall_ms = now.0.since(since).as_ms().max(1.0);
        let ms = |gauge: &AtomicU64| Micros(gauge.load(Ordering::Relaxed)).as_ms();
        Second {
            at_s: now.0.since(self.idle.at).as_ms() / 1_000.0,
            calls: self.gauges.calls.load(Ordering::Relaxed),
            lost: self.gauges.lost.load(Ordering::Relaxed),
            clear_p95_ms: ms(&self.gauges.clear_p95_us),
            late_max_ms: ms(&self.gauges.late_max_us),
            core_percent: now.1.zip(before).map(|(now, then)| now.saturating_sub(then) as f64 * 100.0 / wall_ms),
        }
    }

    fn cpu_ms(&self) -> Option<u64> {
        self.windows.server.map(Whose::cpu_ms)
    }

    /// Waits a while for the server to close its descriptors, and for its gauges to come back.
    fn until_idle(&self) -> Edge {
        let until = self.clock.now() + self.windows.patience;
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
    let server = windows.server.and_then(|server| server.look().ok());
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
