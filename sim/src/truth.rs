//! What the caller really heard: the carrier's buffer once more, in arithmetic, by utterance.

use std::collections::VecDeque;
use std::time::Duration;

use engine::port::UtteranceId;
use engine::time::{Instant, Samples};

/// What is known of one utterance's sound at the carrier.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Spoken {
    /// Whose; `UtteranceId(0)` for sound without dye, such as an echo.
    pub utterance: UtteranceId,
    /// Samples that arrived.
    pub arrived: u64,
    /// Samples that the caller heard.
    pub heard: u64,
}

/// The buffer of one stream and what became of all that came through it.
#[derive(Debug, Default)]
pub struct Truth {
    /// Waiting: whose, and how many samples.
    waiting: VecDeque<(UtteranceId, u64)>,
    waiting_samples: u64,
    played: u64,
    cleared: u64,
    /// Up to when everything has been played.
    cursor: Instant,
    /// When the caller last heard anything.
    sounded_until: Option<Instant>,
    /// In the order in which they arrived.
    spoken: Vec<Spoken>,
}

impl Truth {
    /// Plays up to `now`.
    pub fn advance(&mut self, now: Instant) {
        let mut due = Samples::from_duration(now.since(self.cursor)).0.min(self.waiting_samples);
        if due == 0 {
            return;
        }
        self.cursor += Samples(due).duration();
        self.sounded_until = Some(self.cursor);
        self.played += due;
        self.waiting_samples -= due;
        while let Some((utterance, samples)) = self.waiting.front_mut()
            && due > 0
        {
            let gone = due.min(*samples);
            let utterance = *utterance;
            *samples -= gone;
            due -= gone;
            if *samples == 0 {
                self.waiting.pop_front();
            }
            self.of(utterance).heard += gone;
        }
    }

    /// Sound of an utterance arrived.
    pub fn media(&mut self, now: Instant, utterance: UtteranceId, samples: u64) {
        self.advance(now);
        if self.waiting_samples == 0 {
            self.cursor = self.cursor.max(now);
        }
        self.waiting_samples += samples;
        self.of(utterance).arrived += samples;
        match self.waiting.back_mut() {
            Some((last, waiting)) if *last == utterance => *waiting += samples,
            _ => self.waiting.push_back((utterance, samples)),
        }
    }

    /// A clear arrived.
    pub fn clear(&mut self, now: Instant) {
        self.advance(now);
        self.cleared += self.waiting_samples;
        self.waiting_samples = 0;
        self.waiting.clear();
    }

    /// Samples played by now.
    #[must_use]
    pub fn played(&self) -> u64 {
        self.played
    }

    /// Samples that wait.
    #[must_use]
    pub fn waiting(&self) -> u64 {
        self.waiting_samples
    }

    /// Samples that clears threw away.
    #[must_use]
    pub fn cleared(&self) -> u64 {
        self.cleared
    }

    /// When what is here will have sounded, or did; `None` before the first sound.
    #[must_use]
    pub fn sounds_until(&self) -> Option<Instant> {
        if self.waiting_samples == 0 { self.sounded_until } else { Some(self.cursor + self.waiting_time()) }
    }

    /// How long what waits will sound.
    #[must_use]
    pub fn waiting_time(&self) -> Duration {
        Samples(self.waiting_samples).duration()
    }

    /// What is known of an utterance.
    #[must_use]
    pub fn spoken(&self, utterance: UtteranceId) -> Spoken {
        let known = self.spoken.iter().rev().find(|spoken| spoken.utterance == utterance);
        known.copied().unwrap_or(Spoken { utterance, ..Spoken::default() })
    }

    /// The newest utterance of which anything arrived.
    #[must_use]
    pub fn newest(&self) -> UtteranceId {
        self.spoken.iter().map(|spoken| spoken.utterance).max().unwrap_or_default()
    }

    fn of(&mut self, utterance: UtteranceId) -> &mut Spoken {
        let at = self.spoken.iter().rposition(|spoken| spoken.utterance == utterance);
        let at = at.unwrap_or_else(|| {
            self.spoken.push(Spoken { utterance, ..Spoken::default() });
            self.spoken.len() - 1
        });
        &mut self.spoken[at]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sound_plays_in_order_from_its_arrival_and_a_clear_takes_the_rest() {
        let (one, two) = (UtteranceId(1), UtteranceId(2));
        let mut truth = Truth::default();
        truth.media(Instant::from_millis(100), one, 160);
        truth.media(Instant::from_millis(110), two, 160);
        truth.advance(Instant::from_millis(125));
        assert_eq!((truth.spoken(one).heard, truth.spoken(two).heard), (160, 40));
        assert_eq!(truth.sounds_until(), Some(Instant::from_millis(140)));
        truth.clear(Instant::from_millis(130));
        assert_eq!((truth.played(), truth.cleared(), truth.waiting()), (240, 80, 0));
        assert_eq!(truth.sounds_until(), Some(Instant::from_millis(130)));
        truth.media(Instant::from_millis(200), two, 8);
        truth.advance(Instant::from_millis(300));
        assert_eq!((truth.spoken(two).heard, truth.sounds_until()), (88, Some(Instant::from_millis(201))));
    }
}
