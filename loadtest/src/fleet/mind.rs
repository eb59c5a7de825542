//! What one caller of the fleet does, decided once per frame: listen, interrupt, and keep the call alive.
//!
//! ```text
//!  Listening ── the bot has been audible for 0.6 to 2.6 s ─► Speaking (a clip; the bot must clear) ─ over ─► Listening
//!      └─ silence of 3 s ─► presses 2 ("again"); the next time says something, for servers without keys
//! ```
//! An interruption counts as missed when no `clear` came within 1 s of its onset although the bot went on; where the bot
//! had nothing left to say 250 ms behind the onset there was nothing to clear, and it does not count.

use super::voice::{Payload, Voices};
use crate::call::measure::PROVOKED;
use crate::rng::Rng;
use crate::time::Micros;
use crate::twilio::stream::FRAME;

/// How long the bot is let to speak before it is interrupted: at least, and at most so much more.
const PATIENCE: (Micros, Micros) = (Micros::from_ms(600), Micros::from_ms(2_000));
/// A pause between two sentences is shorter than this.
const PAUSE: Micros = Micros::from_ms(700);
/// A break in the bot's sound shorter than this does not mean that it has nothing left to say.
const BREATH: Micros = Micros::from_ms(100);
/// Silence of both, after which the caller does something about it.
const BORED: Micros = Micros::from_ms(3_000);
/// So long after the onset, a bot that has nothing left to say had nothing to clear.
const MOOT: Micros = Micros::from_ms(250);
/// So long after the onset, a bot that still speaks has missed the interruption.
const MISSED: Micros = Micros::from_ms(1_000);

/// What the caller does with one frame.
#[derive(Debug)]
pub struct Act<'a> {
    /// His sound.
    pub payload: &'a Payload,
    /// A key that he presses.
    pub digit: Option<char>,
    /// How an interruption came out that got no `clear`.
    pub verdict: Option<Verdict>,
    /// What he begins to say in it.
    pub begins: Option<Begins>,
}

/// Speech that begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Begins {
    /// Its first sample of speech.
    pub onset: Micros,
    /// Behind its last.
    pub offset: Micros,
}

/// How an interruption without `clear` came out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// The bot went on.
    Missed {
        /// When the speech began.
        onset: Micros,
    },
    /// There was nothing to clear.
    Moot,
}

/// What a `clear` meant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Judged {
    /// It answers an interruption.
    Interruption {
        /// Which clip was said.
        clip: usize,
        /// When its speech began.
        onset: Micros,
    },
    /// It answers a key, or speech that was answered before.
    Provoked,
    /// Nobody did anything.
    Unprovoked,
}

#[derive(Clone, Copy, Debug)]
struct Utterance {
    clip: usize,
    take: usize,
    frame: usize,
    onset: Micros,
    offset: Micros,
    /// Whether a clear is still owed.
    owed: bool,
}

/// One caller.
#[derive(Debug)]
pub struct Mind {
    rng: Rng,
    noise: usize,
    /// What is being said, or was said last.
    said: Option<Utterance>,
    speaking: bool,
    interrupt_at: Option<Micros>,
    /// When anybody last did anything.
    last_act: Micros,
    last_digit: Option<Micros>,
    nudges: u32,
}

impl Mind {
    /// A caller who picks up at `now`.
    #[must_use]
    pub fn new(seed: u64, voices: &Voices, now: Micros) -> Self {
        let mut rng = Rng::new(seed);
        let noise = below(&mut rng, voices.noise.len());
        Self { rng, noise, said: None, speaking: false, interrupt_at: None, last_act: now, last_digit: None, nudges: 0 }
    }

