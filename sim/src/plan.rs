//! A world before it begins: who calls when, over what network, to which agent, and what goes wrong; all from one seed.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use engine::Planted;
use engine::stepped::Ears;
use engine::time::Instant;
use loadtest::caller::script::Script;
use loadtest::rng::Rng;

use crate::network::{Pause, Weather};
use crate::script;

/// What is simulated, beside the seed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Options {
    /// How callers are heard.
    pub ears: Ears,
    /// Nothing goes wrong, and no call is refused: for figures.
    pub calm: bool,
    /// Calls of a world; zero: the seed draws them.
    pub calls: usize,
    /// A fault that is planted in the engine from the start and that the simulation should find.
    pub planted: Option<Planted>,
    /// The call whose timeline is kept.
    pub told: Option<usize>,
}

/// What goes wrong on one call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// The connection is reset.
    Reset,
    /// Nothing arrives any more, either way, and nobody says so.
    HalfOpen,
    /// The carrier reads nothing for so long.
    NotRead(Duration),
    /// The agent's task dies.
    AgentDies,
}

/// Who answers a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MindPlan {
    /// The scripted agent.
    Script,
    /// One that does anything that a port allows, at any time.
    Wild,
}

/// One call.
#[derive(Clone)]
pub struct CallPlan {
    /// When it rings.
    pub rings: Instant,
    /// What the caller does.
    pub script: Arc<Script>,
    /// Everything random on it.
    pub seed: u64,
    /// The way to the carrier.
    pub weather: Weather,
    /// How long a webhook takes to be answered.
    pub webhook: Duration,
    /// Who answers.
    pub mind: MindPlan,
    /// An agent that was woken gets to it within so long.
    pub slow: Duration,
    /// What goes wrong, and when.
    pub faults: Vec<(Instant, Fault)>,
}

impl fmt::Debug for CallPlan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let CallPlan { rings, script, weather, mind, slow, faults, .. } = self;
        writeln!(f, "rings {} ms, {mind:?} within {slow:?}, at most {}", rings.millis(), script.max)?;
        writeln!(f, "{weather:?}")?;
        writeln!(f, "faults {faults:?}")?;
        script.steps.iter().try_for_each(|step| writeln!(f, "  {step:?}"))
    }
}

/// A world.
#[derive(Debug, Clone)]
pub struct Plan {
    /// Messages are JSON on a WebSocket; else values.
    pub wire: bool,
    /// When the first call rings; not zero, so that nothing works only because time began with the world.
    pub begins: Instant,
    /// Calls that the worker can hold.
    pub slots: usize,
    /// Time between two ticks of the worker: what `OFFHOOK_TICK_MS` may be. Slow ones have much to do at once.
    pub tick: Duration,
    /// By so much a tick may be late.
    pub tick_late: Duration,
    /// Times in which the worker does not tick.
    pub stalls: Vec<Pause>,
    /// An I/O thread gets to what it was woken for within so long.
    pub io_late: Duration,
    /// Sockets are looked at so often; zero: at once.
    pub look_every: Duration,
    /// Panics in the engine, and when.
    pub panics: Vec<(Instant, Planted)>,
    /// When every stream is closed because the engine stops, to be resumed elsewhere: here.
    pub drains: Vec<Instant>,
    /// The calls.
    pub calls: Vec<CallPlan>,
}

/// What is drawn with `chance` in a hundred.
fn one_in_a_hundred(rng: &mut Rng, chance: u64) -> bool {
    rng.below(100) < chance
}

fn ms(rng: &mut Rng, from: u64, to: u64) -> Duration {
    Duration::from_millis(from + rng.below(to - from))
}

fn us(rng: &mut Rng, to: u64) -> Duration {
    Duration::from_micros(rng.below(to + 1))
}

/// Slow ticks have more to do at once, and cost less.
const TICKS_MS: [u64; 8] = [1, 2, 5, 5, 10, 10, 10, 10];

/// Of the worlds whose callers are heard by labels, every so many-th has a wire.
const WIRE_EVERY: u64 = 256;

