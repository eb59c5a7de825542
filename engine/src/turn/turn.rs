//! The floor: one state machine per call that turns blocks into turns, interruptions and ends of turns.

use std::time::Duration;

use crate::audio::vad::Block;
use crate::time::Samples;

use super::barge_in::Onset;
use super::echo_guard::EchoGuard;
use super::endpointing::Endpoint;
use super::params::TurnParams;

/// What one block of the detector holds: 10 ms at 8 kHz.
pub(super) const BLOCK: Samples = Samples(80);

/// What the caller hears of us while a block was spoken.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Playing {
    /// How long the utterance has been audible.
    pub age: Duration,
    /// Whether the caller may interrupt it.
    pub interruptible: bool,
    /// The loudest 20 ms that we sent within the echo window, in dBFS.
    pub sent_peak_dbfs: f32,
}

/// What a block decided.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TurnEvent {
    /// The caller began to speak.
    Started,
    /// The caller speaks while something interruptible is playing: stop it.
    BargeIn {
        /// The caller's sound from the onset of speech to this decision.
        onset: Samples,
    },
    /// The caller fell silent; `speech` is the turn's length without the closing silence.
    Ended {
        /// Length of the turn.
        speech: Samples,
    },
}

/// Decides who has the floor of one call.
#[derive(Debug, Clone)]
pub struct Turn {
    params: TurnParams,
    onset: Onset,
    echo_guard: EchoGuard,
    /// The turn under way, if the caller has the floor.
    speaking: Option<Endpoint>,
}

impl Turn {
    /// A call in which nobody has spoken yet.
    pub fn new(params: TurnParams) -> Self {
        Self { params, onset: Onset::default(), echo_guard: EchoGuard::new(params.echo_margin_db), speaking: None }
    }

    /// The parameters in use.
    pub fn params(&self) -> &TurnParams {
        &self.params
    }

    /// Whether the caller has the floor.
    pub fn caller_speaks(&self) -> bool {
        self.speaking.is_some()
    }

    /// Takes the verdict on one block of 10 ms and what was playing meanwhile; at most two events come of it, in order.
    pub fn hear(&mut self, block: &Block, playing: Option<&Playing>) -> [Option<TurnEvent>; 2] {
        let theirs = self.theirs(block, playing);
        let onset = self.onset.hear(&theirs, playing, &self.params);
        self.learn_echo(block, playing);
        let turn = match &mut self.speaking {
            None => onset.then(|| self.begin_turn()),
            Some(endpoint) => {
                let end_silence = Samples::from_duration(self.params.end_silence);
                endpoint.hear(theirs.active, end_silence).map(|speech| TurnEvent::Ended { speech })
            }
        };
        if matches!(turn, Some(TurnEvent::Ended { .. })) {
            self.speaking = None;
        }
        let interrupts = onset && playing.is_some_and(|p| p.interruptible);
        [turn, interrupts.then(|| TurnEvent::BargeIn { onset: self.run() })]
    }

    /// What was playing has been stopped: the next interruption must earn its onset anew.
    pub fn playback_stopped(&mut self) {
        self.onset.reset();
    }

    /// The block without what may be our own echo.
    fn theirs(&self, block: &Block, playing: Option<&Playing>) -> Block {
        let ours = playing.is_some_and(|p| block.level_dbfs <= self.echo_guard.threshold_dbfs(p.sent_peak_dbfs));
        Block { active: block.active && !ours, voiced: block.voiced && !ours, ..*block }
    }

    /// How much of the caller has been heard in a row.
    fn run(&self) -> Samples {
        Samples(BLOCK.0 * u64::from(self.onset.run_blocks()))
    }

    fn begin_turn(&mut self) -> TurnEvent {
        self.speaking = Some(Endpoint::begin(self.run()));
        TurnEvent::Started
    }

