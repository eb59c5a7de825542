//! Recordings as resources: listed, shown, heard, deleted.
//!
//! Full (`MOST` of an account, or `SOUND_BYTES` of sound): the oldest is forgotten. A deleted one loses its sound at
//! once and is shown only to who asks for deleted ones.

use serde_json::{Value, json};

use super::answer::{Answer, Refusal};
use super::given::Given;
use super::moment::Window;
use crate::audio::mulaw;
use crate::twilio::date;
use crate::twilio::recording::{Recording, Source, Track};

/// Recordings that are remembered.
const MOST: usize = 1_000;
/// Their sound, about nine hours of it.
const SOUND_BYTES: usize = 256 << 20;

/// How a recording stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// It runs.
    InProgress,
    /// It is held up.
    Paused,
    /// It is being ended.
    Stopped,
    /// It can be heard.
    Completed,
    /// There was nothing to record.
    Absent,
    /// Only its name is left.
    Deleted,
}

impl State {
    /// Whether it has not been ended.
    #[must_use]
    pub const fn is_running(self) -> bool {
        matches!(self, Self::InProgress | Self::Paused)
    }

    /// Twilio's word.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::InProgress => "in-progress",
            Self::Paused => "paused",
            Self::Stopped => "stopped",
            Self::Completed => "completed",
            Self::Absent => "absent",
            Self::Deleted => "deleted",
        }
    }
}

/// One recording. Moments are seconds since 1970.
#[derive(Clone, Debug)]
pub struct Tape {
    /// `RE…`
    pub sid: String,
    /// `CA…`
    pub call: String,
    /// What started it.
    pub source: Source,
    /// What is in it.
    pub track: Track,
    /// In two channels.
    pub dual: bool,
    /// How it stands.
    pub state: State,
    /// When it began.
    pub began_unix_s: u64,
    /// When it last changed.
    pub updated_unix_s: u64,
    /// How long it is.
    pub seconds: Option<u64>,
    /// Its channels, µ-law.
    pub sound: Vec<Vec<u8>>,
}

impl Tape {
    /// A recording of `call` that is finished.
    #[must_use]
    pub fn finished(call: &str, recording: Recording, began_unix_s: u64, now_unix_s: u64) -> Self {
        Self {
            call: call.to_owned(),
            source: recording.source,
            track: recording.track,
            dual: recording.channels.len() > 1,
            state: State::Completed,
            began_unix_s,
            updated_unix_s: now_unix_s,
            seconds: Some(recording.seconds()),
            sid: recording.sid,
            sound: recording.channels,
        }
    }

    fn bytes(&self) -> usize {
        self.sound.iter().map(Vec::len).sum()
    }

    /// As the API shows it; within its call the track is shown too.
    #[must_use]
    pub fn show(&self, account: &str, api: &str, within_call: bool) -> Value {
        let path = format!("/2010-04-01/Accounts/{account}/Recordings/{}", self.sid);
        let in_call = format!("/2010-04-01/Accounts/{account}/Calls/{}/Recordings/{}.json", self.call, self.sid);
        let mut shown = json!({
            "sid": self.sid,
            "account_sid": account,
            "call_sid": self.call,
            "conference_sid": null,
            "status": self.state.as_str(),
            "channels": if self.dual { 2 } else { 1 },
            "source": self.source.as_str(),
            "start_time": date::rfc2822(self.began_unix_s),
            "duration": self.seconds.map(|seconds| seconds.to_string()),
            "date_created": date::rfc2822(self.began_unix_s),
            "date_updated": date::rfc2822(self.updated_unix_s),
            "price": null,
            "price_unit": "USD",
            "error_code": null,
            "encryption_details": null,
            "api_version": "2010-04-01",
            "uri": if within_call { in_call } else { format!("{path}.json") },
        });
        if within_call {
            shown["track"] = self.track.as_str().into();
        } else {
            shown["media_url"] = format!("{api}{path}").into();
            shown["subresource_uris"] = json!({
                "add_on_results": format!("{path}/AddOnResults.json"),
                "transcriptions": format!("{path}/Transcriptions.json"),
            });
        }
        shown
    }

    /// Its sound: WAV, 8,000 Hz, 16 bits, a channel a direction where there are two.
    ///
    /// # Errors
    /// 20404 while there is none.
    pub fn wav(&self, path: &str) -> Result<Answer, Refusal> {
        if self.state != State::Completed {
            return Err(Refusal::not_found(path));
        }
        let mut bytes = std::io::Cursor::new(Vec::new());
        let channels = u16::try_from(self.sound.len()).unwrap_or(1);
        let (sample_rate, bits_per_sample) = (8_000, 16);
        let spec = hound::WavSpec { channels, sample_rate, bits_per_sample, sample_format: hound::SampleFormat::Int };
        let broken = |e: hound::Error| Refusal { status: 500, code: 20_500, message: e.to_string() };
        let mut wav = hound::WavWriter::new(&mut bytes, spec).map_err(broken)?;
        let samples = self.sound.iter().map(Vec::len).min().unwrap_or(0);
        for at in 0..samples {
            for channel in &self.sound {
                wav.write_sample(mulaw::decode(channel[at])).map_err(broken)?;
            }
        }
        wav.finalize().map_err(broken)?;
        Ok(Answer::new(200, "audio/x-wav", bytes.into_inner()))
    }
}

