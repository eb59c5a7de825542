//! What an agent has said and the ring to the worker has not taken yet.

use std::collections::VecDeque;

use bytes::Bytes;
use rtrb::Producer;

use super::{AgentEvent, Playout, UtteranceId};
use crate::audio::frame::FRAME_SAMPLES;
use crate::leg::{Generation, Speech};
use crate::limits::PORT_PIECES_MAX;
use crate::time::Samples;
use crate::wire::Chop;

#[derive(Debug)]
enum Piece {
    Begin { utterance: UtteranceId, interruptible: bool },
    Audio(Bytes),
    End,
}

/// Pieces of speech in the order in which they were said.
#[derive(Debug, Default)]
pub(super) struct Pending {
    pieces: VecDeque<Piece>,
    /// Less than a frame of the utterance being moved.
    remainder: Chop,
}

impl Pending {
    /// Whether `more` pieces would be too many.
    pub(super) fn is_full(&self, more: usize) -> bool {
        self.pieces.len() + more > PORT_PIECES_MAX
    }

    pub(super) fn is_empty(&self) -> bool {
        self.pieces.is_empty()
    }

    pub(super) fn begin(&mut self, utterance: UtteranceId, interruptible: bool) {
        self.pieces.push_back(Piece::Begin { utterance, interruptible });
    }

    pub(super) fn audio(&mut self, ulaw: Bytes) {
        self.pieces.push_back(Piece::Audio(ulaw));
    }

    pub(super) fn end(&mut self) {
        self.pieces.push_back(Piece::End);
    }

    /// Moves what fits into the ring; true when anything moved.
    pub(super) fn pump(&mut self, ring: &mut Producer<Speech>, generation: Generation) -> bool {
        let mut moved = false;
        while ring.slots() > 0 {
            let Some(piece) = self.pieces.front_mut() else { break };
            match piece {
                Piece::Begin { utterance, interruptible } => {
                    let begin = Speech::Begin { utterance: *utterance, interruptible: *interruptible, generation };
                    let _ = ring.push(begin);
                    self.pieces.pop_front();
                }
                Piece::Audio(ulaw) => {
                    move_audio(ulaw, &mut self.remainder, ring);
                    if ulaw.is_empty() {
                        self.pieces.pop_front();
                    }
                }
                Piece::End => {
                    // The remainder needs a place of its own; the end follows in the next round.
                    let last = self.remainder.flush().map(Speech::Audio);
                    if last.is_none() {
                        self.pieces.pop_front();
                    }
                    let _ = ring.push(last.unwrap_or(Speech::End));
                }
            }
            moved = true;
        }
        moved
    }

    /// Forgets everything. Utterances of which the worker never heard are over without having sounded.
    pub(super) fn discard(&mut self, over: &mut VecDeque<AgentEvent>) {
        self.remainder = Chop::new();
        for piece in self.pieces.drain(..) {
            if let Piece::Begin { utterance, .. } = piece {
                over.push_back(AgentEvent::Played { utterance, playout: Playout::Cut, heard: Samples::ZERO });
            }
        }
    }
}

/// Cuts as much of `ulaw` into frames as the ring has places for.
fn move_audio(ulaw: &mut Bytes, remainder: &mut Chop, ring: &mut Producer<Speech>) {
    let room = ring.slots() * FRAME_SAMPLES - remainder.held_samples();
    let now = ulaw.split_to(room.min(ulaw.len()));
    remainder.feed(&now, |frame| {
        let _ = ring.push(Speech::Audio(frame));
    });
}
