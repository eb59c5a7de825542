//! What one call by the doctor's script showed.

use super::finding::Finding;
use crate::call::event::What;
use crate::call::model::Call;
use crate::report::figures::Spread;
use crate::time::Micros;
use crate::twilio::payload::Foreign;
use crate::twilio::warning::Warning;

/// The script of that call.
pub const SCRIPT: &str = include_str!("call.toml");

const FIRST: &str = "first audio";
const MESSAGES: &str = "messages";
const FORMAT: &str = "sound format";
const SIZE: &str = "message size";
const GAPS: &str = "gaps in speech";
const MARKS: &str = "marks";
const STOPS: &str = "stops when interrupted";
const LATE: &str = "sound after clear";
const KEYS: &str = "keys";
const CALLBACK: &str = "status callback";
const OWN: &str = "own lateness";
const REST: &str = "rest of the call";

/// The caller wonders whether anybody is there.
const FIRST_SLOW: Micros = Micros::from_ms(1_000);
/// An interruption that takes longer is felt as rude.
const STOP_SLOW: Micros = Micros::from_ms(400);
/// One that takes longer is none.
const STOP_TOO_SLOW: Micros = Micros::from_ms(1_000);

/// Frames of our own that are later spoil what is measured.
const OWN_LATE: Micros = Micros::from_ms(5);

/// All that can be said about the call.
#[must_use]
pub fn judge(call: &Call) -> Vec<Finding> {
    if call.measures.start.is_none() {
        let why = call.ended.as_deref().unwrap_or("it did not end");
        return vec![Finding::skip(FIRST, format!("the call had no stream ({why})"))];
    }
    let mut found = vec![first_audio(call)];
    found.extend(messages(call));
    found.extend(sound(call));
    found.extend([marks(call), interruption(call), late(call), keys(call), callback(call), own(call)]);
    found.extend(rest(call));
    found
}

/// Whether the times above are the server's.
fn own(call: &Call) -> Finding {
    let late = Spread::of(call.measures.lateness.clone());
    let seen = format!("this program's frames were late by {} (p99)", late.p99_ms);
    if late.p99_ms <= OWN_LATE {
        return Finding::pass(OWN, seen);
    }
    let cause = "this machine was too busy to measure: times above are partly its own";
    Finding::warn(OWN, seen, cause, "run it again when the machine is idle, or from another one")
}

fn first_audio(call: &Call) -> Finding {
    let cure = "have the greeting ready before the call comes; send it as soon as start has come";
    match call.measures.first_audio {
        Some(after) if after <= FIRST_SLOW => Finding::pass(FIRST, format!("{after} after start")),
        Some(after) => Finding::warn(FIRST, format!("{after} after start"), "the caller hears silence meanwhile", cure),
        None => {
            let cause = "nothing was sent in the whole call, though the caller spoke and pressed a key";
            Finding::warn(FIRST, "none", cause, cure)
        }
    }
}

fn messages(call: &Call) -> Vec<Finding> {
    let measures = &call.measures;
    if measures.refusals.is_empty() {
        let seen = format!("{} media, all exact", measures.media_received);
        return vec![Finding::pass(MESSAGES, seen)];
    }
    let finding = |refusal: &crate::twilio::stream::Refusal| {
        let cause = "Twilio drops the message; the debugger shows only the first of each code";
        let cure = match refusal.kind {
            "binary" => "send JSON as text frames; the sound goes in as base64",
            "wrong streamSid" => "use the streamSid of this stream's start, not one of another call or the callSid",
            "extra field" => "send exactly {\"event\",\"streamSid\",\"media\":{\"payload\"}}: nothing else",
            "payload not base64" => "standard base64 with padding, not the URL alphabet",
            "missing field" => "media needs media.payload, mark needs mark.name, all need streamSid, all as strings",
            _ => "a server may send media, mark and clear, each as one JSON object",
        };
        let seen = format!("{}: {}", refusal.kind, refusal.warning.text);
        Finding::fail(MESSAGES, seen, cause, cure).with_code(refusal.warning.code)
    };
    measures.refusals.iter().map(finding).collect()
}

fn sound(call: &Call) -> Vec<Finding> {
    let payloads = &call.measures.payloads;
    if payloads.bytes() == 0 {
        return vec![Finding::skip(FORMAT, "no sound came")];
    }
    let cause = "Twilio plays whatever bytes it gets as µ-law, and does not notice";
    let cure = match payloads.foreign() {
        None => "",
        Some(Foreign::Wav) => "leave out the file's first 44 bytes, and look whether the rest is µ-law at 8000 Hz",
        Some(Foreign::Linear16) => {
            "resample to 8000 Hz mono and encode G.711 µ-law, one byte per sample; silence is 0xFF"
        }
        Some(_) => "decode the file and send raw µ-law, 8000 Hz, mono",
    };
    let format = match payloads.foreign() {
        None => Finding::pass(FORMAT, format!("{} bytes, as µ-law looks", payloads.bytes())),
        Some(foreign) => Finding::fail(FORMAT, foreign.to_string(), cause, cure),
    };
    let (messages, tiny) = payloads.tiny();
    let size = if tiny * 4 > messages {
        let cause = "each costs as much as a frame of 20 ms, on both sides, and the sound gets choppy";
        Finding::warn(SIZE, format!("{tiny} of {messages} have less than 10 ms"), cause, "send 20 to 200 ms at a time")
    } else {
        Finding::pass(SIZE, format!("{} bytes on average", payloads.bytes() / messages.max(1)))
    };
    vec![format, size, gaps(call)]
}