impl Plan {
    /// The world of a seed.
    #[must_use]
    pub fn draw(seed: u64, options: &Options) -> Self {
        let mut rng = Rng::new(seed ^ 0x5EED_0F57);
        // Beyond 71 minutes the low half of the engine's microseconds has begun anew.
        let begins = Instant::from_micros(1 + rng.below(1 << 33));
        let calls = 4 + rng.below(17) as usize;
        // Mostly there is room for many of them.
        let least = if rng.below(8) == 0 { 1 } else { calls as u64 / 2 };
        let slots = (least + rng.below(calls as u64 + 4 - least)) as usize;
        let calls = if options.calls > 0 { options.calls } else { calls };
        let slots = if options.calm { calls } else { slots };
        let spread = if options.calm { 20_000 } else { 2_000 * calls as u64 };
        let within = spread + 60_000;
        let rough = !options.calm && one_in_a_hundred(&mut rng, 35);
        let wire = options.ears == Ears::Detector || seed.is_multiple_of(WIRE_EVERY);
        Self {
            wire,
            begins,
            slots,
            tick: Duration::from_millis(TICKS_MS[rng.below(8) as usize]),
            tick_late: us(&mut rng, 400),
            stalls: if rough { stalls(&mut rng, begins, within) } else { Vec::new() },
            io_late: if rough { ms(&mut rng, 1, 30) } else { us(&mut rng, 300) },
            look_every: Duration::from_millis(rng.below(2) * 2),
            panics: if rough { panics(&mut rng, begins, within) } else { Vec::new() },
            drains: (0..u64::from(rough) * rng.below(4) / 3).map(|_| begins + ms(&mut rng, 0, within)).collect(),
            calls: (0..calls).map(|_| call(&mut rng, begins, spread, options)).collect(),
        }
    }
}

/// A few ticks late, or so many that readers lose patience.
fn stalls(rng: &mut Rng, begins: Instant, within_ms: u64) -> Vec<Pause> {
    let stall = |rng: &mut Rng| {
        let lasts = if rng.below(3) == 0 { ms(rng, 250, 700) } else { ms(rng, 3, 120) };
        Pause { from: begins + ms(rng, 0, within_ms), lasts }
    };
    (0..rng.below(5)).map(|_| stall(rng)).collect()
}

fn panics(rng: &mut Rng, begins: Instant, within_ms: u64) -> Vec<(Instant, Planted)> {
    let panic = |rng: &mut Rng| {
        let fault = if rng.below(2) == 0 { Planted::Tick } else { Planted::Step };
        (begins + ms(rng, 0, within_ms), fault)
    };
    (0..rng.below(4)).map(|_| panic(rng)).collect()
}

fn call(rng: &mut Rng, begins: Instant, spread_ms: u64, options: &Options) -> CallPlan {
    let rings = begins + ms(rng, 0, spread_ms);
    let mut own = Rng::new(rng.next_u64());
    let rng = &mut own;
    let rough = !options.calm && one_in_a_hundred(rng, 25);
    CallPlan {
        rings,
        script: Arc::new(script::draw(rng, options.ears == Ears::Labels)),
        seed: rng.next_u64(),
        weather: weather(rng, rings, rough),
        webhook: ms(rng, 5, 200),
        mind: if options.calm || one_in_a_hundred(rng, 65) { MindPlan::Script } else { MindPlan::Wild },
        slow: if rough && one_in_a_hundred(rng, 30) { ms(rng, 50, 600) } else { us(rng, 2_000) },
        faults: if rough { faults(rng, rings) } else { Vec::new() },
    }
}

fn weather(rng: &mut Rng, rings: Instant, rough: bool) -> Weather {
    let latency = match rng.below(4) {
        0 => us(rng, 2_000),
        1 | 2 => ms(rng, 2, 40),
        _ => ms(rng, 40, 120),
    };
    let jitter = if rng.below(2) == 0 { us(rng, 1_500) } else { ms(rng, 2, 40) };
    let bunch = if rough && rng.below(3) == 0 { ms(rng, 20, 120) } else { Duration::ZERO };
    let stalls = |rng: &mut Rng| {
        let long = if rng.below(4) == 0 { 1_500 } else { 400 };
        let stall = |rng: &mut Rng| Pause { from: rings + ms(rng, 0, 60_000), lasts: ms(rng, 30, long) };
        if rough { (0..rng.below(6)).map(|_| stall(rng)).collect() } else { Vec::new() }
    };
    Weather { latency, jitter, bunch, stalls_in: stalls(rng), stalls_out: stalls(rng) }
}

fn faults(rng: &mut Rng, rings: Instant) -> Vec<(Instant, Fault)> {
    let fault = |rng: &mut Rng| {
        let fault = match rng.below(4) {
            0 => Fault::Reset,
            1 => Fault::HalfOpen,
            2 => Fault::NotRead(ms(rng, 100, 4_000)),
            _ => Fault::AgentDies,
        };
        (rings + ms(rng, 200, 50_000), fault)
    };
    (0..rng.below(5)).map(|_| fault(rng)).collect()
}
