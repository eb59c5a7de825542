//! One way of a connection: latency, jitter, bunches, stalls. Everything arrives, in order, or the connection breaks.

use std::time::Duration;

use engine::time::Instant;
use loadtest::rng::Rng;

/// A time in which nothing arrives.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Pause {
    /// When it begins.
    pub from: Instant,
    /// How long it lasts.
    pub lasts: Duration,
}

/// How a network behaves, the same both ways.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Weather {
    /// One way.
    pub latency: Duration,
    /// Up to so much more.
    pub jitter: Duration,
    /// What comes within so long comes together; zero: everything alone.
    pub bunch: Duration,
    /// Towards the server nothing arrives then.
    pub stalls_in: Vec<Pause>,
    /// Towards the caller.
    pub stalls_out: Vec<Pause>,
}

impl Weather {
    /// The longest that anything takes one way outside of stalls.
    #[must_use]
    pub fn slowest(&self) -> Duration {
        self.latency + self.jitter + self.bunch
    }
}

/// The longest of these.
#[must_use]
pub fn longest(pauses: &[Pause]) -> Duration {
    // Two that overlap act as one.
    pauses.iter().map(|pause| pause.lasts).sum()
}

/// One way.
#[derive(Debug)]
pub struct Way {
    latency_us: u64,
    jitter_us: u64,
    bunch_us: u64,
    stalls: Vec<Pause>,
    rng: Rng,
    last: Instant,
    /// From when on nothing arrives any more.
    dead_from: Option<Instant>,
}

impl Way {
    /// A way with these stalls.
    #[must_use]
    pub fn new(weather: &Weather, stalls: &[Pause], rng: Rng) -> Self {
        let Weather { latency, jitter, bunch, .. } = weather;
        let [latency_us, jitter_us, bunch_us] = [latency, jitter, bunch].map(|time| time.as_micros() as u64);
        let (stalls, last) = (stalls.to_vec(), Instant::ZERO);
        Self { latency_us, jitter_us, bunch_us, stalls, rng, last, dead_from: None }
    }

    /// Nothing that is on its way, or sent later, arrives at `from` or after.
    pub fn die(&mut self, from: Instant) {
        self.dead_from.get_or_insert(from);
    }

    /// Nothing arrives before `until`.
    pub fn hold(&mut self, until: Instant) {
        self.last = self.last.max(until);
    }

    /// When what is sent now arrives; `None`: never.
    pub fn arrival(&mut self, now: Instant) -> Option<Instant> {
        let jitter = self.draw();
        self.arrival_with(now, jitter)
    }

    /// By how many microseconds more than its latency it delays something.
    pub fn draw(&mut self) -> u64 {
        self.below(self.jitter_us)
    }

    /// So much at most, drawn from the same.
    pub fn below(&mut self, most_us: u64) -> u64 {
        // As the upper half of a product, since a remainder costs as much as the rest of a frame's way.
        ((u128::from(self.rng.next_u64()) * u128::from(most_us + 1)) >> 64) as u64
    }

    /// When what is sent now arrives with a delay that was drawn before.
    pub fn arrival_with(&mut self, now: Instant, jitter_us: u64) -> Option<Instant> {
        self.last = self.earliest(now, jitter_us);
        self.dead_from.is_none_or(|dead| self.last < dead).then_some(self.last)
    }

    /// The same for something that is not sent yet: when it arrives, if nothing is sent before it.
    #[must_use]
    pub fn earliest(&self, now: Instant, jitter_us: u64) -> Instant {
        let mut at = Instant::from_micros(now.micros() + self.latency_us + jitter_us);
        if self.bunch_us > 0 {
            at = Instant::from_micros(at.micros().div_ceil(self.bunch_us) * self.bunch_us);
        }
        for stall in &self.stalls {
            if at >= stall.from && at < stall.from + stall.lasts {
                at = stall.from + stall.lasts;
            }
        }
        self.last.max(at)
    }

    /// Whether nothing arrives any more.
    #[must_use]
    pub fn is_dead(&self) -> bool {
        self.dead_from.is_some()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_sent_earlier_arrives_no_later_and_a_stall_delivers_at_its_end() {
        let ms = Duration::from_millis;
        let stall = Pause { from: Instant::from_millis(500), lasts: ms(300) };
        let weather = Weather { latency: ms(20), jitter: ms(15), ..Weather::default() };
        let mut way = Way::new(&weather, &[stall], Rng::new(4));
        let mut last = Instant::ZERO;
        for n in 0..100 {
            let sent = Instant::from_millis(n * 10);
            let at = way.arrival(sent).expect("the way lives");
            assert!(at >= last && at >= sent + ms(20));
            assert!(!(at >= stall.from && at < stall.from + stall.lasts), "{at:?}");
            last = at;
        }
        way.die(Instant::from_millis(1_500));
        assert!(way.arrival(Instant::from_millis(1_400)).is_some());
        assert_eq!(way.arrival(Instant::from_millis(1_490)), None);
    }
}