    /// The frame of [`now` − 20 ms, `now`), when the bot will have nothing left to say at `dry_at` and what it says is
    /// `audible`.
    pub fn frame<'a>(&mut self, now: Micros, dry_at: Micros, audible: bool, voices: &'a Voices) -> Act<'a> {
        let verdict = self.judge(now, dry_at);
        let mut digit = None;
        let mut begins = None;
        if !self.speaking {
            digit = self.listen(now, dry_at, audible, voices);
            begins = self.said.filter(|_| self.speaking).map(|said| Begins { onset: said.onset, offset: said.offset });
        }
        Act { payload: self.sound(now, voices), digit, verdict, begins }
    }

    /// A `clear` came at `now` and threw `lost` away.
    pub fn cleared(&mut self, now: Micros, lost: Micros) -> Judged {
        self.last_act = now;
        self.interrupt_at = None;
        let by_key = self.last_digit.is_some_and(|key| now <= key + PROVOKED);
        let speech = self.said.as_mut().filter(|said| now >= said.onset && now <= said.offset + PROVOKED);
        match speech {
            Some(said) if said.owed => {
                said.owed = false;
                Judged::Interruption { clip: said.clip, onset: said.onset }
            }
            Some(_) => Judged::Provoked,
            None if by_key || lost == Micros::ZERO => Judged::Provoked,
            None => Judged::Unprovoked,
        }
    }

    /// Since when he has been speaking against the bot and waits for its `clear`.
    #[must_use]
    pub fn interrupting_since(&self) -> Option<Micros> {
        self.said.filter(|said| said.owed).map(|said| said.onset)
    }

    fn judge(&mut self, now: Micros, dry_at: Micros) -> Option<Verdict> {
        let said = self.said.as_mut().filter(|said| said.owed && now >= said.onset + MOOT)?;
        let verdict = if dry_at + BREATH < now {
            Verdict::Moot
        } else if now >= said.onset + MISSED {
            Verdict::Missed { onset: said.onset }
        } else {
            return None;
        };
        said.owed = false;
        Some(verdict)
    }

    fn listen(&mut self, now: Micros, dry_at: Micros, audible: bool, voices: &Voices) -> Option<char> {
        if audible && dry_at + BREATH > now {
            self.last_act = now;
            self.nudges = 0;
            let at = *self.interrupt_at.get_or_insert_with(|| now + PATIENCE.0 + Micros(self.rng.below(PATIENCE.1.0)));
            if now >= at && dry_at > now {
                self.speak(now, true, voices);
            }
            return None;
        }
        if now > self.last_act + PAUSE {
            self.interrupt_at = None;
        }
        if now < self.last_act + BORED {
            return None;
        }
        self.last_act = now;
        self.nudges += 1;
        if self.nudges.is_multiple_of(2) {
            self.speak(now, false, voices);
            return None;
        }
        self.last_digit = Some(now);
        Some('2')
    }

    /// Begins to speak in the frame that is being sent.
    fn speak(&mut self, now: Micros, owed: bool, voices: &Voices) {
        let clip = below(&mut self.rng, voices.clips.len());
        let take = below(&mut self.rng, voices.clips[clip].takes.len());
        let begins = now.since(FRAME);
        let chosen = &voices.clips[clip].takes[take];
        let (onset, offset) = (begins + chosen.onset, begins + chosen.offset);
        self.said = Some(Utterance { clip, take, frame: 0, onset, offset, owed });
        self.speaking = true;
        self.interrupt_at = None;
    }

    fn sound<'a>(&mut self, now: Micros, voices: &'a Voices) -> &'a Payload {
        if let Some(said) = self.said.as_mut().filter(|_| self.speaking) {
            let frames = &voices.clips[said.clip].takes[said.take].frames;
            if let Some(payload) = frames.get(said.frame) {
                said.frame += 1;
                return payload;
            }
            self.speaking = false;
            self.last_act = now;
        }
        self.noise = (self.noise + 1) % voices.noise.len();
        &voices.noise[self.noise]
    }
}

/// An index below `bound`.
fn below(rng: &mut Rng, bound: usize) -> usize {
    usize::try_from(rng.below(bound as u64)).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A bot with endless speech that clears `reaction` after each onset, if it is not deaf.
    struct Run {
        mind: Mind,
        voices: Voices,
        now: Micros,
        digits: Vec<(Micros, char)>,
        verdicts: Vec<Verdict>,
    }

    impl Run {
        fn new() -> Self {
            let voices = Voices::load(&["en/im-sorry".into(), "fr/goodbye".into()], 1).unwrap();
            let now = Micros::from_ms(1_000);
            Self { mind: Mind::new(5, &voices, now), voices, now, digits: Vec::new(), verdicts: Vec::new() }
        }

        fn frame(&mut self, dry_at: Micros) -> bool {
            self.now += FRAME;
            let act = self.mind.frame(self.now, dry_at, true, &self.voices);
            self.digits.extend(act.digit.map(|digit| (self.now, digit)));
            self.verdicts.extend(act.verdict);
            self.mind.speaking
        }

        fn until_speech(&mut self) -> Micros {
            for _ in 0..200 {
                if self.frame(self.now + FRAME + FRAME) {
                    return self.mind.said.unwrap().onset;
                }
            }
            panic!("never interrupted");
        }
    }

    #[test]
    fn a_bot_that_speaks_is_interrupted_again_and_again() {
        let mut run = Run::new();
        for _ in 0..20 {
            let before = run.now;
            let onset = run.until_speech();
            let patience = run.now.since(before).as_ms();
            assert!((600.0..=2_660.0).contains(&patience), "{patience}");
            while run.now < onset + Micros::from_ms(80) {
                run.frame(run.now + FRAME + FRAME);
            }
            let judged = run.mind.cleared(run.now, FRAME);
            assert!(matches!(judged, Judged::Interruption { onset: at, .. } if at == onset));
            assert_eq!(run.mind.cleared(run.now, FRAME), Judged::Provoked);
            while run.frame(Micros::ZERO) {}
        }
        assert_eq!((run.verdicts.len(), run.digits.len()), (0, 0));
    }

    #[test]
    fn a_bot_that_goes_on_has_missed_it_and_one_that_had_finished_has_not() {
        let mut run = Run::new();
        let onset = run.until_speech();
        while run.verdicts.is_empty() {
            run.frame(run.now + FRAME + FRAME);
        }
        assert_eq!(run.verdicts, [Verdict::Missed { onset }]);
        assert!(run.now.since(onset + MISSED) < FRAME);
        let mut run = Run::new();
        run.until_speech();
        let dry = run.now;
        while run.verdicts.is_empty() {
            run.frame(dry);
        }
        assert_eq!(run.verdicts, [Verdict::Moot]);
    }

    #[test]
    fn a_silent_bot_is_asked_by_key_and_then_by_voice() {
        let mut run = Run::new();
        while !run.frame(Micros::ZERO) {}
        assert_eq!(run.digits, [(Micros::from_ms(4_000), '2')]);
        assert_eq!(run.now, Micros::from_ms(7_000));
        assert_eq!(run.mind.cleared(run.now + MISSED, FRAME), Judged::Provoked, "he spoke");
    }

    #[test]
    fn a_clear_that_nobody_provoked_is_noticed_if_it_lost_sound() {
        let mut run = Run::new();
        assert_eq!(run.mind.cleared(run.now, FRAME), Judged::Unprovoked);
        assert_eq!(run.mind.cleared(run.now, Micros::ZERO), Judged::Provoked);
    }
}