/// The recordings of one account, oldest first.
#[derive(Debug, Default)]
pub struct Tapes(Vec<Tape>);

impl Tapes {
    /// Takes a recording; one of the same name becomes it.
    pub fn put(&mut self, tape: Tape) {
        match self.get_mut(&tape.sid) {
            Some(known) => *known = tape,
            None => self.0.push(tape),
        }
        while self.0.len() > MOST || (self.0.len() > 1 && self.0.iter().map(Tape::bytes).sum::<usize>() > SOUND_BYTES) {
            self.0.remove(0);
        }
    }

    /// One recording, deleted ones included.
    #[must_use]
    pub fn get(&self, sid: &str) -> Option<&Tape> {
        self.0.iter().find(|tape| tape.sid == sid)
    }

    /// One recording, to be changed.
    pub fn get_mut(&mut self, sid: &str) -> Option<&mut Tape> {
        self.0.iter_mut().find(|tape| tape.sid == sid)
    }

    /// The newest recording of `call` that runs or is held up: what `Twilio.CURRENT` names.
    #[must_use]
    pub fn current(&self, call: &str) -> Option<&Tape> {
        self.0.iter().rev().find(|tape| tape.call == call && tape.state.is_running())
    }

    /// Nothing more will come of this call: what it has not handed over held nothing.
    pub fn over(&mut self, call: &str, now_unix_s: u64) {
        let left = |tape: &&mut Tape| tape.call == call && (tape.state.is_running() || tape.state == State::Stopped);
        for tape in self.0.iter_mut().filter(left) {
            tape.state = State::Absent;
            tape.updated_unix_s = now_unix_s;
        }
    }

    /// Deletes a recording that has ended; its sound is gone.
    pub fn delete(&mut self, sid: &str, now_unix_s: u64) {
        if let Some(tape) = self.get_mut(sid) {
            tape.state = State::Deleted;
            tape.updated_unix_s = now_unix_s;
            tape.sound = Vec::new();
        }
    }

    /// Those that `query` asks for, newest first, of one call or of all.
    ///
    /// # Errors
    /// 20001 for a date that is none.
    pub fn asked<'a>(&'a self, query: &'a Given, call: Option<&'a str>) -> Result<Vec<&'a Tape>, Refusal> {
        let created = Window::read(query, "DateCreated")?;
        let (named, conference) = (query.filled("CallSid"), query.filled("ConferenceSid"));
        let deleted = wants_deleted(query);
        let fits = |tape: &&Tape| {
            [call, named].into_iter().flatten().all(|call| call == tape.call)
                && conference.is_none()
                && created.has(Some(tape.began_unix_s))
                && (deleted || tape.state != State::Deleted)
        };
        Ok(self.0.iter().rev().filter(fits).collect())
    }
}

/// Whether deleted ones are asked for too.
#[must_use]
pub fn wants_deleted(query: &Given) -> bool {
    query.filled("IncludeSoftDeleted").is_some_and(|word| word.eq_ignore_ascii_case("true"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tape(n: u64, sound: Vec<Vec<u8>>) -> Tape {
        Tape {
            sid: format!("RE{n}"),
            call: format!("CA{}", n % 2),
            source: Source::RecordVerb,
            track: Track::Inbound,
            dual: sound.len() > 1,
            state: State::Completed,
            began_unix_s: 1_521_971_599 + n * 86_400,
            updated_unix_s: 0,
            seconds: Some(1),
            sound,
        }
    }

    #[test]
    fn sound_comes_as_wav_with_its_channels() {
        let answer = tape(1, vec![vec![0x20; 8], vec![0xFF; 8]]).wav("/x").unwrap();
        let mut wav = hound::WavReader::new(&answer.body[..]).unwrap();
        assert_eq!((wav.spec().channels, wav.spec().sample_rate, wav.duration()), (2, 8_000, 8));
        let samples: Vec<i16> = wav.samples().map(Result::unwrap).collect();
        assert_eq!(samples[..2], [mulaw::decode(0x20), mulaw::decode(0xFF)]);
    }

    #[test]
    fn filters_and_deletion() {
        let mut tapes = Tapes::default();
        (0..4).for_each(|n| tapes.put(tape(n, vec![vec![0; 4]])));
        let asked = |tapes: &Tapes, query: &str, call| {
            let given = Given::parse(query);
            tapes.asked(&given, call).unwrap().iter().map(|tape| tape.sid.clone()).collect::<Vec<_>>()
        };
        assert_eq!(asked(&tapes, "", None), ["RE3", "RE2", "RE1", "RE0"]);
        assert_eq!(asked(&tapes, "CallSid=CA1", None), ["RE3", "RE1"]);
        assert_eq!(asked(&tapes, "DateCreated=2018-03-26", Some("CA1")), ["RE1"]);
        tapes.delete("RE1", 5);
        assert_eq!(asked(&tapes, "CallSid=CA1", None), ["RE3"]);
        assert_eq!(asked(&tapes, "CallSid=CA1&IncludeSoftDeleted=true", None), ["RE3", "RE1"]);
        assert_eq!(tapes.get("RE1").unwrap().wav("/x").unwrap_err().code, 20_404);
    }

    #[test]
    fn the_oldest_make_room() {
        let mut tapes = Tapes::default();
        (0..1_002).for_each(|n| tapes.put(tape(n, Vec::new())));
        assert!(tapes.get("RE1").is_none() && tapes.get("RE2").is_some());
    }
}
