//! The messages that Twilio sends over the socket, exactly as it writes them: counters are JSON strings.

use std::sync::LazyLock;

use base64::Engine as _;
use base64::engine::{GeneralPurposeConfig, Simd};
use serde::Serialize;

use super::ids::Sids;

/// Standard, padded base64, with the instructions that this processor has for it: most of what is said is that.
pub(super) static BASE64: LazyLock<Simd> = LazyLock::new(|| Simd::standard(GeneralPurposeConfig::new()));

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Start<'a> {
    event: &'static str,
    sequence_number: String,
    start: StartBody<'a>,
    stream_sid: &'a str,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct StartBody<'a> {
    account_sid: &'a str,
    stream_sid: &'a str,
    call_sid: &'a str,
    tracks: &'a [&'static str],
    media_format: MediaFormat,
    custom_parameters: serde_json::Map<String, serde_json::Value>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct MediaFormat {
    encoding: &'static str,
    sample_rate: u32,
    channels: u32,
}

/// The first message: no stream yet, no sequence number.
#[must_use]
pub fn connected() -> String {
    r#"{"event":"connected","protocol":"Call","version":"1.0.0"}"#.to_owned()
}

/// The second message: which account, call and stream, and the `<Parameter>`s of the TwiML.
#[must_use]
pub fn start(sequence: u64, sids: &Sids, stream_sid: &str, parameters: &[(String, String)]) -> String {
    start_of(sequence, sids, stream_sid, parameters, &["inbound"])
}

/// The same, for a stream of these tracks.
#[must_use]
pub fn start_of(
    sequence: u64,
    sids: &Sids,
    stream_sid: &str,
    parameters: &[(String, String)],
    tracks: &[&'static str],
) -> String {
    let custom_parameters = parameters.iter().map(|(name, value)| (name.clone(), value.clone().into())).collect();
    to_json(&Start {
        event: "start",
        sequence_number: sequence.to_string(),
        start: StartBody {
            account_sid: &sids.account,
            stream_sid,
            call_sid: &sids.call,
            tracks,
            media_format: MediaFormat { encoding: "audio/x-mulaw", sample_rate: 8_000, channels: 1 },
            custom_parameters,
        },
        stream_sid,
    })
}

/// 20 ms of the caller's voice. `chunk` counts from 1; `timestamp_ms` is since the stream started.
#[must_use]
pub fn media(sequence: u64, chunk: u64, timestamp_ms: u64, mulaw: &[u8], stream_sid: &str) -> String {
    media_of("inbound", sequence, chunk, timestamp_ms, mulaw, stream_sid)
}

/// The same, of either track; each counts its own chunks.
#[must_use]
pub fn media_of(track: &str, sequence: u64, chunk: u64, timestamp_ms: u64, mulaw: &[u8], stream_sid: &str) -> String {
    // Fifty a second of every call: in one piece of memory, without the machinery of formatting.
    let mut text = String::with_capacity(AROUND_PAYLOAD + stream_sid.len() + mulaw.len() * 4 / 3);
    text.push_str(r#"{"event":"media","sequenceNumber":""#);
    push_number(&mut text, sequence);
    text.push_str(r#"","media":{"track":""#);
    text.push_str(track);
    text.push_str(r#"","chunk":""#);
    push_number(&mut text, chunk);
    text.push_str(r#"","timestamp":""#);
    push_number(&mut text, timestamp_ms);
    text.push_str(r#"","payload":""#);
    BASE64.encode_string(mulaw, &mut text);
    text.push_str(r#""},"streamSid":""#);
    text.push_str(stream_sid);
    text.push_str(r#""}"#);
    text
}

/// At most, of a media message without its sid.
const AROUND_PAYLOAD: usize = 200;

fn push_number(text: &mut String, number: u64) {
    const DIGITS: usize = 20;
    let (mut digits, mut first, mut rest) = ([b'0'; DIGITS], DIGITS, number);
    while rest > 0 || first == DIGITS {
        first -= 1;
        digits[first] += u8::try_from(rest % 10).unwrap_or_default();
        rest /= 10;
    }
    text.extend(digits[first..].iter().map(|&digit| char::from(digit)));
}

/// A key that the caller pressed.
#[must_use]
pub fn dtmf(sequence: u64, digit: char, stream_sid: &str) -> String {
    format!(
        r#"{{"event":"dtmf","streamSid":"{stream_sid}","sequenceNumber":"{sequence}","dtmf":{{"track":"inbound_track","digit":"{digit}"}}}}"#
    )
}

/// A mark of the server's that was played, or cleared: the two look the same.
#[must_use]
pub fn mark(sequence: u64, name: &str, stream_sid: &str) -> String {
    // The name is the server's text, so it needs JSON's escapes.
    let name = serde_json::Value::from(name);
    format!(r#"{{"event":"mark","sequenceNumber":"{sequence}","streamSid":"{stream_sid}","mark":{{"name":{name}}}}}"#)
}

/// The last message.
#[must_use]
pub fn stop(sequence: u64, sids: &Sids, stream_sid: &str) -> String {
    format!(
        r#"{{"event":"stop","sequenceNumber":"{sequence}","stop":{{"accountSid":"{}","callSid":"{}"}},"streamSid":"{stream_sid}"}}"#,
        sids.account, sids.call
    )
}

/// Maps of strings always serialise.
fn to_json(value: &impl Serialize) -> String {
    serde_json::to_string(value).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn sids() -> Sids {
        Sids { account: "AC1".into(), call: "CA1".into() }
    }

    fn value(text: &str) -> Value {
        serde_json::from_str(text).unwrap()
    }

    #[test]
    fn start_names_everything_and_counts_in_strings() {
        let text = start(1, &sids(), "MZ1", &[("tok\"en".into(), "ä".into())]);
        assert_eq!(
            value(&text),
            json!({"event": "start", "sequenceNumber": "1", "streamSid": "MZ1", "start": {
                "accountSid": "AC1", "streamSid": "MZ1", "callSid": "CA1", "tracks": ["inbound"],
                "mediaFormat": {"encoding": "audio/x-mulaw", "sampleRate": 8000, "channels": 1},
                "customParameters": {"tok\"en": "ä"}}})
        );
    }

    #[test]
    fn numbers_are_written_whole() {
        for number in [0, 7, 10, 99, 100, 65_536, u64::MAX] {
            let mut text = String::new();
            push_number(&mut text, number);
            assert_eq!(text, number.to_string());
        }
    }

    #[test]
    fn the_small_messages_are_exact() {
        assert_eq!(
            value(&media(4, 2, 20, &[0, 255], "MZ1")),
            json!({"event": "media", "sequenceNumber": "4", "streamSid": "MZ1",
                "media": {"track": "inbound", "chunk": "2", "timestamp": "20", "payload": "AP8="}})
        );
        assert_eq!(
            value(&dtmf(5, '#', "MZ1")),
            json!({"event": "dtmf", "sequenceNumber": "5", "streamSid": "MZ1",
                "dtmf": {"track": "inbound_track", "digit": "#"}})
        );
        assert_eq!(
            value(&mark(6, "a \"b\"\n", "MZ1")),
            json!({"event": "mark", "sequenceNumber": "6", "streamSid": "MZ1", "mark": {"name": "a \"b\"\n"}})
        );
        assert_eq!(
            value(&stop(7, &sids(), "MZ1")),
            json!({"event": "stop", "sequenceNumber": "7", "streamSid": "MZ1",
                "stop": {"accountSid": "AC1", "callSid": "CA1"}})
        );
        assert_eq!(value(&connected()), json!({"event": "connected", "protocol": "Call", "version": "1.0.0"}));
    }
}
