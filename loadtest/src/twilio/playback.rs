//! Twilio's playback buffer: what the server sent is played at exactly 8,000 bytes per second, in order.
//!
//! ```text
//! server ─ media, media, mark "a", media ─► [ bytes … | a | bytes … ] ─ one byte per 125 µs ─► the caller's ear
//!                                  clear ─► [ ]   and every pending mark goes back at once
//! ```
//! Full (ten minutes buffered): the rest of the message is discarded, and counted. Empty: the caller hears nothing, and
//! a mark is echoed at once. Late: bytes that arrive after the buffer ran dry start playing when they arrive.

use std::collections::VecDeque;

use crate::time::{Micros, SAMPLE_US};

/// Twilio buffers at most ten minutes of sound (warning 31931).
pub const LIMIT_BYTES: u64 = 10 * 60 * 8_000;

/// A silence in the middle that is longer than this is a pause that the server meant; a shorter one is a gap.
pub const GAP_MAX: Micros = Micros::from_ms(300);
/// A silence shorter than this is covered by any receiver.
pub const GAP_MIN: Micros = Micros::from_ms(2);

/// Own bound on marks that wait, so that a server which sends only marks cannot fill our memory.
pub const LIMIT_MARKS: usize = 100_000;

/// What came out of the buffer.
#[derive(Debug, PartialEq, Eq)]
pub enum Played<'a> {
    /// These bytes reached the caller's ear, the first one at `at`.
    Heard {
        /// When the first byte was heard.
        at: Micros,
        /// µ-law, one byte per 125 µs.
        bytes: &'a [u8],
    },
    /// Sound of which only the label is known reached it.
    Passed {
        /// When it began.
        at: Micros,
        /// How much of it.
        sound: Label,
    },
    /// Everything before this mark has played.
    Mark {
        /// When the byte before it had been played.
        at: Micros,
        /// The server's name for it.
        name: String,
    },
}

/// Sound of which only this is known, where no sound is sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Label {
    /// How much it is, in bytes of µ-law.
    pub bytes: u64,
    /// Whether anything is to be heard in it.
    pub audible: bool,
}

/// A piece of what waits.
#[derive(Debug)]
enum Piece {
    Sound(Vec<u8>),
    Label(Label),
}

impl Piece {
    const fn bytes(&self) -> u64 {
        match self {
            Self::Sound(bytes) => bytes.len() as u64,
            Self::Label(label) => label.bytes,
        }
    }
}

/// Where the buffer ran dry in the middle of what the server said.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Gaps {
    /// How often.
    pub count: u64,
    /// The longest.
    pub longest: Micros,
}

/// The buffer of one stream.
#[derive(Debug, Default)]
pub struct Playback {
    audio: VecDeque<Piece>,
    /// Bytes of the first piece that have been played, always less than its length.
    first_played: u64,
    /// Marks and the position behind which they stand; positions only grow.
    marks: VecDeque<(u64, String)>,
    /// Bytes that left the buffer (played or cleared).
    gone: u64,
    /// Bytes that ever entered it; `queued - gone` are waiting.
    queued: u64,
    cleared: u64,
    discarded: u64,
    /// The server ended what it said by a mark or a clear: running dry now is no gap.
    complete: bool,
    gaps: Gaps,
    /// Up to when everything has been played.
    cursor: Micros,
}

