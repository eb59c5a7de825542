//! Goes through a script, step by step, as the world allows: a state machine that is told the time.

use std::sync::Arc;

use super::clips::Clip;
use super::ear::Ear;
use super::line::Utterance;
use super::script::Script;
use super::steps::{Expect, Step};
use crate::rng::Rng;
use crate::time::Micros;

/// What the caller knows of the call.
#[derive(Clone, Copy, Debug)]
pub struct View<'a> {
    /// The time.
    pub now: Micros,
    /// What was heard.
    pub ear: &'a Ear,
    /// When the last `clear` came.
    pub last_clear: Option<Micros>,
    /// When the last mark went back, played or cleared.
    pub last_mark: Option<Micros>,
    /// Numbers that the TwiML dialled.
    pub transfers: &'a [String],
    /// Whether the call is over.
    pub ended: bool,
}

/// What the caller does.
#[derive(Clone, Debug)]
pub enum Action {
    /// Say this from then on; answer with [`Runner::said`].
    Say(Arc<Clip>, Micros),
    /// Press this key.
    Press(char),
    /// Hang up.
    HangUp(String),
    /// A step with a budget is decided.
    Decided(Verdict),
}

/// How an expectation came out.
#[derive(Clone, Debug, PartialEq, serde::Serialize)]
pub struct Verdict {
    /// Which step, from 1.
    pub step: usize,
    /// What was expected.
    pub what: String,
    /// Whether it happened in time.
    pub ok: bool,
    /// Whether the call is good without it.
    pub optional: bool,
    /// How long it took, or was waited for.
    #[serde(rename = "after_ms")]
    pub after: Micros,
    /// Why not.
    pub cause: Option<String>,
}

#[derive(Clone, Debug)]
enum Phase {
    Begin,
    Speaking(Utterance),
    Pressing { next: usize, at: Micros },
}

/// Between two keys.
const KEY_GAP: Micros = Micros::from_ms(250);
/// Between two attempts to make a silent bot talk.
const NUDGE_GAP: Micros = Micros::from_ms(2_000);
/// An interrupter gives up when the bot does not speak for so long.
const NOTHING_TO_INTERRUPT: Micros = Micros::from_ms(15_000);
/// Who talks over the bot is done when it stays silent for so long.
const NOBODY_TO_TALK_OVER: Micros = Micros::from_ms(5_000);
/// How often an echo is looked for.
const LOOK_AGAIN: Micros = Micros::from_ms(100);

/// The script of one call, being run.
#[derive(Debug)]
pub struct Runner {
    script: Arc<Script>,
    rng: Rng,
    index: usize,
    since: Micros,
    phase: Phase,
    /// When to look again, whatever happens.
    wake: Option<Micros>,
    last_nudge: Option<Micros>,
    /// How often the step at hand has talked over the bot.
    talked_over: u32,
    /// The first `clear` that answered the step at hand; a long speech may provoke more.
    answered: Option<Micros>,
    finished: bool,
}

enum Progress {
    Wait(Micros),
    Do(Action),
    Next(Option<Verdict>),
    Abort(Verdict),
}

impl Runner {
    /// A script that has not begun.
    #[must_use]
    pub const fn new(script: Arc<Script>, rng: Rng) -> Self {
        Self {
            script,
            rng,
            index: 0,
            since: Micros::ZERO,
            phase: Phase::Begin,
            wake: None,
            last_nudge: None,
            talked_over: 0,
            answered: None,
            finished: false,
        }
    }

    /// The script is not played.
    pub const fn call_off(&mut self) {
        self.finished = true;
    }

    /// The first step begins at `now`.
    pub const fn begin(&mut self, now: Micros) {
        self.since = now;
    }

    /// When to ask again even if nothing happens.
    #[must_use]
    pub fn next_deadline(&self) -> Option<Micros> {
        self.wake.filter(|_| !self.finished)
    }

    /// The step at hand, from 1.
    #[must_use]
    pub fn step_number(&self) -> Option<usize> {
        self.script.steps.get(self.index).map(|_| self.index + 1)
    }

    /// The caller has gone: what is left of the script means nothing.
    pub const fn drop_rest(&mut self) {
        self.finished = true;
    }

    /// Whether every step is done.
    #[must_use]
    pub const fn has_finished(&self) -> bool {
        self.finished
    }

    /// Whether the step at hand interrupts the bot.
    #[must_use]
    pub fn is_interrupting(&self) -> bool {
        matches!(self.script.steps.get(self.index), Some(Step::Interrupt { .. }))
    }

    /// Whether the script wants to know if the caller hears himself.
    #[must_use]
    pub fn wants_echo(&self) -> bool {
        self.script.steps.iter().any(|step| matches!(step, Step::Expect { what: Expect::HearsSelf, .. }))
    }

    /// The answer to [`Action::Say`]: when it will be spoken.
    pub fn said(&mut self, utterance: Utterance) {
        self.phase = Phase::Speaking(utterance);
    }

