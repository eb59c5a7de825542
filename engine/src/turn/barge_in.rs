//! Onset: when a run of active blocks is long enough, and voiced, to be somebody who wants the floor.

use crate::audio::vad::Block;

use super::params::TurnParams;
use super::turn::Playing;

/// Counts the current run of active blocks.
#[derive(Debug, Clone, Default)]
pub(super) struct Onset {
    run_blocks: u8,
}

impl Onset {
    /// Takes one block; true where it is voiced and its run long enough for what is playing. Consonants count for the
    /// run: to wait for as many voiced blocks would delay every word that begins with one.
    pub(super) fn hear(&mut self, block: &Block, playing: Option<&Playing>, params: &TurnParams) -> bool {
        self.run_blocks = if block.active { self.run_blocks.saturating_add(1) } else { 0 };
        block.voiced && self.run_blocks >= needed_blocks(playing, params)
    }

    /// Whether a run is under way that may yet become an onset.
    pub(super) fn pending(&self) -> bool {
        self.run_blocks > 0
    }

    /// How many blocks the run has.
    pub(super) fn run_blocks(&self) -> u8 {
        self.run_blocks
    }

    /// Forget the run: what comes next must earn its onset anew.
    pub(super) fn reset(&mut self) {
        self.run_blocks = 0;
    }
}

fn needed_blocks(playing: Option<&Playing>, params: &TurnParams) -> u8 {
    match playing {
        Some(playing) if playing.age < params.early => params.early_onset_blocks,
        _ => params.onset_blocks,
    }
}
