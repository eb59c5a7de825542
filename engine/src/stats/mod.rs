//! What the engine counts: plain atomics, read by whoever shows them. No labels by call, no lock, no registry.

mod histogram;

use std::sync::atomic::{AtomicU64, Ordering};

pub(crate) use histogram::Histogram;
pub use histogram::{BOUNDS_US, Distribution};

/// How a number behaves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Only grows.
    Counter,
    /// Goes up and down.
    Gauge,
}

macro_rules! counters {
    (
        counters { $( $(#[doc = $help:literal])+ $name:ident, )* }
        durations { $( $(#[doc = $duration_help:literal])+ $duration:ident, )* }
    ) => {
        /// What the engine counts while it runs.
        #[derive(Debug, Default)]
        pub(crate) struct Counters {
            $( $(#[doc = $help])+ pub(crate) $name: AtomicU64, )*
            $( $(#[doc = $duration_help])+ pub(crate) $duration: Histogram, )*
        }

        /// What the engine has counted at one moment.
        #[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
        pub struct Stats {
            $( $(#[doc = $help])+ pub $name: u64, )*
            $( $(#[doc = $duration_help])+ pub $duration: Distribution, )*
            /// Calls whose stream is attached.
            pub calls_active: u64,
        }

        impl Counters {
            pub(crate) fn snapshot(&self, calls_active: u64) -> Stats {
                Stats {
                    $( $name: self.$name.load(Ordering::Relaxed), )*
                    $( $duration: self.$duration.snapshot(), )*
                    calls_active,
                }
            }
        }

        impl Stats {
            /// Shows every number: name without prefix, help, kind, value.
            pub fn for_each(&self, mut show: impl FnMut(&'static str, &'static str, Kind, u64)) {
                $( show(stringify!($name), concat!($($help),+).trim_ascii(), Kind::Counter, self.$name); )*
                show("calls_active", "Calls whose stream is attached.", Kind::Gauge, self.calls_active);
            }

            /// Shows every distribution of durations: name without prefix and unit, help, distribution.
            pub fn for_each_duration(&self, mut show: impl FnMut(&'static str, &'static str, &Distribution)) {
                $( show(stringify!($duration), concat!($($duration_help),+).trim_ascii(), &self.$duration); )*
            }
        }
    };
}

counters! {
    counters {
        /// Streams attached.
        calls_started,
        /// Streams ended.
        calls_ended,
        /// Streams refused or closed before their start was accepted.
        calls_refused,
        /// Frames of callers received from sockets.
        frames_in,
        /// Frames of callers dropped because the worker did not take them in time.
        frames_dropped,
        /// Frames of caller audio that an agent was too slow to take.
        frames_agent_late,
        /// Frames written to sockets.
        frames_out,
        /// Frames dropped because a clear overtook them.
        frames_cleared,
        /// Messages written to sockets.
        messages_out,
        /// Messages from carriers that could not be understood.
        messages_bad,
        /// Messages from carriers of a kind that is not known.
        messages_unknown,
        /// Messages from carriers that named another stream.
        messages_foreign,
        /// Sockets closed for breaking the protocol or a bound.
        protocol_errors,
        /// Interruptions by callers.
        barge_ins,
        /// Steps of a call that panicked; each ended its call.
        panics,
        /// Times that a worker failed as a whole and gave its calls to rescue.
        workers_failed,
        /// Worker ticks.
        ticks,
        /// Worker ticks that began later than one tick length.
        ticks_late,
    }
    durations {
        /// How long a frame of a caller waited from the socket's read to its worker.
        frame_wait,
        /// How much later than the earliest of its call a frame of a caller came, by the carrier's stamps.
        frame_late,
        /// How long a worker's tick took.
        tick_time,
        /// How late a worker's tick began.
        tick_lag,
        /// How much sound waited at the carrier when more was sent.
        playout_lead,
        /// From the onset of speech in an interruption to the clear handed to the socket.
        barge_in,
        /// Our own share of that: from the read of the frame that decided to the clear written.
        barge_in_own,
        /// From the end of a caller's turn (its closing silence included) to the agent's first sound.
        turn_response,
    }
}

pub(crate) fn count(counter: &AtomicU64, by: u64) {
    counter.fetch_add(by, Ordering::Relaxed);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_number_is_shown_with_its_help() {
        let counters = Counters::default();
        count(&counters.barge_ins, 3);
        let mut shown = Vec::new();
        counters.snapshot(2).for_each(|name, help, kind, value| {
            assert!(help.ends_with('.') && !help.starts_with(' '), "{name}: {help:?}");
            shown.push((name, kind, value));
        });
        assert!(shown.contains(&("barge_ins", Kind::Counter, 3)));
        assert!(shown.contains(&("calls_active", Kind::Gauge, 2)));
    }
}