    /// What the caller does now; ask again until `None`.
    pub fn step(&mut self, view: View<'_>) -> Option<Action> {
        if self.finished {
            return None;
        }
        let script = Arc::clone(&self.script);
        let Some(step) = script.steps.get(self.index) else {
            self.finished = true;
            return (!view.ended).then(|| Action::HangUp("the script is done".into()));
        };
        let mut progress = self.progress(step, view);
        if view.ended && !matches!(progress, Progress::Next(_)) {
            progress = self.after_the_end(step, view);
        }
        match progress {
            Progress::Wait(until) => {
                self.wake = Some(until);
                None
            }
            Progress::Do(action) => Some(action),
            Progress::Next(verdict) => {
                self.index += 1;
                self.since = view.now;
                self.phase = Phase::Begin;
                self.talked_over = 0;
                self.answered = None;
                verdict.map(Action::Decided).or_else(|| self.step(view))
            }
            Progress::Abort(verdict) => {
                // What comes after a missed step means nothing: hang up.
                self.index = usize::MAX;
                Some(Action::Decided(verdict))
            }
        }
    }

    fn after_the_end(&self, step: &Step, view: View<'_>) -> Progress {
        match step {
            Step::HangUp | Step::Silence(_) => Progress::Next(None),
            Step::Expect { optional: true, .. } => {
                let verdict = self.verdict(view, step, Some("the call had ended".into()));
                Progress::Abort(verdict).optional(true)
            }
            _ => Progress::Abort(self.verdict(view, step, Some("the call had ended".into()))),
        }
    }

    fn progress(&mut self, step: &Step, view: View<'_>) -> Progress {
        match step {
            Step::Wait { audible, within } => {
                let happened = view.ear.speaking_since().is_some() == *audible;
                self.within(step, view, *within, happened, None)
            }
            Step::Say(clips) => self.say(clips, view),
            Step::Interrupt { clips, after, within } => self.interrupt(step, clips, *after, *within, view),
            Step::TalkOver { clips, after, every, times } => {
                self.talk_over(step, clips, (*after, *every), *times, view)
            }
            Step::Digits(digits) => self.press(digits, view.now),
            Step::Silence(lasts) if view.now >= self.since + *lasts => Progress::Next(None),
            Step::Silence(lasts) => Progress::Wait(self.since + *lasts),
            Step::KeepTalking { digit, lasts } => self.keep_talking(*digit, *lasts, view),
            Step::HangUp => {
                self.index += 1;
                Progress::Do(Action::HangUp("as the script says".into()))
            }
            Step::Expect { what: Expect::NoClear, within, optional } => {
                self.no_clear(step, *within, view).optional(*optional)
            }
            Step::Expect { what, within, optional } => {
                // The bot goes on after it was stopped, not after the caller began to wait for it.
                let resumes = matches!(what, Expect::BotResumes);
                let since = view.last_clear.filter(|_| resumes).unwrap_or(self.since);
                let within = &((since + *within) - self.since);
                let happened = self.happened(what, view);
                let again = matches!(what, Expect::HearsSelf).then(|| view.now + LOOK_AGAIN);
                let progress = self.within(step, view, *within, happened, again);
                progress.with_verdict(|| self.verdict(view, step, None)).optional(*optional)
            }
        }
    }

    fn within(&self, step: &Step, view: View<'_>, within: Micros, happened: bool, again: Option<Micros>) -> Progress {
        let deadline = self.since + within;
        if happened {
            return Progress::Next(None);
        }
        if view.now >= deadline {
            return Progress::Abort(self.verdict(view, step, Some(format!("not within {within}"))));
        }
        Progress::Wait(again.map_or(deadline, |again| again.min(deadline)))
    }

    fn happened(&self, what: &Expect, view: View<'_>) -> bool {
        match what {
            Expect::Clear => view.last_clear.is_some_and(|at| at >= self.since),
            Expect::BotSpeaks => view.ear.last_loud().is_some_and(|at| at > self.since + super::ear::HOP),
            Expect::BotSilent => view.ear.speaking_since().is_none(),
            Expect::Transfer(None) => !view.transfers.is_empty(),
            Expect::Transfer(Some(to)) => view.transfers.contains(to),
            Expect::CallEnds => view.ended,
            Expect::NoClear => false,
            Expect::Mark => view.last_mark.is_some_and(|at| at >= self.since),
            Expect::BotResumes => {
                let heard = view.ear.last_loud().filter(|_| view.ear.speaking_since().is_some());
                heard.is_some_and(|at| view.last_clear.is_none_or(|clear| at > clear + super::ear::HOP))
            }
            Expect::HearsSelf => view.ear.heard_again(),
        }
    }

    fn no_clear(&self, step: &Step, within: Micros, view: View<'_>) -> Progress {
        let ends = self.since + within;
        match view.last_clear.filter(|&at| at >= self.since && at <= ends) {
            Some(at) => {
                Progress::Abort(self.verdict(view, step, Some(format!("clear came {} later", at - self.since))))
            }
            None if view.now >= ends => Progress::Next(Some(self.verdict(view, step, None))),
            None => Progress::Wait(ends),
        }
    }

