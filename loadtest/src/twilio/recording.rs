//! Recordings: what was said and heard between two moments, and what is told about them.

use crate::audio::level::{dbfs, rms};
use crate::audio::{FRAME_SAMPLES, mulaw};
use crate::time::Micros;
use crate::twilio::executor::Callback;

/// The longest recording that is kept: one hour a track. What comes after counts, but is not kept.
const MAX_SAMPLES: usize = 3_600 * 8_000;
/// A frame that is louder is no silence.
pub const SPEECH_DBFS: f64 = -45.0;

/// What started a recording, as `RecordingSource` names it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Source {
    /// `<Record>`.
    RecordVerb,
    /// `<Dial record>`.
    DialVerb,
    /// `<Start><Recording>`, and the REST API.
    StartCallRecordingApi,
    /// `Record=true` when the call was created.
    OutboundApi,
}

impl Source {
    /// Twilio's word.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::RecordVerb => "RecordVerb",
            Self::DialVerb => "DialVerb",
            Self::StartCallRecordingApi => "StartCallRecordingAPI",
            Self::OutboundApi => "OutboundAPI",
        }
    }
}

/// Which direction is recorded, seen from Twilio.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Track {
    /// What the caller says.
    Inbound,
    /// What the caller hears.
    Outbound,
    /// Both.
    Both,
}

impl Track {
    /// Twilio's word, or `both` for anything else.
    #[must_use]
    pub fn read(word: Option<&str>) -> Self {
        match word {
            Some("inbound") => Self::Inbound,
            Some("outbound") => Self::Outbound,
            _ => Self::Both,
        }
    }

    /// Twilio's word.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Inbound => "inbound",
            Self::Outbound => "outbound",
            Self::Both => "both",
        }
    }

    const fn has(self, inbound: bool) -> bool {
        matches!((self, inbound), (Self::Both, _) | (Self::Inbound, true) | (Self::Outbound, false))
    }
}

/// A finished recording.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Recording {
    /// `RE…`
    pub sid: String,
    /// Where it is fetched, without `.wav`.
    pub url: String,
    /// What started it.
    pub source: Source,
    /// What is in it.
    pub track: Track,
    /// When it began, on the call's time axis.
    pub began: Micros,
    /// How long it is, after trimming.
    pub length: Micros,
    /// One track for mono, two (inbound, outbound) for dual; µ-law at 8,000 Hz, of equal length.
    pub channels: Vec<Vec<u8>>,
}

impl Recording {
    /// `RecordingDuration`: whole seconds, begun ones included.
    #[must_use]
    pub const fn seconds(&self) -> u64 {
        self.length.0.div_ceil(1_000_000)
    }
}

/// How a recording is to be made, and who is told about it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Plan {
    /// `RE…`
    pub sid: String,
    /// What starts it.
    pub source: Source,
    /// What is recorded.
    pub track: Track,
    /// Two channels rather than one.
    pub dual: bool,
    /// Whether silence at both ends is cut away.
    pub trim: bool,
    /// Who is told.
    pub callback: Option<Callback>,
    /// Of what: `in-progress`, `completed`, `absent`.
    pub events: Vec<String>,
}

/// A recording under way.
#[derive(Debug)]
pub struct Recorder {
    /// How it is made.
    pub plan: Plan,
    /// When it began.
    pub began: Micros,
    /// Where its sound begins: later than it began by the pauses that were skipped.
    origin: Micros,
    /// Since when it pauses, and whether the pause will be skipped rather than be silence.
    paused: Option<(Micros, bool)>,
    inbound: Vec<u8>,
    outbound: Vec<u8>,
}

impl Recorder {
    /// Begins at `began`.
    #[must_use]
    pub const fn new(plan: Plan, began: Micros) -> Self {
        Self { plan, began, origin: began, paused: None, inbound: Vec::new(), outbound: Vec::new() }
    }

    /// The caller said this.
    pub fn said(&mut self, at: Micros, mulaw: &[u8]) {
        if self.plan.track.has(true) && self.paused.is_none() {
            place(self.origin, &mut self.inbound, at, mulaw);
        }
    }

    /// The caller heard this.
    pub fn heard(&mut self, at: Micros, mulaw: &[u8]) {
        if self.plan.track.has(false) && self.paused.is_none() {
            place(self.origin, &mut self.outbound, at, mulaw);
        }
    }

    /// Nothing is recorded from `now` on. The pause becomes silence, or with `skip` is left out.
    pub const fn pause(&mut self, now: Micros, skip: bool) {
        if self.paused.is_none() {
            self.paused = Some((now, skip));
        }
    }

    /// The pause is over.
    pub fn resume(&mut self, now: Micros) {
        if let Some((since, true)) = self.paused.take() {
            self.origin += now.since(since);
        }
    }