    /// Only blocks in which nobody is taken to speak teach the echo; the start of an interruption must not.
    fn learn_echo(&mut self, block: &Block, playing: Option<&Playing>) {
        if let Some(playing) = playing
            && self.speaking.is_none()
            && !self.onset.pending()
        {
            self.echo_guard.learn(playing.sent_peak_dbfs, block.level_dbfs);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn voiced(level_dbfs: f32) -> Block {
        Block { voiced: true, active: true, level_dbfs, floor_dbfs: -65.0 }
    }

    fn silent() -> Block {
        Block { voiced: false, active: false, level_dbfs: -65.0, floor_dbfs: -65.0 }
    }

    fn barge_in(onset_ms: u64) -> TurnEvent {
        TurnEvent::BargeIn { onset: Samples::from_millis(onset_ms) }
    }

    fn playing(age_ms: u64) -> Playing {
        Playing { age: Duration::from_millis(age_ms), interruptible: true, sent_peak_dbfs: -16.0 }
    }

    /// Feeds blocks until something happens; gives the number of blocks and the events.
    fn hear_until(turn: &mut Turn, block: Block, playing: Option<Playing>) -> (usize, [Option<TurnEvent>; 2]) {
        for n in 1..1_000 {
            let events = turn.hear(&block, playing.as_ref());
            if events != [None, None] {
                return (n, events);
            }
        }
        panic!("nothing happened in ten seconds");
    }

    #[test]
    fn four_voiced_blocks_take_the_floor() {
        let mut turn = Turn::new(TurnParams::default());
        assert_eq!(hear_until(&mut turn, voiced(-20.0), None), (4, [Some(TurnEvent::Started), None]));
    }

    #[test]
    fn a_gap_starts_the_count_again() {
        let mut turn = Turn::new(TurnParams::default());
        for _ in 0..100 {
            for _ in 0..3 {
                assert_eq!(turn.hear(&voiced(-20.0), None), [None, None]);
            }
            assert_eq!(turn.hear(&silent(), None), [None, None]);
        }
    }

    #[test]
    fn speech_over_an_utterance_interrupts_it() {
        let mut turn = Turn::new(TurnParams::default());
        let events = hear_until(&mut turn, voiced(-20.0), Some(playing(2_000)));
        assert_eq!(events, (4, [Some(TurnEvent::Started), Some(barge_in(40))]));
    }

    #[test]
    fn the_first_300_ms_of_an_utterance_need_more() {
        let mut turn = Turn::new(TurnParams::default());
        let events = hear_until(&mut turn, voiced(-20.0), Some(playing(100)));
        assert_eq!(events, (12, [Some(TurnEvent::Started), Some(barge_in(120))]));
    }

    #[test]
    fn an_uninterruptible_passage_goes_on_while_the_caller_speaks() {
        let mut turn = Turn::new(TurnParams::default());
        let passage = Playing { interruptible: false, ..playing(2_000) };
        let events = hear_until(&mut turn, voiced(-20.0), Some(passage));
        assert_eq!(events, (4, [Some(TurnEvent::Started), None]));
    }

    #[test]
    fn our_own_echo_does_not_interrupt_us() {
        let mut turn = Turn::new(TurnParams::default());
        for _ in 0..1_000 {
            assert_eq!(turn.hear(&voiced(-36.0), Some(&playing(2_000))), [None, None]);
        }
    }

    #[test]
    fn a_caller_already_speaking_interrupts_what_starts_over_them() {
        let mut turn = Turn::new(TurnParams::default());
        hear_until(&mut turn, voiced(-20.0), None);
        turn.playback_stopped();
        let events = hear_until(&mut turn, voiced(-20.0), Some(playing(400)));
        assert_eq!(events, (4, [None, Some(barge_in(40))]));
    }

    #[test]
    fn half_a_second_of_silence_ends_the_turn_and_is_not_part_of_it() {
        let mut turn = Turn::new(TurnParams::default());
        for _ in 0..100 {
            turn.hear(&voiced(-20.0), None);
        }
        let ended = TurnEvent::Ended { speech: Samples::from_millis(1_000) };
        assert_eq!(hear_until(&mut turn, silent(), None), (50, [Some(ended), None]));
    }

    #[test]
    fn a_pause_shorter_than_that_does_not() {
        let mut turn = Turn::new(TurnParams::default());
        hear_until(&mut turn, voiced(-20.0), None);
        for _ in 0..10 {
            for _ in 0..49 {
                assert_eq!(turn.hear(&silent(), None), [None, None]);
            }
            assert_eq!(turn.hear(&voiced(-20.0), None), [None, None]);
        }
    }
}