    fn say(&mut self, clips: &[String], view: View<'_>) -> Progress {
        match &self.phase {
            Phase::Speaking(said) if view.now >= said.ends() => Progress::Next(None),
            Phase::Speaking(said) => Progress::Wait(said.ends()),
            _ => self.begin_to_say(clips, view.now),
        }
    }

    fn begin_to_say(&mut self, clips: &[String], now: Micros) -> Progress {
        let choice = usize::try_from(self.rng.below(clips.len() as u64)).unwrap_or_default();
        let clip = clips.get(choice).and_then(|name| self.script.clips.get(name)).cloned();
        // Nobody speaks in step with the frames: the phase is drawn from the seed.
        let phase = Micros(self.rng.below(20_000));
        clip.map_or(Progress::Next(None), |clip| Progress::Do(Action::Say(clip, now + phase)))
    }

    fn interrupt(&mut self, step: &Step, clips: &[String], after: Micros, within: Micros, view: View<'_>) -> Progress {
        if let Phase::Speaking(said) = &self.phase {
            let (onset, ends) = (said.onset(), said.ends());
            self.answered = self.answered.or(view.last_clear.filter(|&at| at >= onset));
            let clear = self.answered;
            let decided = clear.is_some() || view.now >= onset + within;
            if !decided || view.now < ends {
                return Progress::Wait(if decided { ends } else { ends.max(onset + within) });
            }
            let cause = match clear {
                Some(at) if at <= onset + within => None,
                Some(at) => Some(format!("clear came {} after the onset of speech, not within {within}", at - onset)),
                None => Some(format!("no clear within {within} of the onset of speech")),
            };
            let took = clear.map_or(within, |at| at - onset);
            return Progress::Next(Some(Verdict { after: took, ..self.verdict(view, step, cause) }));
        }
        match view.ear.speaking_since() {
            Some(since) if view.now >= since + after => self.begin_to_say(clips, view.now),
            Some(since) => Progress::Wait(since + after),
            None => {
                let why = "the bot did not speak long enough to be interrupted";
                self.within(step, view, NOTHING_TO_INTERRUPT, false, None).because(why)
            }
        }
    }

    fn talk_over(
        &mut self,
        step: &Step,
        clips: &[String],
        (after, every): (Micros, Micros),
        times: u32,
        view: View<'_>,
    ) -> Progress {
        let mut patient = self.since + NOTHING_TO_INTERRUPT;
        if let Phase::Speaking(said) = &self.phase {
            let ready = said.ends().max(said.begins + every);
            patient = ready + NOBODY_TO_TALK_OVER;
            let done = self.talked_over >= times;
            if view.now < said.ends() || (view.now < ready && !done) {
                return Progress::Wait(if done { said.ends() } else { ready });
            }
            if done {
                return Progress::Next(None);
            }
        }
        match view.ear.speaking_since() {
            Some(since) if view.now >= since + after => {
                self.talked_over += 1;
                self.begin_to_say(clips, view.now)
            }
            Some(since) => Progress::Wait(since + after),
            None if view.now < patient => Progress::Wait(patient),
            None if self.talked_over > 0 => Progress::Next(None),
            None => {
                let why = "the bot did not speak long enough to be talked over";
                Progress::Abort(self.verdict(view, step, Some(why.into())))
            }
        }
    }

    fn press(&mut self, digits: &str, now: Micros) -> Progress {
        let (next, at) = match self.phase {
            Phase::Pressing { next, at } => (next, at),
            _ => (0, now),
        };
        let Some(digit) = digits.chars().nth(next) else { return Progress::Next(None) };
        if now < at {
            return Progress::Wait(at);
        }
        self.phase = Phase::Pressing { next: next + 1, at: now + KEY_GAP };
        Progress::Do(Action::Press(digit))
    }

    fn keep_talking(&mut self, digit: char, lasts: Micros, view: View<'_>) -> Progress {
        let ends = self.since + lasts;
        if view.now >= ends {
            return Progress::Next(None);
        }
        let ready = self.last_nudge.map_or(Micros::ZERO, |at| at + NUDGE_GAP);
        if view.ear.speaking_since().is_none() && view.now >= ready && view.now >= self.since + NUDGE_GAP {
            self.last_nudge = Some(view.now);
            return Progress::Do(Action::Press(digit));
        }
        Progress::Wait(ends.min(view.now + NUDGE_GAP))
    }

    fn verdict(&self, view: View<'_>, step: &Step, cause: Option<String>) -> Verdict {
        let after = view.now - self.since;
        let ok = cause.is_none();
        Verdict { step: self.index + 1, what: step.describe(), ok, optional: false, after, cause }
    }
}

impl Progress {
    fn with_verdict(self, verdict: impl FnOnce() -> Verdict) -> Self {
        if matches!(self, Self::Next(None)) { Self::Next(Some(verdict())) } else { self }
    }

    fn optional(self, optional: bool) -> Self {
        match self {
            Self::Abort(verdict) if optional => Self::Next(Some(Verdict { optional, ..verdict })),
            other => other,
        }
    }

    fn because(self, why: &str) -> Self {
        match self {
            Self::Abort(verdict) => Self::Abort(Verdict { cause: Some(why.to_owned()), ..verdict }),
            other => other,
        }
    }
}
