//! The quality of a call: what went wrong, and on whose side.

use std::time::Duration;

use crate::audio::frame::{FRAME_SAMPLES, Frame};
use crate::audio::vad::Block;
use crate::time::Instant;

/// Samples at full scale that make a frame clipped: a single one is a click.
const CLIPPED_SAMPLES: u8 = 4;
/// Frames before a line on which nothing but digital zero came is called one-way: ten seconds.
const ONE_WAY_FRAMES: u64 = 500;

/// Who can mend a fault.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Side {
    /// This machine: too slow, or too full.
    Us,
    /// The carrier, the network, or the caller's telephone.
    Carrier,
    /// The agent.
    Agent,
}

impl Side {
    /// `us`, `carrier` or `agent`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Us => "us",
            Self::Carrier => "carrier",
            Self::Agent => "agent",
        }
    }
}

macro_rules! quality {
    ($( $(#[doc = $help:literal])+ $name:ident on $side:ident, )*) => {
        /// What went wrong on a call so far.
        #[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
        pub struct Quality { $( $(#[doc = $help])+ pub $name: u64, )* }

        impl Quality {
            /// How many values there are.
            pub(crate) const VALUES: usize = [$( stringify!($name) ),*].len();

            /// Shows every value: name, the side it is on, value.
            pub fn for_each(&self, mut show: impl FnMut(&'static str, Side, u64)) {
                $( show(stringify!($name), Side::$side, self.$name); )*
            }

            pub(crate) fn values(&self) -> [u64; Self::VALUES] {
                [$( self.$name ),*]
            }

            pub(crate) fn from_values(values: [u64; Self::VALUES]) -> Self {
                let [$( $name ),*] = values;
                Self { $( $name ),* }
            }
        }
    };
}

quality! {
    /// Frames of the caller that were lost between socket and leg.
    frames_lost on Us,
    /// Times that the caller's sound had a hole, by the carrier's stamps.
    gaps on Carrier,
    /// Frames of 20 ms in those holes, `frames_lost` among them.
    frames_missing on Carrier,
    /// Frames that came more than 60 ms later than the earliest did.
    frames_late on Carrier,
    /// How much later the latest came, in milliseconds.
    late_ms_max on Carrier,
    /// Frames with several samples at full scale: the line or the telephone is too loud.
    frames_clipped on Carrier,
    /// 1 where nothing but digital zero ever came: the caller is not to be heard.
    one_way on Carrier,
    /// Round trip to the carrier's buffer as marks measured it, smoothed, in milliseconds.
    round_trip_ms on Carrier,
    /// Marks that never came back.
    marks_missing on Carrier,
    /// Times that an utterance broke off because its next sound was not there in time.
    underruns on Agent,
    /// Frames of caller audio that the agent was too slow to take.
    frames_agent_late on Agent,
    /// The longest that nobody was to be heard, in milliseconds.
    dead_air_ms_max on Agent,
}

// Codes are counted in a byte.
const _: () = assert!(FRAME_SAMPLES <= u8::MAX as usize);

/// Watches the caller's sound and the silences.
#[derive(Debug, Clone)]
pub(super) struct Watch {
    frames: u64,
    frames_clipped: u64,
    frames_zero: u64,
    /// When somebody was last to be heard.
    sounded_at: Instant,
    dead_air_max: Duration,
}

impl Watch {
    pub(super) fn new(now: Instant) -> Self {
        Self { frames: 0, frames_clipped: 0, frames_zero: 0, sounded_at: now, dead_air_max: Duration::ZERO }
    }

    /// A frame of the caller.
    pub(super) fn frame(&mut self, frame: &Frame) {
        self.frames += 1;
        // Full scale is code 0 of either sign, zero is code 127 of either sign. Counted in bytes, sixteen codes at a time.
        let (mut full, mut zero) = (0_u8, 0_u8);
        for &code in frame.bytes() {
            full += u8::from(code & 0x7F == 0);
            zero += u8::from(code & 0x7F == 0x7F);
        }
        self.frames_clipped += u64::from(full >= CLIPPED_SAMPLES);
        self.frames_zero += u64::from(usize::from(zero) == FRAME_SAMPLES);
    }

    /// 10 ms have passed in which the caller was heard or not, and so were we.
    pub(super) fn block(&mut self, now: Instant, block: &Block, audible: bool) {
        if block.active || audible {
            self.sounded_at = now;
        }
        self.dead_air_max = self.dead_air_max.max(now.since(self.sounded_at));
    }

    /// Adds what was seen.
    pub(super) fn report(&self, quality: &mut Quality) {
        quality.frames_clipped = self.frames_clipped;
        quality.one_way = u64::from(self.frames >= ONE_WAY_FRAMES && self.frames_zero == self.frames);
        quality.dead_air_ms_max = self.dead_air_max.as_millis() as u64;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn report(watch: &Watch) -> Quality {
        let mut quality = Quality::default();
        watch.report(&mut quality);
        quality
    }

    #[test]
    fn values_survive_their_array() {
        let quality = Quality { gaps: 3, dead_air_ms_max: 9, ..Quality::default() };
        assert_eq!(Quality::from_values(quality.values()), quality);
        let mut sides = Vec::new();
        quality.for_each(|name, side, _| sides.push((name, side.name())));
        assert!(sides.contains(&("underruns", "agent")) && sides.len() == Quality::VALUES);
    }

    #[test]
    fn a_loud_frame_is_clipped_and_a_click_is_not() {
        let mut watch = Watch::new(Instant::ZERO);
        watch.frame(&Frame::from_ulaw(&[0x80; 160]));
        let mut click = [0xFE; 160];
        click[7] = 0x00;
        watch.frame(&Frame::from_ulaw(&click));
        assert_eq!(report(&watch).frames_clipped, 1);
    }

    #[test]
    fn a_line_of_nothing_but_zero_is_one_way_until_it_makes_a_sound() {
        let mut watch = Watch::new(Instant::ZERO);
        (0..ONE_WAY_FRAMES).for_each(|_| watch.frame(&Frame::SILENCE));
        assert_eq!(report(&watch).one_way, 1);
        watch.frame(&Frame::from_ulaw(&[0xFE; 160]));
        assert_eq!(report(&watch).one_way, 0);
    }

    #[test]
    fn dead_air_is_when_neither_side_is_heard() {
        let mut watch = Watch::new(Instant::ZERO);
        let block = |active| Block { level_dbfs: -60.0, floor_dbfs: -60.0, active, voiced: false };
        watch.block(Instant::from_millis(3_000), &block(false), true);
        watch.block(Instant::from_millis(5_000), &block(false), false);
        watch.block(Instant::from_millis(5_010), &block(true), false);
        watch.block(Instant::from_millis(6_000), &block(false), false);
        assert_eq!(report(&watch).dead_air_ms_max, 2_000);
    }
}
