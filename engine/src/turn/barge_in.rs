//! Onset: when a run of voiced blocks is long enough to be somebody who wants the floor.

use super::params::TurnParams;
use super::turn::Playing;

/// Counts the current run of voiced blocks.
#[derive(Debug, Clone, Default)]
pub(super) struct Onset {
    run_blocks: u8,
}

impl Onset {
    /// Takes one block's verdict; true where the run has become long enough for what is playing.
    pub(super) fn hear(&mut self, voiced: bool, playing: Option<&Playing>, params: &TurnParams) -> bool {
        self.run_blocks = if voiced { self.run_blocks.saturating_add(1) } else { 0 };
        self.run_blocks >= needed_blocks(playing, params)
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
