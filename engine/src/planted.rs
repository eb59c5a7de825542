//! Faults that tests plant, to see who suffers and who notices. Each is asked for where nothing is in a hurry.

/// A fault.
#[doc(hidden)]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub enum Planted {
    /// The next step of any call panics.
    Step = 1,
    /// The next tick panics outside of any call.
    Tick = 2,
    /// From here on faults are for good. Frames that find no place are not counted.
    LosesFrames = 3,
    /// What is left of an interrupted utterance is sent behind the clear.
    GoesOn = 4,
    /// Marks that a clear returns count as played.
    BelievesMarks = 5,
    /// What was cleared counts as heard.
    HearsAhead = 6,
    /// A panic in a call's step is the worker's.
    Spreads = 7,
    /// The carrier is sent as much as there is.
    Floods = 8,
    /// Who finds no place is given somebody else's.
    Overbooks = 9,
    /// Agents are not woken.
    LosesWakes = 10,
    /// Agents are not told when a worker gives their calls up.
    ForgetsAgents = 11,
}

impl Planted {
    /// Those that are for good.
    pub const STANDING: [Self; 9] = [
        Self::LosesFrames,
        Self::GoesOn,
        Self::BelievesMarks,
        Self::HearsAhead,
        Self::Spreads,
        Self::Floods,
        Self::Overbooks,
        Self::LosesWakes,
        Self::ForgetsAgents,
    ];

    /// The fault with this number.
    pub(crate) fn numbered(number: u8) -> Option<Self> {
        [Self::Step, Self::Tick].into_iter().chain(Self::STANDING).find(|fault| *fault as u8 == number)
    }
}