fn gaps(call: &Call) -> Finding {
    let (count, longest) = (call.measures.gaps, call.measures.longest_gap);
    if count == 0 {
        return Finding::pass(GAPS, "none");
    }
    let cause = "Twilio's buffer ran dry in the middle of what the bot said: the caller hears it stutter";
    let seen = format!("{count}, the longest {longest}");
    Finding::warn(GAPS, seen, cause, "keep 200 to 400 ms ahead of the ear; send sound as soon as it is made")
}

fn marks(call: &Call) -> Finding {
    let (played, cleared) = (call.measures.marks_played, call.measures.marks_cleared);
    if played + cleared == 0 && call.measures.media_received > 0 {
        let cause = "without marks a server does not know what the caller has heard, nor when its bot has finished";
        return Finding::warn(MARKS, "none", cause, "send a mark behind each utterance");
    }
    Finding::pass(MARKS, format!("{played} played, {cleared} returned by a clear"))
}

fn interruption(call: &Call) -> Finding {
    let Some(barge) = call.measures.barges.iter().find(|barge| barge.meant) else {
        return Finding::skip(STOPS, "the bot did not speak long enough to be interrupted");
    };
    let cure = "send clear as soon as the caller is heard while sound is still playing, also when all of it is sent";
    match barge.clear_after {
        Some(after) if after <= STOP_SLOW => Finding::pass(STOPS, format!("clear {after} after the caller's onset")),
        Some(after) if after <= STOP_TOO_SLOW => {
            Finding::warn(STOPS, format!("clear {after} after the caller's onset"), "callers feel talked over", cure)
        }
        Some(after) => {
            Finding::fail(STOPS, format!("clear only {after} after the onset"), "callers are talked over", cure)
        }
        None if was_silent_at(call, barge.onset + STOP_SLOW) => {
            Finding::skip(STOPS, "the bot had nothing more to say when the caller spoke")
        }
        None => {
            let cause = "the caller goes on hearing what is already buffered at Twilio: minutes, if so much was sent";
            Finding::fail(STOPS, "no clear though the caller spoke against the bot", cause, cure)
        }
    }
}

/// Whether the bot was inaudible then.
fn was_silent_at(call: &Call, at: Micros) -> bool {
    let before = call.events.iter().filter(|event| event.at <= at);
    let last =
        before.filter(|event| matches!(event.what, What::BotSpeaks | What::BotStops)).max_by_key(|event| event.at);
    last.is_none_or(|event| event.what == What::BotStops)
}

fn late(call: &Call) -> Finding {
    let (messages, after) = call.measures.late_audio;
    if messages > 0 {
        let seen = format!("{messages} media messages while the caller still spoke, the last {after} after clear");
        let cause = "what was on its way when clear was sent plays as a blip over the caller";
        let cure = "empty your own queues and resampler first, then send clear, then drop what belongs to before";
        return Finding::warn(LATE, seen, cause, cure);
    }
    match call.measures.clears {
        0 => Finding::skip(LATE, "no clear came"),
        _ => Finding::pass(LATE, "none"),
    }
}

fn keys(call: &Call) -> Finding {
    let Some(pressed) = call.events.iter().find(|e| matches!(e.what, What::Digit { heard: true, .. })) else {
        return Finding::skip(KEYS, "no key was pressed on the stream");
    };
    let after = |what: fn(&What) -> bool| call.events.iter().any(|e| e.at >= pressed.at && what(&e.what));
    let broken = |what: &What| matches!(what, What::Warning(Warning { code, .. }) if code.number() == 31_921);
    if after(broken) {
        let cure = "a dtmf message has dtmf.track and dtmf.digit; ignore what you do not know";
        return Finding::fail(KEYS, "the socket broke when a key was pressed", "callers press keys", cure);
    }
    let reacted = |what: &What| match what {
        What::Clear { .. } | What::BotSpeaks => true,
        What::StreamEnded { why, .. } => why != "stop sent",
        _ => false,
    };
    Finding::pass(KEYS, if after(reacted) { "the server reacted to 1" } else { "1 was taken; nothing followed" })
}

fn callback(call: &Call) -> Finding {
    if call.plan().course.reports.is_none() {
        return Finding::skip(CALLBACK, "give its URL with --status-callback");
    }
    let bad = call.events.iter().find_map(|event| match &event.what {
        What::Warning(warning) if warning.text.starts_with(CALLBACK) => Some(warning),
        _ => None,
    });
    match bad {
        None => Finding::pass(CALLBACK, "answered"),
        Some(warning) => {
            let cause = "Twilio sends it once more at best; a server that misses it believes the call goes on";
            Finding::fail(CALLBACK, warning.text.clone(), cause, "answer 204").with_code(warning.code)
        }
    }
}

/// What else the debugger would show, such as a webhook behind the stream that fails.
fn rest(call: &Call) -> Vec<Finding> {
    let start = call.measures.start.unwrap_or_default();
    let mut found = Vec::new();
    for event in call.events.iter().filter(|event| event.at >= start) {
        let What::Warning(warning) = &event.what else { continue };
        let told = matches!(warning.code.number(), 0 | 31_950 | 31_951) || warning.text.starts_with(CALLBACK);
        if !told {
            let cause = "Twilio's debugger shows it during an ordinary call";
            let finding = if warning.code.is_error() { Finding::fail } else { Finding::warn };
            let cure = "see Twilio's page on this code";
            found.push(finding(REST, warning.text.clone(), cause, cure).with_code(warning.code));
        }
    }
    found
}