    /// The recording, to be fetched at `url`; `None` when it was to be trimmed and holds nothing but silence.
    #[must_use]
    pub fn finish(&mut self, now: Micros, url: String) -> Option<Recording> {
        self.resume(now);
        let whole = now.since(self.origin);
        let kept = usize::try_from(whole.samples()).unwrap_or(usize::MAX).min(MAX_SAMPLES);
        let (mut inbound, mut outbound) = (std::mem::take(&mut self.inbound), std::mem::take(&mut self.outbound));
        inbound.resize(kept, mulaw::SILENCE);
        outbound.resize(kept, mulaw::SILENCE);
        let mixed: Vec<u8> = inbound.iter().zip(&outbound).map(|(&a, &b)| mix(a, b)).collect();
        let Plan { sid, source, track, dual, trim, .. } = &self.plan;
        let range = if *trim { loud_part(&mixed)? } else { 0..kept };
        let length = if *trim { Micros::from_samples(range.len() as u64) } else { whole };
        let channels = if *dual {
            vec![inbound[range.clone()].to_vec(), outbound[range].to_vec()]
        } else {
            vec![mixed[range].to_vec()]
        };
        let (sid, source, track, began) = (sid.clone(), *source, *track, self.began);
        Some(Recording { sid, url, source, track, began, length, channels })
    }
}

/// Whether a stretch of sound is more than the noise of a line.
#[must_use]
pub fn is_loud(mulaw: &[u8]) -> bool {
    let linear: Vec<i16> = mulaw.iter().map(|&byte| mulaw::decode(byte)).collect();
    dbfs(rms(&linear)) > SPEECH_DBFS
}

fn mix(a: u8, b: u8) -> u8 {
    mulaw::encode(mulaw::decode(a).saturating_add(mulaw::decode(b)))
}

/// From the first loud frame to the last.
fn loud_part(mixed: &[u8]) -> Option<std::ops::Range<usize>> {
    let first = mixed.chunks(FRAME_SAMPLES).position(is_loud)?;
    let last = mixed.chunks(FRAME_SAMPLES).collect::<Vec<_>>().iter().rposition(|frame| is_loud(frame))?;
    Some(first * FRAME_SAMPLES..((last + 1) * FRAME_SAMPLES).min(mixed.len()))
}

fn place(began: Micros, track: &mut Vec<u8>, at: Micros, mulaw: &[u8]) {
    // What was spoken before the beginning is left out, sample by sample.
    let early = usize::try_from(began.since(at).samples()).unwrap_or(usize::MAX).min(mulaw.len());
    let rest = &mulaw[early..];
    let begins = usize::try_from(at.since(began).samples()).unwrap_or(usize::MAX);
    let ends = begins.saturating_add(rest.len());
    if ends > MAX_SAMPLES {
        return;
    }
    if track.len() < ends {
        track.resize(ends, mulaw::SILENCE);
    }
    track[begins..ends].copy_from_slice(rest);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn recorder(track: Track, dual: bool, trim: bool) -> Recorder {
        let (sid, source, callback, events) = ("RE1".into(), Source::RecordVerb, None, Vec::new());
        Recorder::new(Plan { sid, source, track, dual, trim, callback, events }, Micros::from_ms(100))
    }

    const LOUD: u8 = 0x20;

    #[test]
    fn both_directions_land_on_their_samples_in_one_channel_or_two() {
        let mut dual = recorder(Track::Both, true, false);
        dual.said(Micros::from_ms(90), &[LOUD; 160]);
        dual.heard(Micros::from_ms(105), &[LOUD; 8]);
        let recording = dual.finish(Micros::from_ms(120), "u".into()).unwrap();
        assert_eq!(recording.channels[0], [[LOUD; 80], [mulaw::SILENCE; 80]].concat());
        assert_eq!(recording.channels[1][40..48], [LOUD; 8]);
        assert_eq!((recording.length, recording.seconds()), (Micros::from_ms(20), 1));
        let mut mono = recorder(Track::Inbound, false, false);
        mono.said(Micros::from_ms(100), &[LOUD; 8]);
        mono.heard(Micros::from_ms(101), &[LOUD; 8]);
        let recording = mono.finish(Micros::from_ms(102), "u".into()).unwrap();
        assert_eq!(recording.channels, [[[LOUD; 8], [mulaw::SILENCE; 8]].concat()]);
    }

    #[test]
    fn a_pause_is_silence_or_is_left_out() {
        for (skip, length) in [(false, 30), (true, 20)] {
            let mut taped = recorder(Track::Inbound, false, false);
            taped.said(Micros::from_ms(100), &[LOUD; 80]);
            taped.pause(Micros::from_ms(110), skip);
            taped.said(Micros::from_ms(110), &[LOUD; 80]);
            taped.resume(Micros::from_ms(120));
            taped.said(Micros::from_ms(120), &[LOUD; 80]);
            let recording = taped.finish(Micros::from_ms(130), "u".into()).unwrap();
            let silence = vec![mulaw::SILENCE; if skip { 0 } else { 80 }];
            assert_eq!(recording.channels, [[&[LOUD; 80][..], &silence, &[LOUD; 80]].concat()]);
            assert_eq!(recording.length, Micros::from_ms(length));
        }
    }

    #[test]
    fn silence_at_both_ends_is_trimmed_and_nothing_but_silence_is_no_recording() {
        let mut trimmed = recorder(Track::Inbound, false, true);
        trimmed.said(Micros::from_ms(1_100), &[LOUD; 8_000]);
        let recording = trimmed.finish(Micros::from_ms(9_000), "u".into()).unwrap();
        assert_eq!((recording.length, recording.channels[0].len()), (Micros::from_ms(1_000), 8_000));
        let mut silent = recorder(Track::Inbound, false, true);
        silent.said(Micros::from_ms(1_100), &[0xFE; 8_000]);
        assert_eq!(silent.finish(Micros::from_ms(9_000), "u".into()), None);
    }
}
