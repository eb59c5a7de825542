//! The heard ledger: for every sample queued for the caller, whether it was sent, heard or cleared.
//!
//! ```text
//!            settled                    queued
//! line ──────────┼──────────────────────────┤      position on the line: samples queued since the call began
//!  heard/cleared │ at the carrier or on its way
//! ```
//! Everything left of `settled` was either heard or cleared. A mark that comes back settles as heard; a clear settles
//! as heard what the clock says was played, and the rest as cleared. Always: heard ≤ sent ≤ queued, and each only
//! grows.

use std::collections::VecDeque;

use crate::limits::UTTERANCES_LIVE_MAX;
use crate::port::UtteranceId;
use crate::time::{Instant, Samples};

/// One utterance on the line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Span {
    /// Whose sound this is.
    pub utterance: UtteranceId,
    /// Whether the caller may interrupt it.
    pub interruptible: bool,
    /// Position of its first sample on the line.
    pub start: Samples,
    /// Position after its last queued sample.
    pub end: Samples,
    /// When its first sample was due to sound; `None` until one is queued.
    pub audible_from: Option<Instant>,
    /// Whether nothing more will be added to it.
    pub complete: bool,
}

impl Span {
    /// How much of it lies before `position`.
    pub fn before(&self, position: Samples) -> Samples {
        Samples(position.0.clamp(self.start.0, self.end.0) - self.start.0)
    }
}

/// What one call was sent and heard.
#[derive(Debug, Clone)]
pub struct Ledger {
    queued: Samples,
    sent: Samples,
    heard: Samples,
    cleared: Samples,
    settled: Samples,
    /// Utterances not yet over, oldest first.
    spans: VecDeque<Span>,
}

impl Default for Ledger {
    fn default() -> Self {
        Self {
            queued: Samples::ZERO,
            sent: Samples::ZERO,
            heard: Samples::ZERO,
            cleared: Samples::ZERO,
            settled: Samples::ZERO,
            spans: VecDeque::with_capacity(UTTERANCES_LIVE_MAX),
        }
    }
}

impl Ledger {
    /// Samples handed to the socket's ring so far: the end of the line.
    pub fn queued(&self) -> Samples {
        self.queued
    }

    /// Samples written to the socket so far.
    pub fn sent(&self) -> Samples {
        self.sent
    }

    /// Samples that the caller heard, as far as it is settled.
    pub fn heard(&self) -> Samples {
        self.heard
    }

    /// Samples that a clear discarded before they were heard.
    pub fn cleared(&self) -> Samples {
        self.cleared
    }

    /// Position up to which everything was heard or cleared.
    pub fn settled(&self) -> Samples {
        self.settled
    }

    /// The utterances that are not over, oldest first.
    pub fn live(&self) -> impl Iterator<Item = &Span> {
        self.spans.iter()
    }

    /// Whether no further utterance can be begun until one is over.
    pub fn is_full(&self) -> bool {
        self.spans.len() >= UTTERANCES_LIVE_MAX
    }

    /// A new utterance begins at the end of the line. Do not call while [`is_full`](Self::is_full).
    pub fn begin(&mut self, utterance: UtteranceId, interruptible: bool) {
        debug_assert!(!self.is_full());
        let at = self.queued;
        self.spans.push_back(Span {
            utterance,
            interruptible,
            start: at,
            end: at,
            audible_from: None,
            complete: false,
        });
    }

    /// `samples` of the newest utterance were queued; the first of them sounds at `audible_from`.
    pub fn queue(&mut self, samples: Samples, audible_from: Instant) {
        self.queued += samples;
        if let Some(span) = self.spans.back_mut() {
            span.end = self.queued;
            span.audible_from.get_or_insert(audible_from);
        }
    }

    /// The writer's count of samples written so far.
    pub fn written(&mut self, total: Samples) {
        self.sent = self.sent.max(total.min(self.queued));
    }

    /// The carrier confirmed that everything before `position` was played.
    pub fn confirm(&mut self, position: Samples) {
        self.settle(position);
    }

