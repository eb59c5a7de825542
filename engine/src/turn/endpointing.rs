//! Endpointing: when a turn is over, by level and detector, after enough silence.

use crate::time::Samples;

use super::turn::BLOCK;

/// Measures the turn that is under way.
#[derive(Debug, Clone, Default)]
pub(super) struct Endpoint {
    /// Sound since the onset, silence included.
    turn: Samples,
    /// Sound since the last active block.
    silence: Samples,
}

impl Endpoint {
    /// A turn whose first `spoken` have been heard already.
    pub(super) fn begin(spoken: Samples) -> Self {
        Self { turn: spoken, silence: Samples::ZERO }
    }

    /// Takes one block; gives the length of the turn, its closing silence left out, once it is over.
    pub(super) fn hear(&mut self, active: bool, end_silence: Samples) -> Option<Samples> {
        self.turn += BLOCK;
        self.silence = if active { Samples::ZERO } else { self.silence + BLOCK };
        (self.silence >= end_silence).then(|| self.turn.saturating_sub(self.silence))
    }
}