impl Playback {
    /// Plays up to `now` and hands over what was heard and which marks were passed, in order.
    pub fn advance(&mut self, now: Micros, out: &mut dyn FnMut(Played<'_>)) {
        loop {
            self.pass_marks(out);
            let due = now.since(self.cursor).0 / SAMPLE_US;
            let until_mark = self.marks.front().map_or(u64::MAX, |(at, _)| at - self.gone);
            let Some(first) = self.audio.front() else { return };
            let count = due.min(until_mark).min(first.bytes() - self.first_played);
            if count == 0 {
                return;
            }
            let at = self.cursor;
            out(match first {
                Piece::Sound(bytes) => {
                    Played::Heard { at, bytes: &bytes[to_len(self.first_played)..][..to_len(count)] }
                }
                Piece::Label(label) => Played::Passed { at, sound: Label { bytes: count, ..*label } },
            });
            self.leave(count);
        }
    }

    /// Queues sound that arrived at `now`; returns how many bytes did not fit. Call [`Self::advance`] first.
    pub fn media(&mut self, now: Micros, mut bytes: Vec<u8>) -> u64 {
        let lost = self.queue(now, bytes.len() as u64);
        bytes.truncate(bytes.len() - to_len(lost));
        if !bytes.is_empty() {
            self.audio.push_back(Piece::Sound(bytes));
        }
        lost
    }

    /// The same, of sound that is only labelled.
    pub fn label(&mut self, now: Micros, label: Label) -> u64 {
        let lost = self.queue(now, label.bytes);
        let bytes = label.bytes - lost;
        match self.audio.back_mut() {
            Some(Piece::Label(last)) if last.audible == label.audible => last.bytes += bytes,
            _ if bytes > 0 => self.audio.push_back(Piece::Label(Label { bytes, ..label })),
            _ => {}
        }
        lost
    }

    /// So much sound arrived; gives how much of it finds no room.
    fn queue(&mut self, now: Micros, bytes: u64) -> u64 {
        if self.waiting_bytes() == 0 {
            self.dry_until(now);
            self.cursor = self.cursor.max(now);
        }
        self.complete = false;
        let lost = bytes.saturating_sub(LIMIT_BYTES - self.waiting_bytes());
        self.discarded += lost;
        self.queued += bytes - lost;
        lost
    }

    /// Takes a mark: gives it back when it must be echoed at once because nothing is waiting before it.
    ///
    /// # Errors
    /// The name, when [`LIMIT_MARKS`] marks are already waiting.
    pub fn mark(&mut self, name: String) -> Result<Option<String>, String> {
        self.complete = true;
        if self.waiting_bytes() == 0 {
            return Ok(Some(name));
        }
        if self.marks.len() >= LIMIT_MARKS {
            return Err(name);
        }
        self.marks.push_back((self.queued, name));
        Ok(None)
    }

    /// Empties the buffer: how many bytes will never be heard, and every mark that was waiting, in order.
    pub fn clear(&mut self) -> (u64, Vec<String>) {
        let lost = self.waiting_bytes();
        self.cleared += lost;
        self.complete = true;
        self.gone = self.queued;
        self.audio.clear();
        self.first_played = 0;
        (lost, self.marks.drain(..).map(|(_, name)| name).collect())
    }

    /// Gaps so far.
    #[must_use]
    pub const fn gaps(&self) -> Gaps {
        self.gaps
    }

    fn dry_until(&mut self, now: Micros) {
        let silent = now.since(self.cursor);
        if self.gone > 0 && !self.complete && (GAP_MIN..=GAP_MAX).contains(&silent) {
            self.gaps.count += 1;
            self.gaps.longest = self.gaps.longest.max(silent);
        }
    }

    /// When the next mark falls due, or else when the buffer runs dry; `None` while it is empty.
    #[must_use]
    pub fn next_deadline(&self) -> Option<Micros> {
        let until = self.marks.front().map_or(self.queued, |(at, _)| *at);
        (self.waiting_bytes() > 0).then(|| self.cursor + Micros::from_samples(until - self.gone))
    }

    /// Bytes that wait to be played.
    #[must_use]
    pub const fn waiting_bytes(&self) -> u64 {
        self.queued - self.gone
    }

    /// Marks that wait to be echoed.
    #[must_use]
    pub fn waiting_marks(&self) -> usize {
        self.marks.len()
    }

    /// Bytes that were heard.
    #[must_use]
    pub const fn played_bytes(&self) -> u64 {
        self.gone - self.cleared
    }

    /// Bytes that a clear threw away.
    #[must_use]
    pub const fn cleared_bytes(&self) -> u64 {
        self.cleared
    }

    /// Bytes that did not fit.
    #[must_use]
    pub const fn discarded_bytes(&self) -> u64 {
        self.discarded
    }

    fn pass_marks(&mut self, out: &mut dyn FnMut(Played<'_>)) {
        while self.marks.front().is_some_and(|(at, _)| *at <= self.gone) {
            if let Some((_, name)) = self.marks.pop_front() {
                out(Played::Mark { at: self.cursor, name });
            }
        }
    }

    fn leave(&mut self, count: u64) {
        self.gone += count;
        self.cursor += Micros::from_samples(count);
        self.first_played += count;
        if self.audio.front().is_some_and(|first| self.first_played >= first.bytes()) {
            self.audio.pop_front();
            self.first_played = 0;
        }
    }
}

/// Lengths here are bounded by [`LIMIT_BYTES`].
fn to_len(count: u64) -> usize {
    usize::try_from(count).unwrap_or(usize::MAX)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[derive(Clone, Debug)]
    enum Op {
        Media(u16),
        Mark,
        Clear,
        Wait(u32),
    }

    fn op() -> impl Strategy<Value = Op> {
        prop_oneof![
            4 => (0..4_000_u16).prop_map(Op::Media),
            3 => Just(Op::Mark),
            1 => Just(Op::Clear),
            4 => (0..700_000_u32).prop_map(Op::Wait),
        ]
    }

    proptest! {
        #[test]
        fn bytes_are_conserved_and_marks_come_back_once_in_order(ops in prop::collection::vec(op(), 0..60)) {
            let mut playback = Playback::default();
            let (mut now, mut sent_bytes, mut heard_bytes) = (Micros(7), 0_u64, 0_u64);
            let (mut sent_marks, mut back) = (0_usize, Vec::new());
            let mut expected_at = Micros::ZERO;
            for op in ops {
                if let Op::Wait(us) = op { now += Micros(u64::from(us)) }
                let mut fault = None;
                playback.advance(now, &mut |event| match event {
                    Played::Heard { at, bytes } => {
                        if at < expected_at { fault = Some("heard twice at the same time"); }
                        expected_at = at + Micros::from_samples(bytes.len() as u64);
                        if expected_at > now { fault = Some("heard before it was time"); }
                        heard_bytes += bytes.len() as u64;
                    }
                    Played::Passed { .. } => fault = Some("a label of sound"),
                    Played::Mark { name, .. } => back.push(name),
                });
                prop_assert_eq!(fault, None);
                match op {
                    Op::Media(len) => { sent_bytes += u64::from(len); playback.media(now, vec![0; usize::from(len)]); }
                    Op::Mark => {
                        back.extend(playback.mark(sent_marks.to_string()).unwrap());
                        sent_marks += 1;
                    }
                    Op::Clear => {
                        let (_, marks) = playback.clear();
                        back.extend(marks);
                        prop_assert_eq!(playback.waiting_marks(), 0);
                        prop_assert_eq!(playback.waiting_bytes(), 0);
                    }
                    Op::Wait(_) => {}
                }
                prop_assert_eq!(heard_bytes, playback.played_bytes());
                prop_assert_eq!(sent_bytes, heard_bytes + playback.cleared_bytes() + playback.waiting_bytes());
                prop_assert_eq!(sent_marks, back.len() + playback.waiting_marks());
            }
            let in_order: Vec<String> = (0..back.len()).map(|n| n.to_string()).collect();
            prop_assert_eq!(back, in_order);
        }
    }

    fn events(playback: &mut Playback, now: Micros) -> Vec<String> {
        let mut seen = Vec::new();
        playback.advance(now, &mut |event| {
            seen.push(match event {
                Played::Heard { at, bytes } => format!("{}:{}", at.0, bytes.len()),
                Played::Passed { at, sound } => format!("{}:{}:{}", at.0, sound.bytes, sound.audible),
                Played::Mark { at, name } => format!("{}:{name}", at.0),
            });
        });
        seen
    }

    #[test]
    fn a_mark_is_due_exactly_when_the_byte_before_it_has_played() {
        let mut playback = Playback::default();
        playback.media(Micros(1_000), vec![0; 160]);
        assert_eq!(playback.mark("a".into()), Ok(None));
        assert_eq!(playback.next_deadline(), Some(Micros(21_000)));
        assert_eq!(events(&mut playback, Micros(20_999)), ["1000:159"]);
        assert_eq!(events(&mut playback, Micros(21_000)), ["20875:1", "21000:a"]);
        assert_eq!(playback.next_deadline(), None);
    }

    #[test]
    fn a_mark_behind_nothing_comes_back_at_once() {
        let mut playback = Playback::default();
        assert_eq!(playback.mark("now".into()), Ok(Some("now".into())));
    }

    #[test]
    fn labels_play_as_the_sound_does_that_they_stand_for() {
        let mut playback = Playback::default();
        for (bytes, audible) in [(80, true), (80, true), (40, false)] {
            assert_eq!(playback.label(Micros::ZERO, Label { bytes, audible }), 0);
        }
        playback.mark("m".into()).unwrap();
        assert_eq!(events(&mut playback, Micros(10_000)), ["0:80:true"]);
        assert_eq!(events(&mut playback, Micros(25_000)), ["10000:80:true", "20000:40:false", "25000:m"]);
        let all = Label { bytes: LIMIT_BYTES + 7, audible: true };
        assert_eq!(playback.label(Micros(25_000), all), 7);
        assert_eq!(playback.clear(), (LIMIT_BYTES, vec![]));
    }

    #[test]
    fn ten_minutes_fit_and_the_rest_is_discarded() {
        let mut playback = Playback::default();
        let limit = to_len(LIMIT_BYTES);
        assert_eq!(playback.media(Micros::ZERO, vec![0; limit - 10]), 0);
        assert_eq!(playback.media(Micros::ZERO, vec![0; 30]), 20);
        assert_eq!(playback.waiting_bytes(), LIMIT_BYTES);
        assert_eq!(playback.discarded_bytes(), 20);
    }

    #[test]
    fn running_dry_in_the_middle_is_a_gap_and_behind_a_mark_or_a_pause_it_is_none() {
        let mut playback = Playback::default();
        let mut say = |at_ms: u64, marked: bool| {
            let now = Micros::from_ms(at_ms);
            playback.advance(now, &mut |_| ());
            playback.media(now, vec![0; 800]);
            if marked {
                playback.mark("m".into()).unwrap();
            }
            playback.gaps()
        };
        say(0, false);
        assert_eq!(say(101, false), Gaps::default(), "too short to be heard");
        let one = Gaps { count: 1, longest: Micros::from_ms(49) };
        assert_eq!(say(250, true), one);
        assert_eq!(say(400, false), one, "behind a mark");
        assert_eq!(say(900, false), one, "a pause");
    }

    #[test]
    fn sound_that_comes_late_plays_from_its_arrival() {
        let mut playback = Playback::default();
        playback.media(Micros::ZERO, vec![0; 8]);
        assert_eq!(events(&mut playback, Micros(50_000)), ["0:8"]);
        playback.media(Micros(50_000), vec![0; 8]);
        assert_eq!(events(&mut playback, Micros(60_000)), ["50000:8"]);
    }
}
