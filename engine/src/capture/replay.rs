//! The replay: a fresh leg and detector, told what the captured ones were told, in the order in which a worker tells.

use super::digest::Digest;
use super::header::Header;
use super::record::{End, Entry, Recorded, Told};
use super::tap::digest_output;
use super::what_if::WhatIf;
use crate::audio::frame::{FRAME_SAMPLES, Frame};
use crate::audio::g711;
use crate::audio::level::BLOCK_SAMPLES;
use crate::audio::vad::Hearing;
use crate::leg::{Input, Leg, Output};
use crate::time::Instant;
use crate::turn::TurnParams;

/// A captured call, lived through again.
#[derive(Debug)]
pub struct Replay {
    leg: Leg,
    hearing: Hearing,
    begun: Instant,
    now: Instant,
    /// The caller's sound told last.
    frame: Frame,
    out: Vec<Output>,
    /// Of `out`, those that the digest (and the carrier's model) has seen.
    seen: usize,
    outputs: u64,
    digest: Digest,
    what_if: Option<WhatIf>,
}

impl Replay {
    /// The call as it was: the same decisions, where the program decides as it did.
    pub fn new(header: &Header) -> Replay {
        Replay::with(header, header.turn, None)
    }

    /// The call as it would have been with other parameters. Exact up to the first [difference](Self::diverge), an
    /// estimate from there: see [`Story::what_if`](super::Story::what_if).
    pub fn what_if(header: &Header, turn: TurnParams) -> Replay {
        Replay::with(header, turn, Some(WhatIf::default()))
    }

    fn with(header: &Header, turn: TurnParams, what_if: Option<WhatIf>) -> Replay {
        Replay {
            leg: Leg::new(header.begun, turn, header.epoch),
            hearing: Hearing::new(header.gates),
            begun: header.begun,
            now: header.begun,
            frame: Frame::EMPTY,
            out: Vec::new(),
            seen: 0,
            outputs: 0,
            digest: Digest::new(),
            what_if,
        }
    }

    /// Takes the next record; gives what the leg wants done because of it.
    pub fn take(&mut self, recorded: &Recorded) -> &[Output] {
        self.out.clear();
        self.seen = 0;
        self.now = recorded.at;
        match &recorded.entry {
            Entry::Told(told) => self.told(told),
            Entry::Heard => self.hear(),
            Entry::Decided(decision) => {
                if let Some(what_if) = &mut self.what_if {
                    what_if.recorded(decision);
                }
            }
            Entry::Missed(_) | Entry::End(_) => {}
        }
        &self.out
    }

    /// From here on the call is another one: what the carrier would have answered to what was never sent is modelled.
    pub fn diverge(&mut self) {
        if let Some(what_if) = &mut self.what_if {
            what_if.diverge();
        }
    }

    /// The leg, as it is now.
    pub fn leg(&self) -> &Leg {
        &self.leg
    }

    /// Whether every output so far, sound and times included, is what the capture ends with.
    pub fn ends_with(&self, end: &End) -> bool {
        (self.digest.value(), self.outputs) == (end.digest, end.outputs)
    }

    fn told(&mut self, told: &Told) {
        if let Told::Media { frame, .. } = told {
            self.frame = *frame;
        }
        if self.what_if.as_ref().is_some_and(WhatIf::diverged) {
            self.told_otherwise(told);
        } else {
            if let (Some(what_if), Told::Mark(name)) = (&mut self.what_if, told) {
                what_if.returned(self.now, *name);
            }
            if let (Some(what_if), Told::Speech(speech)) = (&mut self.what_if, told) {
                what_if.said(speech);
            }
            self.handle(told.input());
        }
    }

    /// The caller and the agent say what they said; the carrier takes and returns what this leg sends.
    fn told_otherwise(&mut self, told: &Told) {
        while let Some(name) = self.what_if.as_mut().and_then(|what_if| what_if.due(self.now)) {
            self.handle(Input::Mark(name));
        }
        match told {
            Told::Mark(_) => {}
            Told::Written(_) => self.handle(Input::Written(self.leg.ledger().queued())),
            Told::Speech(speech) => self.what_if.iter_mut().for_each(|what_if| what_if.wait(*speech)),
            other => self.handle(other.input()),
        }
        while self.leg.room_frames(self.now) > 0 {
            let cuts = self.leg.generation().cuts;
            let Some(speech) = self.what_if.as_mut().and_then(|what_if| what_if.next_speech(cuts)) else { break };
            self.handle(Input::Speech(&speech));
        }
    }

    fn hear(&mut self) {
        let mut pcm = [0; FRAME_SAMPLES];
        let samples = g711::decode_ulaw_into(self.frame.bytes(), &mut pcm);
        for block in pcm[..samples].as_chunks::<BLOCK_SAMPLES>().0 {
            let heard = self.hearing.hear(block);
            self.handle(Input::Heard(&heard));
        }
    }

    fn handle(&mut self, input: Input<'_>) {
        // A leg relies on being given speech only while it has room; a damaged file may not keep to that.
        let begins = matches!(input, Input::Speech(crate::leg::Speech::Begin { .. }));
        if begins && self.leg.ledger().is_full() {
            return;
        }
        self.leg.handle(self.now, input, &mut self.out);
        for output in &self.out[self.seen..] {
            self.outputs += u64::from(digest_output(&mut self.digest, self.begun, self.now, output));
            if let Some(what_if) = &mut self.what_if {
                what_if.sent(self.now, output);
            }
        }
        self.seen = self.out.len();
    }
}