    /// Everything still on its way is discarded; the caller heard up to `position`.
    pub fn clear(&mut self, position: Samples) {
        self.settle(position);
        self.cleared += self.queued.saturating_sub(self.settled);
        self.settled = self.queued;
    }

    /// Nothing more will be added to the newest utterance.
    pub fn finish(&mut self) {
        if let Some(span) = self.spans.back_mut() {
            span.complete = true;
        }
    }

    /// Takes the oldest utterance off the books if it is complete and all of it is settled.
    pub fn retire(&mut self) -> Option<Span> {
        let over = self.spans.front().is_some_and(|span| span.complete && span.end <= self.settled);
        over.then(|| self.spans.pop_front()).flatten()
    }

    /// Takes the oldest utterance off the books whatever its state: it was cut.
    pub fn cut(&mut self) -> Option<Span> {
        self.spans.pop_front()
    }

    /// Nothing that was not sent counts as heard, whatever a mark or a clock claims.
    fn settle(&mut self, position: Samples) {
        let claimed = position.min(self.queued).saturating_sub(self.settled);
        let credible = claimed.min(self.sent.saturating_sub(self.heard));
        self.heard += credible;
        self.settled += credible;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const T: Instant = Instant::ZERO;

    #[test]
    fn a_clear_splits_what_was_queued_into_heard_and_cleared() {
        let mut ledger = Ledger::default();
        ledger.begin(UtteranceId(1), true);
        ledger.queue(Samples(1_600), T);
        ledger.written(Samples(1_600));
        ledger.clear(Samples(400));
        assert_eq!(
            (ledger.heard(), ledger.cleared(), ledger.settled()),
            (Samples(400), Samples(1_200), Samples(1_600))
        );
    }

    #[test]
    fn a_mark_for_what_was_never_sent_is_not_believed() {
        let mut ledger = Ledger::default();
        ledger.begin(UtteranceId(1), true);
        ledger.queue(Samples(1_600), T);
        ledger.written(Samples(160));
        ledger.confirm(Samples(1_600));
        assert_eq!(ledger.heard(), Samples(160));
    }

    #[test]
    fn a_span_knows_how_much_of_it_was_heard() {
        let span = Span {
            utterance: UtteranceId(2),
            interruptible: true,
            start: Samples(100),
            end: Samples(300),
            audible_from: None,
            complete: true,
        };
        assert_eq!(span.before(Samples(50)), Samples(0));
        assert_eq!(span.before(Samples(150)), Samples(50));
        assert_eq!(span.before(Samples(900)), Samples(200));
    }

    #[derive(Debug, Clone)]
    enum Op {
        Queue(u64),
        Written(u64),
        Confirm(u64),
        Clear(u64),
    }

    fn op() -> impl Strategy<Value = Op> {
        prop_oneof![
            (0..2_000u64).prop_map(Op::Queue),
            (0..50_000u64).prop_map(Op::Written),
            (0..50_000u64).prop_map(Op::Confirm),
            (0..50_000u64).prop_map(Op::Clear),
        ]
    }

    proptest! {
        #[test]
        fn heard_never_exceeds_sent_nor_sent_queued_and_each_only_grows(ops in prop::collection::vec(op(), 0..200)) {
            let mut ledger = Ledger::default();
            ledger.begin(UtteranceId(1), true);
            for op in ops {
                let before = ledger.clone();
                match op {
                    Op::Queue(n) => ledger.queue(Samples(n), T),
                    Op::Written(n) => ledger.written(Samples(n)),
                    Op::Confirm(n) => ledger.confirm(Samples(n)),
                    Op::Clear(n) => ledger.clear(Samples(n)),
                }
                prop_assert!(ledger.heard() <= ledger.sent() && ledger.sent() <= ledger.queued());
                prop_assert!(ledger.heard() + ledger.cleared() == ledger.settled() && ledger.settled() <= ledger.queued());
                prop_assert!(before.heard() <= ledger.heard() && before.sent() <= ledger.sent());
                prop_assert!(before.queued() <= ledger.queued() && before.cleared() <= ledger.cleared());
            }
        }
    }
}
