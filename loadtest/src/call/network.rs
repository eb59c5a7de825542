//! The way from Twilio to the server: a queue of messages in order, each with the moment at which it leaves.
//!
//! Empty on a good line: everything leaves when it is ready. Full cannot happen: what waits is at most what a call
//! makes in its longest hold. At the end of the call all that waits leaves at once, in front of `stop`.

use std::collections::VecDeque;

use super::faults::Faults;
use crate::time::Micros;

/// A message on its way.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sent {
    /// The message.
    pub text: String,
    /// When it ought to leave, if it is a frame of sound.
    pub due: Option<Micros>,
}

/// The queue of one stream.
#[derive(Debug, Default)]
pub struct Network {
    waiting: VecDeque<(Micros, Sent)>,
    /// Nothing overtakes: no message leaves before the one in front of it.
    newest: Micros,
    /// The connection hangs: what is sent is lost.
    hangs: bool,
}

impl Network {
    /// A message is ready: a frame at its due time, anything else now.
    pub fn post(&mut self, now: Micros, text: String, due: Option<Micros>, faults: &mut Faults) {
        if self.hangs {
            return;
        }
        let ready = due.unwrap_or(now);
        let leaves = faults.leaves(ready).max(self.newest);
        self.newest = leaves;
        let due = due.map(|_| leaves);
        self.waiting.push_back((leaves, Sent { text, due }));
    }

    /// The next message that leaves by now.
    pub fn leave(&mut self, now: Micros) -> Option<Sent> {
        self.waiting.pop_front_if(|(at, _)| *at <= now).map(|(_, sent)| sent)
    }

    /// Everything that still waits leaves now.
    pub fn flush(&mut self) -> impl Iterator<Item = Sent> {
        self.waiting.drain(..).map(|(_, sent)| Sent { due: None, ..sent })
    }

    /// From now on nothing arrives; what waits is lost.
    pub fn hang(&mut self) {
        self.hangs = true;
        self.waiting.clear();
    }

    /// Whether nothing arrives any more.
    #[must_use]
    pub const fn hangs(&self) -> bool {
        self.hangs
    }

    /// When the next message leaves.
    #[must_use]
    pub fn next_deadline(&self) -> Option<Micros> {
        self.waiting.front().map(|(at, _)| *at)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::caller::fault::{Fault, Kind, When};
    use crate::rng::Rng;

    #[test]
    fn nothing_overtakes_and_a_good_line_delays_nothing() {
        let fault = Fault { kind: Kind::Jitter(Micros::from_ms(90)), when: When::At(Micros(0)), lasts: Micros::MAX };
        let (mut good, mut bad) = (Faults::new(&[], Rng::new(1)), Faults::new(&[fault], Rng::new(1)));
        bad.stream_started(Micros::ZERO);
        bad.change(Micros::ZERO);
        for (faults, delayed) in [(&mut good, false), (&mut bad, true)] {
            let mut network = Network::default();
            for frame in 1..=50 {
                let due = Micros::from_ms(20 * frame);
                network.post(due, frame.to_string(), Some(due), faults);
            }
            let mut seen = Vec::new();
            let mut late = 0;
            for now in (0..2_000).map(Micros::from_ms) {
                while let Some(sent) = network.leave(now) {
                    late += u64::from(sent.due > Some(Micros::from_ms(20 * sent.text.parse::<u64>().unwrap())));
                    seen.push(sent.text);
                }
            }
            assert_eq!(seen, (1..=50).map(|n| n.to_string()).collect::<Vec<_>>());
            assert_eq!(late > 40, delayed, "{late} of 50 late");
        }
    }
}
