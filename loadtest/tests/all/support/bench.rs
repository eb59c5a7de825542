//! An executor on a bench: TwiML in, what it wants out, in short words, on a clock of its own.

use std::collections::BTreeMap;

use loadtest::time::Micros;
use loadtest::twilio::callee::{Callee, Callees, Reply};
use loadtest::twilio::executor::{Answer, Executor, Facts, Fetch, First, LegNews, Output, TWILIO_API};
use loadtest::twilio::form::Fields;
use loadtest::twilio::ids::Sids;
use loadtest::twilio::params::Parties;
use loadtest::twilio::recording::Recording;
use loadtest::twilio::url::Url;

/// Who answers, unless a test says otherwise.
pub(crate) const CALLEE: Callee =
    Callee { reply: Reply::Answers, ring: Micros::from_ms(500), talk: Micros::from_ms(2_000) };

pub(crate) struct Bench {
    pub(crate) executor: Executor,
    pub(crate) now: Micros,
    /// What the sounds that are asked for turn out to be; by default nothing is heard.
    pub(crate) sound: Option<Answer>,
    /// What was told beside the call: what it is, and its fields.
    pub(crate) told: Vec<(&'static str, Fields)>,
    pub(crate) recordings: Vec<Recording>,
    /// What became of the calls that were dialled.
    pub(crate) legs: Vec<LegNews>,
    /// Samples that the caller is given to hear.
    pub(crate) heard: usize,
    /// When the caller is loud.
    loud: Vec<(Micros, Micros)>,
    /// Up to when the caller's line was handed in.
    line: Option<Micros>,
}

impl Bench {
    /// A call whose voice webhook answered `twiml`.
    pub(crate) fn with(twiml: &str) -> Self {
        Self::calling(twiml, CALLEE)
    }

    pub(crate) fn calling(twiml: &str, callee: Callee) -> Self {
        Self::among(twiml, Callees::all(callee))
    }

    pub(crate) fn among(twiml: &str, callees: Callees) -> Self {
        let url = Url::parse("http://127.0.0.1:8080/twilio/voice?a=1").unwrap();
        let mut bench = Self::beginning(First::Ask(url, false), callees);
        assert!(matches!(bench.executor.poll(), Some(Output::Fetch(Fetch { get: false, .. }))));
        bench.xml(twiml);
        bench
    }

    pub(crate) fn beginning(first: First, callees: Callees) -> Self {
        let facts = Facts {
            sids: Sids { account: "AC1".into(), call: "CA1".into() },
            parties: Parties { from: "+14155550100".into(), to: "+14155550199".into() },
            callees,
            unix_s: 1_521_971_599,
            api: TWILIO_API.into(),
            fallback: None,
            seed: 1,
        };
        Self {
            executor: Executor::new(Micros::ZERO, first, facts),
            now: Micros::ZERO,
            sound: None,
            told: Vec::new(),
            recordings: Vec::new(),
            legs: Vec::new(),
            heard: 0,
            loud: Vec::new(),
            line: None,
        }
    }

    pub(crate) fn xml(&mut self, inner: &str) {
        self.answer(200, Some("text/xml"), &format!("<Response>{inner}</Response>"));
    }

    pub(crate) fn answer(&mut self, status: u16, content_type: Option<&str>, body: &str) {
        let content_type = content_type.map(str::to_owned);
        let answer = Answer { status, content_type, location: None, body: body.as_bytes().to_vec() };
        self.executor.answer(self.now, &answer);
    }

    /// The caller says this from when to when, and is loud meanwhile.
    pub(crate) fn says(&mut self, text: &str, onset_ms: u64, offset_ms: u64) {
        let (onset, offset) = (Micros::from_ms(onset_ms), Micros::from_ms(offset_ms));
        self.loud.push((onset, offset));
        self.executor.says(text, onset, onset, offset);
    }

