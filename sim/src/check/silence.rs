//! Invariant 10: the caller never hears unplanned silence longer than the bound.
//!
//! * From the opening of the stream to the first sound.
//! * In the middle of what the bot says.
//! * From the end of what the caller said, or a key that he pressed, to the bot's answer.
//! * Whatever happens: the agent's own patience, and a little.
//!
//! Only the scripted agent promises to answer, and only while the connection stands.

use std::time::Duration;

use agent::Intent;
use engine::port::{AgentEvent, UtteranceId};
use engine::time::Instant;

use super::slack::Slack;
use super::{Found, Invariant, Message, Seen, Ticked};

/// Silence that ends a turn, and for how long a detector may still hear what has ended.
const TURN_ENDS: Duration = Duration::from_millis(500 + 200);
/// After so long without a word of anybody the scripted agent asks whether somebody is there.
const PATIENCE: Duration = Duration::from_secs(8);
/// What is left for rounding, ticks and frames.
const CRUMBS: Duration = Duration::from_millis(150);

/// The caller wants an answer.
#[derive(Debug, Clone, Copy)]
struct Ask {
    at: Instant,
    /// Only what was begun after it is an answer.
    after: UtteranceId,
    /// Turns that had been noticed when he began to speak; `None` for a key.
    turns: Option<u32>,
}

/// The silences of one stream.
#[derive(Debug)]
pub struct Silence {
    opened: Instant,
    first_sound: bool,
    ask: Option<Ask>,
    /// When the caller last did anything.
    acted: Instant,
    newest: UtteranceId,
    last: UtteranceId,
    turns: u32,
    /// The agent was told that the stream is over, or the server has closed it.
    over: bool,
    /// Said once.
    complained: bool,
}

impl Silence {
    /// Of a stream opened at `now`.
    #[must_use]
    pub fn new(now: Instant) -> Self {
        Self {
            opened: now,
            first_sound: false,
            ask: None,
            acted: now,
            newest: UtteranceId(0),
            last: UtteranceId(0),
            turns: 0,
            over: false,
            complained: false,
        }
    }

    /// Something was seen.
    pub fn see(&mut self, now: Instant, seen: &Seen<'_>, slack: &Slack, found: &mut Found) {
        if !slack.scripted || self.over || self.complained {
            return;
        }
        let silent = match seen {
            Seen::Arrives(Message::Media(parts), truth) => {
                let sounded = truth.sounds_until().map_or(Duration::ZERO, |until| now.since(until));
                let silent = self.sound(now, parts, sounded, slack);
                self.newest = self.newest.max(truth.newest());
                silent
            }
            Seen::Written(Message::Close(_)) | Seen::Told(AgentEvent::Ended(_)) => {
                self.over = true;
                None
            }
            Seen::Speaks(until) => {
                let turns = slack.quiet_line.then_some(self.turns);
                self.ask = turns.map(|turns| Ask { at: *until, after: UtteranceId(0), turns: Some(turns) });
                self.acted = *until;
                None
            }
            Seen::Pressed => {
                self.ask = Some(Ask { at: now, after: self.newest, turns: None });
                self.acted = self.acted.max(now);
                None
            }
            Seen::Ticked(ticked) => self.tick(now, ticked, slack),
            _ => None,
        };
        if let Some(what) = silent {
            self.complained = true;
            found.push((Invariant::Silence, what));
        }
    }

    /// Sound arrives; the line has been silent for so long.
    fn sound(&mut self, now: Instant, parts: &[(UtteranceId, u64)], silent: Duration, slack: &Slack) -> Option<String> {
        self.first_sound = true;
        let (first, last) = (parts.first()?.0, parts.last()?.0);
        let answers = |ask: &Ask| now > ask.at && last > ask.after;
        self.ask = self.ask.filter(|ask| !answers(ask));
        let goes_on = first == self.last && first.0 > 0;
        self.last = last;
        self.newest = self.newest.max(last);
        // In an echo test it is the caller's own sound that is missing.
        let bound = slack.varies + slack.to_server + slack.answer() + CRUMBS;
        (goes_on && silent > bound)
            .then(|| format!("{silent:?} of silence in the middle of utterance {}, at most {bound:?}", first.0))
    }

    fn tick(&mut self, now: Instant, ticked: &Ticked<'_>, slack: &Slack) -> Option<String> {
        self.turns = ticked.progress.turns;
        if ticked.ended.is_some() || !ticked.stands || !slack.marks_return {
            return None;
        }
        let leaving = || ticked.desk.intent() != Intent::Resume;
        let first = slack.to_server + slack.io + slack.answer() + CRUMBS;
        if !self.first_sound && now.since(self.opened) > first {
            return Some(format!("no sound {first:?} after the stream was opened"));
        }
        if let Some(ask) = self.ask.filter(|_| slack.smooth) {
            let heard = slack.to_server + slack.io + slack.worker;
            let bound = heard + slack.answer() + CRUMBS + ask.turns.map_or(Duration::ZERO, |_| TURN_ENDS);
            if now.since(ask.at) > bound {
                self.ask = None;
                let noticed = ask.turns.is_none_or(|turns| ticked.progress.turns > turns);
                let wanted = if ask.turns.is_some() { "what the caller said" } else { "a key" };
                return (noticed && !leaving()).then(|| format!("no answer to {wanted} within {bound:?}"));
            }
        }
        let since = ticked.truth.sounds_until().unwrap_or(self.opened).max(self.acted);
        let bound = PATIENCE + TURN_ENDS + slack.round_trip() + slack.answer() + CRUMBS;
        (now.since(since) > bound && !leaving()).then(|| format!("nobody was to be heard for more than {bound:?}"))
    }
}