    pub(crate) fn at_ms(&mut self, ms: u64) {
        self.now = Micros::from_ms(ms);
        self.executor.tick(self.now);
    }

    /// Everything that happens until then, each with its moment in milliseconds.
    pub(crate) fn until_ms(&mut self, ms: u64) -> Vec<String> {
        let end = Micros::from_ms(ms);
        let mut seen = Vec::new();
        for _ in 0..100_000 {
            seen.extend(self.all().into_iter().map(|what| format!("{} {what}", self.now.0 / 1_000)));
            let frame = self.executor.is_recording().then(|| self.now + Micros::from_ms(20));
            let due = self.executor.next_deadline(self.now);
            let Some(next) = [frame, due].into_iter().flatten().min().filter(|next| *next <= end) else {
                self.now = end;
                return seen;
            };
            self.now = self.now.max(next);
            self.feed_line();
            self.executor.tick(self.now);
        }
        panic!("time does not pass: {seen:?}");
    }

    fn feed_line(&mut self) {
        if !self.executor.is_recording() {
            self.line = None;
            return;
        }
        let mut from = *self.line.get_or_insert(self.now);
        while from + Micros::from_ms(20) <= self.now {
            let loud = self.loud.iter().any(|(begins, ends)| from >= *begins && from < *ends);
            self.executor.said(from, &[if loud { 0x20 } else { 0xFE }; 160]);
            from += Micros::from_ms(20);
        }
        self.line = Some(from);
    }

    /// What was told, by its kind: the value of one field each.
    pub(crate) fn told(&self, what: &str, field: &str) -> Vec<String> {
        let of_kind = self.told.iter().filter(|(kind, _)| *kind == what);
        of_kind.map(|(_, fields)| value(fields, field)).collect()
    }

    /// Everything that is to be done, in short.
    pub(crate) fn all(&mut self) -> Vec<String> {
        let mut all = Vec::new();
        while let Some(output) = self.executor.poll() {
            all.push(match output {
                Output::Prepare { number, .. } => {
                    self.executor.prepared(self.now, number, Ok(self.sound.clone()));
                    continue;
                }
                Output::Play(sound) => {
                    self.heard += sound.len();
                    continue;
                }
                Output::Leg(news) => {
                    self.legs.push(news);
                    continue;
                }
                Output::Hush => "hush".into(),
                Output::OpenTap(plan) => format!("tap {} {}", plan.url, plan.track),
                Output::CloseTap(_) => "close tap".into(),
                Output::Recorded(recording) => {
                    let text = format!("recorded {} s", recording.seconds());
                    self.recordings.push(*recording);
                    text
                }
                Output::Fetch(Fetch { url, get, extra }) => {
                    let extra: Vec<String> = extra.iter().map(|(n, v)| format!(" {n}={v}")).collect();
                    format!("{} {url}{}", if get { "GET" } else { "POST" }, extra.concat())
                }
                Output::Notify(notice) | Output::Report(notice) => {
                    self.told.push((notice.what, notice.fetch.extra));
                    format!("{} to {}", notice.what, notice.fetch.url)
                }
                Output::OpenStream(plan) => format!("stream {} {:?}", plan.url, plan.parameters),
                Output::Verb(text) => text,
                Output::Dial(to) => format!("dial {to}"),
                Output::Warning(warning) => format!("warning {}", warning.code.number()),
                Output::End(why) => format!("end {why}"),
            });
        }
        all
    }
}

/// Parties by name, and everybody else.
pub(crate) fn among(named: &[(&str, Callee)], others: Callee) -> Callees {
    let named: BTreeMap<String, Callee> = named.iter().map(|(name, callee)| ((*name).to_owned(), *callee)).collect();
    Callees { named, others, waiting: BTreeMap::new() }
}

/// A field's value, or `-`.
pub(crate) fn value(fields: &Fields, name: &str) -> String {
    fields.iter().find(|(n, _)| n == name).map_or("-", |(_, value)| value).to_owned()
}
